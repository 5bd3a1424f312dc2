// Meta: the router's own procedures of one realm, wamp.session.*, wamp.registration.*,
// wamp.subscription.* and wamp.reflection.*. (checklist chapter 10)
//
// They are answered where they arrive: on the caller's loop, within the CALL, from tables behind
// locks. There is no session, no registration and no queue behind them, so however many are
// pipelined, each is answered. What they set off elsewhere, like the end of a session, goes by
// mail.
//
//   meta.cpp               finding a procedure, its arguments, its answer
//   meta_session.cpp       wamp.session.*
//   testament.cpp          wamp.session.add_testament and flush_testaments
//   meta_registration.cpp  wamp.registration.*
//   meta_subscription.cpp  wamp.subscription.*
//   meta_history.cpp       wamp.subscription.get_events
//   meta_reflection.cpp    wamp.reflect.* and wamp.reflection.*
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "kernel/session/session.hpp"

namespace nexus {

class Realm;

// One CALL of a meta procedure, with its arguments decoded. Each is answered exactly once, by
// result() or fail(); the readers that answer false or nothing have failed it already.
class MetaCall {
 public:
  MetaCall(Realm& r, Session& c, uint64_t id, Value a, Value k)
      : realm(r), caller(c), request(id), args(std::move(a)), kwargs(std::move(k)) {}

  void result() { answer({}); }
  void result(Value value);
  void result(uint64_t number) { result(Value::unsigned_integer(number)); }
  void result(const std::vector<uint64_t>& ids) { result(list_of(ids)); }
  void fail(std::string_view uri, std::string_view text = {});
  void fail_argument(std::string_view text);

  // Between `least` and `most` positional arguments?
  bool expect(size_t least, size_t most);
  // Positional arguments that must be there; an integer that can be no id reads as 0.
  std::optional<uint64_t> read_id(size_t at, std::string_view name);
  std::optional<std::string_view> read_text(size_t at, std::string_view name);
  // Keyword arguments; absent or null leaves `out` as it is.
  bool read_text(std::string_view keyword, std::string* out);

  static Value list_of(const std::vector<uint64_t>& ids);

  Realm& realm;
  Session& caller;
  const uint64_t request;
  const Value args;    // a list, or no value
  const Value kwargs;  // a dict, or no value

 private:
  void answer(const Value& list);
};

struct MetaProcedure {
  std::string_view uri;
  void (*run)(MetaCall& call);
  bool privileged = false;  // only for the roles in RealmPolicy::meta_kill_roles
};

// The one procedure of the router's that WAMP does not know; there if RealmPolicy::reload_roles
// has any.
inline constexpr std::string_view kReloadProcedure = "nexus.reload";

std::span<const MetaProcedure> session_procedures();
std::span<const MetaProcedure> testament_procedures();
std::span<const MetaProcedure> registration_procedures();
std::span<const MetaProcedure> subscription_procedures();
std::span<const MetaProcedure> history_procedures();
std::span<const MetaProcedure> reflection_procedures();

class Meta {
 public:
  explicit Meta(Realm& realm) : realm_(realm) {}

  // Answers a CALL whose URI, authorization and options have been checked. False: there is no such
  // procedure. [loop]
  bool call(Session& caller, const Message& message, const Options& options);

 private:
  bool reload(Session& caller, const Message& message);

  Realm& realm_;
};

}  // namespace nexus
