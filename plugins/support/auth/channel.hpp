// Channel binding: what ties an authentication to the TLS connection that it came over, so that
// somebody in the middle cannot pass it on. [loop]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nexus/cpp/authenticator.hpp"

namespace nexus::auth {

// The octets of a binding type ("tls-exporter", RFC 9266; "tls-unique", RFC 5929); empty when this
// connection has none of it.
inline std::string channel_data(const sdk::Hello& hello, std::string_view type) {
  if (type != "tls-exporter" && type != "tls-unique") return {};
  return std::string(sdk::text_of(hello.peer_details["channel_id"][type].as_binary()));
}

// authextra.channel_binding. Empty: none is asked for. nullopt: it is no text.
inline std::optional<std::string> wanted_binding(sdk::ValueView authextra) {
  const sdk::ValueView value = authextra["channel_binding"];
  if (!value || value.is(NX_NULL)) return std::string();
  if (!value.is_string() || value.as_string().size() > 64) return std::nullopt;
  return std::string(value.as_string());
}

}  // namespace nexus::auth
