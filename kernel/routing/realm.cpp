#include "kernel/routing/realm.hpp"

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/meta_details.hpp"
#include "kernel/routing/recheck.hpp"
#include "kernel/routing/roles.hpp"
#include "kernel/routing/testament.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

// F-06: what is announced is what works.
constexpr std::string_view kBrokerFeatures[] = {
    "publisher_exclusion",        "publisher_identification", "subscriber_blackwhite_listing",
    "pattern_based_subscription", "payload_passthru_mode",    "publication_trustlevels",
    "sharded_subscription",       "event_retention",          "x_acknowledged_event_delivery",
};

constexpr std::string_view kDealerFeatures[] = {
    "progressive_call_results",
    "progressive_call_invocations",
    "call_timeout",
    "call_canceling",
    "caller_identification",
    "call_trustlevels",
    "pattern_based_registration",
    "shared_registration",
    "sharded_registration",
    "call_reroute",
    "payload_passthru_mode",
};

// What comes with the meta API, and only with it can be caused.
constexpr std::string_view kBrokerMetaFeatures[] = {
    "session_meta_api", "subscription_meta_api", "subscription_revocation",
    "event_history",    "topic_reflection",
};

constexpr std::string_view kDealerMetaFeatures[] = {
    "session_meta_api",        "registration_meta_api", "testament_meta_api",
    "registration_revocation", "procedure_reflection",
};

Value role_of(std::span<const std::string_view> names, std::span<const std::string_view> more) {
  Value features = Value::dict();
  for (const std::string_view name : names) features.set(name, Value::boolean(true));
  for (const std::string_view name : more) features.set(name, Value::boolean(true));
  Value role = Value::dict();
  role.set("features", std::move(features));
  if (!more.empty()) role.set("reflection", Value::boolean(true));  // beside the features
  return role;
}

// Places in the base class before the members that refer to it are made.
RealmPolicy& store(RealmPolicy& to, RealmPolicy& from) {
  to = std::move(from);
  return to;
}

}  // namespace

Value make_roles(bool meta_api) {
  using Names = std::span<const std::string_view>;
  Value roles = Value::dict();
  roles.set("broker", role_of(kBrokerFeatures, meta_api ? Names(kBrokerMetaFeatures) : Names()));
  roles.set("dealer", role_of(kDealerFeatures, meta_api ? Names(kDealerMetaFeatures) : Names()));
  return roles;
}

Realm::Realm(RealmPolicy policy, const std::vector<std::unique_ptr<Shard>>& shards)
    : shards_(shards),
      events_(store(policy_, policy), shards, broker_),
      meta_(*this),
      broker_(policy_, shards, events_),
      dealer_(policy_, shards, events_, meta_),
      reflection_(policy_, events_),
      roles_(make_roles(policy_.meta_api)) {
  broker_.is_member = [this](uint64_t id) { return sessions_.find(id) != nullptr; };
}

// ---- sessions come and go ---------------------------------------------------------------------

Status Realm::enter(Session& session) {
  if (closed_.load(std::memory_order_acquire)) {
    return Status::error(NX_E_CLOSED, "the realm is being closed", std::string(uri::kNoSuchRealm));
  }
  if (session.trusted()) {
    trusted_count_.fetch_add(1, std::memory_order_relaxed);
    return Status::ok();
  }
  const uint64_t before = session_count_.fetch_add(1, std::memory_order_relaxed);
  const bool full = policy_.max_sessions != 0 && before >= policy_.max_sessions;
  if (full || !principals_.enter(*session.info(), policy_.max_sessions_per_authid)) {
    session_count_.fetch_sub(1, std::memory_order_relaxed);
    return Status::error(NX_E_LIMIT,
                         full ? "the realm has as many sessions as it may have"
                              : "this authid has as many sessions as it may have",
                         std::string(uri::kNotAuthorized));
  }
  return Status::ok();
}

void Realm::joined(Session& session) {
  if (session.trusted()) return;
  if (on_first_client && !had_client_.exchange(true, std::memory_order_relaxed)) {
    on_first_client(*this);
  }
  sessions_.add(session.info());
  if (!events_.wanted()) return;
  Value args = Value::list();
  args.append(meta_details(*session.info(), policy_));
  events_.note(meta::kOnJoin, std::move(args));  // WELCOME is queued
  events_.flush();
}

