// A WebSocket connection's life: entry points, handshake, output, closing. Incoming frames are in
// incoming.cpp. [loop]
#include "plugins/transports/websocket/connection.hpp"

#include <new>

#include "nexus/nx_serializer.h"
#include "plugins/support/forwarded.hpp"
#include "plugins/support/text.hpp"
#include "plugins/transports/websocket/handshake.hpp"

namespace nexus::websocket {

using support::TimerEvent;

namespace {

// Scratch space above this is given back after use.
constexpr uint64_t kKeepScratch = 1 << 20;

// Longest prefix of at most `limit` bytes that does not end inside a character.
std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<uint8_t>(text[limit]) & 0xc0) == 0x80) --limit;
  return text.substr(0, limit);
}

}  // namespace

Connection::Connection(Listener& owner, nx_stream* stream_in,
                       std::unique_ptr<Handshake> handshake) noexcept
    : StreamConnection(owner, stream_in), handshake_(std::move(handshake)) {}

Connection* Connection::make(Listener& owner, nx_stream* stream, const nx_stream_info& info,
                             bool over_limit) {
  auto handshake = std::make_unique<Handshake>(info, owner.services.values, over_limit);
  return new Connection(owner, stream, std::move(handshake));
}

// ---- from the stream ----------------------------------------------------------------------------

uint64_t Connection::received(uint8_t* data, uint64_t size) {
  begin_received();
  uint64_t used = 0;
  if (ended_) state_ = kDone;
  if (state_ == kHandshake) used = shake_hands(data, size);
  if (state_ == kOpen) used = read_frames(data, size, used);
  if (state_ == kClosing) used = read_closing(data, size, used);
  if (state_ == kDone) used = size;
  // Not earlier: the router may have closed while it was still reading a message from there.
  if (state_ != kOpen) assembly_.reset();
  return end_received(used);
}

void Connection::on_stream_deadline() {
  switch (on_deadline()) {
    case TimerEvent::kNothing:
      return;
    case TimerEvent::kHandshakeTimeout:
      refuse(408, "the request did not arrive in time", {}, NX_CLOSED_TIMEOUT);
      return;
    case TimerEvent::kSendPing:
      send_control(kPing, nullptr, 0);
      return;
    case TimerEvent::kPingTimeout:
      state_ = kDone;
      end(NX_CLOSE_NOW, NX_CLOSED_TIMEOUT,
          "no answer and no progress within ping_timeout after a ping");
      return;
    case TimerEvent::kCloseTimeout:
      state_ = kDone;
      end(NX_CLOSE_NOW, NX_CLOSED_BY_ROUTER, "the peer did not answer the close frame");
      return;
  }
}

// ---- handshake -------------------------------------------------------------------------------

uint64_t Connection::shake_hands(const uint8_t* data, uint64_t size) {
  HeadScan& scan = handshake_->scan;
  if (scan.at == 0) {
    if (const uint64_t empty = support::empty_lines(data, size); empty != 0) return empty;
  }
  switch (scan.scan(data, size, config().max_header_size)) {
    case HeadScan::kIncomplete:
      return 0;
    case HeadScan::kTooLarge:
      refuse(scan.too_large_status(data), "the request's head is larger than max_header_size", {},
             NX_CLOSED_PROTOCOL);
      return size;
    case HeadScan::kBroken:
      refuse(400, std::string("this is no valid HTTP request: ") + scan.error, {},
             NX_CLOSED_PROTOCOL);
      return size;
    case HeadScan::kComplete:
      break;
  }
  const uint64_t head_size = scan.at;
  HttpRequest request;
  const char* error =
      request.parse(std::string_view(reinterpret_cast<const char*>(data), head_size));
  handshake_->head_only = request.method == "HEAD";
  if (error != nullptr) {
    refuse(request.error_status, std::string("this is no valid HTTP request: ") + error, {},
           NX_CLOSED_PROTOCOL);
    return size;
  }
  const support::PeerInfo& peer = handshake_->peer;
  const Place place = {support::on_loopback(listener->options.address, peer.local_address),
                       (peer.stream_flags & NX_STREAM_TRUSTED_PROXY) != 0};
  MemoryBudget& budget = config_listener().compression;
  Verdict verdict = judge(request, config(), place, listener->serializers, budget);
  if (verdict.deflate.short_of_memory && budget.worth_telling()) {
    listener->services.write_log(NX_LOG_WARNING,
                                 "compression_memory is used up: connections go without "
                                 "compression, or with less, until others have ended");
  }
  if (verdict.status == 101 && unknown(verdict) && !replace_cookie(verdict)) {
    verdict.status = 503;
    verdict.text = "no random numbers for a cookie";
  }
  if (verdict.status != 101) {
    refuse(verdict.status, verdict.text, verdict.headers, NX_CLOSED_PROTOCOL);
  } else if (handshake_->over_limit) {
    refuse(503, "this listener has as many connections as it may have", "Retry-After: 10\r\n",
           NX_CLOSED_BY_ROUTER);
  } else {
    accept(request, verdict);
  }
  return state_ == kDone ? size : head_size;
}

