// YIELD and ERROR on the callee's loop, RESULT and ERROR on the caller's.
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/dealer.hpp"
#include "kernel/routing/letters.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

constexpr std::string_view kTooLarge = "the caller does not accept messages of this size";
constexpr std::string_view kOverdue =
    "the caller reads too slowly: reply_bytes wait for it already";

}  // namespace

void Dealer::yield(Session& session, const Message& message, const Options& options) {
  SessionTables& tables = session.tables();
  InvocationRecord* found = tables.invocations.find(message.request);
  if (found == nullptr) {
    // an id that was issued may be defunct; one that never was is a violation.
    if (message.request > tables.last_invocation) {
      session.violation("YIELD for an INVOCATION that was never sent");
    }
    return;
  }
  if (options.passthru.ppt() && !session.info()->has(kCalleePassthru)) {
    return session.violation(
        "YIELD uses ppt_scheme, but HELLO did not announce "
        "payload_passthru_mode");
  }
  Shard& shard = session.shard();
  if (options.progress && !found->receive_progress) return;
  if (options.passthru.ppt() && !found->caller_passthru) {
    InvocationRecord record = take(session, message.request);
    reply(shard, record,
          {.error_uri = uri::kFeatureNotSupported,
           .error_text = "the caller does not take payload passthru"});
    if (options.progress) {  // more would follow
      interrupt(session, message.request, record, CancelMode::killnowait, uri::kCanceled);
    }
    return admit_next(session, record.registration);
  }
  if (options.progress) {
    arm_timeout(session, message.request, *found);
    found->answered = true;
    if (!reply(shard, *found,
               {.message = &message, .passthru = &options.passthru, .progress = true})) {
      take_and_interrupt(session, message.request, uri::kCanceled);
    }
    return;
  }
  const InvocationRecord record = take(session, message.request);
  reply(shard, record, {.message = &message, .passthru = &options.passthru});
  admit_next(session, record.registration);
}

void Dealer::error(Session& session, const Message& message, const Options&) {
  SessionTables& tables = session.tables();
  if (tables.invocations.find(message.request) == nullptr) {
    if (message.request > tables.last_invocation) {
      session.violation("ERROR for an INVOCATION that was never sent");
    }
    return;
  }
  const RealmPolicy& policy = session.realm()->policy();
  if (policy.uri_check == UriCheck::strict && !valid_uri(message.uri, UriCheck::strict)) {  // U-13
    return session.violation("ERROR.Error is not a valid URI");
  }
  InvocationRecord record = take(session, message.request);
  Shard& shard = session.shard();
  if (record.reroutable && message.uri == uri::kUnavailable) {  // never shown to the caller
    if (record.answered) {
      reply(shard, record,
            {.error_uri = uri::kNoAvailableCallee,
             .error_text = "the callee has become unavailable"});
    } else if (record.token == 0) {
      reroute(shard, record.caller, record.call, 0);
    } else {
      Shard& there = *shards_[record.caller.loop()];
      there.loop.post(std::make_unique<UnavailableLetter>(*this, there, record.caller, record.call,
                                                          record.token));
    }
  } else {
    reply(shard, record, {.message = &message});
  }
  admit_next(session, record.registration);
}

nx_status Dealer::build_reply(Build build, uint64_t call, const Reply& reply) {
  if (reply.message == nullptr) {
    return build.error(Code::call, call, reply.error_uri, reply.error_text);
  }
  if (reply.message->code == Code::error) return build.error(Code::call, call, *reply.message);
  return build.result(call, {reply.progress, reply.passthru}, reply.message->payload);
}

bool Dealer::reply(Shard& shard, const InvocationRecord& record, const Reply& reply) {
  if (record.token == 0) return reply_here(shard, record.caller, record.call, reply);
  // The caller's format is known, so the letter carries the finished message.
  shard.out.clear();
  bool final = reply.final();
  if (build_reply(Build(shard.build, *record.caller_format, shard.out), record.call, reply) !=
      NX_OK) {
    const std::string why =
        unsayable(shard.build, "the result cannot be said in the caller's format");
    shard.out.clear();
    final = true;
    (void)Build(shard.build, *record.caller_format, shard.out)
        .error(Code::call, record.call, uri::kInvalidArgument, why);
  }
  Shard& there = *shards_[record.caller.loop()];
  there.loop.post(std::make_unique<ReplyLetter>(*this, there, record.caller, record.call,
                                                record.token, final,
                                                BufferRef::copy_of(shard.out.bytes())));
  return final == reply.final();
}

bool Dealer::reply_here(Shard& shard, SessionRef ref, uint64_t call, const Reply& reply) {
  Session* caller = shard.resolve(ref);
  if (caller == nullptr || !caller->established()) return true;
  if (caller->tables().calls.find(call) == nullptr) return true;
  if (reply.final()) end_call(*caller, call);
  std::string_view failed_uri;
  std::string failed_text;
  if (build_reply(caller->build(), call, reply) != NX_OK) {
    failed_uri = uri::kInvalidArgument;
    failed_text =
        unsayable(caller->shard().build, "the result cannot be said in the caller's format");
  } else {
    const Sent sent = caller->send_result(caller->shard().out.bytes());
    if (sent == Sent::too_large) {  // T-27
      failed_uri = uri::kPayloadSizeExceeded;
      failed_text = kTooLarge;
    } else if (sent == Sent::full) {
      failed_uri = uri::kNetworkFailure;
      failed_text = kOverdue;
    }
  }
  if (failed_uri.empty()) return true;
  if (!reply.final()) end_call(*caller, call);  // a hole in a stream of results ends it
  caller->reply_error(Code::call, call, failed_uri, failed_text);
  return reply.final();
}

void Dealer::reply_bytes(Shard& shard, SessionRef ref, uint64_t call, uint64_t token, bool final,
                         Bytes bytes) {
  Session* caller = shard.resolve(ref);
  if (caller == nullptr || !caller->established()) return;
  CallRecord* record = caller->tables().calls.find(call);
  if (record == nullptr || record->token != token) return;
  const SessionRef callee = record->callee;
  if (final) end_call(*caller, call);
  const bool lost = bytes.empty();
  const Sent sent = lost ? Sent::closed : caller->send_result(bytes);
  if (!lost && sent != Sent::too_large && sent != Sent::full) return;
  if (!final) {
    end_call(*caller, call);
    Shard& there = *shards_[callee.loop()];
    there.loop.post(
        std::make_unique<CancelLetter>(*this, there, callee, token, CancelMode::killnowait, true));
  }
  if (lost) {
    return caller->reply_error(Code::call, call, uri::kNetworkFailure,
                               "the router is out of memory");
  }
  if (sent == Sent::full) {
    return caller->reply_error(Code::call, call, uri::kNetworkFailure, kOverdue);
  }
  caller->reply_error(Code::call, call, uri::kPayloadSizeExceeded, kTooLarge);
}

}  // namespace nexus
