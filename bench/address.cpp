// URLs and connecting; see address.hpp.
#include "bench/address.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

#include "bench/error.hpp"

namespace bench {

void fail_errno(const std::string& what) { throw Failure(what + ": " + std::strerror(errno)); }

namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool parse_host_port(std::string_view text, Address& out) {
  const size_t slash = text.find('/');
  if (slash != text.npos) {
    out.path.assign(text.substr(slash));
    text = text.substr(0, slash);
  }
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return false;
  std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  out.host.assign(host);
  const auto end = port.data() + port.size();
  const auto result = std::from_chars(port.data(), end, out.port);
  return result.ec == std::errc() && result.ptr == end && out.port != 0 && !host.empty();
}

int connect_unix(const std::string& path) {
  sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(to.sun_path)) throw Failure("bad socket path " + path);
  std::memcpy(to.sun_path, path.data(), path.size());
  if (path[0] == '@') to.sun_path[0] = 0;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_errno("socket");
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), size) != 0) {
    close(fd);
    fail_errno("connect to " + path);
  }
  return fd;
}

// Ports are chosen at connect time, per destination, so that a range is not used up by binding.
void bind_source(int fd, uint32_t source) {
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  sockaddr_in from = {};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + source);
  if (bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof(from)) != 0) fail_errno("bind");
}

int connect_tcp(const Address& address, const ConnectOptions& options) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
  if (error) throw Failure(address.host + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_errno("socket");
  if (options.receive_buffer)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof(int));
  if (options.source && found->ai_family == AF_INET) bind_source(fd, options.source);
  if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
    close(fd);
    fail_errno("connect to " + address.host + " port " + port);
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

}  // namespace

bool parse_url(std::string_view url, Address& out) {
  out = {};
  for (const std::string_view scheme : {"rs+unix://", "rs+unix:", "unix://", "unix:"}) {
    if (!take_prefix(url, scheme)) continue;
    out.carrier = Carrier::kUnix;
    out.path.assign(url);
    return !url.empty();
  }
  if (take_prefix(url, "ws://")) {
    out.carrier = Carrier::kWebsocket;
    if (!parse_host_port(url, out)) return false;
    if (out.path.empty()) out.path.push_back('/');
    return true;
  }
  if (take_prefix(url, "rs://") || take_prefix(url, "tcp://")) return parse_host_port(url, out);
  return false;
}

std::string_view find_url(std::string_view line) {
  for (const std::string_view scheme : {"ws://", "rs+unix:", "rs://", "tcp://", "unix:"}) {
    const size_t at = line.find(scheme);
    if (at == line.npos || (at && line[at - 1] != ' ' && line[at - 1] != '"')) continue;
    return line.substr(at, line.find_first_of(" \t\r\n\",", at) - at);
  }
  return {};
}

int connect_to(const Address& address, const ConnectOptions& options) {
  const int fd = address.carrier == Carrier::kUnix ? connect_unix(address.path)
                                                   : connect_tcp(address, options);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

}  // namespace bench
