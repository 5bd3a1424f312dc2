// The epoll loop; see engine.hpp.
#include "bench/engine.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bench/error.hpp"

namespace bench {

namespace {
constexpr size_t kReadSize = 256 * 1024;
constexpr int kEventsPerTurn = 256;
}  // namespace

Socket::Socket(Engine& engine, int fd) : engine_(engine), fd_(fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = this;
  if (epoll_ctl(engine_.epoll_, EPOLL_CTL_ADD, fd_, &event) != 0) fail_errno("epoll_ctl");
}

Socket::~Socket() {
  if (open()) close("destroyed");
  std::erase(engine_.dirty_, this);
  engine_.removed_.push_back(this);
}

void Socket::mark_dirty() {
  dirty_ = true;
  engine_.dirty_.push_back(this);
}

void Socket::update_interest() {
  epoll_event event = {};
  event.events = (reading_ ? EPOLLIN : 0u) | (blocked_ ? EPOLLOUT : 0u);
  event.data.ptr = this;
  epoll_ctl(engine_.epoll_, EPOLL_CTL_MOD, fd_, &event);
}

void Socket::set_reading(bool on) {
  reading_ = on;
  if (open()) update_interest();
}

void Socket::close(const std::string& why) {
  if (!open()) return;
  why_ = why;
  ::close(fd_);
  fd_ = -1;
}

void Socket::release_buffers() {
  if (out_.empty()) out_.release();
  if (partial_.empty()) partial_.release();
}

Engine::Engine() : epoll_(epoll_create1(EPOLL_CLOEXEC)), scratch_(2 * kReadSize) {
  if (epoll_ < 0) fail_errno("epoll_create1");
}

Engine::~Engine() { ::close(epoll_); }

void Engine::serve(Socket& socket) {
  // What was left over goes in front, so that a message is always in one piece.
  const size_t kept = socket.partial_.size();
  if (scratch_.size() < kept + kReadSize) scratch_.resize(2 * (kept + kReadSize));
  const ssize_t got = recv(socket.fd_, scratch_.data() + kept, kReadSize, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  now_ = now_ns();
  if (got <= 0) {
    socket.close(got == 0 ? "closed by the other side" : std::strerror(errno));
    socket.lost();
    return;
  }
  if (kept) std::memcpy(scratch_.data(), socket.partial_.data(), kept);
  const size_t size = kept + static_cast<size_t>(got);
  const size_t used = socket.received(scratch_.data(), size);
  socket.partial_.take(kept);
  if (used < size && socket.open()) socket.partial_.append(scratch_.data() + used, size - used);
}

void Engine::flush(Socket& socket) {
  while (!socket.out_.empty()) {
    const ssize_t sent =
        send(socket.fd_, socket.out_.data(), socket.out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      socket.close(std::strerror(errno));
      socket.lost();
      return;
    }
    if (sent < 0) break;
    socket.out_.take(static_cast<size_t>(sent));
  }
  const bool blocked = !socket.out_.empty();
  if (blocked == socket.blocked_) return;
  socket.blocked_ = blocked;
  socket.update_interest();
}

void Engine::flush_all() {
  // By index: a socket that is lost while flushing may make others write.
  for (size_t i = 0; i < dirty_.size(); ++i) {
    Socket& socket = *dirty_[i];
    socket.dirty_ = false;
    if (socket.open() && !socket.blocked_) flush(socket);
  }
  dirty_.clear();
}

void Engine::turn(int timeout_ms) {
  epoll_event events[kEventsPerTurn];
  flush_all();
  removed_.clear();
  const int ready = epoll_wait(epoll_, events, kEventsPerTurn, timeout_ms);
  now_ = now_ns();
  for (int i = 0; i < ready; ++i) {
    Socket& socket = *static_cast<Socket*>(events[i].data.ptr);
    if (std::find(removed_.begin(), removed_.end(), &socket) != removed_.end()) continue;
    if (socket.open() && (events[i].events & EPOLLOUT)) flush(socket);
    // An error or hang-up on a socket that is not being read shows when it is read again.
    if (socket.open() && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) serve(socket);
  }
  flush_all();
}

bool Engine::run_until(const std::function<bool()>& done, double seconds) {
  const uint64_t deadline = now_ns() + static_cast<uint64_t>(seconds * 1e9);
  while (!done()) {
    if (now_ns() >= deadline) return false;
    turn(20);
  }
  return true;
}

void Engine::require(const std::function<bool()>& done, double seconds, const std::string& what) {
  if (!run_until(done, seconds)) throw Failure(what + ": no answer in time");
}

void Engine::run_for(double seconds) {
  const uint64_t deadline = now_ns() + static_cast<uint64_t>(seconds * 1e9);
  // now() moves with the traffic; without traffic turn() sets it every 20 ms.
  for (;;) {
    const uint64_t now = now_ns();
    if (now >= deadline) return;
    turn(static_cast<int>(std::min<uint64_t>((deadline - now) / 1000000 + 1, 20)));
  }
}

}  // namespace bench
