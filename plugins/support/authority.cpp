// Reading "host:port". The bytes come from the network; at most a header's worth of them.
#include "plugins/support/authority.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "plugins/support/text.hpp"

namespace nexus::support {
namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// RFC 3986, 3.2.2: letters, digits, "-._~", sub-delims, and escapes.
bool is_reg_name(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
      continue;
    }
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && (c == '\0' || std::strchr("-._~!$&'()*+,;=", c) == nullptr)) return false;
  }
  return !text.empty();
}

bool is_port(std::string_view text) {
  if (text.empty()) return true;
  unsigned port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

// Sets what is known of an address; false when the text is none of that family.
bool read_ip(const std::string& text, int family, Authority& out) {
  uint8_t bytes[16] = {};
  if (::inet_pton(family, text.c_str(), bytes) != 1) return false;
  char canonical[INET6_ADDRSTRLEN];
  if (::inet_ntop(family, bytes, canonical, sizeof canonical) == nullptr) return false;
  out.host = canonical;
  out.ip = true;
  if (family == AF_INET) {
    out.loopback = bytes[0] == 127;
  } else if (std::memcmp(bytes, kMapped, sizeof kMapped) == 0) {
    out.loopback = bytes[12] == 127;
  } else {
    out.loopback =
        std::all_of(bytes, bytes + 15, [](uint8_t b) { return b == 0; }) && bytes[15] == 1;
  }
  return true;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  Authority out;
  const bool brackets = !text.empty() && text.front() == '[';
  const size_t end = brackets ? text.find(']') : text.find(':');
  if (brackets && end == std::string_view::npos) return std::nullopt;
  const std::string_view name = brackets ? text.substr(1, end - 1) : text.substr(0, end);
  std::string_view rest =
      end == std::string_view::npos ? std::string_view() : text.substr(brackets ? end + 1 : end);
  if (!rest.empty()) {
    if (rest.front() != ':' || !is_port(rest.substr(1))) return std::nullopt;
    out.port = rest.substr(1);
  }
  if (brackets) {
    if (!read_ip(std::string(name), AF_INET6, out)) return std::nullopt;
    return out;
  }
  if (!is_reg_name(name)) return std::nullopt;
  out.host = lowercase(name);
  if (out.host.back() == '.') out.host.pop_back();
  if (out.host.empty() || out.host.back() == '.') return std::nullopt;  // two dots end no name
  if (!read_ip(std::string(out.host), AF_INET, out)) out.loopback = out.host == "localhost";
  return out;
}

}  // namespace nexus::support
