// Revocation: a subscription or registration that somebody else takes away (P-40 … P-42, R-69).
//
// The realm's table changes at once, on the loop of whoever asks, so that from then on nothing is
// routed to the member. The member's own tables belong to its loop: a letter takes the entry out
// there and says so. Until it arrives the member may have left, given the thing back itself, or
// come to it anew; the letter looks before it acts.
#include <algorithm>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/broker.hpp"
#include "kernel/routing/dealer.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

template <typename Members>
auto find_member(Members& members, uint64_t session) {
  return std::find_if(members.begin(), members.end(),
                      [session](const auto& member) { return member.info->id == session; });
}

}  // namespace

Revoked Broker::revoke(uint64_t id, uint64_t session, std::string_view reason, bool reserved_too,
                       EffectPtr effect) {
  SessionRef ref;
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at == by_id_.end() || (!reserved_too && reserved_uri(at->second->uri)))
      return Revoked::no_such_object;
    const auto member = find_member(at->second->members, session);
    if (member == at->second->members.end()) return Revoked::no_such_member;
    ref = member->info->ref;
    remove(*at->second, *member->session, session, true);
  }
  Shard& there = *shards_[ref.loop()];
  there.loop.post(
      [this, &there, ref, id, why = std::string(reason), effect = std::move(effect)](Loop&) {
        Session* member = there.resolve(ref);
        if (member != nullptr && member->established()) on_revoked(*member, id, why);
        arrived(effect);
      });
  events_.flush();
  return Revoked::done;
}

void Broker::on_revoked(Session& session, uint64_t id, std::string_view reason) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at != by_id_.end() &&
        find_member(at->second->members, session.id()) != at->second->members.end()) {
      return;
    }
  }
  if (!session.tables().subscriptions.erase(id)) return;
  // P-42: others learn nothing, they just get no more events.
  if (session.info()->has(kSubscriberRevocation) &&
      session.build().revoked(Code::unsubscribed, "subscription", id, reason) == NX_OK) {
    session.send_reply();
  }
}

Revoked Dealer::revoke(uint64_t id, uint64_t session, std::string_view reason, bool reserved_too,
                       EffectPtr effect) {
  SessionRef ref;
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at == by_id_.end() || (!reserved_too && reserved_uri(at->second->uri)))
      return Revoked::no_such_object;
    const auto callee = find_member(at->second->callees, session);
    if (callee == at->second->callees.end()) return Revoked::no_such_member;
    ref = callee->info->ref;
    remove(*at->second, *callee->session, session, true);
  }
  tell_revoked(ref, id, reason, std::move(effect));
  events_.flush();
  return Revoked::done;
}

std::vector<SessionRef> Dealer::evict(Registration& registration) {
  std::vector<SessionRef> evicted;
  const std::vector<Callee> callees = registration.callees;  // the last one takes it along
  for (const Callee& callee : callees) {
    evicted.push_back(callee.info->ref);
    remove(registration, *callee.session, callee.info->id, true);
  }
  return evicted;
}

void Dealer::tell_revoked(SessionRef ref, uint64_t id, std::string_view reason, EffectPtr effect) {
  Shard& there = *shards_[ref.loop()];
  there.loop.post(
      [this, &there, ref, id, why = std::string(reason), effect = std::move(effect)](Loop&) {
        Session* callee = there.resolve(ref);
        if (callee != nullptr && callee->established()) on_revoked(*callee, id, why);
        arrived(effect);
      });
}

void Dealer::on_revoked(Session& session, uint64_t id, std::string_view reason) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at != by_id_.end() &&
        find_member(at->second->callees, session.id()) != at->second->callees.end()) {
      return;
    }
  }
  std::unique_ptr<CalleeQueue>* held = session.tables().registrations.find(id);
  if (held == nullptr) return;
  const std::unique_ptr<CalleeQueue> queue = std::move(*held);
  session.tables().registrations.erase(id);
  if (session.info()->has(kCalleeRevocation) &&
      session.build().revoked(Code::unregistered, "registration", id, reason) == NX_OK) {
    session.send_reply();
  }
  // Invocations that were sent stay valid; those that still wait cannot be sent any more.
  if (queue != nullptr) fail_waiting(session, *queue);
}

// ---- what the meta API looks up ---------------------------------------------------------------

uint64_t Broker::find(std::string_view topic, Match match) {
  if (reserved_uri(topic)) return 0;
  const std::lock_guard lock(mutex_);
  const Subscription* found = index_.find(topic, match);
  return found == nullptr ? 0 : found->id;
}

std::vector<uint64_t> Broker::find_all(std::string_view topic) {
  std::vector<uint64_t> ids;
  const std::lock_guard lock(mutex_);
  index_.match_all(topic, [&ids](const Subscription* subscription) {
    if (!reserved_uri(subscription->uri)) ids.push_back(subscription->id);
  });
  return ids;
}

uint64_t Dealer::find(std::string_view procedure, Match match) {
  if (reserved_uri(procedure)) return 0;
  const std::lock_guard lock(mutex_);
  const Registration* found = index_.find(procedure, match);
  return found == nullptr ? 0 : found->id;
}

uint64_t Dealer::find_best(std::string_view procedure) {
  if (reserved_uri(procedure)) return 0;
  const std::lock_guard lock(mutex_);
  const Registration* found = index_.best(procedure);
  return found == nullptr ? 0 : found->id;
}

}  // namespace nexus
