// INVOCATION, INTERRUPT and call timeouts, on the callee's loop.
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/letters.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

// What the first CALL of a stream said beside its payload: it holds to the end.
struct StreamHead : RecordExtra {
  explicit StreamHead(const Invocation& call) : head(call) {}
  OwnedHead head;
};

// What an INVOCATION tells of its call. `caller` is the place for who calls.
InvocationDetails details_of(const Invocation& call, const InvocationRecord& record,
                             Disclosure& caller) {
  InvocationDetails details;
  details.procedure = call.procedure;
  if (call.disclosed != nullptr) {
    caller = {call.disclosed->id, call.disclosed->authid, call.disclosed->authrole};
    details.caller = &caller;
  }
  details.passthru = call.passthru;
  details.receive_progress = record.receive_progress;
  details.has_progress = call.progressive;
  details.progress = call.progress;
  details.timeout_ms = call.forward_timeout ? call.timeout_ms : 0;
  details.has_trust_level = call.has_trust_level;
  details.trust_level = call.trust_level;
  return details;
}

}  // namespace

// What the timer of a call calls back with. Owned by the InvocationRecord.
struct CallTimeout {
  Dealer* dealer;
  Session* callee;
  uint64_t invocation;

  static void fire(void* user) {
    auto& self = *static_cast<CallTimeout*>(user);
    self.dealer->on_timeout(*self.callee, self.invocation);
  }
};

void Dealer::invoke(Shard& shard, SessionRef ref, const Invocation& call) {
  InvocationRecord record = make_record(call);
  const auto fail = [&](std::string_view uri, std::string_view text) {
    reply(shard, record, {.error_uri = uri, .error_text = text});
  };
  Session* callee = shard.resolve(ref);
  if (callee == nullptr || !callee->established()) {
    return fail(uri::kCanceled, "the callee has left");
  }
  // nothing is sent to a callee that has unregistered while the call was on its way.
  std::unique_ptr<CalleeQueue>* queue = callee->tables().registrations.find(call.registration);
  if (queue == nullptr) {
    return fail(uri::kNoSuchProcedure, "the callee has just unregistered this procedure");
  }
  if (*queue != nullptr && (*queue)->load->full()) {
    return wait(shard, *callee, call, **queue);
  }
  start(shard, *callee, call, std::move(record));
}

InvocationRecord Dealer::make_record(const Invocation& call) {
  InvocationRecord record;
  record.caller = call.caller;
  record.call = call.call;
  record.token = call.token;
  record.caller_format = call.caller_format;
  record.registration = call.registration;
  record.caller_passthru = call.caller_passthru;
  record.reroutable = call.reroutable;
  record.timeout_ms = call.forward_timeout ? 0 : call.timeout_ms;
  return record;
}

uint64_t Dealer::start(Shard& shard, Session& callee, const Invocation& call,
                       InvocationRecord&& record) {
  SessionTables& tables = callee.tables();
  const SessionInfo& info = *callee.info();
  const auto fail = [&](std::string_view uri, std::string_view text) -> uint64_t {
    reply(shard, record, {.error_uri = uri, .error_text = text});
    if (record.token != 0) tables.tokens.erase(record.token);  // it may have waited before
    drop_timer(callee, record);
    return 0;
  };
  record.receive_progress = call.caller_streams_results &&
                            info.has(kCalleeProgressiveResults | kCalleeCanceling);
  Disclosure caller;
  const InvocationDetails details = details_of(call, record, caller);
  const uint64_t id = tables.last_invocation == kMaxId ? 1 : tables.last_invocation + 1;
  if (callee.build().invocation(id, call.registration, details, call.payload) != NX_OK) {
    return fail(uri::kInvalidArgument,
                unsayable(shard.build, "the arguments cannot be said in the callee's format"));
  }
  switch (callee.send(Urgency::invocation, shard.out.bytes())) {
    case Sent::ok:
      break;
    case Sent::too_large:
      return fail(uri::kPayloadSizeExceeded, "the callee does not accept messages of this size");
    case Sent::full:
      shard.counters.calls_failed_busy.add();
      return fail(uri::kNetworkFailure, "the callee is too slow: its queue is full");
    default:
      return fail(uri::kCanceled, "the callee has left");
  }
  tables.last_invocation = id;
  if (call.progressive) record.stream = std::make_unique<StreamHead>(call);
  std::unique_ptr<CalleeQueue>* queue = tables.registrations.find(call.registration);
  if (queue != nullptr && *queue != nullptr) {
    record.load = (*queue)->load;
    record.load->active.fetch_add(1, std::memory_order_relaxed);
  }
  enter(shard, callee, id, std::move(record));
  return id;
}

