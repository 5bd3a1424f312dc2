#include "kernel/routing/broker.hpp"

#include <algorithm>

#include "kernel/base/random.hpp"
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/disclose.hpp"
#include "kernel/routing/meta_details.hpp"
#include "kernel/routing/stored_event.hpp"
#include "kernel/session/session.hpp"

namespace nexus {

Broker::Broker(const RealmPolicy& policy, const std::vector<std::unique_ptr<Shard>>& shards,
               MetaEvents& events)
    : policy_(policy),
      shards_(shards),
      events_(events),
      caches_(shards.size(), UriCache<TopicMatch>(policy.match_cache)),
      retained_(policy.max_retained_events, policy.max_retained_bytes,
                policy.max_restricted_retained) {
  // P-35: kept from the start, so that nothing is missed before the first subscriber.
  for (const HistoryPolicy& kept : policy.history) {
    if (index_.find(kept.uri, kept.match) != nullptr) continue;
    make_subscription(kept.uri, kept.match).history = std::make_shared<History>(kept);
  }
}

// mutex_ is held, or nobody else is here yet.
Subscription& Broker::make_subscription(std::string_view uri, Match match) {
  auto made = std::make_unique<Subscription>();
  Subscription& subscription = *made;
  subscription.id = next_id_++;  // U-03: never used again
  subscription.uri = uri;
  subscription.match = match;
  subscription.created_ms = epoch_ms();
  index_.insert(&subscription, match);
  by_id_.emplace(subscription.id, std::move(made));
  return subscription;
}

void Broker::subscribe(Session& session, const Message& message, const Options& options) {
  uint64_t id = 0;
  {
    std::unique_lock lock(mutex_);
    Subscription* subscription = index_.find(message.uri, options.match);
    const bool create = subscription == nullptr;
    const IdMap<uint64_t>& held = session.tables().subscriptions;
    if (policy_.max_subscriptions != 0 && held.size() >= policy_.max_subscriptions &&
        (create || held.find(subscription->id) == nullptr)) {
      lock.unlock();
      return session.reply_error(Code::subscribe, message.request, uri::kNotAuthorized,
                                 "this session has as many subscriptions as it may have");
    }
    if (create) subscription = &make_subscription(message.uri, options.match);
    id = subscription->id;
    // P-02: subscribing twice is one subscription.
    if (session.tables().subscriptions.insert(id, 1) != nullptr) {
      if (subscription->members.empty()) {
        events_.subscription_made(subscription->uri, subscription->match);
      }
      subscription->members.push_back(
          {&session, session.info(), &session.format(),
           options.has_nkey ? std::make_shared<const std::string>(options.nkey) : nullptr});
      subscription->list = nullptr;
      generation_.fetch_add(1, std::memory_order_release);
      if (events_.wanted() && !reserved_uri(message.uri)) {
        events_.note_added(meta::kSubscription, session.id(), id,
                           create ? meta_details(*subscription) : Value());
      }
    }
  }
  // O-02: whatever another loop sends because of this subscription arrives after this turn's reply.
  if (session.build().ack(Code::subscribed, message.request, id) == NX_OK) session.send_reply();
  if (options.get_retained) send_retained(session, id, message.uri, options);
  events_.flush();
}

bool Broker::remove(Subscription& subscription, const Session& session, uint64_t session_id,
                    bool tell) {
  const size_t removed = std::erase_if(
      subscription.members, [&session](const Receiver& r) { return r.session == &session; });
  if (removed == 0) return false;  // it has been revoked
  subscription.list = nullptr;
  generation_.fetch_add(1, std::memory_order_release);
  const bool last = subscription.members.empty() && subscription.history == nullptr;
  if (tell && events_.wanted() && !reserved_uri(subscription.uri)) {
    events_.note_removed(meta::kSubscription, session_id, subscription.id, last);
  }
  // One whose events are kept stays, but nobody listens to it any more.
  if (subscription.members.empty()) {
    events_.subscription_gone(subscription.uri, subscription.match);
  }
  if (last) {
    index_.erase(&subscription, subscription.match);
    by_id_.erase(subscription.id);
  }
  return true;
}

void Broker::unsubscribe(Session& session, const Message& message) {
  if (!session.tables().subscriptions.erase(message.id)) {  // P-03
    return session.reply_error(Code::unsubscribe, message.request, uri::kNoSuchSubscription,
                               "this session has no subscription " + std::to_string(message.id));
  }
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(message.id);
    if (at != by_id_.end()) remove(*at->second, session, session.id(), true);
  }
  if (session.build().ack(Code::unsubscribed, message.request) == NX_OK) session.send_reply();
  events_.flush();
}

