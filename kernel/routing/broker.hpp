// Broker: subscriptions of one realm, and PUBLISH -> EVENT. (checklist chapter 8)
//
// The table changes under `mutex_` and bumps `generation_`; each loop keeps a TopicMatch per topic
// that is valid for one generation, so that a warm PUBLISH takes no lock. An EVENT is encoded once
// for each format (and class of details) among its receivers, however many there are.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kernel/routing/pattern_index.hpp"
#include "kernel/routing/subscription.hpp"
#include "kernel/routing/uri_cache.hpp"
#include "kernel/session/ports.hpp"
#include "kernel/session/shard.hpp"

namespace nexus {

class Broker {
 public:
  Broker(const RealmPolicy& policy, const std::vector<std::unique_ptr<Shard>>& shards);

  void subscribe(Session& session, const Message& message, const Options& options);
  void unsubscribe(Session& session, const Message& message);
  void publish(Session& session, const Message& message, const Options& options,
               const Grant& grant);
  void leave(Session& session);

  // Publishes as the router itself, on the calling loop. [loop]
  void publish_internal(Shard& shard, std::string_view topic, const Options& options,
                        const Payload& payload);
  // Is anybody subscribed to this topic? Warm: no lock. [loop]
  bool heard(Shard& shard, std::string_view topic);

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
  bool selected(const Publication& publication, const SessionInfo& receiver) const;
  void remove(Subscription& subscription, const Session& session);

  const RealmPolicy& policy_;
  const std::vector<std::unique_ptr<Shard>>& shards_;
  std::vector<UriCache<TopicMatch>> caches_;  // one per loop, touched by that loop only

  std::mutex mutex_;
  // Guarded by mutex_.
  PatternIndex<Subscription> index_;
  std::unordered_map<uint64_t, std::unique_ptr<Subscription>> by_id_;
  uint64_t next_id_ = 1;

  std::atomic<uint64_t> generation_{1};
};

}  // namespace nexus
