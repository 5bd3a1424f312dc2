// A client of nexus-bench-joins: a connection that blocks, with TLS or without, and RawSocket's
// frames on it. One thread each.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/error.hpp"

namespace bench {

class Connection {
 public:
  Connection(uint16_t port, SSL_CTX* tls) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd_);
      fail_errno("connect");
    }
    if (tls == nullptr) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, fd_);
    if (SSL_connect(ssl_) != 1) {
      hang_up();
      throw Failure("no TLS");
    }
  }
  ~Connection() { hang_up(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void write(std::string_view octets) {
    while (!octets.empty()) {
      const auto size = static_cast<int>(octets.size());
      const ssize_t done = ssl_ == nullptr ? ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL)
                                           : SSL_write(ssl_, octets.data(), size);
      if (done <= 0) throw Failure("the router hung up");
      octets.remove_prefix(static_cast<size_t>(done));
    }
  }
  std::string read(size_t size) {
    std::string octets(size, '\0');
    for (size_t at = 0; at < size;) {
      const ssize_t got = ssl_ == nullptr
                              ? ::recv(fd_, octets.data() + at, size - at, 0)
                              : SSL_read(ssl_, octets.data() + at, static_cast<int>(size - at));
      if (got <= 0) throw Failure("the router hung up");
      at += static_cast<size_t>(got);
    }
    return octets;
  }

 private:
  void hang_up() {
    if (ssl_ != nullptr) {
      SSL_shutdown(ssl_);
      SSL_free(ssl_);
    }
    ::close(fd_);
  }

  int fd_;
  SSL* ssl_ = nullptr;
};

inline void send_message(Connection& to, const std::string& message) {
  const auto size = static_cast<uint32_t>(message.size());
  const char head[4] = {0, static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                        static_cast<char>(size)};
  to.write(std::string(head, sizeof head) + message);
}

inline std::string receive_message(Connection& from) {
  const std::string head = from.read(4);
  const auto octet = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(head[i])); };
  return from.read(octet(1) << 16 | octet(2) << 8 | octet(3));
}

}  // namespace bench
