// Configuring and opening a WebSocket listener. [main]
#include "plugins/transports/websocket/listener.hpp"

#include <algorithm>

#include "plugins/support/first_bytes.hpp"
#include "plugins/transports/websocket/connection.hpp"

namespace nexus::websocket {
namespace {

constexpr const char* kNoSerializer =
    "no serializer with a WebSocket subprotocol is loaded; load json, msgpack, cbor or ubjson";

bool usable(const support::SerializerEntry& entry) { return !entry.subprotocol.empty(); }

}  // namespace

nx_status Listener::configure(const nx_value* section_value, nx_error* error) {
  const support::Section section(services, section_value);
  config.read(section);
  compression.set_limit(config.compression_memory);
  options.read(section, services, takes());
  config.check_cookie_name(section, options.tls());
  ping_interval_ms = config.ping_interval_ms;
  ping_timeout_ms = config.ping_timeout_ms;
  options.progress_timeout_ms = ping_interval_ms == 0 ? 0 : ping_timeout_ms;
  check_serializers(section, &usable, kNoSerializer);
  return section.verdict(error);
}

std::string Listener::takes() const {
  return "WebSocket at " + (config.path.empty() ? "any path" : config.path);
}

nx_status Listener::listen(nx_error* error) {
  if (const nx_status status = prepare(error); status != NX_OK) return status;
  if (std::none_of(serializers.begin(), serializers.end(), usable)) {
    return support::fail(error, NX_E_CONFIG, kNoSerializer);
  }
  const nx_status status = open(Connection::Thunks::kHandler, "http/1.1", takes(), error);
  if (status == NX_OK) make_urls("ws", "wss", config.path.empty() ? "/" : config.path);
  return status;
}

uint32_t Listener::recognize(const uint8_t* data, uint64_t size) const {
  const support::RequestStart start = support::look_at_request(data, size);
  if (start.answer != NX_RECOGNIZE_FITS) return start.answer;
  if (start.method != "GET" && start.method != "HEAD") return NX_RECOGNIZE_WRONG;
  if (config.path.empty()) return NX_RECOGNIZE_FITS;
  return start.path == config.path ? NX_RECOGNIZE_EXACT : NX_RECOGNIZE_WRONG;
}

}  // namespace nexus::websocket
