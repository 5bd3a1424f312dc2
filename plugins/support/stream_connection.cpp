// The shared half of a connection. [loop]
#include "plugins/support/stream_connection.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace nexus::support {
namespace {

// From one 32-bit count to a later one; 0 if it is less.
uint32_t grown(uint32_t before, uint32_t now) {
  const auto step = static_cast<int32_t>(now - before);
  return step > 0 ? static_cast<uint32_t>(step) : 0;
}

}  // namespace

// ---- output ----------------------------------------------------------------------------------

int64_t StreamConnection::write_message(const uint8_t* head, uint32_t head_size,
                                        const nx_message& message) {
  if (ended_) return NX_E_CLOSED;
  const bool copied = message.size <= kCopyLimit;
  const uint64_t room = head_size + (copied ? message.size : 0);
  uint8_t* out = streams().reserve(stream, room);
  if (out == nullptr) return NX_E_CLOSED;
  std::memcpy(out, head, head_size);
  uint64_t filled = head_size;
  if (copied) {
    for (uint32_t i = 0; i < message.part_count; ++i) {
      const nx_bytes& part = message.parts[i];
      // `size` is the sum of the parts; were it not, the queue's memory would be at stake.
      if (part.size > room - filled) return NX_E_INVALID;
      if (part.size != 0) std::memcpy(out + filled, part.data, part.size);
      filled += part.size;
    }
    if (filled != room) return NX_E_INVALID;
  }
  streams().commit(stream, filled);
  if (!copied &&
      streams().write(stream, message.parts, message.part_count, message.owner) != NX_OK) {
    // The header is out and its payload is not: nothing after it would make sense.
    end(NX_CLOSE_NOW, NX_CLOSED_LOST, "out of memory while queueing a message");
    return NX_E_CLOSED;
  }
  return static_cast<int64_t>(queued());
}

bool StreamConnection::write_copy(const uint8_t* data, uint64_t size) {
  if (ended_) return false;
  uint8_t* out = streams().reserve(stream, size);
  if (out == nullptr) return false;
  if (size != 0) std::memcpy(out, data, size);
  streams().commit(stream, size);
  return true;
}

void StreamConnection::count_pong(uint64_t size) {
  const uint64_t now = queued();
  if (now <= size) pong_bytes_ = 0;  // all the earlier ones have left
  pong_bytes_ += static_cast<uint32_t>(size);
  if (pong_bytes_ <= kPongBacklog || pong_paused_) return;
  pong_paused_ = true;
  // The queue may leave at the end of this turn without ever having been stuck, and then drained()
  // does not come: so look once more a turn later.
  arm(kTimerPong, 1);
  apply_reading();
}

// ---- input -----------------------------------------------------------------------------------

uint32_t StreamConnection::deliver(const nx_bytes* messages, uint32_t count) {
  resumed_ = false;
  const uint32_t taken = sessions().messages(session, messages, count);
  heard_ = heard_ || taken != 0;
  if (taken >= count) return count;
  short_delivery_ = true;
  if (!resumed_) router_reads_ = false;
  return taken;
}

bool StreamConnection::flush(MessageBatch& batch) {
  if (batch.count == 0) return true;
  const uint32_t count = std::exchange(batch.count, 0);
  const uint32_t taken = deliver(batch.messages, count);
  if (taken != 0) batch.used = batch.ends[taken - 1];
  return taken == count && router_reads_;
}

Room StreamConnection::room_for(uint64_t size, MessageBatch& batch) {
  if (size <= kAlwaysWelcome || size <= sessions().message_limit(session)) return Room::kYes;
  // The HELLO that makes it welcome may lie in the batch.
  if (!flush(batch) || ended_) return Room::kLater;
  return size <= sessions().message_limit(session) ? Room::kYes : Room::kNo;
}

uint64_t StreamConnection::end_received(uint64_t used) {
  in_received_ = false;
  // The router paused and resumed while it was given messages: the stream has to be told to bring
  // again what was not taken.
  if (short_delivery_ && router_reads_ && stream_reads_ && !ended_) {
    streams().set_reading(stream, 0);
    stream_reads_ = false;
  }
  short_delivery_ = false;
  apply_reading();
  return used;
}

