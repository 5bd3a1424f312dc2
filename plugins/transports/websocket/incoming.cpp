// Incoming frames of a WebSocket connection. [loop]
//
// Messages of one uncompressed frame, nearly all of them, are unmasked where they lie and handed
// on in batches. Whatever changes the connection's state (control frames, fragments, compression)
// waits until the router has taken the batch before it; so a router that pauses in between finds
// everything as it was when the same bytes come again. Unmasked frames get a masking key of zero.
#include <new>

#include "plugins/transports/websocket/connection.hpp"
#include "plugins/transports/websocket/mask.hpp"

namespace nexus::websocket {

namespace {

constexpr uint64_t kKeepScratch = 1 << 20;

// Deflate can make incompressible data a little larger than it was.
constexpr uint64_t on_the_wire(uint64_t limit) { return limit + (limit >> 8) + 64; }

}  // namespace

uint64_t Connection::read_frames(uint8_t* data, uint64_t size, uint64_t start) {
  support::MessageBatch batch;
  batch.used = start;
  uint64_t at = start;
  while (state_ == kOpen && !paused() && at < size) {
    FrameHeader header;
    const HeaderResult result = read_header(data + at, size - at, deflate_in_, header);
    if (result.state == HeaderResult::kIncomplete) break;
    const char* error = result.error;
    uint16_t code = kCodeProtocolError;
    if (error == nullptr && !header.is_control()) code = check_data_frame(header, &error);
    if (error != nullptr) {
      // What came before it is good, and goes first.
      if (flush(batch) && state_ == kOpen) fail(code, error);
      return batch.used;
    }
    const support::Room room = room_for(size_with(header), batch);
    if (room == support::Room::kLater) return batch.used;
    if (room == support::Room::kNo) {
      fail(kCodeTooBig, "a message of this size before WELCOME");
      return batch.used;
    }
    if (size - at - header.header_size < header.payload_size) break;
    uint8_t* payload = data + at + header.header_size;
    const bool simple = header.final && !header.compressed && !header.is_control() &&
                        header.opcode != kContinuation && batching_ == nullptr;
    // The router's answer to what came before may end all this, so nothing is touched yet.
    if (!simple && (!flush(batch) || state_ != kOpen)) return batch.used;
    // A frame of many messages may come again for each of them: not all of it is looked at then.
    const bool again = batching_ != nullptr && batching_->at != 0;
    const bool beyond_ascii = !again && unmask(payload, header.payload_size, header.mask);
    clear_mask(data + at, header.header_size);
    at += header.header_size + header.payload_size;
    if (simple) {
      if (beyond_ascii && opcode_ == kText && !valid_utf8(payload, header.payload_size)) {
        if (flush(batch) && state_ == kOpen) fail(kCodeInvalidPayload, "text is not UTF-8");
        return batch.used;
      }
      batch.add({payload, header.payload_size}, at);
      if (batch.full() && !flush(batch)) return batch.used;
      continue;
    }
    if (header.is_control()) {
      on_control(header, payload);
    } else if (batching_ != nullptr && assembly_ == nullptr && header.final && !header.compressed) {
      if (beyond_ascii && opcode_ == kText && !valid_utf8(payload, header.payload_size)) {
        fail(kCodeInvalidPayload, "text is not UTF-8");
        return batch.used;
      }
      if (deliver_batch({payload, header.payload_size}) != Taken::kYes) return batch.used;
    } else if (on_complex_data(header, payload) != Taken::kYes) {
      return batch.used;
    }
    batch.used = at;
  }
  flush(batch);
  return batch.used;
}

// How large a message is known to become with this frame. One that waits to be taken has been
// looked at when it first came.
uint64_t Connection::size_with(const FrameHeader& header) const {
  if (assembly_ == nullptr || header.is_control()) return header.payload_size;
  return assembly_->waiting ? 0 : assembly_->bytes.size() + header.payload_size;
}

// What a header says about a data frame in the light of what came before. 0 and no error = fine.
uint16_t Connection::check_data_frame(const FrameHeader& header, const char** error) const {
  if (assembly_ != nullptr && assembly_->waiting) return 0;  // checked when it first came
  const bool first = header.opcode != kContinuation;
  if (first == (assembly_ != nullptr)) {
    *error = first ? "a new message begins inside a fragmented one"
                   : "a continuation frame without a message to continue";
    return kCodeProtocolError;
  }
  if (first && header.opcode != opcode_) {
    *error = opcode_ == kText ? "this subprotocol uses text frames"
                              : "this subprotocol uses binary frames";
    return kCodeUnsupportedData;
  }
  const bool compressed = first ? header.compressed : assembly_->compressed;
  const uint64_t limit = payload_limit();
  const uint64_t room =
      (compressed ? on_the_wire(limit) : limit) - (first ? 0 : assembly_->bytes.size());
  if (header.payload_size > room) {
    *error = "message above max_message_size";
    return kCodeTooBig;
  }
  return 0;
}

// ---- control frames --------------------------------------------------------------------------

void Connection::on_control(const FrameHeader& header, const uint8_t* payload) {
  const auto size = static_cast<uint32_t>(header.payload_size);
  on_control_frame(header.header_size + size, header.opcode == kPong);
  if (header.opcode == kClose) {
    on_close_frame(payload, size);
  } else if (header.opcode == kPing && send_control(kPong, payload, size)) {
    count_pong(size + 2);
  }
}

void Connection::on_close_frame(const uint8_t* payload, uint64_t size) {
  if (size == 1) return fail(kCodeProtocolError, "close frame with half a code");
  std::string text = "closed by the peer";
  flush_batch();
  if (size == 0) {
    // "No status" cannot be written, and clients (autobahn-js on Node) take an answer without a
    // code for a lost connection: so it is a normal closure, as Autobahn has it.
    static constexpr uint8_t kNormal[2] = {kCodeNormal >> 8, kCodeNormal & 0xff};
    send_control(kClose, kNormal, sizeof(kNormal));
  } else {
    const auto code = static_cast<uint16_t>((payload[0] << 8) | payload[1]);
    if (!valid_close_code(code)) {
      return fail(kCodeProtocolError, "close frame with a code that may not be sent");
    }
    if (!valid_utf8(payload + 2, size - 2)) {
      return fail(kCodeInvalidPayload, "the reason of a close frame is not UTF-8");
    }
    send_control(kClose, payload, 2);
    text += " with " + std::to_string(code);
    if (size > 2) {
      text += ": " + support::printable(
                         std::string_view(reinterpret_cast<const char*>(payload) + 2, size - 2));
    }
  }
  state_ = kDone;
  end(NX_CLOSE_FLUSH, NX_CLOSED_BY_PEER, text);
}

// After our close frame only the peer's is of interest; payload is passed over as it comes.
uint64_t Connection::read_closing(const uint8_t* data, uint64_t size, uint64_t used) {
  for (;;) {
    const uint64_t skipped = std::min(skip_, size - used);
    used += skipped;
    skip_ -= skipped;
    FrameHeader header;
    const HeaderResult result = read_header(data + used, size - used, deflate_in_, header);
    if (result.state == HeaderResult::kIncomplete) return used;
    if (result.state == HeaderResult::kBroken || header.opcode == kClose) {
      state_ = kDone;
      end(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, {});
      return size;
    }
    used += header.header_size;
    skip_ = header.payload_size;
  }
}

// ---- fragments and compression ---------------------------------------------------------------

// A frame that is not a whole message by itself. kNo: the router has paused, and this very frame
// has to come again.
Connection::Taken Connection::on_complex_data(const FrameHeader& header, const uint8_t* payload) {
  if (assembly_ != nullptr && assembly_->waiting) return deliver_one(assembly_->bytes);
  if (assembly_ == nullptr && header.final) {  // compressed, in one frame
    thread_local Bytes scratch;
    if (!expand(payload, header.payload_size, scratch)) return Taken::kFailed;
    const Taken taken = deliver_one(scratch);
    scratch.shrink(kKeepScratch);
    return taken;
  }
  if (!append_fragment(header, payload)) return Taken::kFailed;
  return header.final ? finish_assembly() : Taken::kYes;
}

bool Connection::append_fragment(const FrameHeader& header, const uint8_t* payload) {
  if (assembly_ == nullptr) {
    assembly_.reset(new (std::nothrow) Assembly);
    if (assembly_ != nullptr) assembly_->compressed = header.compressed;
  }
  const uint64_t limit = payload_limit();
  if (assembly_ == nullptr ||
      !assembly_->bytes.append(payload, header.payload_size,
                               assembly_->compressed ? on_the_wire(limit) : limit)) {
    fail(kCodeInternalError, "out of memory");
    return false;
  }
  if (opcode_ == kText && !assembly_->compressed &&
      !assembly_->utf8.add(payload, header.payload_size)) {
    fail(kCodeInvalidPayload, "text is not UTF-8");
    return false;
  }
  return true;
}

Connection::Taken Connection::finish_assembly() {
  Assembly& assembly = *assembly_;
  if (assembly.compressed) {
    Bytes expanded;
    if (!expand(assembly.bytes.data(), assembly.bytes.size(), expanded)) return Taken::kFailed;
    assembly.bytes.swap(expanded);
  } else if (!assembly.utf8.complete()) {
    fail(kCodeInvalidPayload, "text is not UTF-8");
    return Taken::kFailed;
  }
  return deliver_one(assembly.bytes);
}

// A message that lies outside the stream's memory. If the router does not take it now, it is kept
// until the frame that completed it comes again.
Connection::Taken Connection::deliver_one(Bytes& message) {
  static constexpr uint8_t kNothing = 0;
  const nx_bytes view = {message.size() != 0 ? message.data() : &kNothing, message.size()};
  const Taken taken = deliver_payload(view);
  if (taken == Taken::kYes) assembly_.reset();
  if (taken != Taken::kNo || state_ != kOpen) return taken;
  if (assembly_ == nullptr) {
    assembly_.reset(new (std::nothrow) Assembly);
    if (assembly_ == nullptr) {
      fail(kCodeInternalError, "out of memory");
      return Taken::kFailed;
    }
    assembly_->bytes.swap(message);
  }
  assembly_->waiting = true;
  return Taken::kNo;
}

// Inflates one message; false after having failed the connection.
bool Connection::expand(const uint8_t* data, uint64_t size, Bytes& out) {
  Inflater* inflater = &shared_inflater();
  if (client_takeover_) {
    if (contexts_->inflater == nullptr) {
      contexts_->inflater.reset(new (std::nothrow) Inflater(client_bits_));
    }
    inflater = contexts_->inflater.get();
  }
  const uint64_t limit = std::min(payload_limit(), sessions().message_limit(session));
  const InflateResult result = inflater == nullptr
                                   ? InflateResult::kNoMemory
                                   : inflater->run(data, size, limit, client_takeover_, out);
  switch (result) {
    case InflateResult::kOk:
      if (opcode_ != kText || valid_utf8(out.data(), out.size())) return true;
      fail(kCodeInvalidPayload, "text is not UTF-8");
      return false;
    case InflateResult::kCorrupt:
      fail(kCodeInvalidPayload, "compressed data is corrupt");
      return false;
    case InflateResult::kTooLarge:
      fail(kCodeTooBig, "message above max_message_size");
      return false;
    case InflateResult::kNoMemory:
      fail(kCodeInternalError, "out of memory");
      return false;
  }
  return false;
}

}  // namespace nexus::websocket
