// wamp.session.*: who is in the realm, and ending or changing sessions (A-10 … A-27). On the
// caller's loop; victims hear of it by mail, on theirs, and the caller when they have.
#include <algorithm>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/meta_details.hpp"
#include "kernel/routing/realm.hpp"

namespace nexus {
namespace {

// The optional list of roles that count and list take.
struct RoleFilter {
  bool any = true;
  std::vector<std::string> roles;

  bool operator()(const SessionInfo& info) const {
    return any || std::find(roles.begin(), roles.end(), info.authrole) != roles.end();
  }
};

bool read_filter(MetaCall& call, RoleFilter* filter) {
  if (!call.expect(0, 1)) return false;
  const Value roles = call.args.at(0);
  if (!roles || roles.is(NX_NULL)) return true;
  filter->any = false;
  bool right = roles.is(NX_LIST);
  for (size_t i = 0; right && i < roles.size(); ++i) {
    right = roles.at(i).is(NX_STRING);
    filter->roles.emplace_back(roles.at(i).as_string());
  }
  if (!right) call.fail_argument("filter_authroles must be a list of strings");
  return right;
}

void count(MetaCall& call) {
  RoleFilter filter;
  if (read_filter(call, &filter)) call.result(uint64_t{call.realm.sessions().ids(filter).size()});
}

void list(MetaCall& call) {
  RoleFilter filter;
  if (read_filter(call, &filter)) call.result(call.realm.sessions().ids(filter));
}

void no_such_session(MetaCall& call) {
  call.fail(uri::kNoSuchSession, "there is no such session in this realm");
}

void get(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto id = call.read_id(0, "session");
  if (!id) return;
  const SessionInfoPtr info = call.realm.sessions().find(*id);
  if (info == nullptr) return no_such_session(call);
  call.result(meta_details(*info, call.realm.policy()));
}

// ---- kill -------------------------------------------------------------------------------------

// What the victims' GOODBYE says.
bool read_farewell(MetaCall& call, Farewell* farewell) {
  farewell->reason = uri::kKilled;
  if (!call.read_text("reason", &farewell->reason)) return false;
  if (!call.read_text("message", &farewell->message)) return false;
  if (valid_uri(farewell->reason, call.realm.policy().uri_check)) return true;
  call.fail(uri::kInvalidUri, "reason must be a URI: " +
                                  uri_mistake(farewell->reason, call.realm.policy().uri_check));
  return false;
}

void kill(MetaCall& call) {
  Farewell farewell;
  if (!call.expect(1, 1)) return;
  const auto id = call.read_id(0, "session");
  if (!id || !read_farewell(call, &farewell)) return;
  const SessionInfoPtr victim = *id == call.caller.id() ? nullptr : call.realm.sessions().mark(*id);
  if (victim == nullptr) return no_such_session(call);
  call.realm.dismiss(call.realm.by_loop({victim}), farewell, call.effect(1));
}

// Kills everybody else for whom wanted(info) is true; answered with what told(victims) makes of
// them, when they are gone.
template <typename Wanted, typename Told>
void kill_others(MetaCall& call, const Farewell& farewell, Wanted&& wanted, Told&& told) {
  const uint64_t self = call.caller.id();
  const std::vector<SessionInfoPtr> victims = call.realm.sessions().mark(
      [&](const SessionInfo& info) { return info.id != self && wanted(info); });
  Value answer = told(victims);
  if (victims.empty()) return call.result(std::move(answer));
  Value list = Value::list();
  list.append(std::move(answer));
  Realm::Victims by_loop = call.realm.by_loop(victims);
  const EffectPtr effect = call.effect(static_cast<uint32_t>(by_loop.size()), std::move(list));
  call.realm.dismiss(std::move(by_loop), farewell, effect);
}

Value number_of(const std::vector<SessionInfoPtr>& victims) {
  return Value::unsigned_integer(victims.size());
}

Value ids_of(const std::vector<SessionInfoPtr>& victims) {
  std::vector<uint64_t> ids;
  for (const SessionInfoPtr& victim : victims) ids.push_back(victim->id);
  std::sort(ids.begin(), ids.end());
  return MetaCall::list_of(ids);
}

void kill_by_authid(MetaCall& call) {
  Farewell farewell;
  if (!call.expect(1, 1)) return;
  const auto authid = call.read_text(0, "authid");
  if (!authid || !read_farewell(call, &farewell)) return;
  kill_others(
      call, farewell, [&](const SessionInfo& info) { return info.authid == *authid; }, ids_of);
}

void kill_by_authrole(MetaCall& call) {
  Farewell farewell;
  if (!call.expect(1, 1)) return;
  const auto authrole = call.read_text(0, "authrole");
  if (!authrole || !read_farewell(call, &farewell)) return;
  kill_others(
      call, farewell, [&](const SessionInfo& info) { return info.authrole == *authrole; },
      number_of);
}

void kill_all(MetaCall& call) {
  Farewell farewell;
  if (!call.expect(0, 0) || !read_farewell(call, &farewell)) return;
  farewell.quiet = true;
  kill_others(
      call, farewell, [](const SessionInfo&) { return true; }, number_of);
}

// ---- modify_details ---------------------------------------------------------------------------

// What a session is known by from its join on, and cannot become by decree.
constexpr std::string_view kFixedKeys[] = {"session",   "realm",      "roles",       "transport",
                                           "authextra", "authmethod", "authprovider"};

// values replace those of the same key, null removes an attribute.
void modify_details(MetaCall& call) {
  if (!call.expect(2, 2)) return;
  const auto id = call.read_id(0, "session");
  if (!id) return;
  const Value delta = call.args.at(1);
  if (!delta.is(NX_DICT)) return call.fail_argument("details must be a dict");
  for (size_t i = 0; i < delta.size(); ++i) {
    const std::string_view key = delta.key_at(i);
    if (std::find(std::begin(kFixedKeys), std::end(kFixedKeys), key) != std::end(kFixedKeys)) {
      return call.fail_argument(std::string(key) + " cannot be changed");
    }
    const bool identity = key == "authid" || key == "authrole";
    if (identity && delta.at(i).as_string().empty()) {
      return call.fail_argument(std::string(key) + " must be a string that is not empty");
    }
  }
  const SessionInfoPtr changed = call.realm.sessions().change(*id, [&delta](SessionInfo& info) {
    Value attributes = Value::dict();
    for (size_t i = 0; i < info.attributes.size(); ++i) {
      if (delta.find(info.attributes.key_at(i))) continue;
      attributes.append(info.attributes.key_at(i), info.attributes.at(i));
    }
    for (size_t i = 0; i < delta.size(); ++i) {
      const std::string_view key = delta.key_at(i);
      if (key == "authid") {
        info.authid = delta.at(i).as_string();
      } else if (key == "authrole") {
        info.authrole = delta.at(i).as_string();
      } else if (!delta.at(i).is(NX_NULL)) {
        attributes.set(key, delta.at(i));
      }
    }
    info.attributes = attributes.size() == 0 ? Value() : std::move(attributes);
  });
  if (changed == nullptr) return no_such_session(call);
  call.realm.spread(*changed, call.effect(1));
}

constexpr MetaProcedure kProcedures[] = {
    {"wamp.session.count", &count},
    {"wamp.session.list", &list},
    {"wamp.session.get", &get},
    {"wamp.session.kill", &kill, true},
    {"wamp.session.kill_by_authid", &kill_by_authid, true},
    {"wamp.session.kill_by_authrole", &kill_by_authrole, true},
    {"wamp.session.kill_all", &kill_all, true},
    {"wamp.session.modify_details", &modify_details, true},
};

}  // namespace

std::span<const MetaProcedure> session_procedures() { return kProcedures; }

}  // namespace nexus
