// Configuring and opening a RawSocket listener. [main]
#include "plugins/transports/rawsocket/listener.hpp"

#include <algorithm>

#include "plugins/transports/rawsocket/connection.hpp"
#include "plugins/transports/rawsocket/frame.hpp"

namespace nexus::rawsocket {

namespace {
constexpr std::string_view kTakes = "RawSocket";
constexpr const char* kNoSerializer =
    "no serializer with a RawSocket id is loaded; load json, msgpack, cbor or ubjson";

bool usable(const support::SerializerEntry& entry) { return entry.rawsocket_id != 0; }
}  // namespace

nx_status Listener::configure(const nx_value* section_value, nx_error* error) {
  const support::Section section(services, section_value);
  options.read(section, services, kTakes);
  if (options.max_message_size > kMaxLimit) {
    section.mistake("max_message_size", "RawSocket carries messages of at most 16M");
  }
  min_peer_size = static_cast<uint64_t>(section.integer("min_peer_size", kMinLimit));
  ping_interval_ms = static_cast<uint32_t>(section.integer("ping_interval"));
  ping_timeout_ms = static_cast<uint32_t>(section.integer("ping_timeout", 30000));
  options.progress_timeout_ms = ping_interval_ms == 0 ? 0 : ping_timeout_ms;
  check_serializers(section, &usable, kNoSerializer);
  return section.verdict(error);
}

nx_status Listener::listen(nx_error* error) {
  if (const nx_status status = prepare(error); status != NX_OK) return status;
  if (std::none_of(serializers.begin(), serializers.end(), usable)) {
    return support::fail(error, NX_E_CONFIG, kNoSerializer);
  }
  exponent = exponent_for(max_message_size);
  max_message_size = limit_of(exponent);
  const nx_status status = open(Connection::Thunks::kHandler, {}, kTakes, error);
  if (status == NX_OK) make_urls("rs", "rss", {});
  return status;
}

uint32_t Listener::recognize(const uint8_t* data, uint64_t size) const {
  return size != 0 && data[0] == kMagic ? NX_RECOGNIZE_EXACT : NX_RECOGNIZE_NO;
}

}  // namespace nexus::rawsocket
