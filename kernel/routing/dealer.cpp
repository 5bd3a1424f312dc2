#include "kernel/routing/dealer.hpp"

#include <algorithm>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/meta_details.hpp"
#include "kernel/routing/stored_event.hpp"
#include "kernel/session/session.hpp"

namespace nexus {

Dealer::Dealer(const RealmPolicy& policy, const std::vector<std::unique_ptr<Shard>>& shards,
               MetaEvents& events, Meta& meta)
    : policy_(policy),
      shards_(shards),
      events_(events),
      meta_(meta),
      caches_(shards.size(), UriCache<std::shared_ptr<const CalleeList>>(policy.match_cache)),
      next_token_(shards.size()) {}

void Dealer::register_(Session& session, const Message& message, const Options& options,
                       const Grant& grant) {
  const auto refuse = [&](std::string_view uri, std::string_view text) {
    session.reply_error(Code::register_, message.request, uri, text);
  };
  if (options.disclose_caller &&
      (grant.disclose == NX_DISCLOSE_NEVER ||
       (grant.disclose == NX_DISCLOSE_REALM && policy_.disclose_caller == Disclose::never))) {
    return refuse(uri::kDiscloseMe, "callers may not be disclosed here");
  }
  if (message.uri == kReloadProcedure && !policy_.reload_roles.empty()) {
    return refuse(uri::kProcedureAlreadyExists, "the router itself has this procedure");
  }
  uint64_t id = 0;
  uint64_t evicted_id = 0;
  std::vector<SessionRef> evicted;
  {
    std::unique_lock lock(mutex_);
    Registration* registration = index_.find(message.uri, options.match);
    const auto& held = session.tables().registrations;
    if (policy_.max_registrations != 0 && held.size() >= policy_.max_registrations &&
        (registration == nullptr || held.find(registration->id) == nullptr)) {
      lock.unlock();
      return refuse(uri::kNotAuthorized, "this session has as many registrations as it may have");
    }
    if (registration != nullptr && options.force_reregister) {
      if (!policy_.may_kill(session.info()->authrole)) {
        lock.unlock();
        return refuse(uri::kOptionNotAllowed, "this role may not take a procedure from others");
      }
      evicted_id = registration->id;
      evicted = evict(*registration);
      registration = nullptr;
    }
    const bool create = registration == nullptr;
    if (!create) {
      // only an equal policy that is not `single` may be shared.
      if (registration->invoke == Invoke::single || registration->invoke != options.invoke) {
        lock.unlock();
        return refuse(uri::kProcedureAlreadyExists,
                      registration->invoke == Invoke::single
                          ? "the procedure is registered already"
                          : "the procedure is registered with another invocation policy");
      }
    } else {
      auto made = std::make_unique<Registration>();
      registration = made.get();
      registration->id = next_id_++;  // U-03: never used again
      registration->uri = message.uri;
      registration->match = options.match;
      registration->invoke = options.invoke;
      registration->created_ms = epoch_ms();
      index_.insert(registration, options.match);
      by_id_.emplace(registration->id, std::move(made));
    }
    id = registration->id;
    std::unique_ptr<CalleeQueue> queue;
    if (options.concurrency != 0) {
      queue = std::make_unique<CalleeQueue>();
      queue->load = std::make_shared<CalleeLoad>();
      queue->load->limit =
          static_cast<uint32_t>(std::min<uint64_t>(options.concurrency, UINT32_MAX));
    }
    std::shared_ptr<CalleeLoad> load = queue == nullptr ? nullptr : queue->load;
    if (session.tables().registrations.insert(id, std::move(queue)) != nullptr) {
      Callee callee{
          &session,        session.info(), options.disclose_caller, options.forward_timeout,
          std::move(load), nullptr};
      if (options.has_rkey) callee.rkey = std::make_shared<const std::string>(options.rkey);
      registration->callees.push_back(std::move(callee));
      registration->list = nullptr;
      generation_.fetch_add(1, std::memory_order_release);
      forget_what_depends_on(*registration);
      if (events_.wanted() && !reserved_uri(message.uri)) {
        events_.note_added(meta::kRegistration, session.id(), id,
                           create ? meta_details(*registration) : Value());
      }
    }
  }
  for (const SessionRef ref : evicted) tell_revoked(ref, evicted_id, uri::kUnregistered);
  // an INVOCATION from another loop arrives after this turn's reply.
  if (session.build().ack(Code::registered, message.request, id) == NX_OK) session.send_reply();
  events_.flush();
}

bool Dealer::remove(Registration& registration, const Session& session, uint64_t session_id,
                    bool tell) {
  if (!registration.remove(session)) return false;  // it has been revoked
  generation_.fetch_add(1, std::memory_order_release);
  forget_what_depends_on(registration);
  const bool last = registration.callees.empty();
  if (tell && events_.wanted() && !reserved_uri(registration.uri)) {
    events_.note_removed(meta::kRegistration, session_id, registration.id, last);
  }
  if (last) {
    index_.erase(&registration, registration.match);
    by_id_.erase(registration.id);
  }
  return true;
}

bool Dealer::depend_on(std::string_view procedure) {
  constexpr size_t kMost = 64;
  const std::lock_guard lock(mutex_);
  if (std::find(depended_on_.begin(), depended_on_.end(), procedure) != depended_on_.end()) {
    return true;
  }
  if (depended_on_.size() >= kMost) return false;
  depended_on_.emplace_back(procedure);
  return true;
}

// After generation_: whoever sees the new epoch of remembered answers also finds the new callees,
// so nothing that the old ones say is remembered under it.
void Dealer::forget_what_depends_on(const Registration& changed) {
  for (const std::string& uri : depended_on_) {
    const bool here = reserved_uri(uri) ? index_.find(uri, Match::exact) == &changed
                                        : index_.best(uri) == &changed;
    if (here) return shards_.front()->router.forget_access();
  }
}

void Dealer::unregister(Session& session, const Message& message) {
  std::unique_ptr<CalleeQueue>* held = session.tables().registrations.find(message.id);
  if (held == nullptr) {
    return session.reply_error(Code::unregister, message.request, uri::kNoSuchRegistration,
                               "this session has no registration " + std::to_string(message.id));
  }
  const std::unique_ptr<CalleeQueue> queue = std::move(*held);
  session.tables().registrations.erase(message.id);
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(message.id);
    if (at != by_id_.end()) remove(*at->second, session, session.id(), true);
  }
  if (session.build().ack(Code::unregistered, message.request) == NX_OK) session.send_reply();
  // what has been sent goes on; what still waits cannot be sent any more.
  if (queue != nullptr) fail_waiting(session, *queue);
  events_.flush();
}

