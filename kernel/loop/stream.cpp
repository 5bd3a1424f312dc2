// Stream: its life, and what the transport asks of it. How it begins is in stream_begin.cpp,
// reading in stream_read.cpp, writing in stream_write.cpp. [loop]
#include "kernel/loop/stream.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "kernel/loop/address.hpp"
#include "kernel/loop/event_loop.hpp"
#include "kernel/loop/shared_address.hpp"

namespace nexus {
namespace {

// How long a stream that has said everything waits for the peer to hang up. Closing with bytes
// unread would send a reset, which can overtake our last bytes and destroy them.
constexpr uint64_t kLingerMs = 2000;

constexpr uint32_t kListen = EPOLLIN | EPOLLRDHUP;

}  // namespace

Admission::~Admission() {
  if (source_ == nullptr) return;
  source_->open.fetch_sub(1, std::memory_order_relaxed);
  loop_->connections.fetch_sub(1, std::memory_order_relaxed);
}

void Admission::move_to(std::shared_ptr<StreamSource> source) {
  source_->open.fetch_sub(1, std::memory_order_relaxed);
  source->open.fetch_add(1, std::memory_order_relaxed);
  source_ = std::move(source);
}

Stream::Stream(int fd, Admission admission)
    : EventTarget(&Stream::on_event),
      TimerNode(&Stream::on_due),
      admission_(std::move(admission)),
      fd_(fd) {
  loop().enlist(*this);
  loop().count().accepted.add();
}

Stream::~Stream() {
  loop().wheel().cancel(*this);
  out_.clear(loop().chunks());
  BufferRef::release(end_text_);
  if (fd_ >= 0) ::close(fd_);
  loop().delist(*this);
  loop().count().ended.add();
}

void Stream::announce(nx_stream_info& info) {
  phase_ = Phase::open;
  limit_silence();
  connection_ = source().handler->accepted(source().user, this, &info);
  if (connection_ == nullptr && phase_ == Phase::open) die(NX_CLOSED_BY_ROUTER, {});
}

bool Stream::hand_over(std::shared_ptr<StreamSource> to, nx_stream_info info) {
  admission_.move_to(std::move(to));
  connection_ = nullptr;
  deadline_at_ = 0;
  announce(info);
  return phase_ == Phase::open;
}

uint64_t Stream::deliver_first(uint8_t* data, uint64_t size) {
  return reading_ ? source().handler->received(connection_, data, size) : 0;
}

uint8_t* Stream::reserve(size_t size) {
  if (phase_ != Phase::open) return nullptr;
  return out_.reserve(size, loop().chunks());
}

void Stream::commit(size_t used) {
  if (phase_ != Phase::open) return;
  const size_t before = out_.size();
  out_.commit(used);
  appended_ += out_.size() - before;
  appended();
}

nx_status Stream::write(const nx_bytes* parts, uint32_t part_count, nx_buffer* owner) {
  // With TLS a part is read once more anyway, and a short record costs more than a copy.
  const uint64_t worth_sharing = tls_ == nullptr ? 4096 : 16384;
  if (phase_ != Phase::open) return NX_E_CLOSED;
  ChunkPool& pool = loop().chunks();
  for (uint32_t i = 0; i < part_count; ++i) {
    const Bytes part = to_view(parts[i]);
    const bool shared = owner != nullptr && part.size() >= worth_sharing;
    if (!(shared ? out_.append_part(owner, part, pool) : out_.append(part, pool))) {
      // Half a message may be in the queue: nothing sensible can follow it.
      die(NX_CLOSED_LOST, "out of memory");
      return NX_E_MEMORY;
    }
    appended_ += part.size();
  }
  appended();
  return phase_ == Phase::open ? NX_OK : NX_E_CLOSED;
}

void Stream::set_reading(bool on) {
  if (phase_ != Phase::open || on == reading_) return;
  reading_ = on;
  // Stopping costs nothing until input really comes (input_while_paused), so that a pause that is
  // over within the turn costs nothing at all.
  if (!on) return;
  if ((interest_ & kListen) != kListen && !set_interest(interest_ | kListen)) {
    die(NX_CLOSED_LOST, std::strerror(errno));
    return;
  }
  if (!spill_.empty() || delivering_ || input_ended_) call_later();
}

void Stream::call_later() {
  if (in_later_) return;
  in_later_ = true;
  loop().add_later(*this);
}

void Stream::call() {
  if (phase_ == Phase::open && owes_drained_ && queued() == 0) {
    owes_drained_ = false;
    source().handler->drained(connection_);
  }
  resume();
}

void Stream::set_deadline(uint64_t delay_ms) {
  if (phase_ == Phase::open) arm_deadline(delay_ms);
}

// A deadline that moves on leaves the timer where it is: when that is due it looks here again.
void Stream::arm_deadline(uint64_t delay_ms) {
  if (delay_ms == 0) {
    deadline_at_ = 0;
    return;
  }
  const uint64_t now = loop().now_ms();
  deadline_at_ = now + 1 + std::min(delay_ms, UINT64_MAX - 1 - now);
  if (!armed() || when > deadline_at_) loop().wheel().arm(*this, deadline_at_);
}

void Stream::on_due(TimerNode& timer) {
  auto& stream = static_cast<Stream&>(timer);
  if (stream.deadline_at_ == 0 || stream.phase_ == Phase::dead) return;
  if (stream.deadline_at_ > stream.loop().now_ms()) {
    stream.loop().wheel().arm(stream, stream.deadline_at_);
    return;
  }
  stream.deadline_at_ = 0;
  StreamSource& source = stream.source();
  switch (stream.phase_) {
    case Phase::open:
      source.handler->deadline(stream.connection_);
      break;
    case Phase::proxy:
      stream.die(NX_CLOSED_TIMEOUT, {});
      break;
    case Phase::handshake:
      stream.loop().count().tls_failures.add();
      if (source.log != nullptr) {
        const std::string& address = stream.tls_->address;
        source.log->limited(LogLevel::info, source.log_area,
                            std::string("TLS ").append(without_port(address)),
                            address + ": TLS handshake timed out");
      }
      stream.die(NX_CLOSED_TIMEOUT, {});
      break;
    default:
      if (stream.puts_off_close()) return;
      // What the peer has not taken by now it will not take.
      stream.die(0, {}, stream.queued() > 0);
  }
}

void Stream::close(uint32_t how, uint32_t reason, std::string_view text) {
  if (phase_ == Phase::dead) return;
  if (how == NX_CLOSE_NOW) {
    die(reason, text, queued() > 0);
    return;
  }
  if (phase_ == Phase::closing || phase_ == Phase::lingering) return;
  remember_end(reason, text);
  phase_ = Phase::closing;
  reading_ = false;
  if (!delivering_) spill_.clear();
  arm_close(close_period());
  mark_dirty();  // even if nothing is queued: the end of the turn goes on from here
}

// Everything has gone out: says so, and waits for the peer's end.
void Stream::begin_linger() {
  phase_ = Phase::lingering;
  // Not registered: the peer hung up while reading was paused.
  if (interest_ == 0 || input_ended_ || ::shutdown(fd_, SHUT_WR) != 0 || !set_interest(kListen)) {
    die(0, {});
    return;
  }
  if (min_rate_ != 0) return arm_close(close_period());
  const uint64_t now = loop().now_ms();
  arm_deadline(std::min(deadline_at_ > now ? deadline_at_ - now : 1, kLingerMs));
}

uint64_t Stream::close_period() const {
  const uint64_t whole = source().close_timeout_ms;
  return phase_ == Phase::lingering ? std::min(whole, kLingerMs) : whole;
}

void Stream::arm_close(uint64_t delay_ms) {
  if (min_rate_ != 0) close_mark_ = acknowledged();
  arm_deadline(delay_ms);
}

// A client that reads what is still on its way to it is not cut off, however slow it is. Not even
// once all of it is with the system: a socket that is gone answers what the client may say with a
// reset, which destroys what the client has not read.
bool Stream::puts_off_close() {
  if (min_rate_ == 0) return false;
  const uint64_t taken = acknowledged() - close_mark_;
  const uint64_t period = close_period();
  if (acknowledged_ >= appended_ || taken < uint64_t{min_rate_} * period / 1000) return false;
  arm_close(period);
  return true;
}

void Stream::remember_end(uint32_t reason, std::string_view text) {
  if (end_reason_ != 0) return;  // what came first is the cause
  end_reason_ = static_cast<uint8_t>(reason == 0 || reason > 255 ? NX_CLOSED_BY_ROUTER : reason);
  if (!text.empty()) end_text_ = BufferRef::retain(BufferRef::copy_of(as_bytes(text)).get());
}

// `reset` also drops what the kernel holds, so that a peer that does not read cannot go on
// occupying memory after it was told to leave.
void Stream::die(uint32_t reason, std::string_view text, bool reset) {
  if (phase_ == Phase::dead) return;
  remember_end(reason, text);
  phase_ = Phase::dead;
  on_events = &EventTarget::ignore;
  loop().wheel().cancel(*this);
  out_.clear(loop().chunks());
  if (!delivering_) spill_.clear();
  if (reset && !source().is_unix) {
    const linger drop{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  }
  ::close(fd_);
  fd_ = -1;
  interest_ = 0;
  loop().add_dead(*this);
}

bool Stream::set_interest(uint32_t events) {
  if (events == interest_) return true;
  EventLoop& loop = admission_.loop();
  if (events == 0) {
    loop.remove_fd(fd_);
  } else if (!(interest_ == 0 ? loop.add_fd(fd_, events, *this)
                              : loop.change_fd(fd_, events, *this))) {
    return false;
  }
  interest_ = events;
  return true;
}

void Stream::finish() {
  if (connection_ != nullptr) {
    const Bytes text = end_text_ == nullptr ? Bytes{} : Bytes{end_text_->data(), end_text_->size};
    source().handler->closed(connection_, end_reason_, to_nx(as_text(text)));
  }
  delete this;
}

void Stream::abandon() {
  if (phase_ == Phase::dead) return;
  if (phase_ == Phase::open) remember_end(NX_CLOSED_BY_ROUTER, "the router has stopped");
  send_last();
  die(0, {});
}

void Stream::on_event(EventTarget& target, uint32_t events) {
  auto& stream = static_cast<Stream&>(target);
  if ((events & EPOLLOUT) != 0) stream.send_all();
  if (stream.phase_ == Phase::dead) return;
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) stream.on_readable(events);
}

}  // namespace nexus
