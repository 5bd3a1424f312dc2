// What a session keeps about its own calls, invocations, subscriptions and registrations. [loop]
//
// An invocation in flight is one record, and it lives with the callee: CANCEL, timeout, YIELD,
// ERROR and a callee that leaves all act on that record on the callee's loop, so that each race has
// one winner. The caller's record only says where that is.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "kernel/base/id_map.hpp"
#include "kernel/loop/loop.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

struct Serializer;
struct CallTimeout;
struct Testaments;

// What the routing layer hangs on records that are out of the ordinary.
struct RecordExtra {
  virtual ~RecordExtra() = default;
};

// How many invocations a callee has at once, where it set a limit. Written on the callee's
// loop, read by callers on any, who use it as a hint.
struct CalleeLoad {
  std::atomic<uint32_t> active{0};
  uint32_t limit = 0;
  uint64_t waiting_bytes = 0;  // of what waits for a place; the callee's loop only
  bool full() const { return active.load(std::memory_order_relaxed) >= limit; }
};

// With the caller, under CALL.Request.
struct CallRecord {
  SessionRef callee;
  uint64_t invocation = 0;  // when the callee lives on the same loop
  uint64_t token = 0;       // else: what the callee's loop knows this call by
  bool streaming = false;   // progressive, and the last CALL has not come yet
  bool was_progressive = false;
  bool canceled = false;                   // a CANCEL has been sent after it
  uint32_t validator = 0;                  // progressive only: Grant::validator, for each part
  std::unique_ptr<std::string> procedure;  // progressive only: continuations must name the same
  std::unique_ptr<RecordExtra> reroute;    // what another attempt needs, or null
};

// With the callee, under INVOCATION.Request.
struct InvocationRecord {
  SessionRef caller;
  uint64_t call = 0;
  uint64_t token = 0;  // 0 when the caller lives on the same loop
  const Serializer* caller_format = nullptr;
  uint64_t registration = 0;
  TimerId timer = 0;
  uint64_t timeout_ms = 0;
  bool receive_progress = false;
  bool reroutable = false;              // the caller's loop can try another callee
  bool answered = false;                // a progressive result has gone out
  bool interrupted = false;             // an INTERRUPT has been sent
  bool caller_passthru = false;         // the caller understands ppt_*
  CallTimeout* timeout = nullptr;       // owned; what the timer calls back with
  std::shared_ptr<CalleeLoad> load;     // takes one place there, or null
  std::unique_ptr<RecordExtra> queued;  // not sent yet: waits for a place with its callee
  std::unique_ptr<RecordExtra> stream;  // progressive: what each INVOCATION of it tells
};

// With the callee, under Registration, where it set a limit: who waits for a place.
struct CalleeQueue {
  std::shared_ptr<CalleeLoad> load;
  std::deque<uint64_t> waiting;  // tickets, the oldest first
};

// Ids of invocations that wait: above every id that goes over the wire.
constexpr uint64_t kTicketBit = uint64_t{1} << 60;

struct SessionTables {
  IdMap<CallRecord> calls;
  IdMap<InvocationRecord> invocations;
  IdMap<uint64_t> tokens;         // token -> invocation, for callers on other loops
  IdMap<uint64_t> subscriptions;  // subscription id -> 1
  IdMap<std::unique_ptr<CalleeQueue>> registrations;  // null: the callee takes any number
  uint64_t last_ticket = 0;
  uint64_t last_invocation = 0;  // U-07: sequential from 1, per callee
  uint64_t last_request = 0;     // highest request id seen (U-06, R-52)
  // Progressive calls that ended before their last CALL came: what still comes is dropped.
  std::vector<uint64_t> ended_streams;
  std::shared_ptr<uint64_t> reroute_bytes;  // kept of its calls for another attempt; null: none
  std::shared_ptr<Testaments> testaments;   // null: none
  bool quiet = false;  // its end is nobody's business: no meta events, no testaments

  // A progressive call is over before its last CALL has come.
  // `most` are remembered.
  void note_ended_stream(uint64_t call, uint64_t most) {
    if (ended_streams.size() >= most) ended_streams.erase(ended_streams.begin());
    ended_streams.push_back(call);
  }
  // Is a CALL with this id a further part of a call that is known, and no new one?
  bool continues(uint64_t call) {
    return calls.find(call) != nullptr ||
           std::find(ended_streams.begin(), ended_streams.end(), call) != ended_streams.end();
  }
};

}  // namespace nexus
