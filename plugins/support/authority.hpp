// Authority: "host:port" as it stands in Host, in Origin and in request targets, in the one
// spelling that can be compared. No state; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::support {

struct Authority {
  // In lower case, without a dot at its end; an IP address as the system writes it, IPv6 without
  // brackets. Browsers write other alphabets in ASCII ("xn--..."), so that is what is compared.
  std::string host;
  std::string port;       // digits; empty when there is none
  bool ip = false;        // an IP address
  bool loopback = false;  // 127.0.0.0/8, ::1, or "localhost"
};

// RFC 3986's host and port, the host not empty. None for anything else, user names included.
std::optional<Authority> parse_authority(std::string_view text);
inline bool is_authority(std::string_view text) { return parse_authority(text).has_value(); }

// Do both name one host, whatever the ports? This machine's own names are one.
inline bool same_host(const Authority& a, const Authority& b) {
  return a.host == b.host || (a.loopback && b.loopback);
}

}  // namespace nexus::support
