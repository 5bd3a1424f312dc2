#include "kernel/session/outbox.hpp"

namespace nexus {

namespace {
// A frame header on top of a message, at the most: what "the queue was empty before" leaves open.
constexpr uint64_t kFramingSlack = 64;
}  // namespace

void Outbox::refresh() {
  queued_ = closed_ ? 0 : transport_->queued(connection_);
  if (queued_ == 0) messages_ = 0;
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