void StreamConnection::set_reading(bool on) {
  router_reads_ = on;
  if (on) resumed_ = true;
  apply_reading();
}

void StreamConnection::read_to_the_end() {
  reading_to_end_ = true;
  apply_reading();
}

void StreamConnection::apply_reading() {
  const bool wanted = (router_reads_ || reading_to_end_) && !pong_paused_;
  if (in_received_ || ended_ || wanted == stream_reads_) return;
  stream_reads_ = wanted;
  streams().set_reading(stream, wanted ? 1 : 0);
}

void StreamConnection::on_drained() {
  pong_bytes_ = 0;
  if (pong_paused_) {
    pong_paused_ = false;
    apply_reading();
  }
  if (session != nullptr && !ended_ && !reading_to_end_) sessions().drained(session);
}

// ---- deadlines -------------------------------------------------------------------------------

void StreamConnection::arm(Timer timer, uint64_t delay_ms) {
  timer_ = delay_ms == 0 ? kTimerNone : timer;
  if (!ended_) streams().set_deadline(stream, delay_ms);
}

void StreamConnection::arm_keepalive() {
  ping_in_ms_ = listener->ping_interval_ms;
  give_up_in_ms_ = 0;
  arm_keepalive_step();
}

void StreamConnection::arm_keepalive_step() {
  armed_ms_ = give_up_in_ms_ == 0 ? ping_in_ms_ : std::min(ping_in_ms_, give_up_in_ms_);
  // Looks now and then whether the ping has got through what lies before it.
  if (give_up_in_ms_ != 0 && before_answer_ != 0) {
    armed_ms_ = std::min(armed_ms_, std::max(1u, listener->ping_timeout_ms / 4));
  }
  arm(kTimerKeepalive, armed_ms_);
}

// One deadline serves two periods: the one between pings, which keeps proxies from taking the
// connection for dead whatever else happens on it, and the one in which the peer must be heard.
TimerEvent StreamConnection::on_keepalive() {
  if (give_up_in_ms_ != 0) {
    give_up_in_ms_ -= armed_ms_;
    if (gives_up()) return TimerEvent::kPingTimeout;
  }
  ping_in_ms_ -= armed_ms_;
  const bool ping = ping_in_ms_ == 0;
  if (ping) {
    ping_in_ms_ = listener->ping_interval_ms;
    if (give_up_in_ms_ == 0) await_answer();
  }
  arm_keepalive_step();
  return ping ? TimerEvent::kSendPing : TimerEvent::kNothing;
}

// A ping is about to be queued: from here on a sign of life is waited for.
void StreamConnection::await_answer() {
  give_up_in_ms_ = listener->ping_timeout_ms;
  heard_ = false;
  uint64_t unread = 0;
  before_answer_ = 0;
  // Behind nothing a ping is there at once.
  if (look(mark_, &unread) && unread != 0) {
    before_answer_ = static_cast<uint32_t>(std::min<uint64_t>(unread, UINT32_MAX));
  }
}

// Waiting for an answer, whose time may be over. As long as the peer's side does not have what lay
// before the ping, nothing that it says proves that it reads, and it has to take that at a minimum
// rate. From then on there is the whole time for the answer, which comes when the peer has read out
// of its system's buffer what was there before.
bool StreamConnection::gives_up() {
  Mark now;
  const bool known = look(now, nullptr);
  if (known && before_answer_ != 0 && now.out - mark_.out >= before_answer_) {
    before_answer_ = 0;
    mark_ = now;
    give_up_in_ms_ = listener->ping_timeout_ms;
  }
  // While nothing is read here, silence is our own doing; that nothing is taken is not.
  if (before_answer_ == 0 && (heard_ || paused() || pong_paused_)) {
    give_up_in_ms_ = 0;
    return false;
  }
  if (give_up_in_ms_ != 0) return false;
  if (!known || !puts_off(now, listener->ping_timeout_ms, true)) return true;
  if (before_answer_ != 0) before_answer_ -= now.out - mark_.out;
  mark_ = now;
  give_up_in_ms_ = listener->ping_timeout_ms;
  return false;
}