// Has it brought a cookie that nobody can come in with? An older router cannot tell.
bool Connection::unknown(const Verdict& verdict) const {
  if (verdict.cookie.empty() || verdict.cookie_new) return false;
  const support::Services& services = listener->services;
  return NX_HAS(services.sessions, cookie_known) &&
         services.sessions->cookie_known(services.host, support::to_str(verdict.cookie)) == 0;
}

// Behind a trusted proxy the client is where that says it is. False: refused.
bool Connection::find_client(const HttpRequest& request) {
  support::PeerInfo& peer = handshake_->peer;
  if ((peer.stream_flags & NX_STREAM_TRUSTED_PROXY) == 0) return true;
  const std::string_view client =
      support::forwarded_client(request, [this](std::string_view address) {
        return streams().is_trusted_proxy(stream, support::to_str(address)) != 0;
      });
  if (client.empty()) return true;
  const nx_status status = streams().set_client_address(stream, support::to_str(client));
  if (status == NX_OK) peer.set_client(client);
  if (status != NX_E_LIMIT) return true;
  peer.set_client(client);  // for the log
  refuse(503, "this address has as many connections as it may have", "Retry-After: 10\r\n",
         NX_CLOSED_BY_ROUTER);
  return false;
}

void Connection::accept(const HttpRequest& request, Verdict& verdict) {
  if (!find_client(request)) return;
  const support::PeerInfo& peer = handshake_->peer;
  // Everything that can fail for want of memory comes before the router is told.
  const std::string answer = switching_protocols(verdict, config(), peer.tls());
  if (verdict.deflate.server_takeover || verdict.deflate.client_takeover) {
    contexts_ = std::make_unique<DeflateContexts>();
    contexts_->memory = std::move(verdict.deflate.memory);
  }
  const bool text = (verdict.serializer->flags & NX_SERIALIZER_TEXT) != 0;
  if (verdict.batched) batching_ = std::make_unique<Batching>(text);
  support::DictBuilder details(listener->services.values);
  add_details(request, verdict, details);
  peer.add_details(details);
  const support::ValueRef dict = details.take();
  const nx_status status = open_session(
      this, Thunks::kTransport, peer.to_abi("websocket", dict.get()), verdict.serializer->index);
  if (status != NX_OK) session = nullptr;
  if (status != NX_OK || opening_closed_) {
    refuse(503, "the router takes no new sessions now", {}, NX_CLOSED_BY_ROUTER);
    return;
  }
  if (!write_copy(reinterpret_cast<const uint8_t*>(answer.data()), answer.size())) {
    state_ = kDone;
    end(NX_CLOSE_NOW, NX_CLOSED_LOST, "out of memory");
    return;
  }
  opcode_ = text ? kText : kBinary;
  deflate_in_ = deflate_out_ = verdict.deflate.on;
  server_takeover_ = verdict.deflate.server_takeover;
  client_takeover_ = verdict.deflate.client_takeover;
  server_bits_ = verdict.deflate.server_bits;
  client_bits_ = verdict.deflate.client_bits;
  state_ = kOpen;
  handshake_.reset();
  arm_keepalive();
}

void Connection::refuse(int status, std::string_view text, std::string_view headers,
                        uint32_t reason) {
  // What a stranger can cause at will is for debugging only; a refusal by the operator's own rules
  // is worth a line.
  const bool own_rule = status == 403 || status == 404 || status == 503;
  log_refusal(own_rule ? NX_LOG_INFO : NX_LOG_DEBUG, handshake_->peer.address, text);
  const std::string answer = refusal(status, text, headers, handshake_->head_only);
  write_copy(reinterpret_cast<const uint8_t*>(answer.data()), answer.size());
  state_ = kDone;
  end(NX_CLOSE_FLUSH, reason, text);
}

