// Realm: one routing domain: its policy, its sessions, its broker and its dealer. (Z-11: realms
// share nothing.)
//
// Reached from every loop; what changes is behind the locks of its parts. Whoever needs a realm
// holds it; letters may name it without doing so, because one that nobody holds any more is kept
// until the loops have gone through their mail (see RouterImpl::make_realm).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "kernel/routing/broker.hpp"
#include "kernel/routing/dealer.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/meta_events.hpp"
#include "kernel/routing/principals.hpp"
#include "kernel/routing/reflection.hpp"
#include "kernel/routing/session_table.hpp"
#include "kernel/session/ports.hpp"

namespace nexus {

// What a session hears when somebody else ends it.
struct Farewell {
  std::string reason;
  std::string message;
  bool quiet = false;  // without meta events and testaments
};

class Realm final : public RealmPort, public std::enable_shared_from_this<Realm> {
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
  void refuse_part(Session& s, uint64_t request, bool more, std::string_view uri,
                   std::string_view text) override {
    dealer_.refuse_part(s, request, more, uri, text);
  }
  void register_(Session& s, const Message& m, const Options& o, const Grant& g) override {
    dealer_.register_(s, m, o, g);
  }
  void unregister(Session& s, const Message& m) override { dealer_.unregister(s, m); }
  void cancel(Session& s, const Message& m, const Options& o) override { dealer_.cancel(s, m, o); }
  void yield(Session& s, const Message& m, const Options& o) override { dealer_.yield(s, m, o); }
  void error(Session& s, const Message& m, const Options& o) override { dealer_.error(s, m, o); }

  // Called once the first client has been welcomed. Set before anybody can enter; may be empty.
  std::function<void(Realm&)> on_first_client;

  // No session may enter any more. [any]
  void close() { closed_.store(true, std::memory_order_release); }
  uint64_t session_count() const { return session_count_.load(std::memory_order_relaxed); }

  // ---- for the meta API [any]
  Broker& broker() { return broker_; }
  Dealer& dealer() { return dealer_; }
  MetaEvents& events() { return events_; }
  Reflection& reflection() { return reflection_; }
  SessionTable& sessions() { return sessions_; }  // of clients; the router's own are not in it
  const std::vector<std::unique_ptr<Shard>>& shards() const { return shards_; }
  // Sessions that have been marked as leaving, by their loops; only loops that have some.
  using Victims = std::vector<std::pair<Shard*, std::vector<SessionRef>>>;
  Victims by_loop(const std::vector<SessionInfoPtr>& victims) const;
  // Ends them, each on its own loop. `effect` waits for as many letters as there are loops.
  void dismiss(Victims victims, const Farewell& farewell, const EffectPtr& effect);
  // The session table holds a new SessionInfo: brings it to the session and to what it holds, and
  // takes away what it may not hold any more as far as that is decided at once. One letter.
  void spread(const SessionInfo& changed, EffectPtr effect);
  void note_leave(const SessionInfo& info);

 private:
  void adopt_info(Session& session, EffectPtr effect);
  void dismiss_trusted();

  const std::vector<std::unique_ptr<Shard>>& shards_;
  MetaEvents events_;
  Meta meta_;
  Broker broker_;
  Dealer dealer_;
  Reflection reflection_;
  const Value roles_;
  SessionTable sessions_;
  Principals principals_;
  std::atomic<uint64_t> session_count_{0};
  std::atomic<uint32_t> trusted_count_{0};  // the router's own sessions
  std::atomic<bool> closed_{false};
  std::atomic<bool> had_client_{false};
};

}  // namespace nexus
