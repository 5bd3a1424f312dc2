// Configuring and opening a long-poll listener. [main]
#include "plugins/transports/longpoll/listener.hpp"

#include <algorithm>

#include "plugins/support/first_bytes.hpp"
#include "plugins/transports/longpoll/connection.hpp"

namespace nexus::longpoll {

namespace {

constexpr const char* kNoSerializer =
    "no serializer with a WAMP subprotocol is loaded; load json, msgpack or cbor";

bool usable(const support::SerializerEntry& entry) { return !entry.subprotocol.empty(); }

}  // namespace

Listener::Listener(const support::Services& services_in)
    : StreamListener(services_in),
      hub(std::make_shared<Hub>(services_in, static_cast<const nx_host_loop_v1*>(nx_host_service(
                                                 services_in.host, NX_HOST_LOOP)))) {}

Listener::~Listener() { hub->clear(); }

nx_status Listener::configure(const nx_value* section_value, nx_error* error) {
  const support::Section section(services, section_value);
  hub->config.read(section);
  options.read(section, services, takes());
  options.progress_timeout_ms = hub->config.request_timeout_ms;
  check_serializers(section, &usable, kNoSerializer);
  return section.verdict(error);
}

std::string Listener::takes() const { return "long-poll at " + hub->config.path + "/"; }

nx_status Listener::listen(nx_error* error) {
  if (const nx_status status = prepare(error); status != NX_OK) return status;
  if (std::none_of(serializers.begin(), serializers.end(), usable)) {
    return support::fail(error, NX_E_CONFIG, kNoSerializer);
  }
  hub->serializers = serializers;
  hub->max_message_size = max_message_size;
  hub->close_timeout_ms = options.close_timeout_ms;
  hub->prepare();
  const nx_status status = open(Connection::kHandler, "http/1.1", takes(), error);
  if (status == NX_OK) {
    make_urls("http", "https", hub->config.path.empty() ? "/" : hub->config.path);
  }
  return status;
}

uint32_t Listener::recognize(const uint8_t* data, uint64_t size) const {
  const support::RequestStart start = support::look_at_request(data, size);
  if (start.answer != NX_RECOGNIZE_FITS) return start.answer;
  const std::string& base = hub->config.path;
  const bool below = start.path.substr(0, base.size()) == base && start.path.size() > base.size() &&
                     start.path[base.size()] == '/';
  const bool method = start.method == "POST" || start.method == "OPTIONS";
  return below && method ? NX_RECOGNIZE_EXACT : NX_RECOGNIZE_WRONG;
}

}  // namespace nexus::longpoll