// Puts a record into the callee's table, and makes it known to whoever may cancel the call.
void Dealer::enter(Shard& shard, Session& callee, uint64_t id, InvocationRecord&& record) {
  SessionTables& tables = callee.tables();
  if (record.token != 0) {
    tables.tokens.erase(record.token);
    tables.tokens.insert(record.token, id);
  } else if (Session* session = shard.resolve(record.caller)) {
    if (CallRecord* mine = session->tables().calls.find(record.call)) mine->invocation = id;
  }
  InvocationRecord* kept = tables.invocations.insert(id, std::move(record));
  if (kept == nullptr) return;
  if (kept->timeout == nullptr) {
    arm_timeout(callee, id, *kept);
  } else {
    kept->timeout->invocation = id;  // it waited before, and its clock has been running
  }
}

void Dealer::arm_timeout(Session& callee, uint64_t invocation, InvocationRecord& record) {
  if (record.timeout_ms == 0) return;
  Loop& loop = callee.shard().loop;
  if (record.timer != 0) loop.cancel_timer(record.timer);
  if (record.timeout == nullptr) record.timeout = new CallTimeout{this, &callee, invocation};
  record.timer = loop.start_timer(record.timeout_ms, &CallTimeout::fire, record.timeout);
}

void Dealer::drop_timer(Session& callee, InvocationRecord& record) {
  if (record.timer != 0) callee.shard().loop.cancel_timer(record.timer);
  delete record.timeout;
  record.timer = 0;
  record.timeout = nullptr;
}

InvocationRecord Dealer::take(Session& callee, uint64_t invocation) {
  SessionTables& tables = callee.tables();
  InvocationRecord record = std::move(*tables.invocations.find(invocation));
  tables.invocations.erase(invocation);
  if (record.token != 0) tables.tokens.erase(record.token);
  if (record.queued != nullptr) forget_ticket(tables, record.registration, invocation);
  drop_timer(callee, record);
  if (record.load != nullptr) record.load->active.fetch_sub(1, std::memory_order_relaxed);
  return record;
}

void Dealer::on_timeout(Session& callee, uint64_t invocation) {
  InvocationRecord* found = callee.tables().invocations.find(invocation);
  if (found == nullptr) return;
  found->timer = 0;
  InvocationRecord record = take(callee, invocation);
  reply(callee.shard(), record, {.error_uri = uri::kTimeout, .error_text = "the call timed out"});
  interrupt(callee, invocation, record, CancelMode::killnowait, uri::kTimeout);
  admit_next(callee, record.registration);
}

void Dealer::take_and_interrupt(Session& callee, uint64_t invocation, std::string_view reason) {
  InvocationRecord taken = take(callee, invocation);
  interrupt(callee, invocation, taken, CancelMode::killnowait, reason);
  admit_next(callee, taken.registration);
}

void Dealer::interrupt(Session& callee, uint64_t invocation, InvocationRecord& record,
                       CancelMode mode, std::string_view reason) {
  // A callee that has not been told of the call has nothing to interrupt.
  if (record.interrupted || record.queued != nullptr || !callee.established() ||
      !callee.info()->has(kCalleeCanceling)) {
    return;
  }
  record.interrupted = true;
  if (callee.build().interrupt(invocation, cancel_mode_name(mode), reason) == NX_OK) {
    callee.send_reply();
  }
}

