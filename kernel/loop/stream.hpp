// Stream: one accepted connection, from its socket to the transport's handler. [loop]
//
// Small on purpose: a stream that is idle is this struct and nothing else. Bytes that come in pass
// through the loop's shared buffer; only an unused rest stays (Spill). Bytes that go out have
// memory only while they wait (ByteQueue) and leave in one system call at the end of the turn.
//
// Epoll is used level triggered: a read that did not fill its buffer ends the work on a stream
// without a second one that would find nothing, and a stream that used up its turn's share is
// reported again by itself. What that costs is a call to stop listening, on the few occasions
// when input is there and may not be read.
//
// Life: (proxy ->) (handshake ->) open -> closing -> lingering -> dead -> deleted at the end of the
// turn. The handler's closed() is called just before the delete, by the loop, never from inside a
// function of the stream.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/log.hpp"
#include "kernel/loop/byte_queue.hpp"
#include "kernel/loop/event_target.hpp"
#include "kernel/loop/ip_ranges.hpp"
#include "kernel/loop/rate_limit.hpp"
#include "kernel/loop/spill.hpp"
#include "kernel/loop/timers.hpp"
#include "kernel/loop/tls.hpp"
#include "nexus/nx_transport.h"

struct nx_stream {};  // the ABI's name for a Stream

namespace nexus {

class EventLoop;
class SharedAddress;

// What all streams of one listener have in common.
struct StreamSource {
  explicit StreamSource(uint32_t accepts_per_second = 0) : accept_rate(accepts_per_second) {}

  const nx_stream_handler* handler = nullptr;
  void* user = nullptr;
  bool is_unix = false;
  uint32_t close_timeout_ms = 0;
  uint32_t handshake_timeout_ms = 0;
  uint32_t user_timeout_ms = 0;  // TCP_USER_TIMEOUT; 0 = the system's own patience
  uint32_t max_connections = 0;  // 0 = no limit
  uint32_t max_per_address = 0;  // 0 = no limit
  bool proxy_protocol = false;   // connections of trusted proxies begin with a PROXY header
  IpRanges trusted;
  // Shared by the listeners of one address.
  std::shared_ptr<AddressCounts> addresses = std::make_shared<AddressCounts>();
  RateLimit accept_rate;
  // What new connections begin with; null: no TLS. [any]
  std::shared_ptr<TlsContext> tls() const {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }
  void set_tls(std::shared_ptr<TlsContext> context) {
    const std::lock_guard lock(tls_mutex_);
    tls_.swap(context);
  }
  Log* log = nullptr;
  std::string log_area;
  SharedAddress* shared = nullptr;  // this source is its own: a listener is chosen on arrival

  std::atomic<uint32_t> open{0};    // connections, from accept() to the end
  std::atomic<bool> closed{false};  // the handler's accepted() is not called any more

 private:
  mutable std::mutex tls_mutex_;
  std::shared_ptr<TlsContext> tls_;  // guarded by tls_mutex_
};

// A place on a loop and under a listener's limit; given back when it is destroyed.
class Admission {
 public:
  Admission() = default;
  // Has been counted already, in the source and in the loop.
  Admission(std::shared_ptr<StreamSource> source, EventLoop& loop)
      : source_(std::move(source)), loop_(&loop) {}
  Admission(Admission&&) = default;
  Admission& operator=(Admission&&) = delete;
  ~Admission();

  StreamSource& source() const { return *source_; }
  EventLoop& loop() const { return *loop_; }
  // Counts for another listener from now on.
  void move_to(std::shared_ptr<StreamSource> source);

 private:
  std::shared_ptr<StreamSource> source_;
  EventLoop* loop_ = nullptr;
};

// As nx_stream_progress.
struct StreamProgress {
  uint64_t received = 0;
  uint64_t appended = 0;
  uint64_t acknowledged = 0;
  uint64_t room = 0;
};

class Stream final : public nx_stream, public EventTarget, public TimerNode {
 public:
  static Stream& of(nx_stream* stream) { return *static_cast<Stream*>(stream); }

  // Starts a stream on a connected, non-blocking socket, which it takes over. On the admission's
  // loop. With plain sockets the handler's accepted() is called before this returns.
  static void begin(int fd, Admission admission, std::string_view address,
                    std::string_view local_address);

  // As the functions of the same names in nx_host_streams_v1.
  uint8_t* reserve(size_t size);
  void commit(size_t used);
  nx_status write(const nx_bytes* parts, uint32_t part_count, nx_buffer* owner);
  uint64_t queued() const { return out_.size() + (tls_ == nullptr ? 0 : tls_->wire.size()); }
  void set_reading(bool on);
  // Measured from the beginning of the turn.
  void set_deadline(uint64_t delay_ms);
  void close(uint32_t how, uint32_t reason, std::string_view text);
  nx_status at_flush();
  int64_t flush_now();
  StreamProgress progress();
  void set_min_rate(uint64_t bytes_per_second) {
    min_rate_ = static_cast<uint32_t>(std::min<uint64_t>(bytes_per_second, UINT32_MAX));
  }

