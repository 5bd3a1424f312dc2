// Stream: bytes that go out. [loop]
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "kernel/loop/address.hpp"
#include "kernel/loop/event_loop.hpp"
#include "kernel/loop/stream.hpp"

namespace nexus {
namespace {

// A stream does not wait for the end of the turn with more than this: by then the peer can have
// taken it, and the memory is used again.
constexpr size_t kWriteThrough = 128 << 10;
// All streams together flush early when the turn has queued this much.
constexpr size_t kMostPerTurn = 32 << 20;
// A stream's share of one flush.
constexpr size_t kSendPerTurn = 1 << 20;
// What is encrypted ahead of the socket.
constexpr size_t kMostEncrypted = 256 << 10;
constexpr int kPieces = 64;

}  // namespace

void Stream::appended() {
  if (!blocked_ && out_.size() >= kWriteThrough) {
    send_all();
    if (phase_ == Phase::dead) return;
  }
  if (queued() > 0) mark_dirty();
  if (loop().chunks().counted() >= kMostPerTurn) loop().flush_dirty();
}

void Stream::mark_dirty() {
  if (in_dirty_ || blocked_) return;  // blocked: epoll says when to go on
  in_dirty_ = true;
  loop().add_dirty(*this);
}

nx_status Stream::at_flush() {
  if (phase_ != Phase::open) return NX_E_CLOSED;
  const nx_stream_handler* const handler = source().handler;
  if (!NX_HAS(handler, flushing) || handler->flushing == nullptr) return NX_E_UNSUPPORTED;
  tell_flush_ = true;
  if (!in_dirty_) {  // also while the socket is full: nothing is written then, but it is called
    in_dirty_ = true;
    loop().add_dirty(*this);
  }
  return NX_OK;
}

void Stream::flush() {
  if (tell_flush_) {
    tell_flush_ = false;
    if (phase_ == Phase::open) source().handler->flushing(connection_);
  }
  if (phase_ != Phase::dead && !blocked_) send_all();
}

int64_t Stream::flush_now() {
  if (phase_ != Phase::open) return NX_E_CLOSED;
  flush();
  return phase_ == Phase::open ? static_cast<int64_t>(queued()) : NX_E_CLOSED;
}

// Sends until nothing is left or the socket takes no more, and goes on with a close that waited
// for that.
void Stream::send_all() {
  while (phase_ != Phase::dead) {
    if (tls_ != nullptr && !tls_->encrypt(out_, kMostEncrypted)) {
      fail_tls(NX_CLOSED_TLS);
      return;
    }
    ByteQueue& queue = tls_ == nullptr ? out_ : tls_->wire;
    if (!queue.empty()) {
      switch (send_some(queue)) {
        case Sent::all:
          continue;  // with TLS there may be more to encrypt
        case Sent::part:
          blocked_ = owes_drained_ = true;
          if (!set_interest(interest_ | EPOLLOUT)) die(NX_CLOSED_LOST, std::strerror(errno));
          return;
        case Sent::turn_is_over:
          owes_drained_ = true;  // whoever looks at the queue now sees it long
          mark_dirty();
          return;
        case Sent::failed:
          die(NX_CLOSED_LOST, std::string("connection lost: ") + std::strerror(errno));
          return;
      }
    }
    if (blocked_) {
      blocked_ = false;
      if (!set_interest(interest_ & ~static_cast<uint32_t>(EPOLLOUT))) {
        die(NX_CLOSED_LOST, std::strerror(errno));
        return;
      }
    }
    if (phase_ == Phase::open && owes_drained_) call_later();
    if (phase_ != Phase::closing) return;
    if (tls_ != nullptr && !tls_->said_goodbye()) {
      tls_->say_goodbye();
      continue;
    }
    begin_linger();
    return;
  }
}

// What the socket takes right now, before the stream ends for good.
void Stream::send_last() {
  send_all();
  if (tls_ == nullptr || phase_ == Phase::dead || blocked_) return;
  tls_->say_goodbye();
  send_all();
}

Stream::Sent Stream::send_some(ByteQueue& queue) {
  size_t total = 0;
  while (!queue.empty()) {
    if (total >= kSendPerTurn) return Sent::turn_is_over;
    iovec pieces[kPieces];
    size_t bytes = 0;
    const int count = queue.gather(pieces, kPieces, &bytes);
    ssize_t sent;
    do {
      if (count == 1) {
        sent = ::send(fd_, pieces[0].iov_base, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
      } else {
        msghdr message{};
        message.msg_iov = pieces;
        message.msg_iovlen = static_cast<size_t>(count);
        sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      }
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) return Sent::failed;
      loop().count().stalls.add();
      return Sent::part;
    }
    loop().count().writes.add();
    loop().count().bytes_out.add(static_cast<uint64_t>(sent));
    queue.consume(static_cast<size_t>(sent), loop().chunks());
    total += static_cast<size_t>(sent);
    if (static_cast<size_t>(sent) < bytes) {
      // It took a part: it is full, no need to hear it say so.
      loop().count().stalls.add();
      return Sent::part;
    }
  }
  return Sent::all;
}

// The handshake or a record was no good. OpenSSL may have left an alert that tells the peer why.
void Stream::fail_tls(uint32_t reason) {
  loop().count().tls_failures.add();
  if (phase_ == Phase::handshake) {
    if (source().log != nullptr) {
      source().log->limited(LogLevel::info, source().log_area,
                            std::string("TLS ").append(without_port(tls_->address)),
                            tls_->address + ": " + tls_->error());
    }
    close(NX_CLOSE_FLUSH, reason, tls_->error());
    return;
  }
  remember_end(reason, tls_->error());
  if (!blocked_ && !tls_->wire.empty()) send_some(tls_->wire);
  die(reason, {});
}

}  // namespace nexus
