#include "kernel/loop/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "kernel/loop/ip_ranges.hpp"

namespace nexus {
namespace {

constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kHead2 = 16;
constexpr std::string_view kBegin1 = "PROXY ";
constexpr size_t kLongest1 = 107;

ProxyHeader broken(const char* wrong) {
  ProxyHeader header;
  header.state = ProxyHeader::State::broken;
  header.wrong = wrong;
  return header;
}

ProxyHeader complete(size_t size, std::string address = {}) {
  ProxyHeader header;
  header.state = ProxyHeader::State::complete;
  header.size = size;
  header.address = std::move(address);
  return header;
}

std::string with_port(std::string_view address, unsigned port) {
  std::string text(address);
  if (text.find(':') != std::string::npos) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

bool take_word(std::string_view& line, std::string_view& word) {
  if (line.empty()) return false;
  const size_t space = line.find(' ');
  word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return !word.empty();
}

bool read_port(std::string_view text, unsigned& port) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

// "TCP4 192.0.2.1 198.51.100.1 5123 443"
ProxyHeader parse_line(std::string_view line, size_t size) {
  std::string_view family;
  std::string_view from;
  std::string_view to;
  std::string_view from_port;
  std::string_view to_port;
  if (!take_word(line, family)) return broken("no address family");
  if (family == "UNKNOWN") return complete(size);
  const bool v4 = family == "TCP4";
  if (!v4 && family != "TCP6") return broken("an address family that is not known");
  unsigned port = 0;
  unsigned ignored = 0;
  if (!take_word(line, from) || !take_word(line, to) || !take_word(line, from_port) ||
      !take_word(line, to_port) || !line.empty() || !read_port(from_port, port) ||
      !read_port(to_port, ignored)) {
    return broken("a line of version 1 that is malformed");
  }
  in6_addr address{};
  const std::string text(from);
  const int family_number = v4 ? AF_INET : AF_INET6;
  if (text.find('\0') != std::string::npos ||
      ::inet_pton(family_number, text.c_str(), &address) != 1) {
    return broken("an address that is none");
  }
  return complete(size, with_port(from, port));
}

ProxyHeader parse_1(std::string_view text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    if (text.size() >= kLongest1) return broken("a line of version 1 that is too long");
    return {};
  }
  if (end + 1 > kLongest1 || end == 0 || text[end - 1] != '\r') {
    return broken("a line of version 1 that is malformed");
  }
  return parse_line(text.substr(kBegin1.size(), end - 1 - kBegin1.size()), end + 1);
}

ProxyHeader parse_2(Bytes bytes) {
  if (bytes.size() < kHead2) return {};
  const size_t size = kHead2 + (size_t{bytes[14]} << 8 | bytes[15]);
  if (bytes[12] >> 4 != 2) return broken("a version that is not known");
  const uint8_t command = bytes[12] & 15;
  if (command > 1) return broken("a command that is not known");
  if (size > kMaxProxyHeader) return broken("a header that is too long");
  if (bytes.size() < size) return {};
  if (command == 0) return complete(size);  // LOCAL: a check of the proxy's own
  const uint8_t family = bytes[13] >> 4;
  const size_t length = family == 1 ? 4 : family == 2 ? 16 : 0;
  if (length == 0) return complete(size);  // unspecified, or a Unix socket: no address
  if (size < kHead2 + 2 * length + 4) return broken("addresses that are cut short");
  char text[INET6_ADDRSTRLEN];
  const uint8_t* const at = bytes.data() + kHead2;
  if (::inet_ntop(family == 1 ? AF_INET : AF_INET6, at, text, sizeof text) == nullptr) {
    return broken("an address that is none");
  }
  const uint8_t* const port = at + 2 * length;
  return complete(size, with_port(text, unsigned{port[0]} << 8 | port[1]));
}

}  // namespace

ProxyHeader parse_proxy_header(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  const size_t seen2 = std::min(text.size(), kSignature2.size());
  if (text.substr(0, seen2) == kSignature2.substr(0, seen2)) {
    return parse_2(bytes);
  }
  const size_t seen1 = std::min(text.size(), kBegin1.size());
  if (text.substr(0, seen1) == kBegin1.substr(0, seen1)) return parse_1(text);
  return broken("no PROXY header");
}

}  // namespace nexus
