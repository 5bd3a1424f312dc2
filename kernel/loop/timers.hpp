// Timers: a hierarchical wheel for deadlines that are mostly moved or cancelled before they pass.
// [loop]
//
// Seven levels of 64 slots, one tick a millisecond: level 0 holds what is due within 64 ms, level
// 1 what is due within 4 s, and so on. A timer sits where the highest six-bit digit in which its
// time differs from the wheel's says, so arming and cancelling link and unlink one node, and a
// bitmap for each level finds the next slot without looking at empty ones. A timer moves down a
// level at most six times in its life; nearly all are gone before that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel/loop/loop.hpp"

namespace nexus {

struct TimerLink {
  TimerLink* prev = nullptr;
  TimerLink* next = nullptr;
};

// A timer inside the object that it belongs to. Must be cancelled before it is destroyed.
struct TimerNode : TimerLink {
  explicit TimerNode(void (*on_due)(TimerNode&)) : due(on_due) {}
  bool armed() const { return next != nullptr; }

  uint64_t when = 0;        // milliseconds, as Loop::now_ms()
  void (*due)(TimerNode&);  // called unarmed; may arm it again or destroy it
};

class TimerWheel {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;

  explicit TimerWheel(uint64_t now_ms);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms or moves. A time that is not after the last advance() counts as the next millisecond, so
  // that a timer that arms itself again cannot hold up its turn.
  void arm(TimerNode& timer, uint64_t when_ms);
  void cancel(TimerNode& timer);
  // When advance() has something to do next, or kNever. May be before the earliest timer (a slot
  // to be spread out), never after it.
  uint64_t next() const;
  // Calls every timer that is due, in the order of their times, first armed first among equals.
  // Returns how many.
  size_t advance(uint64_t now_ms);

 private:
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 7;
  static constexpr uint64_t kLast = (uint64_t{1} << (kBits * kLevels)) - 1;  // some 139 years

  TimerLink& slot(int level, int index) {
    return slots_[static_cast<size_t>(level * kSlots + index)];
  }
  void insert(TimerNode& timer);
  void unlink(TimerNode& timer);

  uint64_t elapsed_;  // every timer is after this, except within advance()
  std::array<uint64_t, kLevels> used_{};
  std::array<TimerLink, kSlots * kLevels> slots_;  // heads of circular lists
};

// The timers that are known by number: Loop::start_timer(). A number is a place in the table and
// its generation, so that one that has fired cannot hit its successor.
class TimerTable {
 public:
  explicit TimerTable(TimerWheel& wheel) : wheel_(wheel) {}
  ~TimerTable();

  TimerId start(uint64_t when_ms, Loop::TimerFn fn, void* user, const void* owner = nullptr);
  void cancel(TimerId id);
  void cancel_all_of(const void* owner);

 private:
  struct Entry : TimerNode {
    explicit Entry(TimerTable& owner) : TimerNode(&TimerTable::fire), table(owner) {}
    TimerTable& table;
    Loop::TimerFn fn = nullptr;
    void* user = nullptr;
    const void* owner = nullptr;
    uint32_t index = 0;
    uint32_t generation = 1;
    Entry* next_free = nullptr;
  };

  static void fire(TimerNode& timer);
  void recycle(Entry& entry);

  TimerWheel& wheel_;
  std::vector<std::unique_ptr<Entry>> entries_;
  Entry* free_ = nullptr;
};

}  // namespace nexus