// what it called and what it did for others, its registrations, its subscriptions, its
// definitions, its testaments, and then itself.
void Realm::leave(Session& session) {
  SessionTables& tables = session.tables();
  if (closed_.load(std::memory_order_acquire) || session.shard().router.stopping()) {
    tables.quiet = true;  // everybody leaves
  }
  dealer_.leave(session);
  broker_.leave(session);
  reflection_.leave(session.id(), !tables.quiet);
  const bool tell = sessions_.remove(session.id()) && !tables.quiet;
  if (tables.testaments != nullptr && !tables.quiet) {
    execute_testaments(session.shard(), shared_from_this(), session.info(), *tables.testaments,
                       session.trusted(), tell);
  } else if (tell) {
    note_leave(*session.info());
  }
  events_.flush();
  if (policy_.max_sessions_per_authid != 0) principals_.leave(session.id());
  if (session.trusted()) {
    trusted_count_.fetch_sub(1, std::memory_order_relaxed);
  } else if (session_count_.fetch_sub(1, std::memory_order_relaxed) == 1 &&
             policy_.remove_when_empty) {
    dismiss_trusted();
  }
}

void Realm::note_leave(const SessionInfo& info) {
  if (!events_.wanted()) return;
  Value args = Value::list();
  args.append(Value::unsigned_integer(info.id));
  args.append(Value::string(info.authid));
  args.append(Value::string(info.authrole));
  events_.note(meta::kOnLeave, std::move(args));
}

// ---- sessions of others -----------------------------------------------------------------------

Realm::Victims Realm::by_loop(const std::vector<SessionInfoPtr>& victims) const {
  std::vector<std::vector<SessionRef>> refs(shards_.size());
  for (const SessionInfoPtr& victim : victims) refs[victim->ref.loop()].push_back(victim->ref);
  Victims some;
  for (size_t i = 0; i < refs.size(); ++i) {
    if (!refs[i].empty()) some.emplace_back(shards_[i].get(), std::move(refs[i]));
  }
  return some;
}

void Realm::dismiss(Victims victims, const Farewell& farewell, const EffectPtr& effect) {
  for (auto& [shard, refs] : victims) {
    // By mail even to this loop: the caller may be in the middle of something of the victim's.
    shard->loop.post([&there = *shard, farewell, refs = std::move(refs), effect](Loop&) {
      for (const SessionRef ref : refs) {
        Session* session = there.resolve(ref);
        if (session == nullptr || !session->established()) continue;
        session->tables().quiet = farewell.quiet;
        session->goodbye(farewell.reason, farewell.message, NX_LEFT_KILLED);
      }
      arrived(effect);
    });
  }
}

void Realm::spread(const SessionInfo& changed, EffectPtr effect) {
  Shard& there = *shards_[changed.ref.loop()];
  there.loop.post([this, &there, ref = changed.ref, effect = std::move(effect)](Loop&) {
    Session* session = there.resolve(ref);
    if (session == nullptr || !session->established()) return arrived(effect);
    adopt_info(*session, effect);
  });
}

void Realm::adopt_info(Session& session, EffectPtr effect) {
  SessionInfoPtr latest = sessions_.find(session.id());
  if (latest == nullptr) return arrived(effect);
  session.replace_info(std::move(latest));
  broker_.refresh(session);
  dealer_.refresh(session);
  session.shard().router.forget_access();  // what was remembered was about somebody else
  recheck_sessions(session.shard(), {session.ref()});  // Z-08
  after_rechecks(session.shard(), effect);
}

// The last client has left: the router's own sessions must not keep the realm alive.
void Realm::dismiss_trusted() {
  if (trusted_count_.load(std::memory_order_relaxed) == 0) return;
  for (const auto& shard : shards_) {
    shard->loop.post([&there = *shard, realm = shared_from_this()](Loop&) {
      there.for_each_session([&realm](Session& session) {
        if (session.trusted() && session.realm() == realm.get()) {
          session.goodbye(uri::kCloseRealm, "the realm is empty");
        }
      });
    });
  }
}

}  // namespace nexus
