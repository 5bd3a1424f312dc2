// The common half of a listener's life. [main], but for admit() and release().
#include "plugins/support/stream_listener.hpp"

#include <algorithm>

#include "plugins/support/text.hpp"

namespace nexus::support {
namespace {

// How many connections beyond the limit are still told that there is one.
uint64_t polite_limit(uint32_t limit) { return uint64_t{limit} + limit / 8 + 16; }

}  // namespace

nx_status StreamListener::prepare(nx_error* error) {
  std::vector<SerializerEntry> loaded;
  for (uint32_t i = 0;; ++i) {
    nx_serializer_info info{};
    info.struct_size = sizeof(info);
    if (services.sessions->serializer(services.host, i, &info) != NX_OK) break;
    loaded.push_back({i, info.flags, info.rawsocket_id, std::string(to_view(info.name)),
                      std::string(to_view(info.subprotocol))});
  }
  if (const nx_status status = choose(loaded, error); status != NX_OK) return status;
  max_message_size = options.max_message_size != 0
                         ? options.max_message_size
                         : services.sessions->max_message_size(services.host);
  if (max_message_size == 0) max_message_size = uint64_t{16} << 20;
  return NX_OK;
}

void StreamListener::check_serializers(const Section& section,
                                       bool (*needed)(const SerializerEntry& entry),
                                       const char* or_else) {
  constexpr std::string_view kOption = "serializers: ";
  nx_error error{};
  error.struct_size = sizeof error;
  if (prepare(&error) != NX_OK) {
    std::string_view text = error.text;
    if (text.substr(0, kOption.size()) == kOption) text.remove_prefix(kOption.size());
    section.mistake("serializers", text);
  } else if (std::none_of(serializers.begin(), serializers.end(), needed)) {
    section.mistake("serializers", or_else);
  }
}

// Those that the option names, in its order.
nx_status StreamListener::choose(const std::vector<SerializerEntry>& loaded, nx_error* error) {
  serializers.clear();
  if (options.serializers.empty()) serializers = loaded;
  for (const std::string& name : options.serializers) {
    const auto found = std::find_if(loaded.begin(), loaded.end(),
                                    [&](const SerializerEntry& e) { return e.name == name; });
    if (found == loaded.end()) {
      std::string known;
      for (const SerializerEntry& entry : loaded) known += " " + entry.name;
      return fail(error, NX_E_CONFIG,
                  "serializers: \"" + printable(name) + "\" is not loaded; there are:" + known);
    }
    serializers.push_back(*found);
  }
  return NX_OK;
}

nx_status StreamListener::open(const nx_stream_handler& handler, std::string_view alpn,
                               std::string_view takes, nx_error* error) {
  nx_listen_options listen = options.to_abi();
  listen.tls_alpn = to_str(alpn);
  listen.shares_as = to_str(takes);
  listen.max_unrecognized = options.max_connections;
  listen.recognize_timeout_ms = options.handshake_timeout_ms;
  const nx_status status =
      services.streams->listen(services.host, &listen, &handler, this, &listener_, error);
  if (status != NX_OK) return status;
  nx_str address{};
  for (uint32_t i = 0; services.streams->address(listener_, i, &address) == NX_OK; ++i) {
    addresses_.emplace_back(to_view(address));
  }
  return NX_OK;
}

nx_status StreamListener::reload(nx_error* error) {
  return listener_ == nullptr ? NX_OK : services.streams->reload(listener_, error);
}

void StreamListener::close_listener() {
  if (listener_ == nullptr) return;
  services.streams->close_listener(listener_);
  listener_ = nullptr;
}

void StreamListener::make_urls(std::string_view scheme, std::string_view tls_scheme,
                               std::string_view path) {
  urls_.clear();
  for (const std::string& address : addresses_) {
    std::string url(options.tls() ? tls_scheme : scheme);
    if (address.rfind("unix:", 0) == 0) {
      url += "+" + address;
    } else if (options.unix_socket()) {
      url += "+unix:" + address;
    } else {
      url += "://" + address;
      url += path;
    }
    urls_.push_back(std::move(url));
  }
}

nx_status StreamListener::url(uint32_t index, nx_str* out) const {
  if (index >= urls_.size()) return NX_E_INVALID;
  *out = to_str(urls_[index]);
  return NX_OK;
}

bool StreamListener::admit(bool* over_limit) {
  // The component's own reference makes the old value the number of connections plus one.
  const uint32_t connections = references_.fetch_add(1, std::memory_order_relaxed);
  *over_limit = options.max_connections != 0 && connections > options.max_connections;
  if (!*over_limit || connections <= polite_limit(options.max_connections)) return true;
  references_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void StreamListener::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace nexus::support
