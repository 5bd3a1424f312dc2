// wamp.subscription.*: who is subscribed to what in the realm, and taking subscribers off it
// (A-40, A-41, P-40). On the caller's loop.
#include <algorithm>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/meta_details.hpp"
#include "kernel/routing/meta_objects.hpp"
#include "kernel/routing/realm.hpp"

namespace nexus {
namespace {

void no_such_subscription(MetaCall& call) {
  call.fail(uri::kNoSuchSubscription, "there is no such subscription in this realm");
}

void list(MetaCall& call) {
  if (!call.expect(0, 0)) return;
  call.result(list_by_match(call.realm.broker()));
}

void lookup(MetaCall& call) {
  if (!call.expect(1, 2)) return;
  const auto topic = call.read_text(0, "topic");
  if (!topic) return;
  const auto match = read_match(call, 1);
  if (match) call.result(id_or_null(call.realm.broker().find(*topic, *match)));
}

void match(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto topic = call.read_text(0, "topic");
  if (!topic) return;
  std::vector<uint64_t> ids = call.realm.broker().find_all(*topic);
  if (ids.empty()) return call.result(Value::null());
  std::sort(ids.begin(), ids.end());
  call.result(ids);
}

void get(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto id = call.read_id(0, "subscription");
  if (!id) return;
  Value details;
  if (!call.realm.broker().inspect(*id, [&details](const Subscription& subscription) {
        details = meta_details(subscription);
      })) {
    return no_such_subscription(call);
  }
  call.result(std::move(details));
}

// The ids of its subscribers in order of subscribing; nothing after the call has failed.
std::optional<std::vector<uint64_t>> subscribers(MetaCall& call) {
  if (!call.expect(1, 1)) return std::nullopt;
  const auto id = call.read_id(0, "subscription");
  if (!id) return std::nullopt;
  std::vector<uint64_t> ids;
  if (!call.realm.broker().inspect(*id, [&ids](const Subscription& subscription) {
        for (const Receiver& receiver : subscription.members) ids.push_back(receiver.info->id);
      })) {
    no_such_subscription(call);
    return std::nullopt;
  }
  return ids;
}

void list_subscribers(MetaCall& call) {
  if (const auto ids = subscribers(call)) call.result(*ids);
}

void count_subscribers(MetaCall& call) {
  if (const auto ids = subscribers(call)) call.result(uint64_t{ids->size()});
}

void remove_subscriber(MetaCall& call) {
  const auto revocation = read_revocation(call, "subscription");
  if (!revocation) return;
  switch (call.realm.broker().revoke(revocation->object, revocation->session, revocation->reason,
                                     false, call.effect(1))) {
    case Revoked::done:
      return;  // answered when its loop has taken it away
    case Revoked::no_such_object:
      return no_such_subscription(call);
    case Revoked::no_such_member:
      return call.fail(uri::kNoSuchSession, "that session does not hold this subscription");
  }
}

constexpr MetaProcedure kProcedures[] = {
    {"wamp.subscription.list", &list},
    {"wamp.subscription.lookup", &lookup},
    {"wamp.subscription.match", &match},
    {"wamp.subscription.get", &get},
    {"wamp.subscription.list_subscribers", &list_subscribers},
    {"wamp.subscription.count_subscribers", &count_subscribers},
    {"wamp.subscription.remove_subscriber", &remove_subscriber, true},
};

}  // namespace

std::span<const MetaProcedure> subscription_procedures() { return kProcedures; }

}  // namespace nexus
