// Loop: one thread that waits for descriptors, timers and mail, and owns what it serves.
//
// A turn is: wait, handle descriptors, drain the mailbox, fire timers, run end-of-turn hooks,
// flush every stream that was written to. Everything below is [loop] unless it says [any].
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel/base/status.hpp"
#include "kernel/loop/counters.hpp"

namespace nexus {

class Loop;

// A letter from one loop (or any thread) to another. Runs once on the receiving loop, or is only
// destroyed if that loop has ended.
class Mail {
 public:
  virtual ~Mail() = default;
  virtual void run(Loop& loop) = 0;

 private:
  friend class Mailbox;
  Mail* next_ = nullptr;
};

using TimerId = uint64_t;  // never 0

class Loop {
 public:
  virtual ~Loop() = default;

  uint32_t index() const { return index_; }
  // The loop of the calling thread, or null. [any]
  static Loop* current();
  // Milliseconds of the monotonic clock, read once per turn.
  uint64_t now_ms() const { return now_ms_; }
  // [any]
  const LoopCounters& counters() const { return counters_; }

  // Queues a letter; letters of one sender arrive in order. A sleeping loop is woken once per
  // batch. False (and the letter destroyed) after the loop has ended. [any]
  virtual bool post(std::unique_ptr<Mail> mail) = 0;
  bool post(std::function<void(Loop&)> fn);  // [any] convenience, not for the hot path

  // `owner` is who can have all that he has here ended with forget(); null: nobody.
  using TimerFn = void (*)(void* user);
  virtual TimerId start_timer(uint64_t delay_ms, TimerFn fn, void* user, const void* owner) = 0;
  TimerId start_timer(uint64_t delay_ms, TimerFn fn, void* user) {
    return start_timer(delay_ms, fn, user, nullptr);
  }
  virtual void cancel_timer(TimerId id) = 0;  // unknown or fired ids are ignored

  // events: NX_FD_READ | NX_FD_WRITE; 0 ends the watch. Level triggered.
  using WatchFn = void (*)(void* user, int fd, uint32_t events);
  virtual Status watch(int fd, uint32_t events, WatchFn fn, void* user, const void* owner) = 0;
  Status watch(int fd, uint32_t events, WatchFn fn, void* user) {
    return watch(fd, events, fn, user, nullptr);
  }
  // Cancels the owner's timers and ends his watches: none of them is called any more. Looks at all
  // that there are.
  virtual void forget(const void* owner) = 0;

  // Runs fn(user) once at the end of the current turn, before streams are flushed; hooks may add
  // hooks. For deferred deletion and for work batched per turn.
  virtual void at_end_of_turn(void (*fn)(void* user), void* user) = 0;

 protected:
  uint32_t index_ = 0;
  uint64_t now_ms_ = 0;
  LoopCounters counters_;
};

// All the loops of a router.
class LoopGroup {
 public:
  // count 0 = one for each core that this process may use.
  static Result<std::unique_ptr<LoopGroup>> create(uint32_t count);
  virtual ~LoopGroup() = default;  // stops

  virtual uint32_t count() const = 0;
  virtual Loop& loop(uint32_t index) = 0;
  virtual Status start() = 0;  // starts the threads [main]
  // Ends the threads after the letters that are already there; joins them. [main]
  virtual void stop() = 0;

  // Open connections: those of the streams, and what others have added to more_connections. [any]
  virtual uint64_t connections() const = 0;

  // Of all listeners together; 0 = no limit. Set before start().
  uint32_t max_connections = 0;
  // Those of transports with their own kind of I/O. [any]
  std::atomic<uint32_t> more_connections{0};
};

}  // namespace nexus
