// Dealer: registrations of one realm, and CALL -> INVOCATION -> YIELD -> RESULT. (checklist 9)
//
// The caller's loop chooses the callee from a cached CalleeList and takes no lock when warm. From
// there on the call is one InvocationRecord with the callee's session: YIELD, ERROR, CANCEL,
// timeout, a callee that leaves and a caller that leaves all act on it, on the callee's loop, and
// whoever takes it out of the table has won. So each call ends exactly once.
//
//   dealer.cpp      REGISTER, UNREGISTER, choosing
//   revocation.cpp  registrations that somebody else takes away
//   call.cpp        CALL and CANCEL, on the caller's loop
//   reroute.cpp     another callee after one that is unavailable, on the caller's loop
//   invocation.cpp  INVOCATION, INTERRUPT, timeouts, on the callee's loop
//   waiting.cpp     calls that wait for a place with a callee that set a limit
//   result.cpp      YIELD and ERROR on the callee's loop, RESULT and ERROR on the caller's
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kernel/base/buffer.hpp"
#include "kernel/routing/effect.hpp"
#include "kernel/routing/meta_events.hpp"
#include "kernel/routing/pattern_index.hpp"
#include "kernel/routing/registration.hpp"
#include "kernel/routing/subscription.hpp"
#include "kernel/routing/uri_cache.hpp"
#include "kernel/session/ports.hpp"
#include "kernel/session/shard.hpp"
#include "kernel/session/tables.hpp"

namespace nexus {

// One CALL (or its continuation) on its way to a callee. Views lie in the CALL or in a letter.
struct Invocation {
  SessionRef caller;
  uint64_t call = 0;
  uint64_t token = 0;  // 0: caller and callee share a loop
  const Serializer* caller_format = nullptr;
  uint64_t registration = 0;
  std::string_view procedure;  // for Details.procedure; empty on exact registrations
  SessionInfoPtr disclosed;    // null: the caller stays unknown
  bool caller_streams_results = false;  // receive_progress, and the caller announced it
  bool caller_passthru = false;
  bool progressive = false;  // the CALL said progress, true or (a continuation) false
  bool progress = false;
  bool reroutable = false;  // the caller's loop keeps what another attempt needs
  uint64_t timeout_ms = 0;
  bool forward_timeout = false;
  bool has_trust_level = false;
  uint32_t trust_level = 0;
  const Passthru* passthru = nullptr;
  Payload payload;
};

// How a call ends, or goes on: a RESULT, or an ERROR of the callee's or of the router's.
struct Reply {
  const Message* message = nullptr;  // YIELD or ERROR of the callee
  const Passthru* passthru = nullptr;
  bool progress = false;
  std::string_view error_uri;  // the router's own error, when there is no message
  std::string_view error_text;

  bool final() const { return !progress; }
};

class Meta;

class Dealer {
 public:
  Dealer(const RealmPolicy& policy, const std::vector<std::unique_ptr<Shard>>& shards,
         MetaEvents& events, Meta& meta);

  void register_(Session& session, const Message& message, const Options& options,
                 const Grant& grant);
  void unregister(Session& session, const Message& message);
  void call(Session& session, const Message& message, const Options& options, const Grant& grant);
  void refuse_part(Session& session, uint64_t call, bool more, std::string_view uri,
                   std::string_view text);
  void cancel(Session& session, const Message& message, const Options& options);
  void yield(Session& session, const Message& message, const Options& options);
  void error(Session& session, const Message& message, const Options& options);
  // The session has ended. Meta events are noted unless it is quiet.
  void leave(Session& session);
  // Its SessionInfo has been replaced.
  void refresh(Session& session);

  // What authorizers allowed is forgotten whenever it changes who would be called under this
  // procedure. False: there are as many of them as there may be. [any]
  bool depend_on(std::string_view procedure);

