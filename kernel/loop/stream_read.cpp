// Stream: bytes that come in. [loop]
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/loop/event_loop.hpp"
#include "kernel/loop/stream.hpp"

namespace nexus {
namespace {

// A stream's share of a turn.
constexpr size_t kReadPerTurn = 256 << 10;
// Up to here an unused rest is copied in front of the next bytes in the shared buffer; a longer
// one stays where it is, and what follows is read in behind it.
constexpr size_t kCopyBack = 16 << 10;
constexpr size_t kLeastRoom = 16 << 10;
// Bytes that a peer may still send after we have closed, before it is taken for a nuisance.
constexpr uint32_t kMostDiscarded = 16 << 20;

constexpr uint32_t kListen = EPOLLIN | EPOLLRDHUP;
constexpr uint32_t kHangup = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

static_assert(EventLoop::kReadBuffer - kCopyBack >= EventLoop::kCipherBuffer + Tls::kMostHeldBack,
              "what one read decrypts to has to fit");

ssize_t receive(int fd, void* to, size_t room, int flags = 0) {
  ssize_t size;
  do {
    size = ::recv(fd, to, room, flags);
  } while (size < 0 && errno == EINTR);
  return size;
}

// Errors are reported always; naming them keeps the mask apart from "not registered".
uint32_t without_input(uint32_t interest) {
  return (interest & ~static_cast<uint32_t>(kListen)) | EPOLLERR;
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

std::string lost(int error) { return std::string("connection lost: ") + std::strerror(error); }

}  // namespace

void Stream::on_readable(uint32_t events) {
  switch (phase_) {
    case Phase::proxy:
      proxy_step(events);
      break;
    case Phase::handshake:
      handshake_step(events);
      break;
    case Phase::open:
      reading_ ? read_input(events) : input_while_paused(events);
      break;
    case Phase::closing:
    case Phase::lingering:
      discard_input(events);
      break;
    case Phase::dead:
      break;
  }
}

void Stream::handshake_step(uint32_t events) {
  if (!loop().may_handshake()) return;  // level triggered: it is reported again
  uint8_t* const cipher = loop().cipher_buffer();
  const ssize_t size = cipher == nullptr ? -1 : receive(fd_, cipher, EventLoop::kCipherBuffer);
  if (size < 0 && cipher != nullptr && would_block() && (events & kHangup) == 0) return;
  if (size <= 0) {
    die(NX_CLOSED_LOST, {});
    return;
  }
  loop().count().reads.add();
  loop().count().bytes_in.add(static_cast<uint64_t>(size));
  tls_->feed({cipher, static_cast<size_t>(size)});
  const Tls::Step step = tls_->handshake();
  if (!tls_->wire.empty()) mark_dirty();
  if (step == Tls::Step::failed) {
    fail_tls(NX_CLOSED_TLS);
    return;
  }
  if (step == Tls::Step::again) return;

  loop().count().tls_handshakes.add();
  if (source().closed.load(std::memory_order_acquire)) {
    die(NX_CLOSED_BY_ROUTER, {});
    return;
  }
  deadline_at_ = 0;
  nx_stream_info info{};
  info.struct_size = sizeof info;
  info.flags = info_flags(tls_->address);
  info.address = to_nx(tls_->address);
  info.local_address = to_nx(tls_->local_address);
  tls_->describe(info);
  announce(info);
  tls_->forget_description();
  if (phase_ != Phase::open) return;
  // The first bytes may have come together with the end of the handshake.
  uint8_t* const to = loop().read_buffer();
  const Fill rest = fill_decrypted(to, EventLoop::kReadBuffer, false);
  if (rest.size > 0 && !take(to, rest.size)) return;
  if (rest.ended || rest.failed) on_fill_end(rest);
}

void Stream::read_input(uint32_t events) {
  size_t share = kReadPerTurn;
  for (;;) {
    Fill got;
    bool alive = true;
    if (spill_.size() <= kCopyBack) {
      const size_t kept = spill_.size();
      uint8_t* const buffer = loop().read_buffer();
      got = fill(buffer + kept, EventLoop::kReadBuffer - kept);
      if (got.size > 0) {
        if (kept > 0) std::memcpy(buffer, spill_.data(), kept);
        alive = take(buffer, kept + got.size);
      }
    } else if (tls_ != nullptr) {
      uint8_t* const buffer = loop().read_buffer();
      got = fill(buffer, EventLoop::kReadBuffer);
      if (got.size > 0) {
        uint8_t* const room = spill_.make_room(got.size);
        if (room == nullptr) return die(NX_CLOSED_LOST, "out of memory");
        std::memcpy(room, buffer, got.size);
        spill_.added(got.size);
        alive = take_from_spill();
      }
    } else {
      uint8_t* const room = spill_.make_room(kLeastRoom);
      if (room == nullptr) return die(NX_CLOSED_LOST, "out of memory");
      got = fill(room, spill_.room());
      if (got.size > 0) {
        spill_.added(got.size);
        alive = take_from_spill();
      }
    }
    if (!alive) return;
    if (got.ended || got.failed) return on_fill_end(got);
    if (got.size == 0 && (events & (EPOLLHUP | EPOLLERR)) != 0) {
      // Nothing to read, and yet it is reported: there is nothing to wait for.
      return die(NX_CLOSED_LOST, "connection lost");
    }
    share -= std::min(share, got.size);
    // After a hang-up there is an end to be found, however short the last read was.
    if (!got.more && (got.size == 0 || (events & kHangup) == 0)) return;
    if (share == 0 || !reading_) return;
  }
}

Stream::Fill Stream::fill(uint8_t* to, size_t room) {
  if (tls_ != nullptr) return fill_decrypted(to, room, true);
  Fill result;
  const ssize_t size = receive(fd_, to, room);
  if (size > 0) {
    result.size = static_cast<size_t>(size);
    result.more = result.size == room;
    received_ += result.size;
    loop().count().reads.add();
    loop().count().bytes_in.add(result.size);
  } else if (size == 0) {
    result.ended = true;
  } else if (!would_block()) {
    remember_end(NX_CLOSED_LOST, lost(errno));
    result.failed = true;
  }
  return result;
}

// Decrypts everything that one read brings, so that nothing is left behind in OpenSSL that epoll
// would know nothing about.
Stream::Fill Stream::fill_decrypted(uint8_t* to, size_t room, bool from_socket) {
  Fill result;
  if (from_socket) {
    uint8_t* const cipher = loop().cipher_buffer();
    const ssize_t size = receive(fd_, cipher, EventLoop::kCipherBuffer);
    if (size <= 0) {
      result.ended = size == 0;
      result.failed = size < 0 && !would_block();
      if (result.failed) remember_end(NX_CLOSED_LOST, lost(errno));
      return result;
    }
    result.more = static_cast<size_t>(size) == EventLoop::kCipherBuffer;
    loop().count().reads.add();
    loop().count().bytes_in.add(static_cast<uint64_t>(size));
    tls_->feed({cipher, static_cast<size_t>(size)});
  }
  const Tls::Read read = tls_->read(to, room);
  result.size = read.size;
  received_ += read.size;
  result.ended = read.ended;
  result.failed = read.failed;
  // Answers to key updates, tickets, alerts. A peer that provokes them and takes none is hostile.
  if (!tls_->wire.empty() && !result.failed) {
    constexpr size_t kMostAnswers = 1 << 20;
    if (tls_->wire.size() > kMostAnswers) {
      remember_end(NX_CLOSED_TLS, "TLS: the peer does not read what it asks for");
      result.failed = true;
    } else {
      mark_dirty();
    }
  }
  return result;
}

// Hands bytes outside the spill to the transport and keeps what it leaves. False: the stream is
// not open any more.
bool Stream::take(uint8_t* data, size_t size) {
  const size_t used = reading_ ? deliver(data, size) : 0;
  if (phase_ != Phase::open) {
    spill_.clear();
    return false;
  }
  if (spill_.assign({data + used, size - used})) return true;
  die(NX_CLOSED_LOST, "out of memory");
  return false;
}

bool Stream::take_from_spill() {
  const size_t used = deliver(spill_.data(), spill_.size());
  if (phase_ != Phase::open) {
    spill_.clear();
    return false;
  }
  if (used > 0) spill_.consume(used);
  return true;
}

size_t Stream::deliver(uint8_t* data, size_t size) {
  size_t used = 0;
  delivering_ = true;
  while (used < size && reading_ && phase_ == Phase::open) {
    const uint64_t step = source().handler->received(connection_, data + used, size - used);
    if (step == 0) break;
    used += std::min<uint64_t>(step, size - used);
  }
  delivering_ = false;
  return used;
}

void Stream::on_fill_end(const Fill& fill) {
  if (fill.ended && !fill.failed) {
    end_of_input();
    return;
  }
  if (end_reason_ != 0) {
    die(end_reason_, {});
  } else {
    fail_tls(NX_CLOSED_TLS);
  }
}

// The peer has said all it will say. What is queued for it gets one chance: it may only have
// closed its own direction.
void Stream::end_of_input() {
  if (!reading_ && !spill_.empty()) {
    input_ended_ = true;  // its last bytes have not been used yet: resume() comes back here
    return;
  }
  remember_end(NX_CLOSED_BY_PEER, "closed by the peer");
  send_last();
  die(0, {});
}

// After set_reading(1) while bytes were waiting.
void Stream::resume() {
  if (phase_ != Phase::open || !reading_) return;
  if (!spill_.empty() && !take_from_spill()) return;
  if (input_ended_ && reading_) end_of_input();
}

// Input, or a hang-up, while the transport wants no input. Data can wait in the socket; the death
// of the peer must not, or what it left behind here would live as long as the pause. But an orderly
// end behind data that was not read yet is told after that data.
void Stream::input_while_paused(uint32_t events) {
  if ((events & EPOLLERR) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    die(NX_CLOSED_LOST, lost(error == 0 ? ECONNRESET : error));
    return;
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP)) == 0) {
    if (!set_interest(without_input(interest_) | EPOLLRDHUP)) {
      die(NX_CLOSED_LOST, std::strerror(errno));
    }
    return;
  }
  if ((events & EPOLLHUP) != 0 && blocked_) {
    // What is queued will never leave, and reading may be off until it has.
    die(NX_CLOSED_LOST, lost(EPIPE));
    return;
  }
  int waiting = 0;
  ::ioctl(fd_, FIONREAD, &waiting);
  // With TLS the last thing in the socket is close_notify, which is no data.
  constexpr int kMayBeAlerts = 128;
  if (tls_ != nullptr && waiting > 0 && waiting <= kMayBeAlerts) {
    uint8_t* const buffer = loop().read_buffer();
    const Fill rest = fill_decrypted(buffer, EventLoop::kReadBuffer, true);
    if (rest.size > 0) {
      uint8_t* const room = spill_.make_room(rest.size);
      if (room == nullptr) return die(NX_CLOSED_LOST, "out of memory");
      std::memcpy(room, buffer, rest.size);
      spill_.added(rest.size);
    }
    if (rest.failed) return on_fill_end(rest);
    waiting = 0;
  }
  if (waiting == 0) end_of_input();
  if (phase_ == Phase::dead) return;
  // Not to hear of it again before set_reading(1). A hang-up of both directions cannot be masked.
  if (!set_interest((events & EPOLLHUP) != 0 ? 0 : without_input(interest_))) {
    die(NX_CLOSED_LOST, std::strerror(errno));
  }
}

// After close(): whatever still comes is thrown away, until the peer hangs up too.
void Stream::discard_input(uint32_t events) {
  // TCP throws away without copying.
  const int flags = source().is_unix ? 0 : MSG_TRUNC;
  const ssize_t size = receive(fd_, loop().read_buffer(), EventLoop::kReadBuffer, flags);
  if (size > 0) {
    loop().count().bytes_in.add(static_cast<uint64_t>(size));
    discarded_ += static_cast<uint32_t>(size);
    if (discarded_ > kMostDiscarded) die(0, {}, queued() > 0);
    return;
  }
  if (size < 0 && would_block() && (events & (EPOLLHUP | EPOLLERR)) == 0) return;
  // The end, or an error. A peer that has closed only its own direction may still be reading.
  input_ended_ = true;
  if (size == 0 && phase_ == Phase::closing && (events & (EPOLLHUP | EPOLLERR)) == 0 &&
      set_interest(without_input(interest_))) {
    return;
  }
  die(0, {});
}

}  // namespace nexus