void Broker::leave(Session& session) {
  IdMap<uint64_t>& held = session.tables().subscriptions;
  if (held.empty()) return;
  const bool tell = !session.tables().quiet;
  const std::lock_guard lock(mutex_);
  for (const uint64_t id : held.sorted_ids()) {
    const auto at = by_id_.find(id);
    if (at != by_id_.end()) remove(*at->second, session, session.id(), tell);
  }
}

void Broker::refresh(Session& session) {
  const std::lock_guard lock(mutex_);
  session.tables().subscriptions.for_each([this, &session](uint64_t id, uint64_t) {
    const auto at = by_id_.find(id);
    if (at == by_id_.end()) return;
    for (Receiver& receiver : at->second->members) {
      if (receiver.session == &session) receiver.info = session.info();
    }
    at->second->list = nullptr;
  });
  generation_.fetch_add(1, std::memory_order_release);
}

const TopicMatch& Broker::match(Shard& shard, std::string_view topic) {
  UriCache<TopicMatch>& cache = caches_[shard.loop.index()];
  const uint64_t generation = generation_.load(std::memory_order_acquire);
  if (const TopicMatch* known = cache.find(topic, generation)) return *known;
  TopicMatch fresh;
  const std::lock_guard lock(mutex_);
  index_.match_all(topic, [&fresh](Subscription* subscription) {
    fresh.groups.push_back({subscription->id, subscription->match != Match::exact,
                            subscription->receivers(), subscription->history});
  });
  for (const TopicMatch::Group& group : fresh.groups) fresh.kept |= group.history != nullptr;
  // Read again under the lock: what was matched belongs to this generation.
  return *cache.insert(topic, generation_.load(std::memory_order_relaxed), std::move(fresh));
}

bool Broker::heard(Shard& shard, std::string_view topic) {
  return !match(shard, topic).groups.empty();
}

void Broker::publish(Session& session, const Message& message, const Options& options,
                     const Grant& grant) {
  if (options.passthru.ppt() && !session.info()->has(kPublisherPassthru)) {
    return session.violation(
        "PUBLISH uses ppt_scheme, but HELLO did not announce "
        "payload_passthru_mode");
  }
  const Disclosed disclosed =
      decide_disclosure(policy_.disclose_publisher, grant, options.disclose_me);
  if (disclosed == Disclosed::refused) {
    if (options.acknowledge) {
      session.reply_error(Code::publish, message.request, uri::kDiscloseMe,
                          "the publisher may not be disclosed here");
    }
    return;
  }
  const uint64_t id = random_id();
  deliver({session.shard(), id, message.uri, options, message.payload, session.info().get(),
           disclosed == Disclosed::yes, options.exclude_me, grant});
  if (options.acknowledge && session.build().ack(Code::published, message.request, id) == NX_OK) {
    session.send_reply();
  }
}

void Broker::publish_for(Shard& shard, const SessionInfo& publisher, std::string_view topic,
                         const Options& options, const Payload& payload, const Grant& grant) {
  const Disclosed disclosed =
      decide_disclosure(policy_.disclose_publisher, grant, options.disclose_me);
  if (disclosed == Disclosed::refused) return;
  deliver({shard, random_id(), topic, options, payload, &publisher, disclosed == Disclosed::yes,
           false, grant});
}

void Broker::publish_internal(Shard& shard, std::string_view topic, const Options& options,
                              const Payload& payload) {
  deliver({shard, random_id(), topic, options, payload, nullptr, false, false, Grant{}});
}

// P-20: in every given eligible list and in none of the exclude lists; P-28: holds the key, if the
// publication has one; X-04: understands a payload that is passed through.
bool Broker::selected(const Publication& publication, const Receiver& to) const {
  const SessionInfo& receiver = *to.info;
  const Options& options = publication.options;
  if (options.passthru.ppt() && !receiver.has(kSubscriberPassthru)) return false;
  if (options.has_rkey && (to.nkey == nullptr || *to.nkey != options.rkey)) return false;
  return may_receive(options.receivers, receiver, policy_.empty_eligible_means_all);
}

}  // namespace nexus