  // ---- for the meta API [any]; registrations of wamp. URIs are not shown
  // fn(const Registration&) under the lock; false when there is none of that id.
  template <typename Fn>
  bool inspect(uint64_t id, Fn&& fn) {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at == by_id_.end() || reserved_uri(at->second->uri)) return false;
    fn(*at->second);
    return true;
  }
  // The same, reserved URIs included.
  template <typename Fn>
  bool inspect_any(uint64_t id, Fn&& fn) {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at != by_id_.end()) fn(*at->second);
    return at != by_id_.end();
  }
  template <typename Fn>
  void for_each(Fn&& fn) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, registration] : by_id_) {
      if (!reserved_uri(registration->uri)) fn(*registration);
    }
  }
  uint64_t find(std::string_view procedure, Match match);  // 0: none
  uint64_t find_best(std::string_view procedure);          // the one that a CALL goes to, or 0
  // Takes a session off a registration, and tells it on its own loop: the one letter of
  // `effect`, if the answer is `done`.
  Revoked revoke(uint64_t registration, uint64_t session, std::string_view reason,
                 bool reserved_too = false, EffectPtr effect = nullptr);

 private:
  friend class InvokeLetter;
  friend class ContinueLetter;
  friend class CancelLetter;
  friend class ReplyLetter;
  friend class UnavailableLetter;
  friend struct CallTimeout;

  std::shared_ptr<const CalleeList> find(Shard& shard, std::string_view procedure);
  // False when the session, which may live on another loop, was not on it. mutex_ is held.
  bool remove(Registration& registration, const Session& session, uint64_t session_id, bool tell);
  // The callees of this one, which is in index_, have changed. mutex_ is held.
  void forget_what_depends_on(const Registration& changed);
  // Takes everybody off it, and so deletes it; answers who has to be told. mutex_ is held.
  std::vector<SessionRef> evict(Registration& registration);
  void tell_revoked(SessionRef callee, uint64_t registration, std::string_view reason,
                    EffectPtr effect = nullptr);
  void on_revoked(Session& session, uint64_t registration, std::string_view reason);

  // call.cpp
  void send_invocation(Shard& shard, const Callee& callee, CallRecord& record,
                       Invocation& invocation);
  bool continue_call(Session& session, const Message& message, const Options& options);
  void abandon(Shard& shard, const CallRecord& record);
  bool end_call(Session& session, uint64_t call);
  void lose_call(Session& caller, uint64_t call);

  // reroute.cpp, on the caller's loop
  // False, and nothing kept, when the session has no room for it.
  bool keep_for_reroute(Session& caller, CallRecord& record, const Invocation& invocation,
                        std::shared_ptr<const CalleeList> list, uint64_t callee);
  void reroute(Shard& shard, SessionRef caller, uint64_t call, uint64_t token);

  // waiting.cpp, on the callee's loop
  void wait(Shard& shard, Session& callee, const Invocation& call, CalleeQueue& queue);
  void wait_more(Shard& shard, Session& callee, uint64_t ticket, InvocationRecord& record,
                 bool progress, const Payload& payload);
  // A call that waited is over: its place in the queue is free for another one.
  static void forget_ticket(SessionTables& tables, uint64_t registration, uint64_t ticket);
  // A place with this registration has become free.
  void admit_next(Session& callee, uint64_t registration);
  void fail_waiting(Session& callee, CalleeQueue& queue);

  // invocation.cpp, on the callee's loop
  void invoke(Shard& shard, SessionRef callee, const Invocation& call);
  void continue_invocation(Shard& shard, SessionRef callee, uint64_t invocation, uint64_t token,
                           bool progress, const Payload& payload);
  void cancel_invocation(Shard& shard, SessionRef callee, uint64_t invocation, uint64_t token,
                         CancelMode mode, bool caller_left);
  static InvocationRecord make_record(const Invocation& call);
  // Sends the INVOCATION of a record that is in no table and enters it; answers its id, or 0 when
  // the call has been answered with an error instead.
  uint64_t start(Shard& shard, Session& callee, const Invocation& call, InvocationRecord&& record);
  void enter(Shard& shard, Session& callee, uint64_t id, InvocationRecord&& record);
  void send_part(Shard& shard, Session& callee, uint64_t invocation, InvocationRecord& record,
                 bool progress, const Payload& payload);
  static void drop_timer(Session& callee, InvocationRecord& record);
  // Takes it, and tells a callee that is still at work for nobody.
  void take_and_interrupt(Session& callee, uint64_t invocation, std::string_view reason);
  void interrupt(Session& callee, uint64_t invocation, InvocationRecord& record, CancelMode mode,
                 std::string_view reason);
  void arm_timeout(Session& callee, uint64_t invocation, InvocationRecord& record);
  void on_timeout(Session& callee, uint64_t invocation);
  // Takes the record out of the callee's table: whoever does has the last word.
  InvocationRecord take(Session& callee, uint64_t invocation);

  // result.cpp
  // False: a part of a result could not be handed over. The caller has been told, or will be, that
  // its call has ended; the record is still there, and its callee still at work.
  bool reply(Shard& shard, const InvocationRecord& record, const Reply& reply);
  bool reply_here(Shard& shard, SessionRef caller, uint64_t call, const Reply& reply);
  void reply_bytes(Shard& shard, SessionRef caller, uint64_t call, uint64_t token, bool final,
                   Bytes bytes);
  nx_status build_reply(Build build, uint64_t call, const Reply& reply);

  const RealmPolicy& policy_;
  const std::vector<std::unique_ptr<Shard>>& shards_;
  MetaEvents& events_;
  Meta& meta_;
  std::vector<UriCache<std::shared_ptr<const CalleeList>>> caches_;  // one per loop
  std::vector<uint64_t> next_token_;                                 // one per loop

  std::mutex mutex_;
  // Guarded by mutex_.
  PatternIndex<Registration> index_;
  std::unordered_map<uint64_t, std::unique_ptr<Registration>> by_id_;
  uint64_t next_id_ = 1;
  std::vector<std::string> depended_on_;  // by what authorizers say: a few, and mostly none

  std::atomic<uint64_t> generation_{1};
};

}  // namespace nexus
