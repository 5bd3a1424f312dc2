// See relay.hpp.
#include "bench/relay.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/error.hpp"

namespace bench {

namespace {

int listen_tcp(Address& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(fd, 8) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    fail_errno("relay");
  address.carrier = Carrier::kRawsocket;
  address.host = "127.0.0.1";
  address.port = ntohs(at.sin_port);
  return fd;
}

int listen_unix(Address& address, const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un at = {};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof(at.sun_path) - 1);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0 || listen(fd, 8) != 0)
    fail_errno("relay");
  address.carrier = Carrier::kUnix;
  address.path = path;
  return fd;
}

// Passes on what arrived; false once a side has closed. Messages are small and one at a time, so
// a socket always takes all of them.
bool pass_on(int from, int to) {
  char bytes[65536];
  const ssize_t got = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  return got > 0 && send(to, bytes, static_cast<size_t>(got), MSG_NOSIGNAL) == got;
}

void serve_pair(int listener) {
  const int fds[2] = {accept(listener, nullptr, nullptr), accept(listener, nullptr, nullptr)};
  const int epoll = epoll_create1(0), on = 1;
  for (int i = 0; i < 2; ++i) {
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<uint32_t>(i);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
  }
  for (bool alive = true; alive;) {
    epoll_event events[2];
    const int ready = epoll_wait(epoll, events, 2, -1);
    for (int i = 0; i < ready && alive; ++i)
      alive = pass_on(fds[events[i].data.u32], fds[1 - events[i].data.u32]);
  }
  for (const int fd : {fds[0], fds[1], epoll}) close(fd);
}

// Messages of a fixed size: the payload and as many bytes more as a router's client would send.
class RelayLink : public Link {
 public:
  RelayLink(Engine& engine, const Address& address, LinkEvents& events, size_t message_size)
      : Link(engine, connect_to(address), events), size_(message_size) {
    joined_ = true;
  }
  void subscribe(const std::string&, const std::string&) override {}
  void register_procedure(const std::string&) override { callee_ = true; }
  void prepare_publish(const std::string&, size_t) override {}
  void prepare_call(const std::string&, size_t payload_size) override {
    payload_size_ = payload_size;
  }
  void prepare_answer(size_t payload_size) override { payload_size_ = payload_size; }
  void publish(size_t, std::string_view payload) override { put(payload); }
  uint64_t call(std::string_view payload) override {
    put(payload);
    return ++last_call_;
  }
  void answer(const Call&, std::string_view payload) override { put(payload); }

 protected:
  size_t received(const uint8_t* data, size_t size) override {
    size_t used = 0;
    for (; size - used >= size_; used += size_) {
      const std::string_view payload(reinterpret_cast<const char*>(data) + used, payload_size_);
      if (callee_)
        events_.on_call(*this, {0, {}, payload});
      else
        events_.on_result(*this, ++last_answer_, payload, true);
    }
    return used;
  }

 private:
  void put(std::string_view payload) {
    uint8_t* to = out().extend(size_);
    std::memcpy(to, payload.data(), payload.size());
    std::memset(to + payload.size(), ' ', size_ - payload.size());
  }
  const size_t size_;
  bool callee_ = false;
  uint64_t last_call_ = 0, last_answer_ = 0;
};

}  // namespace

Relay::Relay(Lab& lab, Carrier carrier, size_t message_size)
    : lab_(lab), message_size_(message_size) {
  const bool tcp = carrier != Carrier::kUnix;
  const int listener =
      tcp ? listen_tcp(address_) : listen_unix(address_, directory_.path() + "/relay");
  name = "relay";
  transport = tcp ? "tcp" : "unix";
  child_.fork_off([listener] {
    for (;;) serve_pair(listener);
  });
  close(listener);
  pid = child_.pid();
}

std::unique_ptr<Link> Relay::connect(LinkEvents& events, const ConnectOptions&) {
  return std::make_unique<RelayLink>(lab_.engine, address_, events, message_size_);
}

}  // namespace bench
