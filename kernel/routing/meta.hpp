// Meta: the router's own procedures of one realm, wamp.session.*, wamp.registration.*,
// wamp.subscription.* and wamp.reflection.*. (checklist chapter 10)
//
// They run where they arrive: on the caller's loop, within the CALL, on tables behind locks. There
// is no session, no registration and no queue behind them, so however many are pipelined, each is
// answered. What they set off elsewhere, like the end of a session, goes by mail, and then the
// answer waits until it has happened (effect.hpp).
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

#include "kernel/routing/effect.hpp"
#include "kernel/session/session.hpp"

namespace nexus {

class Realm;

// Where the answer of a CALL goes that is given later. The caller may have left by then. [loop] of
// the caller
struct LateAnswer {
  void result(const Value& list = {}) const;
  void fail(std::string_view uri, std::string_view text) const;

  Shard* shard;
  SessionRef caller;
  uint64_t request;
};

// One CALL of a meta procedure, with its arguments decoded. Each is answered exactly once, by
// result() or fail(); the readers that answer false or nothing have failed it already.
class MetaCall {
 public:
  MetaCall(Realm& r, Session& c, uint64_t id, const Payload& p, Value a, Value k)
      : realm(r), caller(c), request(id), payload(p), args(std::move(a)), kwargs(std::move(k)) {}

  void result() { answer({}); }
  void result(Value value);
  void result(uint64_t number) { result(Value::unsigned_integer(number)); }
  void result(const std::vector<uint64_t>& ids) { result(list_of(ids)); }
  void fail(std::string_view uri, std::string_view text = {});
  void fail_argument(std::string_view text);
  // For what takes place on other loops: the call is answered with `list` when this has arrived so
  // often. To be dropped if the call fails instead.
  EffectPtr effect(uint32_t letters, Value list = {});
  LateAnswer later() const { return {&caller.shard(), caller.ref(), request}; }

  // Between `least` and `most` positional arguments?
  bool expect(size_t least, size_t most);
  // U-01: the integer that an argument is; a float that is a whole number counts, but in JSON.
  std::optional<int64_t> whole(const Value& value) const;
  // Positional arguments that must be there; an integer that can be no id reads as 0.
  std::optional<uint64_t> read_id(size_t at, std::string_view name);
  std::optional<std::string_view> read_text(size_t at, std::string_view name);
  // Keyword arguments; absent or null leaves `out` as it is.
  bool read_text(std::string_view keyword, std::string* out);

  static Value list_of(const std::vector<uint64_t>& ids);

  Realm& realm;
  Session& caller;
  const uint64_t request;
  const Payload& payload;  // the arguments as they came; for the time of the call
  // What only the caller's format has is an other() in them.
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