void Dealer::cancel_invocation(Shard& shard, SessionRef ref, uint64_t invocation, uint64_t token,
                               CancelMode mode, bool caller_left) {
  Session* callee = shard.resolve(ref);
  if (callee == nullptr) return;  // it has left, and its callers have been told
  SessionTables& tables = callee->tables();
  if (token != 0) {
    const uint64_t* known = tables.tokens.find(token);
    if (known == nullptr) return;  // somebody was faster
    invocation = *known;
  }
  InvocationRecord* record = tables.invocations.find(invocation);
  if (record == nullptr) return;
  if (caller_left) return take_and_interrupt(*callee, invocation, uri::kCanceled);
  // a callee that cannot be interrupted is left alone, and the caller hears at once.
  // The same for a call that still waits for its turn.
  if (!callee->info()->has(kCalleeCanceling) || record->queued != nullptr) mode = CancelMode::skip;
  if (mode == CancelMode::kill) {
    return interrupt(*callee, invocation, *record, mode, uri::kCanceled);
  }
  InvocationRecord taken = take(*callee, invocation);
  reply(shard, taken, {.error_uri = uri::kCanceled, .error_text = "the call was canceled"});
  if (mode == CancelMode::killnowait) {
    interrupt(*callee, invocation, taken, mode, uri::kCanceled);
  }
  admit_next(*callee, taken.registration);
}

void Dealer::continue_invocation(Shard& shard, SessionRef ref, uint64_t invocation, uint64_t token,
                                 bool progress, const Payload& payload) {
  Session* callee = shard.resolve(ref);
  if (callee == nullptr || !callee->established()) return;
  SessionTables& tables = callee->tables();
  if (token != 0) {
    const uint64_t* known = tables.tokens.find(token);
    if (known == nullptr) return;  // the stream is over
    invocation = *known;
  }
  InvocationRecord* record = tables.invocations.find(invocation);
  if (record == nullptr) return;
  if (record->queued != nullptr) {
    return wait_more(shard, *callee, invocation, *record, progress, payload);
  }
  send_part(shard, *callee, invocation, *record, progress, payload);
}

// One more part of a progressive call. A part that cannot be delivered would leave a hole in the
// stream, so the call ends there.
void Dealer::send_part(Shard& shard, Session& callee, uint64_t invocation, InvocationRecord& record,
                       bool progress, const Payload& payload) {
  Invocation& head = static_cast<StreamHead&>(*record.stream).head.get();
  head.progress = progress;
  Disclosure caller;
  const InvocationDetails details = details_of(head, record, caller);
  const nx_status built =
      callee.build().invocation(invocation, record.registration, details, payload);
  const Sent sent =
      built == NX_OK ? callee.send(Urgency::invocation, shard.out.bytes()) : Sent::closed;
  if (sent == Sent::ok) {
    if (!progress) record.stream = nullptr;  // that was the last part
    return;
  }
  InvocationRecord taken = take(callee, invocation);
  Reply failure;
  std::string why;
  if (built != NX_OK) {
    why = unsayable(shard.build, "the arguments cannot be said in the callee's format");
    failure = {.error_uri = uri::kInvalidArgument, .error_text = why};
  } else if (sent == Sent::too_large) {
    failure = {.error_uri = uri::kPayloadSizeExceeded,
               .error_text = "the callee does not accept messages of this size"};
  } else if (sent == Sent::closed) {
    failure = {.error_uri = uri::kCanceled, .error_text = "the callee has left"};
  } else {
    shard.counters.calls_failed_busy.add();
    failure = {.error_uri = uri::kNetworkFailure,
               .error_text = "the callee is too slow: its queue is full"};
  }
  reply(shard, taken, failure);
  interrupt(callee, invocation, taken, CancelMode::killnowait, uri::kCanceled);
  admit_next(callee, taken.registration);
}

}  // namespace nexus
