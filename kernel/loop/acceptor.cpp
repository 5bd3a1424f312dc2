// Acceptor: see the header. [loop]
#include "kernel/loop/acceptor.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace nexus {
namespace {

constexpr int kAcceptsPerTurn = 32;
constexpr uint64_t kPauseMs = 100;

// A connection on its way to the loop that is to have it.
class Arrival final : public Mail {
 public:
  Arrival(UniqueFd fd, Admission admission, std::string address, std::string local_address)
      : fd_(std::move(fd)),
        admission_(std::move(admission)),
        address_(std::move(address)),
        local_address_(std::move(local_address)) {}

  void run(Loop&) override {
    Stream::begin(fd_.release(), std::move(admission_), address_, local_address_);
  }

 private:
  UniqueFd fd_;
  Admission admission_;
  std::string address_;
  std::string local_address_;
};

}  // namespace

Acceptor::Acceptor(EventLoop& loop, LoopGroup& group, std::shared_ptr<ListenSocket> socket,
                   std::shared_ptr<StreamSource> source)
    : EventTarget(&Acceptor::on_event),
      TimerNode(&Acceptor::on_due),
      loop_(loop),
      group_(group),
      socket_(std::move(socket)),
      source_(std::move(source)) {}

Acceptor::~Acceptor() { stop(); }

void Acceptor::start() {
  // Exclusive: a connection wakes one loop, not all of them.
  registered_ = loop_.add_fd(socket_->fd(), EPOLLIN | EPOLLEXCLUSIVE, *this);
  if (!registered_) pause(errno);
}

void Acceptor::stop() {
  if (registered_) loop_.remove_fd(socket_->fd());
  registered_ = false;
  socket_.reset();
  loop_.wheel().cancel(*this);
  on_events = &EventTarget::ignore;
}

void Acceptor::on_event(EventTarget& target, uint32_t) {
  static_cast<Acceptor&>(target).accept_some();
}

void Acceptor::on_due(TimerNode& timer) { static_cast<Acceptor&>(timer).start(); }

void Acceptor::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn && registered_; ++i) {
    if (const uint32_t wait_ms = source_->accept_rate.take(loop_.now_ms() * 1000)) {
      return pause_for(wait_ms);
    }
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    UniqueFd fd(::accept4(socket_->fd(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      admit(std::move(fd), peer);
      continue;
    }
    source_->accept_rate.give_back();
    switch (errno) {
      case EAGAIN:
        return;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        pause(errno);
        return;
      default:
        // The connection died in the queue (ECONNABORTED and the network's own errors): next.
        break;
    }
  }
}

bool Acceptor::router_is_full() const {
  return group_.max_connections != 0 && group_.connections() >= group_.max_connections;
}

void Acceptor::admit(UniqueFd fd, const SocketAddress& peer) {
  if (router_is_full()) {
    loop_.count().refused.add();
    if (source_->log != nullptr) {
      source_->log->limited(LogLevel::warning, source_->log_area, "router is full",
                            socket_->addresses().front() + ": connection refused, the router has " +
                                std::to_string(group_.max_connections) +
                                " already; raise router.max_connections if that is too few");
    }
    return;
  }
  const uint32_t before = source_->open.fetch_add(1, std::memory_order_relaxed);
  if (source_->max_connections != 0 && before >= source_->max_connections) {
    source_->open.fetch_sub(1, std::memory_order_relaxed);
    loop_.count().refused.add();
    if (source_->log != nullptr) {
      source_->log->limited(LogLevel::warning, source_->log_area,
                            "full " + socket_->addresses().front(),
                            socket_->addresses().front() + ": connection refused, " +
                                std::to_string(source_->max_connections) +
                                " are open already; raise max_connections if that is too few");
    }
    return;
  }
  EventLoop& target = least_loaded();
  target.connections.fetch_add(1, std::memory_order_relaxed);
  Admission admission(source_, target);
  // A Unix peer has no name of its own: it is known by where it came in.
  const std::string& local = socket_->addresses().back();
  std::string address = socket_->is_unix() ? local : to_text(peer);
  if (&target == &loop_) {
    Stream::begin(fd.release(), std::move(admission), address, local);
  } else {
    target.post(
        std::make_unique<Arrival>(std::move(fd), std::move(admission), std::move(address), local));
  }
}

void Acceptor::pause_for(uint64_t delay_ms) {
  if (registered_) loop_.remove_fd(socket_->fd());
  registered_ = false;
  loop_.wheel().arm(*this, loop_.now_ms() + delay_ms);
}

// Descriptors or memory have run out. The connection stays in the queue, so the socket stays
// readable: looking away for a moment is what keeps this from spinning.
void Acceptor::pause(int error) {
  pause_for(kPauseMs);
  loop_.count().accept_pauses.add();
  if (source_->log != nullptr) {
    const bool limit = error == EMFILE || error == ENFILE;
    source_->log->limited(
        LogLevel::error, source_->log_area, "accept " + socket_->addresses().front(),
        socket_->addresses().front() + ": cannot accept connections: " + std::strerror(error) +
            "; trying again every 100 ms" +
            (limit ? ". Raise the limit of open files (LimitNOFILE=)" : ""));
  }
}

EventLoop& Acceptor::least_loaded() const {
  EventLoop* best = &loop_;
  uint32_t fewest = loop_.connections.load(std::memory_order_relaxed);
  for (uint32_t i = 0; i < group_.count(); ++i) {
    auto& other = static_cast<EventLoop&>(group_.loop(i));
    const uint32_t count = other.connections.load(std::memory_order_relaxed);
    if (count < fewest) {
      best = &other;
      fewest = count;
    }
  }
  return *best;
}

}  // namespace nexus