std::shared_ptr<const CalleeList> Dealer::find(Shard& shard, std::string_view procedure) {
  UriCache<std::shared_ptr<const CalleeList>>& cache = caches_[shard.loop.index()];
  const uint64_t generation = generation_.load(std::memory_order_acquire);
  if (const auto* known = cache.find(procedure, generation)) return *known;
  const std::lock_guard lock(mutex_);
  // U-14: patterns of clients never capture what is the router's.
  Registration* registration =
      reserved_uri(procedure) ? index_.find(procedure, Match::exact) : index_.best(procedure);
  std::shared_ptr<const CalleeList> list;
  if (registration != nullptr) list = registration->snapshot();
  cache.insert(procedure, generation_.load(std::memory_order_relaxed), list);
  return list;
}

void Dealer::leave(Session& session) {
  SessionTables& tables = session.tables();
  Shard& shard = session.shard();
  // Its own calls first; nobody is left to hear their end.
  IdMap<CallRecord> calls = std::exchange(tables.calls, {});
  for (const uint64_t id : calls.sorted_ids()) abandon(shard, *calls.find(id));
  // Then what it was doing for others.
  for (const uint64_t id : tables.invocations.sorted_ids()) {
    const InvocationRecord record = take(session, id);
    reply(shard, record, {.error_uri = uri::kCanceled, .error_text = "the callee has left"});
  }
  if (tables.registrations.empty()) return;
  const bool tell = !tables.quiet;
  const std::lock_guard lock(mutex_);
  for (const uint64_t id : tables.registrations.sorted_ids()) {
    const auto at = by_id_.find(id);
    if (at != by_id_.end()) remove(*at->second, session, session.id(), tell);
  }
}

void Dealer::refresh(Session& session) {
  const std::lock_guard lock(mutex_);
  session.tables().registrations.for_each(
      [this, &session](uint64_t id, std::unique_ptr<CalleeQueue>&) {
        const auto at = by_id_.find(id);
        if (at == by_id_.end()) return;
        for (Callee& callee : at->second->callees) {
          if (callee.session == &session) callee.info = session.info();
        }
        at->second->list = nullptr;
      });
  generation_.fetch_add(1, std::memory_order_release);
}

}  // namespace nexus
