#include "tests/support/wire.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

namespace nexus::test {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kOpContinuation = 0, kOpText = 1, kOpBinary = 2, kOpClose = 8, kOpPing = 9,
                   kOpPong = 10;
constexpr unsigned kRawPing = 1, kRawPong = 2;

int remaining_ms(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left + 1, 0, 60000));
}

// Waits for poll events; false when the deadline passed.
bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, remaining_ms(deadline));
    if (ready > 0) return true;
    if (ready == 0 && Clock::now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::string sha1(std::string_view bytes) {
  std::string out(20, '\0');
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
             EVP_sha1(), nullptr);
  return out;
}

std::string random_bytes(size_t size) {
  static thread_local std::mt19937 generator{std::random_device{}()};
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(generator());
  return out;
}

void append_big_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string errno_text(std::string_view what) {
  return std::string(what) + ": " + std::strerror(errno);
}

// "ws://host:port/path" and friends in pieces. Unix sockets have "unix" in the scheme.
struct Url {
  Carrier carrier;
  std::string host, port, path;
};

Url parse_url(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) throw WireError("no URL: " + text);
  const std::string scheme = text.substr(0, colon);
  std::string rest = text.substr(colon + 1);
  const Carrier tcp = scheme == "ws"     ? Carrier::websocket
                      : scheme == "http" ? Carrier::longpoll
                                         : Carrier::raw_tcp;
  Url url{tcp, {}, {}, "/"};
  if (scheme.find("unix") != std::string::npos || rest.starts_with("unix:")) {
    url.carrier = Carrier::raw_unix;
    if (rest.starts_with("unix:")) rest.erase(0, 5);
    if (rest.starts_with("//")) rest.erase(0, 2);
    url.path = rest;
    return url;
  }
  if (rest.starts_with("//")) rest.erase(0, 2);
  if (rest.starts_with("unix:")) return {Carrier::raw_unix, {}, {}, rest.substr(5)};
  const size_t slash = rest.find('/');
  if (slash != std::string::npos) {
    url.path = rest.substr(slash);
    rest.erase(slash);
  }
  const size_t last = rest.rfind(':');
  if (last == std::string::npos) throw WireError("no port in URL: " + text);
  url.host = rest.substr(0, last);
  url.port = rest.substr(last + 1);
  if (url.host.starts_with("[")) url.host = url.host.substr(1, url.host.size() - 2);
  return url;
}

}  // namespace

std::string_view carrier_name(Carrier carrier) {
  constexpr std::string_view kNames[] = {"websocket", "rawsocket-tcp", "rawsocket-unix",
                                         "longpoll"};
  return kNames[static_cast<size_t>(carrier)];
}

milliseconds patience() {
#ifdef NEXUS_SANITIZED
  return milliseconds(180000);
#else
  return milliseconds(90000);
#endif
}

Wire::Wire(const std::string& url_text, const WireOptions& options) : options_(options) {
  const Url url = parse_url(url_text);
  carrier_ = url.carrier;
  try {
    if (carrier_ == Carrier::raw_unix) {
      connect_unix(url.path);
    } else {
      connect_tcp(url.host, url.port);
      host_ = url.host;
      port_ = url.port;
    }
    if (!options.handshake) return;
    if (carrier_ == Carrier::longpoll) {
      longpoll_open(url.path);
    } else if (carrier_ == Carrier::websocket) {
      websocket_handshake(url.host + ":" + url.port, url.path);
    } else {
      rawsocket_handshake();
    }
  } catch (...) {
    close();
    throw;
  }
}

Wire::~Wire() { close(); }

void Wire::configure_socket() {
  if (options_.receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options_.receive_buffer,
                 sizeof(options_.receive_buffer));
  }
}

void Wire::connect_tcp(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0 || found == nullptr) {
    throw WireError("no address: " + host + ":" + port);
  }
  fd_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ >= 0) configure_socket();
  if (fd_ >= 0 && !options_.from.empty()) {
    const sockaddr_in here{AF_INET, 0, {::inet_addr(options_.from.c_str())}, {}};
    const int bound = ::bind(fd_, reinterpret_cast<const sockaddr*>(&here), sizeof here);
    if (bound != 0) throw WireError(errno_text("connect from " + options_.from));
  }
  const int result = fd_ < 0 ? -1 : ::connect(fd_, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  if (result != 0) throw WireError(errno_text("connect to port " + port));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

void Wire::connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    throw WireError("bad socket path: " + path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  auto size = static_cast<socklen_t>(sizeof(address));
  if (path[0] == '@') {
    address.sun_path[0] = '\0';
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  }
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ >= 0) configure_socket();
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    throw WireError(errno_text("connect to " + path));
  }
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

