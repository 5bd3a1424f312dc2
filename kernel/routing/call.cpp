// CALL and CANCEL, on the caller's loop.
#include <algorithm>

#include "kernel/base/utf8.hpp"
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/dealer.hpp"
#include "kernel/routing/disclose.hpp"
#include "kernel/routing/letters.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

// Of the strings that each part of a progressive call is told again: they are kept until it ends.
constexpr size_t kMaxStreamOptions = 4096;

// the realm's default and limit, or those of the caller's role.
uint64_t clamp_timeout(const RealmPolicy& policy, const SessionInfo& caller, uint64_t asked) {
  const RolePolicy* role = policy.role(caller.authrole);
  const uint64_t usual = role == nullptr ? policy.call_timeout_ms : role->call_timeout_ms;
  const uint64_t most = role == nullptr ? policy.max_call_timeout_ms : role->max_call_timeout_ms;
  const uint64_t wanted = asked != 0 ? asked : usual;
  if (most == 0) return wanted;
  return wanted == 0 ? most : std::min(wanted, most);
}

}  // namespace

void Dealer::call(Session& session, const Message& message, const Options& options,
                  const Grant& grant) {
  Shard& shard = session.shard();
  SessionTables& tables = session.tables();
  const SessionInfo& caller = *session.info();
  if (tables.calls.find(message.request) != nullptr || !tables.ended_streams.empty()) {
    if (continue_call(session, message, options)) return;
  }
  if (options.progress && !caller.has(kCallerProgressiveInvocations)) {
    return session.violation(
        "CALL uses progress, but HELLO did not announce "
        "progressive_call_invocations");
  }
  if (options.passthru.ppt() && !caller.has(kCallerPassthru)) {
    return session.violation(
        "CALL uses ppt_scheme, but HELLO did not announce "
        "payload_passthru_mode");
  }
  // No record exists yet. More parts of a stream may be under way; they end with it.
  const auto fail = [&](std::string_view uri, std::string_view text) {
    if (options.progress) tables.note_ended_stream(message.request, policy_.max_ended_streams);
    session.reply_error(Code::call, message.request, uri, text);
  };
  if (policy_.max_calls != 0 && tables.calls.size() >= policy_.max_calls) {  // V-05
    return fail(uri::kNotAuthorized, "this session has as many calls in flight as it may have");
  }
  if ((reserved_uri(message.uri) || message.uri == kReloadProcedure) &&
      meta_.call(session, message, options)) {
    if (options.progress) tables.note_ended_stream(message.request, policy_.max_ended_streams);
    return;
  }
  const std::shared_ptr<const CalleeList> list = find(shard, message.uri);
  if (list == nullptr) {
    // Who is not authorized to call it has been told just that, before anybody looked.
    return fail(uri::kNoSuchProcedure,
                "no procedure \"" + excerpt(message.uri, kShownUri) + "\" is registered");
  }
  if (options.has_runmode && list->invoke == Invoke::sharded) {
    if (options.runmode != "partition") {
      return fail(uri::kOptionNotAllowed, "runmode can only be partition");
    }
    if (!options.has_rkey) {
      return fail(uri::kInvalidArgument, "runmode partition needs rkey");
    }
  }
  const Callee& callee = choose_callee(*list, options.has_rkey ? &options.rkey : nullptr);
  const SessionInfo& callee_info = *callee.info;
  if (options.progress &&
      !callee_info.has(kCalleeProgressiveInvocations | kCalleeCanceling)) {
    return fail(uri::kFeatureNotSupported, "the callee does not take progressive calls");
  }
  if (options.passthru.ppt() && !callee_info.has(kCalleePassthru)) {
    return fail(uri::kFeatureNotSupported, "the callee does not take payload passthru");
  }
  if (options.progress && options.passthru.size() > kMaxStreamOptions) {
    return fail(uri::kInvalidArgument,
                "ppt_* and enc_* of a progressive call take at most 4096 bytes together");
  }
  const Disclosed disclosed =
      decide_disclosure(policy_.disclose_caller, grant, options.disclose_me);
  if (disclosed == Disclosed::refused) {
    return fail(uri::kDiscloseMe, "the caller may not be disclosed here");
  }
  const bool may_disclose =
      grant.disclose != NX_DISCLOSE_NEVER &&
      (grant.disclose != NX_DISCLOSE_REALM || policy_.disclose_caller != Disclose::never);
  const bool disclose =
      (callee.disclose_caller && may_disclose) ||
      (disclosed == Disclosed::yes && callee_info.has(kCalleeCallerIdentification));

  Invocation invocation;
  invocation.caller = session.ref();
  invocation.call = message.request;
  invocation.caller_format = &session.format();
  invocation.registration = list->registration;
  if (list->match != Match::exact) invocation.procedure = message.uri;
  if (disclose) invocation.disclosed = session.info();
  invocation.caller_streams_results =
      options.receive_progress && caller.has(kCallerProgressiveResults);
  invocation.caller_passthru = caller.has(kCallerPassthru);
  invocation.progressive = invocation.progress = options.progress;
  invocation.timeout_ms = clamp_timeout(policy_, caller, options.timeout_ms);
  invocation.has_trust_level = grant.has_trust_level && callee_info.has(kCalleeTrustLevels);
  invocation.trust_level = grant.trust_level;
  invocation.passthru = &options.passthru;
  invocation.payload = message.payload;

  CallRecord record;
  invocation.reroutable = callee_info.has(kCalleeReroute);
  if (options.progress) {
    record.streaming = record.was_progressive = true;
    record.validator = grant.validator;
    record.procedure = std::make_unique<std::string>(message.uri);
  } else if (invocation.reroutable && list->callees.size() > 1) {
    if (!keep_for_reroute(session, record, invocation, list, callee_info.id)) {  // V-05
      return fail(uri::kNotAuthorized,
                  "this session has as much in flight to unreliable callees as it may have");
    }
  }
  CallRecord* kept = tables.calls.insert(message.request, std::move(record));
  send_invocation(shard, callee, *kept, invocation);
}

