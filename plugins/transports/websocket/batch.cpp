// Reading and writing batches. [loop]
//
// A batch is handed to the router in runs of messages, as they lie. If the router stops in the
// middle, the frame stays where it is and comes again; `Batching::at` says where to go on, so that
// however often that happens, each byte is looked at once.
#include "plugins/transports/websocket/batch.hpp"

#include <algorithm>

#include "plugins/transports/websocket/connection.hpp"

namespace nexus::websocket {

namespace {

constexpr uint32_t kMaxParts = 4;  // of an nx_message

}  // namespace

// ---- in ----------------------------------------------------------------------------------------

Batching::Cut Batching::next(nx_bytes payload, nx_bytes* message, const char** error) {
  const uint8_t* const begin = payload.data + at;
  const uint64_t left = payload.size - at;
  if (left == 0) return Cut::kEnd;
  if (!text) {
    if (left < kPrefixSize) {
      *error = "a batch ends inside the length of a message";
      return Cut::kBroken;
    }
    const uint64_t size =
        uint64_t{begin[0]} << 24 | uint64_t{begin[1]} << 16 | uint64_t{begin[2]} << 8 | begin[3];
    if (size > left - kPrefixSize) {
      *error = "a message of a batch is longer than the batch";
      return Cut::kBroken;
    }
    *message = {begin + kPrefixSize, size};
    at += kPrefixSize + size;
    return Cut::kMessage;
  }
  const uint8_t* const end = begin + left;
  const uint8_t* found = nullptr;
  if (separator == 0) {
    found = std::find_if(begin, end,
                         [](uint8_t c) { return c == kSeparator || c == kAutobahnSeparator; });
    if (found != end) separator = *found;
  } else {
    const void* const hit = std::memchr(begin, separator, left);
    found = hit == nullptr ? end : static_cast<const uint8_t*>(hit);
  }
  if (found == end) {
    *error = "a batch without a record separator behind its last message";
    return Cut::kBroken;
  }
  *message = {begin, static_cast<uint64_t>(found - begin)};
  at += message->size + 1;
  return Cut::kMessage;
}

Connection::Taken Connection::deliver_payload(nx_bytes payload) {
  if (batching_ != nullptr) return deliver_batch(payload);
  return deliver(&payload, 1) == 1 ? Taken::kYes : Taken::kNo;
}

// kNo: the router has paused or closed; the same payload has to come again, if any.
Connection::Taken Connection::deliver_batch(nx_bytes payload) {
  Batching& batching = *batching_;
  const char* error = payload.size == 0 ? "an empty batch" : nullptr;
  Batching::Cut cut = Batching::Cut::kMessage;
  while (error == nullptr && cut == Batching::Cut::kMessage) {
    nx_bytes messages[support::MessageBatch::kSize];
    uint64_t begins[support::MessageBatch::kSize];
    uint32_t count = 0;
    while (count < support::MessageBatch::kSize) {
      begins[count] = batching.at;
      cut = batching.next(payload, &messages[count], &error);
      if (cut != Batching::Cut::kMessage) break;
      ++count;
    }
    if (count == 0) break;
    // What comes before something broken is good, and goes first.
    const uint32_t taken = deliver(messages, count);
    if (taken < count) {
      batching.at = begins[taken];
      return Taken::kNo;
    }
    if (state_ != kOpen) return Taken::kNo;
    if (batching.at == payload.size) break;
    if (paused()) return Taken::kNo;
  }
  if (error != nullptr) {
    fail(kCodeProtocolError, error);
    return Taken::kFailed;
  }
  batching.at = 0;
  return Taken::kYes;
}

// ---- out ---------------------------------------------------------------------------------------

uint32_t Batching::frame(uint64_t size, uint8_t (&out)[kPrefixSize]) const {
  if (text) {
    out[0] = separator == 0 ? kSeparator : separator;
    return 1;
  }
  for (uint32_t i = 0; i < kPrefixSize; ++i) out[i] = static_cast<uint8_t>(size >> (24 - 8 * i));
  return kPrefixSize;
}

bool Batching::add(const nx_message& message, uint64_t limit) {
  if (!pending.make_room(message.size + kPrefixSize, limit)) return false;
  uint8_t mark[kPrefixSize];
  const uint32_t mark_size = frame(message.size, mark);
  const uint64_t before = pending.size();
  if (!text) pending.append(mark, mark_size, limit);
  const uint64_t end = pending.size() + message.size;
  for (uint32_t i = 0; i < message.part_count; ++i) {
    const nx_bytes& part = message.parts[i];
    if (part.size > end - pending.size()) break;
    pending.append(part.data, part.size, limit);
  }
  if (pending.size() != end) {
    pending.set_size(before);
    return false;
  }
  return !text || pending.append(mark, mark_size, limit);
}

int64_t Connection::send_batched(const nx_message& message) {
  if (message.size > UINT32_MAX) return NX_E_LIMIT;
  const uint64_t limit = config().max_batch_size;
  const uint64_t size = message.size + Batching::kPrefixSize;
  // Large ones go in a frame of their own, and are not copied.
  const bool alone = message.size > support::kCopyLimit || size > limit;
  if ((alone || batching_->pending.size() + size > limit) && !flush_batch()) return NX_E_CLOSED;
  if (alone) return send_alone(message);
  const bool first = batching_->pending.size() == 0;
  if (!batching_->add(message, limit)) {
    end(NX_CLOSE_NOW, NX_CLOSED_LOST, "a message could not be queued");
    return NX_E_CLOSED;
  }
  // A router that does not call at the end of its turn gets a frame for each message.
  if (first && !ask_for_flushing() && !flush_batch()) return NX_E_CLOSED;
  return static_cast<int64_t>(queued());
}

int64_t Connection::send_alone(const nx_message& message) {
  const bool text = batching_->text;
  uint8_t mark[Batching::kPrefixSize];
  const uint32_t mark_size = batching_->frame(message.size, mark);
  if (deflate_out_ && message.size >= config().deflate.min_size) {
    nx_bytes parts[kMaxParts + 1];
    if (message.part_count > kMaxParts) return NX_E_INVALID;
    std::copy_n(message.parts, message.part_count, parts + (text ? 0 : 1));
    parts[text ? message.part_count : 0] = {mark, mark_size};
    return send_frame(
        {sizeof(nx_message), message.part_count + 1, parts, nullptr, message.size + mark_size});
  }
  uint8_t head[kMaxServerHeader + Batching::kPrefixSize];
  uint32_t head_size = write_header(head, opcode_, false, message.size + mark_size);
  if (!text) {
    std::memcpy(head + head_size, mark, mark_size);
    head_size += mark_size;
  }
  const int64_t sent = write_message(head, head_size, message);
  if (sent < 0 || !text) return sent;
  if (!write_copy(mark, mark_size)) {
    end(NX_CLOSE_NOW, NX_CLOSED_LOST, "out of memory while queueing a message");
    return NX_E_CLOSED;
  }
  return static_cast<int64_t>(queued());
}

// False after having ended the connection.
bool Connection::flush_batch() {
  if (batching_ == nullptr || batching_->pending.size() == 0) return true;
  Bytes bytes;  // writing may end in here again: then there is nothing left to do
  bytes.swap(batching_->pending);
  const nx_bytes part = {bytes.data(), bytes.size()};
  if (send_frame({sizeof(nx_message), 1, &part, nullptr, part.size}) >= 0) return true;
  if (!ended_) {
    state_ = kDone;
    end(NX_CLOSE_NOW, NX_CLOSED_LOST, "out of memory while queueing a message");
  }
  return false;
}

}  // namespace nexus::websocket
