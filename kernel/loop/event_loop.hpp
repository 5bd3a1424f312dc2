// EventLoop: the Loop that the router runs, with what streams and listeners need of it. [loop]
// unless it says otherwise.
//
// Nothing here is locked. Other threads reach a loop through post(), request_stop() and the
// counters only.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kernel/loop/chunks.hpp"
#include "kernel/loop/event_target.hpp"
#include "kernel/loop/fd.hpp"
#include "kernel/loop/loop.hpp"
#include "kernel/loop/mailbox.hpp"
#include "kernel/loop/stream.hpp"
#include "kernel/loop/timers.hpp"

namespace nexus {

// Where loops wait for each other while they stop.
class StopGate {
 public:
  virtual ~StopGate() = default;
  // Waits for all loops; true if any of them was busy, and so all have to go round again.
  virtual bool any_busy(bool busy) = 0;
};

class Acceptor;
class SharedAddress;

class EventLoop final : public Loop {
 public:
  static constexpr size_t kReadBuffer = 256 << 10;
  static constexpr size_t kCipherBuffer = 64 << 10;

  static Result<std::unique_ptr<EventLoop>> create(uint32_t index);
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // The loop of the calling thread, or null. [any]
  static EventLoop* current_loop();
  // Milliseconds of the monotonic clock, read now. [any]
  static uint64_t clock_ms();

  bool post(std::unique_ptr<Mail> mail) override;
  using Loop::post;
  TimerId start_timer(uint64_t delay_ms, TimerFn fn, void* user, const void* owner) override;
  using Loop::start_timer;
  void cancel_timer(TimerId id) override;
  Status watch(int fd, uint32_t events, WatchFn fn, void* user, const void* owner) override;
  using Loop::watch;
  void forget(const void* owner) override;
  void at_end_of_turn(void (*fn)(void* user), void* user) override;

  // The body of the loop's thread: turns until request_stop(), then ends every stream.
  void run(StopGate& gate);
  void request_stop();  // [any]

  // Registers a descriptor, level triggered; `events` are epoll's. False: errno says why.
  bool add_fd(int fd, uint32_t events, EventTarget& target);
  bool change_fd(int fd, uint32_t events, EventTarget& target);
  void remove_fd(int fd);
  // Keeps an acceptor until end_acceptors() of its listener (null: all), or until the loop stops.
  void add_acceptor(std::shared_ptr<Acceptor> acceptor);
  void end_acceptors(const StreamSource* source);

  TimerWheel& wheel() { return wheel_; }
  ChunkPool& chunks() { return chunks_; }
  LoopCounters& count() { return counters_; }
  uint8_t* read_buffer() { return read_buffer_.get(); }  // kReadBuffer bytes
  uint8_t* cipher_buffer();                              // kCipherBuffer bytes; null: no memory
  bool stopping() const { return stopping_; }
  // A turn does a bounded number of TLS handshake steps, which cost a hundred times what anything
  // else does. False: come back next turn.
  bool may_handshake() { return handshakes_++ < kHandshakesPerTurn; }

  // Streams.
  void enlist(Stream& stream);
  void delist(Stream& stream);
  void add_dirty(Stream& stream);
  void add_later(Stream& stream);
  void add_dead(Stream& stream);
  void flush_dirty();

  // The router's addresses that may be shared: kept by its first loop, for [main] only.
  std::vector<std::weak_ptr<SharedAddress>> shared_addresses;

  // Whether letters are going to be run: from before its thread starts until that has ended. [any]
  std::atomic<bool> running{false};
  // Connections that are here or on their way here. [any]
  std::atomic<uint32_t> connections{0};

 private:
  struct Watch;
  struct Hook {
    void (*fn)(void* user);
    void* user;
  };
  // Streams that wait for something at the end of the turn: first in, first out, no allocation.
  struct Queue {
    Stream* first = nullptr;
    Stream* last = nullptr;
    bool empty() const { return first == nullptr; }
    template <Stream* Stream::*Next>
    void push(Stream& stream);
    template <Stream* Stream::*Next>
    Stream* pop();
  };
  static constexpr int kEventsPerTurn = 128;
  static constexpr uint32_t kHandshakesPerTurn = 8;
  static constexpr int kRoundsPerTurn = 4;
  static constexpr int kStopRounds = 64;
  static constexpr uint64_t kTrimMs = 1000;

  explicit EventLoop(uint32_t index);
  Status open();
  void turn();
  int wait_ms();
  void finish_turn();
  bool end_work() const {
    return !dirty_.empty() || !later_.empty() || !dead_.empty() || !hooks_.empty();
  }
  void run_hooks();
  void on_trim();

  UniqueFd epoll_;
  UniqueFd wake_fd_;
  EventTarget wake_target_{&EventTarget::ignore};
  Mailbox mailbox_;
  std::atomic<bool> stop_requested_{false};
  bool stopping_ = false;
  uint32_t handshakes_ = 0;

  TimerWheel wheel_;
  TimerTable timers_{wheel_};
  ChunkPool chunks_;
  TimerNode trim_timer_;
  std::unique_ptr<uint8_t[]> read_buffer_;
  std::unique_ptr<uint8_t[]> cipher_buffer_;

  Queue dirty_;  // to be flushed
  Queue later_;  // to be called: bytes that waited for set_reading(true), drained()
  Queue dead_;   // to be told and deleted
  Stream* streams_ = nullptr;
  std::vector<Hook> hooks_;
  std::vector<Hook> running_hooks_;
  std::vector<std::shared_ptr<void>> buried_;
  std::unordered_map<int, std::shared_ptr<Watch>> watches_;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
};

}  // namespace nexus