  // For SharedAddress, from the handler's received(): the stream is another listener's from now on,
  // whose accepted() is called. False when that did not take it; the stream is ending then.
  bool hand_over(std::shared_ptr<StreamSource> to, nx_stream_info info);
  // Then: brings it the bytes that told. Answers how many were used.
  uint64_t deliver_first(uint8_t* data, uint64_t size);
  bool is_trusted_proxy(std::string_view address) const;
  nx_status set_client_address(std::string_view address);

  // Bytes received and not used yet.
  size_t unused() const { return spill_.size(); }

 private:
  friend class EventLoop;
  enum class Phase : uint8_t { proxy, handshake, open, closing, lingering, dead };
  enum class Sent : uint8_t { all, part, turn_is_over, failed };
  struct Fill {
    size_t size = 0;
    bool more = false;    // the socket may hold more
    bool ended = false;   // the peer will send nothing more
    bool failed = false;  // either remember_end() has been told why, or it is a TLS failure
  };

  Stream(int fd, Admission admission);
  ~Stream();

  static void on_event(EventTarget& target, uint32_t events);
  static void on_due(TimerNode& timer);

  // stream_begin.cpp: from a socket to the handler's accepted().
  struct Proxied {  // what is known until the PROXY header is there
    std::string address;
    std::string local_address;
    std::vector<uint8_t> header;
  };
  void admit(std::string_view address, std::string_view local_address);
  void proxy_step(uint32_t events);
  void read_proxy_header(uint32_t events);
  void begin_transport(std::string_view address, std::string_view local_address);
  bool count_address(std::string_view address);
  uint32_t info_flags(std::string_view address) const;

  // stream.cpp: life.
  void announce(nx_stream_info& info);
  void begin_linger();
  void die(uint32_t reason, std::string_view text, bool reset = false);
  void remember_end(uint32_t reason, std::string_view text);
  void arm_deadline(uint64_t delay_ms);
  void arm_close(uint64_t delay_ms);
  bool puts_off_close();
  uint64_t close_period() const;
  bool set_interest(uint32_t events);
  void call_later();
  void call();     // by the loop, after call_later(): what must not happen inside our functions
  void finish();   // by the loop, once dead: closed(), and the end of this object
  void abandon();  // by the loop, when it stops

  // stream_read.cpp
  void on_readable(uint32_t events);
  void handshake_step(uint32_t events);
  void input_while_paused(uint32_t events);
  void read_input(uint32_t events);
  void discard_input(uint32_t events);
  Fill fill(uint8_t* to, size_t room);
  Fill fill_decrypted(uint8_t* to, size_t room, bool from_socket);
  bool take(uint8_t* data, size_t size);
  bool take_from_spill();
  size_t deliver(uint8_t* data, size_t size);
  void on_fill_end(const Fill& fill);
  void end_of_input();
  void resume();

  // stream_progress.cpp
  uint64_t acknowledged();
  void limit_silence();

  // stream_write.cpp
  void appended();
  void mark_dirty();
  void flush();  // by the loop, at the end of the turn
  void send_all();
  void send_last();
  Sent send_some(ByteQueue& queue);
  void fail_tls(uint32_t reason);

  EventLoop& loop() const { return admission_.loop(); }
  StreamSource& source() const { return admission_.source(); }

  Admission admission_;
  std::unique_ptr<CountedAddress> counted_;  // null: not counted by address
  std::unique_ptr<Proxied> proxied_;         // in Phase::proxy only
  void* connection_ = nullptr;  // the transport's; null until accepted() has returned it
  std::unique_ptr<Tls> tls_;
  ByteQueue out_;
  Spill spill_;
  uint64_t deadline_at_ = 0;  // 0 = none; the timer may be due earlier, and then looks here
  uint64_t received_ = 0;     // these four as in StreamProgress
  uint64_t appended_ = 0;
  uint64_t acknowledged_ = 0;  // when it was last looked at, as is room_
  uint64_t room_ = 0;
  uint64_t close_mark_ = 0;  // acknowledged when the end of a close was armed
  uint32_t min_rate_ = 0;    // that puts that off; 0 = it is absolute
  int fd_;
  uint32_t interest_ = 0;   // what epoll reports; 0 = not registered
  uint32_t discarded_ = 0;  // bytes thrown away since close()
  Phase phase_ = Phase::open;
  uint8_t end_reason_ = 0;
  bool reading_ : 1 = true;
  bool delivering_ : 1 = false;    // received() is on the stack: its bytes must stay where they are
  bool blocked_ : 1 = false;       // the socket took less than was queued
  bool input_ended_ : 1 = false;   // close_notify came, but unused bytes wait for set_reading(1)
  bool owes_drained_ : 1 = false;  // the queue has outlived a flush
  bool tell_flush_ : 1 = false;    // flushing() is to be called before the next flush
  bool in_dirty_ : 1 = false;
  bool in_later_ : 1 = false;
  nx_buffer* end_text_ = nullptr;

  // The loop's lists.
  Stream* next_dirty_ = nullptr;
  Stream* next_later_ = nullptr;
  Stream* next_dead_ = nullptr;
  Stream* previous_ = nullptr;
  Stream* next_ = nullptr;
};

}  // namespace nexus