void Wire::websocket_handshake(const std::string& host, const std::string& path) {
  const std::string key = base64(random_bytes(16));
  const std::string protocol =
      std::string(format_subprotocol(options_.format)) + (options_.batched ? ".batched" : "");
  send_raw("GET " + path + " HTTP/1.1\r\nHost: " + host +
           "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key +
           "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: " + protocol + "\r\n" +
           options_.headers + "\r\n");
  const auto deadline = Clock::now() + patience();
  size_t end;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill(deadline)) throw WireClosed("closed during the WebSocket handshake: " + input_);
  }
  const std::string head = take(end + 4);
  handshake_answer_ = head;
  std::string lower = head;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto header = [&](const std::string& name) -> std::string {
    const size_t at = lower.find("\r\n" + name + ":");
    if (at == std::string::npos) return {};
    size_t from = at + name.size() + 3;
    while (head[from] == ' ') ++from;
    return head.substr(from, head.find("\r\n", from) - from);
  };
  const std::string accept = base64(sha1(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
  if (!head.starts_with("HTTP/1.1 101 ") || header("sec-websocket-accept") != accept ||
      header("sec-websocket-protocol") != protocol) {
    throw WireError("WebSocket handshake refused: " + head);
  }
}

void Wire::rawsocket_handshake() {
  std::string hello = "\x7f";
  hello += static_cast<char>(options_.length_exponent << 4 | format_rawsocket_id(options_.format));
  hello += std::string(2, '\0');
  send_raw(hello);
  const std::string reply = receive_raw(4);
  const auto second = static_cast<uint8_t>(reply[1]);
  if (reply[0] != '\x7f' || (second & 15) != format_rawsocket_id(options_.format) ||
      reply[2] != 0 || reply[3] != 0) {
    throw WireError("RawSocket handshake refused: " + to_hex(reply));
  }
  router_max_message_ = uint64_t{1} << (9 + (second >> 4));
}

std::string Wire::framed(std::string_view payload) const {
  if (!options_.batched) return frame_of(payload);
  std::string batch;
  if (!is_text(options_.format)) append_big_endian(batch, payload.size(), 4);
  batch += payload;
  if (is_text(options_.format)) batch += '\x1e';
  return frame_of(batch);
}

std::string Wire::frame_of(std::string_view payload) const {
  std::string out;
  if (carrier_ == Carrier::longpoll) return longpoll_request("send", payload);
  if (carrier_ != Carrier::websocket) {
    append_big_endian(out, payload.size(), 4);
    return out.append(payload);
  }
  const bool text = is_text(options_.format);
  out += static_cast<char>(0x80 | (text ? kOpText : kOpBinary));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(0x80 | 126);
    append_big_endian(out, payload.size(), 2);
  } else {
    out += static_cast<char>(0x80 | 127);
    append_big_endian(out, payload.size(), 8);
  }
  const std::string mask = random_bytes(4);
  out += mask;
  for (size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i & 3]);
  return out;
}

void Wire::send_message(std::string_view payload) { send_raw(framed(payload)); }

void Wire::send_frame(unsigned type, std::string_view payload, bool final) {
  std::string out;
  if (carrier_ == Carrier::websocket) {
    out = frame_of(payload);
    out[0] = static_cast<char>((final ? 0x80 : 0) | type);
  } else {
    append_big_endian(out, payload.size(), 4);
    out[0] = static_cast<char>(type);
    out.append(payload);
  }
  send_raw(out);
}

void Wire::send_raw(std::string_view bytes) {
  const auto deadline = Clock::now() + patience();
  while (!bytes.empty()) {
    if (!longpoll_path_.empty()) longpoll_forget_answers();
    const long sent = try_send_raw(bytes);
    if (sent < 0) throw WireClosed(errno_text("send"));
    bytes.remove_prefix(static_cast<size_t>(sent));
    if (sent == 0 && !wait_for(fd_, POLLOUT, deadline)) throw WireTimeout("send took too long");
  }
}

long Wire::try_send_raw(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<long>(sent);
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

bool Wire::fill(Clock::time_point deadline) {
  if (input_at_ > 0 && input_at_ == input_.size()) {
    input_.clear();
    input_at_ = 0;
  }
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (got > 0) {
      input_.append(buffer, static_cast<size_t>(got));
      return true;
    }
    if (got == 0) return false;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(fd_, POLLIN, deadline)) throw WireTimeout("nothing came in time");
    } else if (errno != EINTR) {
      return false;  // a reset is an end too
    }
  }
}

void Wire::need(size_t size, Clock::time_point deadline) {
  while (input_.size() - input_at_ < size) {
    if (!fill(deadline)) throw WireClosed("the router closed the connection");
  }
}

std::string Wire::take(size_t size) {
  std::string out = input_.substr(input_at_, size);
  input_at_ += size;
  if (input_at_ > 1 << 20) {
    input_.erase(0, input_at_);
    input_at_ = 0;
  }
  return out;
}

