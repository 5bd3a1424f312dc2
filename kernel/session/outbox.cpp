#include "kernel/session/outbox.hpp"

namespace nexus {

namespace {
// A frame header on top of a message, at the most: what "the queue was empty before" leaves open.
constexpr uint64_t kFramingSlack = 64;
}  // namespace

void Outbox::refresh() {
  const uint64_t now = closed_ ? 0 : transport_->queued(connection_);
  if (now < queued_) taken_ += queued_ - now;
  queued_ = now;
  if (queued_ == 0) messages_ = 0;
}

bool Outbox::overdue(size_t size) {
  if (queued_ + size <= policy_->reply_bytes) return false;
  refresh();
  // One result that is larger than all that may wait passes through an empty queue.
  return queued_ != 0 && queued_ + size > policy_->reply_bytes;
}

bool Outbox::hopeless(uint64_t now_ms) {
  if (queued_ <= policy_->queue_bytes * 2) {
    unread_since_ = 0;
    return false;
  }
  const uint64_t enough = policy_->min_rate * policy_->unread_timeout_ms / 1000;
  if (unread_since_ == 0 || taken_ - unread_mark_ > enough) {
    unread_since_ = now_ms + 1;  // 0 has its own meaning
    unread_mark_ = taken_;
    return false;
  }
  return now_ms + 1 - unread_since_ >= policy_->unread_timeout_ms;
}

Sent Outbox::send(Urgency urgency, Bytes message, nx_buffer* owner) {
  if (closed_) return Sent::closed;
  if (!fits(message.size())) return Sent::too_large;
  if (urgency != Urgency::reply &&
      (queued_ + message.size() > policy_->queue_bytes || messages_ >= policy_->queue_messages)) {
    refresh();  // what was queued may have left at the end of an earlier turn
    if (queued_ + message.size() > policy_->queue_bytes || messages_ >= policy_->queue_messages) {
      // One message that is larger than the whole queue may pass through an empty one.
      if (queued_ != 0) return Sent::full;
    }
  }
  // Else what has left since the last look would be lost from the count.
  if (congested()) refresh();
  const nx_bytes part = to_nx(message);
  const nx_message out{sizeof(nx_message), 1, &part, owner, message.size()};
  const int64_t queued = transport_->send(connection_, &out);
  if (queued < 0) return queued == NX_E_LIMIT ? Sent::too_large : Sent::closed;
  messages_ = static_cast<uint64_t>(queued) <= message.size() + kFramingSlack ? 1 : messages_ + 1;
  queued_ = static_cast<uint64_t>(queued);
  return Sent::ok;
}

void Outbox::close(uint32_t how, std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  transport_->close(connection_, how, to_nx(reason));
}

}  // namespace nexus