// ---- output ----------------------------------------------------------------------------------

int64_t Connection::send(const nx_message& message) {
  if (state_ != kOpen) return NX_E_CLOSED;
  return batching_ == nullptr ? send_frame(message) : send_batched(message);
}

// One frame with this payload.
int64_t Connection::send_frame(const nx_message& message) {
  uint8_t head[kMaxServerHeader];
  thread_local Bytes scratch;
  if (deflate_out_ && message.size >= config().deflate.min_size && compress(message, scratch)) {
    const nx_bytes part = {scratch.data(), scratch.size()};
    const nx_message compressed = {sizeof(nx_message), 1, &part, nullptr, part.size};
    const uint32_t size = write_header(head, opcode_, true, part.size);
    const int64_t queued_now = write_message(head, size, compressed);
    scratch.shrink(kKeepScratch);
    return queued_now;
  }
  const uint32_t size = write_header(head, opcode_, false, message.size);
  return write_message(head, size, message);
}

// False when the message is to go out as it is.
bool Connection::compress(const nx_message& message, Bytes& out) {
  if (!server_takeover_) {
    Deflater* deflater = shared_deflater(server_bits_, config().deflate.level);
    return deflater != nullptr &&
           deflater->run(message.parts, message.part_count, message.size, false, out) &&
           out.size() < message.size;
  }
  if (contexts_->deflater == nullptr) {
    contexts_->deflater.reset(new (std::nothrow) Deflater(server_bits_, config().deflate.level));
    if (contexts_->deflater == nullptr) return false;
  }
  // Once in the window it has to be sent compressed, larger or not. After a failure the window is
  // not known any more, so there is no compression from then on.
  if (contexts_->deflater->run(message.parts, message.part_count, message.size, true, out)) {
    return true;
  }
  deflate_out_ = false;
  return false;
}

bool Connection::send_control(uint8_t opcode, const uint8_t* payload, uint32_t size) {
  uint8_t frame[2 + kMaxControlPayload];
  const uint32_t head = write_header(frame, opcode, false, size);
  if (size != 0) std::memcpy(frame + head, payload, size);
  return write_copy(frame, head + size);
}

void Connection::send_close(uint16_t code, std::string_view reason) {
  flush_batch();
  uint8_t payload[kMaxControlPayload];
  payload[0] = static_cast<uint8_t>(code >> 8);
  payload[1] = static_cast<uint8_t>(code);
  const std::string_view text = cut(reason, kMaxControlPayload - 2);
  if (!text.empty()) std::memcpy(payload + 2, text.data(), text.size());
  send_control(kClose, payload, static_cast<uint32_t>(2 + text.size()));
}

// ---- closing ---------------------------------------------------------------------------------

// The peer broke the rules: say how, and end. The stream sees to it that this still gets out.
void Connection::fail(uint16_t code, const char* error) {
  send_close(code, error);
  state_ = kDone;
  const uint32_t reason = code == kCodeTooBig          ? NX_CLOSED_TOO_LARGE
                          : code == kCodeInternalError ? NX_CLOSED_LOST
                                                       : NX_CLOSED_PROTOCOL;
  end(NX_CLOSE_FLUSH, reason, error);
}

void Connection::close(uint32_t how, std::string_view reason) {
  if (state_ == kHandshake) {
    opening_closed_ = true;
    return;
  }
  if (how == NX_CLOSE_NOW) {
    state_ = kDone;
    end(NX_CLOSE_NOW, NX_CLOSED_BY_ROUTER, reason);
    return;
  }
  if (state_ != kOpen) return;
  // The closing handshake: after a close frame the peer's own is waited for, since a socket that
  // is closed with input unread resets the connection, and takes what was queued with it.
  const uint16_t code = how == NX_CLOSE_VIOLATION  ? kCodeProtocolError
                        : how == NX_CLOSE_SHUTDOWN ? kCodeGoingAway
                                                   : kCodeNormal;
  send_close(code, reason);
  state_ = kClosing;
  arm_close();
  read_to_the_end();
}

}  // namespace nexus::websocket
