#include "kernel/routing/realm.hpp"

#include "kernel/message/error_uri.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

// F-06: what is announced is what works.
constexpr std::string_view kBrokerFeatures[] = {
    "publisher_exclusion",        "publisher_identification", "subscriber_blackwhite_listing",
    "pattern_based_subscription", "payload_passthru_mode",
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

template <size_t N>
Value role_of(const std::string_view (&names)[N]) {
  Value features = Value::dict();
  for (const std::string_view name : names) features.set(name, Value::boolean(true));
  Value role = Value::dict();
  role.set("features", std::move(features));
  return role;
}

Value make_roles() {
  Value roles = Value::dict();
  roles.set("broker", role_of(kBrokerFeatures));
  roles.set("dealer", role_of(kDealerFeatures));
  return roles;
}

// Places in the base class before the members that refer to it are made.
RealmPolicy& store(RealmPolicy& to, RealmPolicy& from) {
  to = std::move(from);
  return to;
}

}  // namespace

Realm::Realm(RealmPolicy policy, const std::vector<std::unique_ptr<Shard>>& shards)
    : broker_(store(policy_, policy), shards), dealer_(policy_, shards), roles_(make_roles()) {}

Status Realm::enter(Session&) {
  if (closed_.load(std::memory_order_acquire)) {
    return Status::error(NX_E_CLOSED, "the realm is being closed", std::string(uri::kNoSuchRealm));
  }
  const uint64_t before = sessions_.fetch_add(1, std::memory_order_relaxed);
  if (policy_.max_sessions != 0 && before >= policy_.max_sessions) {
    sessions_.fetch_sub(1, std::memory_order_relaxed);
    return Status::error(NX_E_LIMIT, "the realm has as many sessions as it may have",
                         std::string(uri::kNotAuthorized));
  }
  return Status::ok();
}

void Realm::joined(Session&) {}

void Realm::leave(Session& session) {
  dealer_.leave(session);
  broker_.leave(session);
  sessions_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace nexus
