// nexus.streams/1: listening sockets and streams for transports. [main], [loop] as nx_transport.h
// says.
//
// A thin layer: it checks what a component hands over, and turns the ABI's structs into the
// loop's. Once a stream exists its functions go straight to Stream.
#include <algorithm>
#include <cstring>

#include "kernel/loop/listen_claims.hpp"
#include "kernel/loop/listener.hpp"
#include "kernel/loop/stream.hpp"
#include "kernel/plugin/given_text.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/options.hpp"
#include "kernel/plugin/services.hpp"

namespace nexus {
namespace {

std::string text(nx_str view) { return std::string(to_view(view)); }

// What an older component does not know of is zero, and zero is the default.
nx_listen_options whole(const nx_listen_options& given) {
  nx_listen_options known{};
  std::memcpy(&known, &given, std::min<size_t>(given.struct_size, sizeof known));
  return known;
}

// The first option whose text is none, or null.
const char* text_that_is_none(const nx_listen_options& from) {
  const std::pair<const char*, nx_str> texts[] = {
      {"address", from.address},
      {"unix_owner", from.unix_owner},
      {"unix_group", from.unix_group},
      {"tls_certificate", from.tls_certificate},
      {"tls_key", from.tls_key},
      {"tls_client_ca", from.tls_client_ca},
      {"tls_ciphers", from.tls_ciphers},
      {"tls_alpn", from.tls_alpn},
      {"tls_sni_directory", from.tls_sni_directory},
      {"trusted_proxies", from.trusted_proxies},
      {"shares_as", from.shares_as},
      {"tls_crl", from.tls_crl},
  };
  for (const auto& [name, value] : texts) {
    if (text_mistake(value) != nullptr) return name;
  }
  return nullptr;
}

ListenOptions to_options(const nx_listen_options& from) {
  ListenOptions options;
  options.address = text(from.address);
  options.socket.backlog = static_cast<int>(std::min<uint32_t>(from.backlog, 65535));
  options.socket.keepalive_s = from.keepalive_s;
  options.socket.unix_mode = from.unix_mode;
  options.socket.unix_owner = text(from.unix_owner);
  options.socket.unix_group = text(from.unix_group);
  options.max_connections = from.max_connections;
  options.close_timeout_ms = from.close_timeout_ms;
  options.handshake_timeout_ms = from.tls_handshake_timeout_ms;
  options.tls.certificate = text(from.tls_certificate);
  options.tls.key = text(from.tls_key);
  options.tls.client_ca = text(from.tls_client_ca);
  options.tls.client_required = from.tls_client_required != 0;
  options.tls.min_version = from.tls_min_version;
  options.tls.ciphers = text(from.tls_ciphers);
  options.tls.alpn = text(from.tls_alpn);
  options.tls.session_timeout_s = from.tls_session_timeout_s;
  options.tls.sni_directory = text(from.tls_sni_directory);
  options.max_accept_rate = from.max_accept_rate;
  options.max_per_address = from.max_connections_per_address;
  options.trusted_proxies = text(from.trusted_proxies);
  options.proxy_protocol = from.proxy_protocol != 0;
  options.tls.client_any = from.tls_client_any != 0;
  options.shares_as = text(from.shares_as);
  options.max_unrecognized = from.max_unrecognized;
  options.recognize_timeout_ms = from.recognize_timeout_ms;
  options.user_timeout_ms = from.user_timeout_ms;
  options.tls.crl = text(from.tls_crl);
  return options;
}

bool complete(const nx_stream_handler* handler) {
  return NX_HAS(handler, closed) && handler->accepted != nullptr && handler->received != nullptr &&
         handler->drained != nullptr && handler->deadline != nullptr && handler->closed != nullptr;
}

nx_status listen(nx_host* host, const nx_listen_options* options, const nx_stream_handler* handler,
                 void* user, nx_listener** out, nx_error* error) {
  Host::of(host).listens.store(true, std::memory_order_relaxed);
  Host::of(host).serves.store(true, std::memory_order_relaxed);
  try {
    const Host& self = Host::of(host);
    if (self.context.loops == nullptr) {
      return fill(error, Status::error(NX_E_STATE, "listen: the router has no event loops yet"));
    }
    if (out == nullptr || options == nullptr || !complete(handler)) {
      return fill(error, Status::error(NX_E_INVALID,
                                       "listen: options, a handler with every function and a "
                                       "place for the listener are needed"));
    }
    const nx_listen_options wanted = whole(*options);
    if (const char* name = text_that_is_none(wanted)) {
      return fill(
          error, Status::error(NX_E_INVALID, std::string("listen: ") + name + " is no UTF-8 text"));
    }
    auto listener = Listener::open(*self.context.loops, to_options(wanted), handler, user,
                                   self.context.log, self.name);
    if (!listener) return fill(error, listener.status());
    *out = std::move(listener).value().release();
    return NX_OK;
  } catch (const std::exception& e) {
    return fill(error, Status::error(NX_E_MEMORY, std::string("listen: ") + e.what()));
  }
}

nx_status address(nx_listener* listener, uint32_t index, nx_str* out) {
  const auto& addresses = Listener::of(listener).addresses();
  if (index >= addresses.size()) return NX_E_INVALID;
  *out = to_nx(addresses[index]);
  return NX_OK;
}

void close_listener(nx_listener* listener) {
  if (listener != nullptr) delete &Listener::of(listener);
}

uint8_t* reserve(nx_stream* stream, uint64_t size) { return Stream::of(stream).reserve(size); }

void commit(nx_stream* stream, uint64_t used) { Stream::of(stream).commit(used); }

nx_status write(nx_stream* stream, const nx_bytes* parts, uint32_t part_count, nx_buffer* owner) {
  return Stream::of(stream).write(parts, part_count, owner);
}

uint64_t queued(nx_stream* stream) { return Stream::of(stream).queued(); }

void set_reading(nx_stream* stream, uint32_t on) { Stream::of(stream).set_reading(on != 0); }

void set_deadline(nx_stream* stream, uint64_t delay_ms) {
  Stream::of(stream).set_deadline(delay_ms);
}

void close(nx_stream* stream, uint32_t how, uint32_t reason, nx_str why) {
  if (why.data == nullptr) why.size = 0;  // for the log only, which escapes what is no text
  Stream::of(stream).close(how, reason, to_view(why));
}

nx_status at_flush(nx_stream* stream) { return Stream::of(stream).at_flush(); }
int64_t flush(nx_stream* stream) { return Stream::of(stream).flush_now(); }

void check(nx_host* host, const nx_listen_options* options,
           void (*mistake)(void* user, nx_str option, nx_str text), void* user) {
  if (options == nullptr || mistake == nullptr) return;
  const Host& self = Host::of(host);
  try {
    const nx_listen_options given = whole(*options);
    if (const char* name = text_that_is_none(given)) {
      return log_fault(host, std::string("check(): ") + name + " is no UTF-8 text; not checked");
    }
    const ListenOptions wanted = to_options(given);
    ListenMistakes mistakes = Listener::check(wanted);
    if (self.context.claims != nullptr) {
      for (ListenMistake& one : self.context.claims->claim(self.section, wanted)) {
        mistakes.push_back(std::move(one));
      }
    }
    for (const ListenMistake& one : mistakes) {
      if (!one.is_warning) {
        mistake(user, to_nx(one.option), to_nx(one.text));
      } else if (std::vector<ConfigMistake>* const warnings = Host::of(host).warnings) {
        warnings->push_back({one.option, one.text});
      }
    }
  } catch (const std::exception& e) {
    if (self.context.log != nullptr) self.context.log->error(self.name, e.what());
  }
}

void progress(nx_stream* stream, nx_stream_progress* out) {
  if (!NX_HAS(out, struct_size)) return;
  const StreamProgress now = Stream::of(stream).progress();
  nx_stream_progress told{};
  told.struct_size = out->struct_size;
  told.received = now.received;
  told.appended = now.appended;
  told.acknowledged = now.acknowledged;
  told.room = now.room;
  std::memcpy(out, &told, std::min<size_t>(told.struct_size, sizeof told));
}

void set_min_rate(nx_stream* stream, uint64_t bytes_per_second) {
  Stream::of(stream).set_min_rate(bytes_per_second);
}

uint32_t is_trusted_proxy(nx_stream* stream, nx_str address) {
  if (text_mistake(address) != nullptr) return 0;
  return Stream::of(stream).is_trusted_proxy(to_view(address)) ? 1 : 0;
}

nx_status set_client_address(nx_stream* stream, nx_str address) {
  if (text_mistake(address) != nullptr) return NX_E_INVALID;
  try {
    return Stream::of(stream).set_client_address(to_view(address));
  } catch (const std::bad_alloc&) {
    return NX_E_MEMORY;
  }
}

nx_status reload(nx_listener* listener, nx_error* error) {
  try {
    return fill(error, Listener::of(listener).reload());
  } catch (const std::exception& e) {
    return fill(error, Status::error(NX_E_MEMORY, std::string("reload: ") + e.what()));
  }
}

}  // namespace

const nx_host_streams_v1* streams_service() {
  static const nx_host_streams_v1 table = {sizeof(nx_host_streams_v1),
                                           0,
                                           &listen,
                                           &address,
                                           &close_listener,
                                           &reserve,
                                           &commit,
                                           &write,
                                           &queued,
                                           &set_reading,
                                           &set_deadline,
                                           &close,
                                           &at_flush,
                                           &check,
                                           &flush,
                                           &is_trusted_proxy,
                                           &set_client_address,
                                           &reload,
                                           &progress,
                                           &set_min_rate};
  return &table;
}

}  // namespace nexus
