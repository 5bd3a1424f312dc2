// RouterImpl: everything together: plugins, loops, shards, realms, listeners. [main] unless noted.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "kernel/base/text_hash.hpp"
#include "kernel/loop/listen_claims.hpp"
#include "kernel/nexus.hpp"
#include "kernel/plugin/metrics.hpp"
#include "kernel/plugin/pending_ops.hpp"
#include "kernel/plugin/work.hpp"
#include "kernel/routing/realm.hpp"
#include "kernel/routing/reloader.hpp"
#include "kernel/routing/trusted.hpp"
#include "kernel/session/services.hpp"

namespace nexus {

class RouterImpl final : public Router, public RouterPort {
 public:
  explicit RouterImpl(const RouterEnvironment& environment);
  ~RouterImpl() override;

  // The parts of create(); each appends its mistakes.
  bool configure(const Value& config, std::vector<ConfigMistake>& mistakes);
  // Hands over what configuring found doubtful; null = to the log.
  void tell_warnings(std::vector<ConfigMistake>* to);

  // ---- Router
  Status start() override;
  std::vector<std::string> urls() const override;
  void stop(std::chrono::milliseconds drain) override;
  Status add_realm(const Value& section) override;
  Status remove_realm(std::string_view uri) override;
  std::vector<Reloaded> reload() override;
  std::vector<std::string> left_behind() const override;
  std::vector<PluginCall> calls_under_way() const override { return watch_.under_way(); }
  RouterCounters counters() const override;
  std::chrono::milliseconds shutdown_timeout() const override { return shutdown_timeout_; }
  const Registry& registry() const override { return *registry_; }

  // ---- RouterPort
  Door door(std::string_view uri, Status& why) override;
  std::shared_ptr<RealmPort> realm(std::string_view uri, Status& why) override;
  uint64_t claim_session_id() override;
  void release_session_id(uint64_t id) override;
  bool stopping() const override { return stopping_.load(std::memory_order_acquire); }
  PendingOps& operations() override { return *operations_; }
  uint64_t access_epoch() const override {
    return session_context_.access_epoch.load(std::memory_order_acquire);
  }

  bool trim_memory() override;
  bool cookie_known(std::string_view cookie) override;

  void forget_access() override {
    session_context_.access_epoch.fetch_add(1, std::memory_order_release);
  }

  void recheck_access(std::string_view realm, std::string_view authrole) override;
  nx_status depend_on(std::string_view realm, std::string_view procedure) override;
  bool reload_later(Reload done) override { return reloader_.ask(std::move(done)); }

  // The session through which the router itself acts in a realm, on this loop, which must be the
  // current one; null when there is no such realm. [loop]
  TrustedSession* trusted(uint32_t loop, std::string_view realm_uri);

 private:
  struct Transport {
    std::unique_ptr<Instance> instance;
    const nx_transport_v1* table = nullptr;
    bool listening = false;
  };
  // A component that is no transport. `user` is what a realm's policy keeps while the realm lives;
  // a serializer, which has none, stays to the end.
  struct Held {
    std::unique_ptr<Instance> instance;
    std::weak_ptr<void> user;
    bool forever = false;

    // Nobody asks it any more.
    bool unused() const {
      return !forever && user.expired() && !Host::of(instance->host()).serves.load();
    }
  };

  // An authenticator that looks after cookies. While `user` is locked it is not freed.
  struct CookieKeeper {
    const nx_cookies_v1* table = nullptr;
    void* self = nullptr;
    std::weak_ptr<void> user;
  };
  using CookieKeepers = std::vector<CookieKeeper>;

  // One that `held` does not keep lives as long as somebody is in it, or on the way there. Never
  // let go of the last handle with realms_mutex_ locked: retire() takes it.
  struct RealmEntry {
    std::shared_ptr<Realm> held;
    std::weak_ptr<Realm> seen;
  };