// Hands the call to the callee's loop, which may be this one. `record` may be gone afterwards.
void Dealer::send_invocation(Shard& shard, const Callee& callee, CallRecord& record,
                             Invocation& invocation) {
  const SessionRef ref = callee.info->ref;
  const uint32_t here = shard.loop.index();
  record.callee = ref;
  record.invocation = 0;
  record.token = invocation.token = 0;
  invocation.forward_timeout = callee.forward_timeout && callee.info->has(kCalleeTimeout);
  if (ref.loop() == here) return invoke(shard, ref, invocation);
  record.token = invocation.token = uint64_t{here + 1} << 48 | ++next_token_[here];
  Shard& there = *shards_[ref.loop()];
  auto letter = std::make_unique<InvokeLetter>(*this, there, ref, invocation);
  if (letter->complete()) {
    there.loop.post(std::move(letter));
  } else if (Session* caller = shard.resolve(invocation.caller)) {
    lose_call(*caller, invocation.call);
  }
}

// There was no memory for a part of it: better no call than one with a hole in it.
void Dealer::lose_call(Session& caller, uint64_t call) {
  end_call(caller, call);
  caller.reply_error(Code::call, call, uri::kNetworkFailure, "the router is out of memory");
}

// A CALL whose id is known: the next part of a progressive call (R-50 … R-55). False: it is a new
// call after all.
bool Dealer::continue_call(Session& session, const Message& message, const Options& options) {
  SessionTables& tables = session.tables();
  CallRecord* record = tables.calls.find(message.request);
  if (record == nullptr) {
    const auto at =
        std::find(tables.ended_streams.begin(), tables.ended_streams.end(), message.request);
    if (at == tables.ended_streams.end()) return false;
    if (!options.progress) tables.ended_streams.erase(at);  // that was the last one
    return true;
  }
  if (!record->streaming || *record->procedure != message.uri) {
    session.violation("CALL.Request " + std::to_string(message.request) +
                      " is the id of a call that is still open");
    return true;
  }
  record->streaming = options.progress;
  Shard& shard = session.shard();
  if (record->token == 0) {
    continue_invocation(shard, record->callee, record->invocation, 0, options.progress,
                        message.payload);
  } else {
    Shard& there = *shards_[record->callee.loop()];
    auto letter = std::make_unique<ContinueLetter>(*this, there, record->callee, record->token,
                                                   options.progress, message.payload);
    if (letter->complete()) {
      there.loop.post(std::move(letter));
    } else {
      abandon(shard, *record);
      lose_call(session, message.request);
    }
  }
  return true;
}

// A part that an authorizer does not let pass (Z-12). Those before it have gone on, so the callee
// is told that no end of this call will come.
void Dealer::refuse_part(Session& session, uint64_t call, bool more, std::string_view uri,
                         std::string_view text) {
  CallRecord* record = session.tables().calls.find(call);
  if (record == nullptr) return;  // it has ended meanwhile
  record->streaming = more;
  abandon(session.shard(), *record);
  end_call(session, call);
  session.reply_error(Code::call, call, uri, text);
}

void Dealer::cancel(Session& session, const Message& message, const Options& options) {
  CallRecord* record = session.tables().calls.find(message.request);
  if (record == nullptr) return;  // done already, or never was
  record->canceled = true;        // a callee that turns out to be unavailable is the last one
  if (record->token == 0) {
    cancel_invocation(session.shard(), record->callee, record->invocation, 0, options.mode, false);
    return;
  }
  Shard& there = *shards_[record->callee.loop()];
  there.loop.post(std::make_unique<CancelLetter>(*this, there, record->callee, record->token,
                                                 options.mode, false));
}

// The caller has left.
void Dealer::abandon(Shard& shard, const CallRecord& record) {
  if (record.token == 0) {
    cancel_invocation(shard, record.callee, record.invocation, 0, CancelMode::killnowait, true);
    return;
  }
  Shard& there = *shards_[record.callee.loop()];
  there.loop.post(std::make_unique<CancelLetter>(*this, there, record.callee, record.token,
                                                 CancelMode::killnowait, true));
}

// The final reply of this call is about to be sent: forgets it. False if it had ended before.
bool Dealer::end_call(Session& session, uint64_t call) {
  SessionTables& tables = session.tables();
  CallRecord* record = tables.calls.find(call);
  if (record == nullptr) return false;
  if (record->streaming) tables.note_ended_stream(call, policy_.max_ended_streams);
  tables.calls.erase(call);
  return true;
}

}  // namespace nexus
