// What a session keeps about its own calls, invocations, subscriptions and registrations. [loop]
//
// An invocation in flight is one record, and it lives with the callee: CANCEL, timeout, YIELD,
// ERROR and a callee that leaves all act on that record on the callee's loop, so that each race has
// one winner. The caller's record only says where that is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/base/id_map.hpp"
#include "kernel/loop/loop.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

struct Serializer;
struct CallTimeout;

// With the caller, under CALL.Request.
struct CallRecord {
  SessionRef callee;
  uint64_t invocation = 0;  // when the callee lives on the same loop
  uint64_t token = 0;       // else: what the callee's loop knows this call by
  bool streaming = false;   // progressive, and the last CALL has not come yet
  bool was_progressive = false;
  std::unique_ptr<std::string> procedure;  // progressive only: continuations must name the same
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
  bool interrupted = false;        // an INTERRUPT has been sent
  bool caller_passthru = false;    // the caller understands ppt_*
  CallTimeout* timeout = nullptr;  // owned; what the timer calls back with
};

struct SessionTables {
  IdMap<CallRecord> calls;
  IdMap<InvocationRecord> invocations;
  IdMap<uint64_t> tokens;         // token -> invocation, for callers on other loops
  IdMap<uint64_t> subscriptions;  // subscription id -> 1
  IdMap<uint64_t> registrations;  // registration id -> 1
  uint64_t last_invocation = 0;   // U-07: sequential from 1, per callee
  uint64_t last_request = 0;      // highest request id seen (U-06, R-52)
  // Progressive calls that ended before their last CALL came: what still comes is dropped.
  std::vector<uint64_t> ended_streams;
};

}  // namespace nexus
