// StreamConnection: the half of a connection that WebSocket and RawSocket share: writing framed
// messages, pausing, keepalive, and the bound on answers to pings. [loop]
//
// A transport derives its connection from it, adds handshake and framing, and calls in. There is
// nothing virtual here: the transport's own thunks know the concrete type.
#pragma once

#include "nexus/nx_transport.h"
#include "plugins/support/stream_listener.hpp"

namespace nexus::support {

// Messages up to this size are copied behind their frame's header, so that small ones share memory
// and a system call; larger ones are handed to the stream with their owner, and not copied.
inline constexpr uint64_t kCopyLimit = 4096;

// Bytes of unread answers to pings after which a connection is read no further: a peer that pings
// and does not read must not grow the queue.
inline constexpr uint32_t kPongBacklog = 256 * 1024;

// Messages up to this size may come at any time, so that the router need not be asked.
inline constexpr uint64_t kAlwaysWelcome = 1024;
enum class Room { kYes, kNo, kLater };

// What a deadline means, for the transport to act on.
enum class TimerEvent { kNothing, kHandshakeTimeout, kSendPing, kPingTimeout, kCloseTimeout };

// Messages that lie in the stream's memory and wait to be handed on together.
struct MessageBatch {
  static constexpr uint32_t kSize = 64;

  bool full() const { return count == kSize; }
  // `end`: where the message's frame ends, counted from the beginning of what was received.
  void add(nx_bytes message, uint64_t end) {
    messages[count] = message;
    ends[count++] = end;
  }

  nx_bytes messages[kSize];
  uint64_t ends[kSize];
  uint32_t count = 0;
  uint64_t used = 0;  // where the last frame ends that is done with
};

class StreamConnection {
 public:
  StreamConnection(StreamListener& listener_in, nx_stream* stream_in)
      : listener(&listener_in), stream(stream_in) {}
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;
  ~StreamConnection() { listener->release(); }

  // ---- output ----
  // Queues `head` and then the message's bytes. Answers the bytes queued, or a negative status.
  int64_t write_message(const uint8_t* head, uint32_t head_size, const nx_message& message);
  // Queues a run of bytes by copying. False when out of memory or closing.
  bool write_copy(const uint8_t* data, uint64_t size);
  uint64_t queued() const { return streams().queued(stream); }
  // Has on_flushing() called before the queue is written at the end of this turn. False when this
  // router does not do that.
  bool ask_for_flushing() {
    return NX_HAS(&streams(), at_flush) && streams().at_flush(stream) == NX_OK;
  }
  // To be called after queueing an answer to a ping of so many bytes.
  void count_pong(uint64_t size);

  // ---- input ----
  // Hands messages to the router and answers how many it took. After fewer than `count` the caller
  // keeps the rest, as unused bytes of received().
  uint32_t deliver(const nx_bytes* messages, uint32_t count);
  // The same for a batch, which is empty afterwards. False when the caller has to stop here, since
  // not all of it was taken or nothing more is wanted; `used` is then where to go on later.
  bool flush(MessageBatch& batch);
  // Whether there is room for a message of `size` bytes, before any is made: little until the
  // session is established. Hands `batch` on first if that may matter. kLater: stop here, it comes
  // again or is not wanted any more.
  Room room_for(uint64_t size, MessageBatch& batch);
  // Brackets around the transport's received(); the second one returns `used`.
  void begin_received() { in_received_ = true; }
  uint64_t end_received(uint64_t used);
  // The router wants no messages now; what follows in the input has to wait.
  bool paused() const { return !router_reads_; }
  // A control frame of so many bytes has come. They bring nothing forward, and only the answer to a
  // ping is a sign of life: a peer that has ceased to read may still send pings by the clock.
  void on_control_frame(uint64_t size, bool pong) {
    control_in_ += static_cast<uint32_t>(size);
    heard_ = heard_ || pong;
  }
  // nx_transport_v1.set_reading.
  void set_reading(bool on);
  // The stream's drained().
  void on_drained();

  // ---- deadlines ----
  void arm_handshake() { arm(kTimerHandshake, listener->options.handshake_timeout_ms); }
  void arm_close();
  // Starts pinging, if the listener does that at all.
  void arm_keepalive();
  TimerEvent on_deadline();

  // ---- the session ----
  // `connection` is what the functions of `vtable` will be called with.
  nx_status open_session(void* connection, const nx_transport_v1& vtable, const nx_peer& peer,
                         uint32_t serializer);
  // Ends the stream; closed() follows. `how` and `reason` are NX_CLOSE_* and NX_CLOSED_*. A client
  // that was welcomed is given time for what is queued as long as it takes it.
  void end(uint32_t how, uint32_t reason, std::string_view text);
  // The stream's closed(): tells the session, if there is one. The caller deletes the connection.
  void on_closed(uint32_t reason, nx_str text);

  // A line about a connection that never became a session: nobody else could tell of it.
  void log_refusal(uint32_t level, std::string_view address, std::string_view text) const;

  // Goes on reading whatever the router wants: what arrives now is only looked at for the end of
  // the closing handshake.
  void read_to_the_end();

  const nx_host_streams_v1& streams() const { return *listener->services.streams; }
  const nx_host_sessions_v1& sessions() const { return *listener->services.sessions; }

  StreamListener* const listener;
  nx_stream* const stream;
  nx_session* session = nullptr;

  // nx_host_sessions_v1.min_rate of this session; 0 = deadlines are absolute.
  uint64_t min_rate() const;

 protected:
  bool ended_ = false;  // end() has been called

 private:
  enum Timer : uint8_t { kTimerNone, kTimerHandshake, kTimerKeepalive, kTimerPong, kTimerClose };
  // Where a connection was when a period began; differences count, so 32 bits are enough.
  struct Mark {
    uint32_t out = 0;     // acknowledged by the peer's side
    uint32_t window = 0;  // room that it has beyond that
    uint32_t in = 0;      // received, without control frames
  };
  void arm(Timer timer, uint64_t delay_ms);
  void arm_keepalive_step();
  TimerEvent on_keepalive();
  bool gives_up();
  void await_answer();
  bool look(Mark& now, uint64_t* unread) const;
  bool puts_off(const Mark& now, uint64_t period_ms, bool input_too) const;
  void apply_reading();

  Timer timer_ = kTimerNone;
  bool heard_ = false;  // a sign of life came since the ping that is waited for
  bool in_received_ = false;
  bool router_reads_ = true;  // what the router asked for
  bool stream_reads_ = true;  // what the stream was told
  bool resumed_ = false;      // set_reading(1) came during the running delivery
  bool short_delivery_ = false;
  bool pong_paused_ = false;
  bool reading_to_end_ = false;
  uint32_t armed_ms_ = 0;       // of the keepalive timer
  uint32_t ping_in_ms_ = 0;     // from the last deadline to the next ping
  uint32_t give_up_in_ms_ = 0;  // to the end of waiting for a sign of life; 0 = not waiting
  uint32_t pong_bytes_ = 0;     // queued as answers since the queue was last seen empty
  uint32_t control_in_ = 0;     // bytes of control frames
  // While an answer is waited for: the bytes from mark_.out to the end of the ping, as long as the
  // peer's side does not have that; then 0.
  uint32_t before_answer_ = 0;
  Mark mark_;  // of the deadline that runs, if progress can put it off
};

}  // namespace nexus::support
