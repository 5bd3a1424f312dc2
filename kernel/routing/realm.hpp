// Realm: one routing domain: its policy, its broker and its dealer. (Z-11: realms share nothing.)
//
// Reached from every loop; what changes is behind the locks of broker and dealer.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "kernel/routing/broker.hpp"
#include "kernel/routing/dealer.hpp"
#include "kernel/session/ports.hpp"

namespace nexus {

class Realm final : public RealmPort {
 public:
  Realm(RealmPolicy policy, const std::vector<std::unique_ptr<Shard>>& shards);

  const Value& roles() const override { return roles_; }
  Status enter(Session& session) override;
  void joined(Session& session) override;
  void leave(Session& session) override;

  void publish(Session& s, const Message& m, const Options& o, const Grant& g) override {
    broker_.publish(s, m, o, g);
  }
  void subscribe(Session& s, const Message& m, const Options& o, const Grant&) override {
    broker_.subscribe(s, m, o);
  }
  void unsubscribe(Session& s, const Message& m) override { broker_.unsubscribe(s, m); }
  void call(Session& s, const Message& m, const Options& o, const Grant& g) override {
    dealer_.call(s, m, o, g);
  }
  void register_(Session& s, const Message& m, const Options& o, const Grant& g) override {
    dealer_.register_(s, m, o, g);
  }
  void unregister(Session& s, const Message& m) override { dealer_.unregister(s, m); }
  void cancel(Session& s, const Message& m, const Options& o) override { dealer_.cancel(s, m, o); }
  void yield(Session& s, const Message& m, const Options& o) override { dealer_.yield(s, m, o); }
  void error(Session& s, const Message& m, const Options& o) override { dealer_.error(s, m, o); }

  // No session may enter any more. [any]
  void close() { closed_.store(true, std::memory_order_release); }
  uint64_t session_count() const { return sessions_.load(std::memory_order_relaxed); }

 private:
  Broker broker_;
  Dealer dealer_;
  const Value roles_;
  std::atomic<uint64_t> sessions_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace nexus
