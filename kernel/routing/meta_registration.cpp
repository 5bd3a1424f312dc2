// wamp.registration.*: what is registered in the realm, and taking callees off it (A-30 … A-36).
// On the caller's loop.
#include <algorithm>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/meta_details.hpp"
#include "kernel/routing/meta_objects.hpp"
#include "kernel/routing/realm.hpp"

namespace nexus {
namespace {

void no_such_registration(MetaCall& call) {
  call.fail(uri::kNoSuchRegistration, "there is no such registration in this realm");
}

void list(MetaCall& call) {
  if (!call.expect(0, 0)) return;
  call.result(list_by_match(call.realm.dealer()));
}

void lookup(MetaCall& call) {
  if (!call.expect(1, 2)) return;
  const auto procedure = call.read_text(0, "procedure");
  if (!procedure) return;
  const auto match = read_match(call, 1);
  if (match) call.result(id_or_null(call.realm.dealer().find(*procedure, *match)));
}

void match(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto procedure = call.read_text(0, "procedure");
  if (procedure) call.result(id_or_null(call.realm.dealer().find_best(*procedure)));
}

void get(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto id = call.read_id(0, "registration");
  if (!id) return;
  Value details;
  if (!call.realm.dealer().inspect(*id, [&details](const Registration& registration) {
        details = meta_details(registration);
      })) {
    return no_such_registration(call);
  }
  call.result(std::move(details));
}

// The ids of its callees in order of registering; nothing after the call has failed.
std::optional<std::vector<uint64_t>> callees(MetaCall& call) {
  if (!call.expect(1, 1)) return std::nullopt;
  const auto id = call.read_id(0, "registration");
  if (!id) return std::nullopt;
  std::vector<uint64_t> ids;
  if (!call.realm.dealer().inspect(*id, [&ids](const Registration& registration) {
        for (const Callee& callee : registration.callees) ids.push_back(callee.info->id);
      })) {
    no_such_registration(call);
    return std::nullopt;
  }
  return ids;
}

void list_callees(MetaCall& call) {
  if (const auto ids = callees(call)) call.result(*ids);
}

void count_callees(MetaCall& call) {
  if (const auto ids = callees(call)) call.result(uint64_t{ids->size()});
}

void remove_callee(MetaCall& call) {
  const auto revocation = read_revocation(call, "registration");
  if (!revocation) return;
  switch (call.realm.dealer().revoke(revocation->object, revocation->session, revocation->reason,
                                     false, call.effect(1))) {
    case Revoked::done:
      return;  // answered when its loop has taken it away
    case Revoked::no_such_object:
      return no_such_registration(call);
    case Revoked::no_such_member:
      return call.fail(uri::kNoSuchSession, "that session is not a callee of this registration");
  }
}

constexpr MetaProcedure kProcedures[] = {
    {"wamp.registration.list", &list},
    {"wamp.registration.lookup", &lookup},
    {"wamp.registration.match", &match},
    {"wamp.registration.get", &get},
    {"wamp.registration.list_callees", &list_callees},
    {"wamp.registration.count_callees", &count_callees},
    {"wamp.registration.remove_callee", &remove_callee, true},
};

}  // namespace

std::span<const MetaProcedure> registration_procedures() { return kProcedures; }

}  // namespace nexus
