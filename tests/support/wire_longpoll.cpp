// Wire: the long-poll carrier, over two connections. Ending the wire closes the transport, since a
// connection that breaks means nothing here.
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/support/wire.hpp"

namespace nexus::test {
namespace {

using std::chrono::milliseconds;

int connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0 || found == nullptr) {
    throw WireError("no address: " + host + ":" + port);
  }
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int result = fd < 0 ? -1 : ::connect(fd, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  if (result != 0) {
    if (fd >= 0) ::close(fd);
    throw WireClosed("cannot connect to port " + port);
  }
  return fd;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw WireClosed("the router closed the connection");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
};

// Reads and forgets what has come; false at the end of the stream.
bool forget_input(int fd) {
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
}

// One whole answer, appended to and taken off `input`. Whatever comes on `other` meanwhile is read
// and forgotten: a router whose answers nobody takes rightly reads no more from there.
Answer read_answer(int fd, std::string& input, Clock::time_point deadline, int other = -1) {
  for (;;) {
    const size_t end = input.find("\r\n\r\n");
    if (end != std::string::npos) {
      Answer answer;
      answer.head = input.substr(0, end + 2);
      answer.status = std::stoi(answer.head.substr(9, 3));
      const size_t length = answer.head.find("\r\nContent-Length: ");
      const size_t size =
          length == std::string::npos ? 0 : std::stoul(answer.head.substr(length + 18));
      if (input.size() >= end + 4 + size) {
        answer.body = input.substr(end + 4, size);
        input.erase(0, end + 4 + size);
        return answer;
      }
    }
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    pollfd entries[] = {{fd, POLLIN, 0}, {other, POLLIN, 0}};  // poll() skips negative ones
    const int ready =
        ::poll(entries, 2, static_cast<int>(std::clamp<long long>(left + 1, 0, 60000)));
    if (ready == 0 && Clock::now() >= deadline) throw WireTimeout("nothing came in time");
    if (ready <= 0) continue;
    if (entries[1].revents != 0 && !forget_input(other)) other = -1;
    if (entries[0].revents == 0) continue;
    char buffer[65536];
    const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) throw WireClosed("the router closed the connection");
    input.append(buffer, static_cast<size_t>(got));
  }
}

}  // namespace

std::string Wire::longpoll_request(std::string_view action, std::string_view body) const {
  std::string out = "POST " + longpoll_path_ + "/" + std::string(action) +
                    " HTTP/1.1\r\nHost: " + host_ + ":" + port_ +
                    "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return out.append(body);
}

void Wire::longpoll_open(const std::string& path) {
  longpoll_path_ = path;
  const std::string protocol(format_subprotocol(options_.format));
  send_raw(longpoll_request("open", "{\"protocols\": [\"" + protocol + "\"]}"));
  const Answer answer = read_answer(fd_, input_, Clock::now() + patience());
  const std::string_view key = "\"transport\":\"";
  const size_t at = answer.body.find(key);
  if (answer.status != 200 || at == std::string::npos ||
      answer.body.find("\"protocol\":\"" + protocol + "\"") == std::string::npos) {
    longpoll_path_.clear();
    throw WireError("long-poll refused: " + answer.head + answer.body);
  }
  const size_t begin = at + key.size();
  longpoll_path_ += "/" + answer.body.substr(begin, answer.body.find('"', begin) - begin);
  poll_fd_ = connect_to(host_, port_);
  write_all(poll_fd_, longpoll_request("receive", {}));
}

std::string Wire::longpoll_receive(Clock::time_point deadline) {
  for (;;) {
    if (poll_fd_ < 0) throw WireClosed("the router has ended the transport");
    const Answer answer = read_answer(poll_fd_, poll_input_, deadline, fd_);
    if (answer.status != 200 && answer.status != 204) {
      ::close(std::exchange(poll_fd_, -1));
      throw WireClosed("the router ended the transport: " + answer.head);
    }
    // Like every client it asks again at once, so that a last message finds a way out.
    try {
      write_all(poll_fd_, longpoll_request("receive", {}));
    } catch (const WireClosed&) {  // then the next answer will not come
    }
    if (answer.status == 200) return answer.body;
  }
}

// Whether a message was accepted shows in what is received.
void Wire::longpoll_forget_answers() { forget_input(fd_); }

void Wire::longpoll_close() {
  try {
    const int fd = connect_to(host_, port_);
    try {
      std::string input;
      write_all(fd, longpoll_request("close", {}));
      read_answer(fd, input, Clock::now() + patience());
    } catch (const WireError&) {
    }
    ::close(fd);
  } catch (const WireError&) {  // the router is gone
  }
}

}  // namespace nexus::test
