// Shard: everything one loop owns for routing: its sessions, scratch memory and counters. [loop]
//
// One per loop. Sessions are addressed from elsewhere by SessionRef, which resolve() turns into a
// pointer if that session still lives.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "kernel/base/log.hpp"
#include "kernel/loop/loop.hpp"
#include "kernel/message/build.hpp"
#include "kernel/session/access.hpp"
#include "kernel/session/ports.hpp"

namespace nexus {

class Session;

constexpr uint32_t kMaxSerializers = 8;
constexpr uint32_t kEventClasses = 4;  // of receivers whose EVENT.Details differ

// Written by one loop, read by [any].
class Count {
 public:
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct ShardCounters {
  Count sessions_joined;
  Count sessions_open;
  Count messages_in;
  Count messages_out;
  Count events_dropped;
  Count calls_failed_busy;
  Count violations;
  Count sessions_killed_slow;
  Count events_acknowledged;
  Count sessions_held_back;
  Count events_encoded;
  Count events_delivered;
};

class Shard {
 public:
  Shard(Loop& loop, RouterPort& router, Log& log, const std::vector<Serializer>& serializers);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Owns the session until forget(); gives it a slot.
  Session& adopt(std::unique_ptr<Session> session);
  // Deletes it at the end of the turn, so that whoever is on the stack may still touch it.
  void forget(Session& session);
  // Drops it at the end of the turn.
  void doom(Session& session);
  Session* resolve(SessionRef ref) const;
  // A new generation for the session's slot: old references find nobody any more.
  SessionRef renew(Session& session);

  template <typename Fn>
  void for_each_session(Fn&& fn) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].session) fn(*slots_[i].session);
    }
  }
  size_t session_count() const { return live_; }

  Loop& loop;
  RouterPort& router;
  Log& log;
  const std::vector<Serializer>& serializers;
  ShardCounters counters;

  // Scratch, used again for every message.
  Writer text;         // parse(): decoded text of the message at hand
  Writer option_text;  // parse_options()
  Writer out;          // the outgoing message being built
  std::array<Writer, kMaxSerializers * kEventClasses>
      event_out;  // one EVENT encoding per format and class
  BuildContext build;
  Options options;

  AccessCache access;  // what authorizers said

  // Work that goes on after its session has ended; it takes itself out.
  std::vector<std::shared_ptr<void>> errands;
  // False for a while when many requests are refused: lines about them are for a person, and what
  // is refused by the thousand costs no lock of the log's.
  bool may_tell_refusal() {
    constexpr uint32_t kInASecond = 1000;
    const uint64_t second = loop.now_ms() / 1000;
    if (std::exchange(refusal_second_, second) != second) refusals_told_ = 0;
    return refusals_told_ < kInASecond && ++refusals_told_ != 0;
  }

  uint32_t rechecks = 0;  // of what sessions hold, under way and not waiting for an authorizer

  // Called once when the last session is gone, while the router waits for that.
  void (*on_empty)(void* user) = nullptr;
  void* on_empty_user = nullptr;

 private:
  struct Slot {
    std::unique_ptr<Session> session;
    uint32_t generation = 0;
  };
  static void bury(void* self);
  static void execute(void* self);
  void trim_later();
  static void trim(void* self);

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> dead_;
  std::vector<SessionRef> doomed_;
  size_t live_ = 0;
  uint64_t refusal_second_ = 0;
  uint32_t refusals_told_ = 0;
  uint64_t buried_ = 0;  // since memory was last returned
  TimerId trim_timer_ = 0;
};

}  // namespace nexus
