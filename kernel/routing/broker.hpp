// Broker: subscriptions of one realm, and PUBLISH -> EVENT. (checklist chapter 8)
//
// The table changes under `mutex_` and bumps `generation_`; each loop keeps a TopicMatch per topic
// that is valid for one generation, so that a warm PUBLISH takes no lock. An EVENT is encoded once
// for each format (and class of details) among its receivers, however many there are.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kernel/routing/effect.hpp"
#include "kernel/routing/history.hpp"
#include "kernel/routing/meta_events.hpp"
#include "kernel/routing/pattern_index.hpp"
#include "kernel/routing/retained.hpp"
#include "kernel/routing/subscription.hpp"
#include "kernel/routing/uri_cache.hpp"
#include "kernel/session/ports.hpp"
#include "kernel/session/shard.hpp"

namespace nexus {

class Broker {
 public:
  Broker(const RealmPolicy& policy, const std::vector<std::unique_ptr<Shard>>& shards,
         MetaEvents& events);

  void subscribe(Session& session, const Message& message, const Options& options);
  void unsubscribe(Session& session, const Message& message);
  void publish(Session& session, const Message& message, const Options& options,
               const Grant& grant);
  // The session has ended: all its subscriptions go. Meta events are noted unless it is quiet.
  void leave(Session& session);
  // Its SessionInfo has been replaced.
  void refresh(Session& session);

  // Publishes as a session that need not be on this loop, or anywhere, any more. [loop]
  void publish_for(Shard& shard, const SessionInfo& publisher, std::string_view topic,
                   const Options& options, const Payload& payload, const Grant& grant);
  // Publishes as the router itself, on the calling loop. [loop]
  void publish_internal(Shard& shard, std::string_view topic, const Options& options,
                        const Payload& payload);
  // Is anybody subscribed to this topic? Warm: no lock. [loop]
  bool heard(Shard& shard, std::string_view topic);

  // ---- for the meta API [any]; subscriptions to wamp. URIs are not shown
  // fn(const Subscription&) under the lock; false when there is none of that id.
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
    for (const auto& [id, subscription] : by_id_) {
      if (!reserved_uri(subscription->uri)) fn(*subscription);
    }
  }
  uint64_t find(std::string_view topic, Match match);  // 0: none
  std::vector<uint64_t> find_all(std::string_view topic);
  // Is a session of this id in the realm? Set once, before the first session.
  std::function<bool(uint64_t session)> is_member = [](uint64_t) { return true; };
  // Takes a session off a subscription, and tells it on its own loop (P-40): the one letter of
  // `effect`, if the answer is `done`.
  Revoked revoke(uint64_t subscription, uint64_t session, std::string_view reason,
                 bool reserved_too = false, EffectPtr effect = nullptr);

 private:
  // One publication on its way to its receivers.
  struct Publication {
    Shard& shard;
    uint64_t id;
    std::string_view topic;
    const Options& options;
    const Payload& payload;
    const SessionInfo* publisher;  // null: the router itself
    bool disclosed;
    bool exclude_publisher;
    const Grant& grant;
  };
  // The encodings of one EVENT, by format and class of receiver; made when first needed.
  struct Encodings;

  const TopicMatch& match(Shard& shard, std::string_view topic);
  void deliver(const Publication& publication);
  void deliver_here(const Publication& publication, const TopicMatch::Group& group,
                    const ReceiverList::Run& run, Encodings& encodings);
  void deliver_there(const Publication& publication, const TopicMatch::Group& group,
                     const ReceiverList::Run& run, Encodings& encodings);
  bool selected(const Publication& publication, const Receiver& to) const;
  // history.cpp and retained.cpp hold what these keep. (broker_past.cpp)
  void keep(const Publication& publication, const TopicMatch& matched);
  void send_retained(Session& session, uint64_t subscription, std::string_view uri,
                     const Options& options);
  Subscription& make_subscription(std::string_view uri, Match match);
  // False when the session, which may live on another loop, was not on it. mutex_ is held.
  bool remove(Subscription& subscription, const Session& session, uint64_t session_id, bool tell);
  void on_revoked(Session& session, uint64_t subscription, std::string_view reason);

  const RealmPolicy& policy_;
  const std::vector<std::unique_ptr<Shard>>& shards_;
  MetaEvents& events_;
  std::vector<UriCache<TopicMatch>> caches_;  // one per loop, touched by that loop only

  std::mutex mutex_;
  // Guarded by mutex_.
  PatternIndex<Subscription> index_;
  std::unordered_map<uint64_t, std::unique_ptr<Subscription>> by_id_;
  uint64_t next_id_ = 1;

  std::atomic<uint64_t> generation_{1};
  Retained retained_;
};

}  // namespace nexus