std::string Wire::receive_raw(size_t size, milliseconds timeout) {
  need(size, Clock::now() + timeout);
  return take(size);
}

Frame Wire::receive_frame(milliseconds timeout) { return receive_frame_by(Clock::now() + timeout); }

Frame Wire::receive_frame_by(Clock::time_point deadline) {
  Frame frame;
  if (carrier_ == Carrier::longpoll) {
    frame.payload = longpoll_receive(deadline);
    return frame;
  }
  if (carrier_ != Carrier::websocket) {
    need(4, deadline);
    frame.type = static_cast<uint8_t>(input_[input_at_]);
    const uint64_t size = big_endian(std::string_view(input_).substr(input_at_ + 1, 3));
    need(4 + size, deadline);
    take(4);
    frame.payload = take(size);
    return frame;
  }
  need(2, deadline);
  const auto first = static_cast<uint8_t>(input_[input_at_]);
  const auto second = static_cast<uint8_t>(input_[input_at_ + 1]);
  if ((first & 0x70) != 0 || (second & 0x80) != 0) throw WireError("bad WebSocket frame head");
  const size_t extra = second == 127 ? 8 : second == 126 ? 2 : 0;
  need(2 + extra, deadline);
  const uint64_t size =
      extra == 0 ? second : big_endian(std::string_view(input_).substr(input_at_ + 2, extra));
  need(2 + extra + size, deadline);
  take(2 + extra);
  frame.type = first & 15;
  frame.final = (first & 0x80) != 0;
  frame.payload = take(size);
  return frame;
}

std::string Wire::receive_message(milliseconds timeout) {
  if (!options_.batched) return receive_whole(timeout);
  if (unbatched_.empty()) unbatch(receive_whole(timeout));
  std::string message = std::move(unbatched_.front());
  unbatched_.pop_front();
  return message;
}

void Wire::unbatch(std::string_view batch) {
  if (batch.empty()) throw WireError("an empty batch");
  while (!batch.empty()) {
    size_t skip = 4;
    size_t size = 0;
    if (is_text(options_.format)) {
      skip = 0;
      size = batch.find('\x1e');
    } else if (batch.size() >= 4) {
      size = big_endian(batch.substr(0, 4));
    }
    if (batch.size() < skip || size > batch.size() - skip) throw WireError("a broken batch");
    unbatched_.emplace_back(batch.substr(skip, size));
    batch.remove_prefix(skip + size + (is_text(options_.format) ? 1 : 0));
  }
}

std::string Wire::receive_whole(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::string message;
  for (;;) {
    Frame frame = receive_frame_by(deadline);
    if (carrier_ != Carrier::websocket) {
      if (frame.type == 0) return std::move(frame.payload);
      if (frame.type == kRawPing) {
        send_frame(kRawPong, frame.payload);
      } else if (frame.type != kRawPong) {
        throw WireError("RawSocket frame of type " + std::to_string(frame.type));
      }
      continue;
    }
    switch (frame.type) {
      case kOpText:
      case kOpBinary:
        if ((frame.type == kOpText) != is_text(options_.format)) {
          throw WireError("a message came in the wrong type of WebSocket frame");
        }
        [[fallthrough]];
      case kOpContinuation:
        message += frame.payload;
        if (frame.final) return message;
        break;
      case kOpClose:
        if (frame.payload.size() >= 2) {
          close_code_ = static_cast<unsigned>(big_endian(frame.payload.substr(0, 2)));
        }
        // Answering is best effort: the router may have closed its side already.
        try_send_raw(std::string(frame_of(frame.payload.substr(0, 2))).replace(0, 1, "\x88"));
        throw WireClosed("the router closed the WebSocket with code " +
                         std::to_string(close_code_.value_or(0)) + " " +
                         (frame.payload.size() > 2 ? frame.payload.substr(2) : ""));
      case kOpPing:
        send_frame(kOpPong, frame.payload);
        break;
      case kOpPong:
        break;
      default:
        throw WireError("WebSocket frame of type " + std::to_string(frame.type));
    }
  }
}

bool Wire::drain_until_closed(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  try {
    while (carrier_ == Carrier::longpoll) static_cast<void>(longpoll_receive(deadline));
    while (fill(deadline)) {
      input_at_ = input_.size();
      if (Clock::now() >= deadline) return false;
    }
    return true;
  } catch (const WireTimeout&) {
    return false;
  } catch (const WireClosed&) {
    return true;
  }
}

void Wire::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

void Wire::close() {
  if (!longpoll_path_.empty() && fd_ >= 0) longpoll_close();
  if (fd_ >= 0) ::close(fd_);
  if (poll_fd_ >= 0) ::close(poll_fd_);
  fd_ = poll_fd_ = -1;
}

void Wire::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close();
}

}  // namespace nexus::test
