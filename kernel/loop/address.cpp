// Addresses: see the header.
#include "kernel/loop/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

namespace nexus {
namespace {

Status bad_address(std::string_view text, std::string_view why) {
  return Status::error(NX_E_CONFIG, "\"" + std::string(text) + "\": " + std::string(why));
}

bool parse_port(std::string_view text, uint16_t* port) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 65535) return false;
  *port = static_cast<uint16_t>(value);
  return true;
}

Result<Address> parse_unix(std::string_view text, std::string_view path) {
  Address address;
  address.kind = Address::Kind::unix_path;
  if (path.starts_with('@')) {
    address.kind = Address::Kind::unix_abstract;
    path.remove_prefix(1);
  }
  constexpr size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty()) return bad_address(text, "no path; write \"unix:/run/nexus.sock\"");
  if (path.find('\0') != path.npos) return bad_address(text, "a zero byte in the path");
  if (path.size() > kMost) {
    return bad_address(text, "the path has " + std::to_string(path.size()) +
                                 " bytes; a Unix socket's has at most " + std::to_string(kMost));
  }
  address.path = path;
  return address;
}

SocketAddress unix_address(const Address& address) {
  SocketAddress result;
  auto& un = reinterpret_cast<sockaddr_un&>(result.storage);
  un.sun_family = AF_UNIX;
  const bool abstract = address.kind == Address::Kind::unix_abstract;
  std::memcpy(un.sun_path + (abstract ? 1 : 0), address.path.data(), address.path.size());
  // An abstract name is exactly as long as its address says; a path ends with a zero byte.
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
  return result;
}

SocketAddress every_interface(uint16_t port) {
  SocketAddress result;
  auto& in6 = reinterpret_cast<sockaddr_in6&>(result.storage);
  in6.sin6_family = AF_INET6;
  in6.sin6_addr = in6addr_any;
  in6.sin6_port = htons(port);
  result.size = sizeof in6;
  return result;
}

}  // namespace

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  return 0;
}

void SocketAddress::set_port(uint16_t port) {
  if (family() == AF_INET) reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
}

Result<Address> parse_address(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) return parse_unix(text, text.substr(kUnix.size()));
  if (text.find('\0') != text.npos) return bad_address(text, "a zero byte");

  Address address;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == text.npos || text.substr(close + 1, 1) != ":") {
      return bad_address(text, "write an IPv6 address as \"[::1]:8080\"");
    }
    address.host = text.substr(1, close - 1);
    port = text.substr(close + 2);
    in6_addr parsed;
    const std::string number = address.host.substr(0, address.host.find('%'));
    if (::inet_pton(AF_INET6, number.c_str(), &parsed) != 1) {
      return bad_address(text, "what stands in brackets is no IPv6 address");
    }
  } else {
    const size_t colon = text.rfind(':');
    if (colon == text.npos) {
      return bad_address(text, "no port; write \"" + std::string(text) + ":8080\"");
    }
    address.host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (address.host.find(':') != address.host.npos) {
      return bad_address(text, "write an IPv6 address in brackets, \"[::1]:8080\"");
    }
    if (address.host == "*") address.host.clear();
  }
  if (!parse_port(port, &address.port)) {
    return bad_address(
        text, "\"" + std::string(port) + "\" is no port; a number from 0 (any free one) to 65535");
  }
  return address;
}

Result<std::vector<SocketAddress>> resolve(const Address& address) {
  std::vector<SocketAddress> found;
  if (address.is_unix()) {
    found.push_back(unix_address(address));
    return found;
  }
  if (address.host.empty()) {
    found.push_back(every_interface(address.port));
    return found;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
  if (error != 0) {
    const char* const why = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
    return Status::error(NX_E_CONFIG, "cannot find the host \"" + address.host + "\": " + why +
                                          "; use a name or a number of this machine");
  }
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    SocketAddress entry;
    std::memcpy(&entry.storage, one->ai_addr, one->ai_addrlen);
    entry.size = one->ai_addrlen;
    const bool known = std::any_of(found.begin(), found.end(), [&](const SocketAddress& other) {
      return other.size == entry.size &&
             std::memcmp(&other.storage, &entry.storage, entry.size) == 0;
    });
    if (!known) found.push_back(entry);
  }
  if (found.empty()) {
    return Status::error(NX_E_CONFIG,
                         "the host \"" + address.host + "\" has no IP address; use another one");
  }
  return found;
}

std::string to_text(const SocketAddress& address) {
  char number[INET6_ADDRSTRLEN] = "";
  if (address.family() == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address.storage);
    ::inet_ntop(AF_INET, &in.sin_addr, number, sizeof number);
    return std::string(number) + ":" + std::to_string(address.port());
  }
  if (address.family() == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
      ::inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], number, sizeof number);
      return std::string(number) + ":" + std::to_string(address.port());
    }
    ::inet_ntop(AF_INET6, &in6.sin6_addr, number, sizeof number);
    return "[" + std::string(number) + "]:" + std::to_string(address.port());
  }
  const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
  const size_t start = offsetof(sockaddr_un, sun_path);
  if (address.family() != AF_UNIX || address.size <= start) return "unix:";
  const size_t size = std::min<size_t>(address.size - start, sizeof un.sun_path);
  if (un.sun_path[0] == 0) return "unix:@" + std::string(un.sun_path + 1, size - 1);
  return "unix:" + std::string(un.sun_path, strnlen(un.sun_path, size));
}

}  // namespace nexus