// Where the connection is now, and how much of what was queued the peer's side does not have. False
// from a router that does not tell.
bool StreamConnection::look(Mark& now, uint64_t* unread) const {
  if (!NX_HAS(&streams(), progress)) return false;
  nx_stream_progress progress{};
  progress.struct_size = sizeof progress;
  streams().progress(stream, &progress);
  now.out = static_cast<uint32_t>(progress.acknowledged);
  now.window = static_cast<uint32_t>(progress.room - progress.acknowledged);
  now.in = static_cast<uint32_t>(progress.received) - control_in_;
  if (unread != nullptr) *unread = progress.appended - progress.acknowledged;
  return true;
}

// Has enough moved since mark_ for another period? Not before the client has been welcomed.
bool StreamConnection::puts_off(const Mark& now, uint64_t period_ms, bool input_too) const {
  const uint64_t rate = min_rate();
  if (rate == 0) return false;
  // What the peer's system has acknowledged the peer need not have read. While it cannot take any
  // more the one follows the other; else the window tells, which opens as the peer reads.
  const uint32_t out = before_answer_ != 0 ? now.out - mark_.out : grown(mark_.window, now.window);
  const uint64_t moved = uint64_t{out} + (input_too ? grown(mark_.in, now.in) : 0);
  return moved > 0 && moved >= rate * period_ms / 1000;
}

void StreamConnection::arm_close() {
  uint64_t unread = 0;
  before_answer_ = look(mark_, &unread) ? 1 : 0;  // what counts is what is acknowledged
  arm(kTimerClose, listener->options.close_timeout_ms);
}

uint64_t StreamConnection::min_rate() const {
  return session != nullptr && NX_HAS(&sessions(), min_rate) ? sessions().min_rate(session) : 0;
}

TimerEvent StreamConnection::on_deadline() {
  if (ended_) return TimerEvent::kNothing;
  switch (timer_) {
    case kTimerHandshake:
      return TimerEvent::kHandshakeTimeout;
    case kTimerClose: {
      // Our close frame may still be behind what a slow reader has to read first.
      Mark now;
      if (!look(now, nullptr) || !puts_off(now, listener->options.close_timeout_ms, false)) {
        return TimerEvent::kCloseTimeout;
      }
      arm_close();
      return TimerEvent::kNothing;
    }
    case kTimerKeepalive:
      return on_keepalive();
    case kTimerPong:
      if (pong_paused_ && queued() == 0) {
        pong_paused_ = false;
        pong_bytes_ = 0;
      }
      arm_keepalive_step();
      apply_reading();
      return TimerEvent::kNothing;
    case kTimerNone:
      break;
  }
  return TimerEvent::kNothing;
}

// ---- the session -----------------------------------------------------------------------------

nx_status StreamConnection::open_session(void* connection, const nx_transport_v1& vtable,
                                         const nx_peer& peer, uint32_t serializer) {
  return sessions().opened(listener->services.host, &vtable, connection, &peer, serializer,
                           &session);
}

void StreamConnection::log_refusal(uint32_t level, std::string_view address,
                                   std::string_view text) const {
  if (!listener->services.logs(level)) return;
  // By who it was and why, whatever port it came from.
  const std::string cause = std::string(address.substr(0, address.rfind(':'))).append(text);
  listener->services.limited_log(level, cause,
                                 "refused " + std::string(address) + ": " + std::string(text));
}

void StreamConnection::end(uint32_t how, uint32_t reason, std::string_view text) {
  if (ended_ && how != NX_CLOSE_NOW) return;
  ended_ = true;
  if (how != NX_CLOSE_NOW && NX_HAS(&streams(), set_min_rate)) {
    streams().set_min_rate(stream, min_rate());
  }
  streams().close(stream, how, reason, to_str(text));
}

void StreamConnection::on_closed(uint32_t reason, nx_str text) {
  ended_ = true;
  if (session != nullptr) sessions().closed(session, reason, text);
}

}  // namespace nexus::support
