// RawSocket, as the WAMP specification has it in 15.1. [loop]
#include "plugins/transports/rawsocket/connection.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "plugins/support/text.hpp"

namespace nexus::rawsocket {

using support::TimerEvent;

Connection::Connection(Listener& owner, nx_stream* stream_in,
                       std::unique_ptr<Handshake> handshake) noexcept
    : StreamConnection(owner, stream_in), handshake_(std::move(handshake)) {}

Connection* Connection::make(Listener& owner, nx_stream* stream, const nx_stream_info& info,
                             bool over_limit) {
  auto handshake = std::make_unique<Handshake>(info, owner.services.values, over_limit);
  return new Connection(owner, stream, std::move(handshake));
}

// ---- from the stream ----------------------------------------------------------------------------

uint64_t Connection::received(const uint8_t* data, uint64_t size) {
  begin_received();
  uint64_t used = 0;
  if (ended_) state_ = kDone;
  if (state_ == kHandshake) used = shake_hands(data, size);
  if (state_ == kOpen) used = read_frames(data, size, used);
  if (state_ == kDone) used = size;
  return end_received(used);
}

void Connection::on_stream_deadline() {
  switch (on_deadline()) {
    case TimerEvent::kNothing:
    case TimerEvent::kCloseTimeout:  // RawSocket has no closing handshake to wait for
      return;
    case TimerEvent::kHandshakeTimeout:
      log_refusal(NX_LOG_DEBUG, handshake_->peer.address, "no handshake in time");
      return fail(NX_CLOSE_NOW, NX_CLOSED_TIMEOUT, "no handshake in time");
    case TimerEvent::kSendPing:
      send_frame(kPing, nullptr, 0);
      return;
    case TimerEvent::kPingTimeout:
      return fail(NX_CLOSE_NOW, NX_CLOSED_TIMEOUT,
                  "no answer and no progress within ping_timeout after a ping");
  }
}

// ---- handshake -------------------------------------------------------------------------------

uint64_t Connection::shake_hands(const uint8_t* data, uint64_t size) {
  if (size == 0) return 0;
  if (data[0] != kMagic) {
    const char* text = "the first octet is not 0x7F: this is no RawSocket client";
    log_refusal(NX_LOG_DEBUG, handshake_->peer.address, text);
    fail(NX_CLOSE_FLUSH, NX_CLOSED_PROTOCOL, text);
    return size;
  }
  if (size < kHeaderSize) return 0;
  const uint8_t exponent = data[1] >> 4;
  const uint8_t serializer = data[1] & 0x0f;
  // 2^24 octets need the 25th length bit, which is never sent.
  peer_limit_ = std::min(limit_of(exponent), kMaxSend);
  const auto& all = listener->serializers;
  const auto entry = std::find_if(all.begin(), all.end(), [&](const auto& known) {
    return serializer != 0 && known.rawsocket_id == serializer;
  });
  if (data[2] != 0 || data[3] != 0) {
    refuse(kErrorReserved, "reserved octets of the handshake are set");
  } else if (entry == all.end()) {
    refuse(kErrorSerializer,
           "serializer " + std::to_string(serializer) + " is not known to this router");
  } else if (limit_of(exponent) < own_listener().min_peer_size) {
    refuse(kErrorLength, "the client accepts less than min_peer_size");
  } else if (handshake_->over_limit) {
    refuse(kErrorConnections, "this listener has as many connections as it may have");
  } else if (const nx_status status = accept(entry->index); status == NX_E_UNREPRESENTABLE) {
    refuse(kErrorLength, "the client accepts " + std::to_string(limit_of(exponent)) +
                             " octets, and WELCOME has more");
  } else if (status != NX_OK) {
    refuse(kErrorConnections, "the router takes no new sessions now");
  } else {
    const uint8_t answer[kHeaderSize] = {
        kMagic, static_cast<uint8_t>((own_listener().exponent << 4) | serializer), 0, 0};
    if (!write_copy(answer, sizeof(answer))) {
      fail(NX_CLOSE_NOW, NX_CLOSED_LOST, "out of memory");
      return size;
    }
    state_ = kOpen;
    handshake_.reset();
    arm_keepalive();
  }
  return kHeaderSize;
}

nx_status Connection::accept(uint32_t serializer_index) {
  support::DictBuilder builder(listener->services.values);
  handshake_->peer.add_details(builder);
  const support::ValueRef details = builder.take();
  nx_peer peer = handshake_->peer.to_abi("rawsocket", details.get());
  peer.max_send_size = peer_limit_;
  const nx_status status = open_session(this, Thunks::kTransport, peer, serializer_index);
  if (status != NX_OK) session = nullptr;
  return opening_closed_ ? NX_E_CLOSED : status;
}

// An error in the upper half of the second octet, and the end.
void Connection::refuse(uint8_t error, std::string_view text) {
  // What a stranger can cause at will is for debugging only.
  log_refusal(error == kErrorConnections ? NX_LOG_INFO : NX_LOG_DEBUG, handshake_->peer.address,
              text);
  const uint8_t answer[kHeaderSize] = {kMagic, static_cast<uint8_t>(error << 4), 0, 0};
  write_copy(answer, sizeof(answer));
  fail(NX_CLOSE_FLUSH, error == kErrorConnections ? NX_CLOSED_BY_ROUTER : NX_CLOSED_PROTOCOL, text);
}

// ---- frames ----------------------------------------------------------------------------------

uint64_t Connection::read_frames(const uint8_t* data, uint64_t size, uint64_t start) {
  support::MessageBatch batch;
  batch.used = start;
  uint64_t at = start;
  while (state_ == kOpen && !paused() && size - at >= kHeaderSize) {
    FrameHeader header;
    bool too_large = false;
    const char* error = read_header(data + at, own_listener().exponent, header, &too_large);
    if (error != nullptr) {
      // What came before it is good, and goes first.
      if (flush(batch) && state_ == kOpen) {
        fail(NX_CLOSE_FLUSH, too_large ? NX_CLOSED_TOO_LARGE : NX_CLOSED_PROTOCOL, error);
      }
      return batch.used;
    }
    const support::Room room = room_for(header.size, batch);
    if (room == support::Room::kLater) return batch.used;
    if (room == support::Room::kNo) {
      fail(NX_CLOSE_FLUSH, NX_CLOSED_TOO_LARGE, "a frame of this size before WELCOME");
      return batch.used;
    }
    if (size - at - kHeaderSize < header.size) break;
    const uint8_t* payload = data + at + kHeaderSize;
    // A ping is answered once: the router must not pause before it and let it come again.
    if (header.type != kMessage && (!flush(batch) || state_ != kOpen)) return batch.used;
    at += kHeaderSize + header.size;
    if (header.type == kMessage) {
      // An empty one is no WAMP message in any serializer: the router will say so (T-28).
      batch.add({payload, header.size}, at);
      if (batch.full() && !flush(batch)) return batch.used;
      continue;
    }
    on_control_frame(kHeaderSize + header.size, header.type == kPong);
    if (header.type == kPing) on_ping(payload, header.size);
    batch.used = at;
  }
  flush(batch);
  return batch.used;
}

void Connection::on_ping(const uint8_t* payload, uint32_t size) {
  // The answer is as long as the question, and may not be longer than the peer accepts.
  if (size > peer_limit_) {
    return fail(NX_CLOSE_FLUSH, NX_CLOSED_PROTOCOL,
                "a ping longer than the answer that the peer would accept");
  }
  if (!send_frame(kPong, payload, size)) {
    return fail(NX_CLOSE_NOW, NX_CLOSED_LOST, "out of memory");
  }
  count_pong(kHeaderSize + size);
}

bool Connection::send_frame(uint8_t type, const uint8_t* payload, uint32_t size) {
  uint8_t head[kHeaderSize];
  write_header(head, type, size);
  const nx_bytes part = {payload, size};
  const nx_message message = {sizeof(nx_message), 1, &part, nullptr, size};
  return write_message(head, kHeaderSize, message) >= 0;
}

int64_t Connection::send(const nx_message& message) {
  if (state_ != kOpen) return NX_E_CLOSED;
  if (message.size > peer_limit_) return NX_E_LIMIT;
  uint8_t head[kHeaderSize];
  write_header(head, kMessage, static_cast<uint32_t>(message.size));
  return write_message(head, kHeaderSize, message);
}

// ---- closing ---------------------------------------------------------------------------------

void Connection::fail(uint32_t how, uint32_t reason, std::string_view text) {
  state_ = kDone;
  end(how, reason, text);
}

void Connection::close(uint32_t how, std::string_view reason) {
  if (state_ == kHandshake) {
    opening_closed_ = true;
    return;
  }
  // RawSocket has no way to say why.
  fail(how == NX_CLOSE_NOW ? NX_CLOSE_NOW : NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, reason);
}

}  // namespace nexus::rawsocket
