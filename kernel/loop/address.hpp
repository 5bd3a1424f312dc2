// Addresses to listen on: from what an operator writes to what bind() wants, and back. Any thread;
// resolve() may ask the name service and wait for it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/status.hpp"

namespace nexus {

struct Address {
  enum class Kind { tcp, unix_path, unix_abstract };
  Kind kind = Kind::tcp;
  std::string host;  // tcp: a name or a number; empty = every interface, both families
  uint16_t port = 0;
  std::string path;  // unix: without "unix:", abstract ones without '@'

  bool is_unix() const { return kind != Kind::tcp; }
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  uint16_t port() const;  // 0 for Unix sockets
  void set_port(uint16_t port);
};

// "127.0.0.1:8080", "[::1]:0", "localhost:80", ":8080", "*:8080", "unix:/path", "unix:@abstract".
// The error says what is wrong and shows the right form.
Result<Address> parse_address(std::string_view text);

// What to bind: one address for a number or a Unix socket, each one for a name; for "every
// interface" the IPv6 wildcard, which is to serve IPv4 as well.
Result<std::vector<SocketAddress>> resolve(const Address& address);

// "192.0.2.1:5123", "[2001:db8::1]:5123", "unix:/path", "unix:@name". An IPv4 address that came
// in through IPv6 is shown as what it is.
std::string to_text(const SocketAddress& address);

// Who it is, whatever port it came from: "192.0.2.1", "[2001:db8::1]", "unix". For counting.
inline std::string_view without_port(std::string_view address) {
  return address.substr(0, address.rfind(':'));
}

}  // namespace nexus