  bool configure_router(const Value& config, std::vector<ConfigMistake>& mistakes);
  void configure_serializers(const Value& config, std::vector<ConfigMistake>& mistakes);
  void configure_serializer(const Component& component, const Value& section,
                            const std::string& path, std::vector<ConfigMistake>& mistakes);
  // The first that cannot be told from one that is there already, in words; or empty.
  std::string serializer_clash(const Component& component, const nx_serializer_v1& table) const;
  void configure_transports(const Value& config, std::vector<ConfigMistake>& mistakes);
  void configure_realms(const Value& config, std::vector<ConfigMistake>& mistakes);
  // Are the realms that components' options name there?
  void check_realm_names(std::vector<ConfigMistake>& mistakes);
  // ways_in.cpp: is there a realm that nobody can join by any of its authenticators?
  void check_ways_in(std::vector<ConfigMistake>& mistakes);
  // A realm's policy from its section; `path` is "realms.<label>" or "realm_template".
  RealmPolicy configure_realm(const Value& section, const std::string& path, bool is_template,
                              std::vector<ConfigMistake>& mistakes);
  std::unique_ptr<Instance> configure_component(uint32_t kind, const Value& section,
                                                const std::string& path,
                                                std::vector<ConfigMistake>& mistakes);
  SectionRules rules(std::string path, std::vector<std::string> also_allowed = {}) const;
  void add_cookie_keeper(const Instance& instance, const std::shared_ptr<void>& user,
                         std::vector<ConfigMistake>& mistakes);
  std::shared_ptr<const CookieKeepers> cookie_keepers() const;
  std::shared_ptr<Realm> make_realm(RealmPolicy policy);
  void retire(std::unique_ptr<Realm> realm);
  Status may_make(std::string_view uri) const;
  void keep(Realm& realm);
  Status start_everything();
  Status start_instances();
  // Stops and deletes the components of realms that are gone. Not on a loop: a component may wait
  // for its threads. stop_mutex_ is held.
  void free_instances();
  void free_instance(std::vector<Held>::iterator held);
  // What the loops still owe a component is over when this returns, and nothing new is accepted.
  void end_callbacks(Instance& instance);
  void stop_instances(Deadline deadline);
  void stop_instance(Instance& instance, Deadline deadline);
  void close_listeners();
  static void on_shard_empty(void* self);
  void all_sessions(void (*fn)(Session&));
  bool everybody_left() const;

  RouterEnvironment environment_;
  Log silent_;
  Log& log_;
  Metrics metrics_;
  CallWatch watch_;
  WorkPool work_;
  ListenClaims listen_claims_;
  HostContext host_context_;
  SessionContext session_context_;
  std::unique_ptr<Registry> registry_;
  std::vector<Serializer> serializers_;
  std::vector<const Component*> serializer_components_;  // of the above
  std::vector<Held> instances_;  // in order of starting; transports excluded
  std::vector<Transport> transports_;
  std::unique_ptr<LoopGroup> loops_;
  std::unique_ptr<PendingOps> operations_;
  std::chrono::milliseconds shutdown_timeout_{10000};
  std::vector<ConfigMistake> warnings_;  // of configuring, until they are told
  // Options that name a realm, and the one that they name.
  std::vector<std::pair<std::string, std::string>> realm_names_;
  // What check_ways_in() looks at, for each realm with authenticators.
  struct WaysIn {
    std::string path;
    std::vector<AuthenticatorHandle> authenticators;
    bool complete = false;  // else some of them are not known for their mistakes
  };
  std::vector<WaysIn> ways_in_;
  bool has_template_ = false;
  mutable std::mutex left_mutex_;
  std::vector<std::string> left_;  // guarded by left_mutex_
  RealmPolicy template_;

  mutable std::mutex realms_mutex_;
  std::unordered_map<std::string, RealmEntry, TextHash, std::equal_to<>> realms_;

  mutable std::mutex cookies_mutex_;  // held for as long as it takes to copy a pointer
  std::shared_ptr<const CookieKeepers> cookie_keepers_ = std::make_shared<CookieKeepers>();

  mutable std::mutex ids_mutex_;
  std::unordered_set<uint64_t> session_ids_;

  std::atomic<uint64_t> trim_again_ms_{0};  // of the loops' clock: not before
  std::atomic<uint64_t> memory_trims_{0};
  std::atomic<bool> stopping_{false};
  bool started_ = false;
  bool running_ = false;
  // One start, stop or change of components at a time; guards instances_, started_ and running_.
  std::mutex stop_mutex_;
  std::mutex empty_mutex_;
  std::condition_variable empty_;
  std::vector<bool> shard_empty_;  // guarded by empty_mutex_
  bool hurry_ = false;             // guarded by empty_mutex_

  Reloader reloader_;  // its thread uses most of the above

  // The router's own sessions, by loop and realm; each entry touched by its loop only.
  std::vector<std::map<std::string, std::unique_ptr<TrustedSession>, std::less<>>> trusted_;
};

void add_realm_service(HostContext& context);

}  // namespace nexus
