#include "kernel/routing/meta.hpp"

#include <unordered_map>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/realm.hpp"
#include "kernel/routing/recheck.hpp"

namespace nexus {
namespace {

const MetaProcedure* find_procedure(std::string_view uri) {
  static const auto kAll = [] {
    std::unordered_map<std::string_view, const MetaProcedure*> all;
    for (const auto part :
         {session_procedures(), testament_procedures(), registration_procedures(),
          subscription_procedures(), history_procedures(), reflection_procedures()}) {
      for (const MetaProcedure& procedure : part) all.emplace(procedure.uri, &procedure);
    }
    return all;
  }();
  const auto at = kAll.find(uri);
  return at == kAll.end() ? nullptr : at->second;
}

}  // namespace

// Answered later, by mail to the caller's loop: components may take their time. The caller may
// have left by then.
bool Meta::reload(Session& caller, const Message& message) {
  const RealmPolicy& policy = realm_.policy();
  if (policy.reload_roles.empty()) return false;
  const uint64_t request = message.request;
  if (!policy.may_reload(caller.info()->authrole)) {
    caller.reply_error(Code::call, request, uri::kNotAuthorized,
                       "this role may not call this procedure");
    return true;
  }
  Shard& shard = caller.shard();
  shard.log.limited(LogLevel::info, "router", caller.info()->authid, "reload was asked for",
                    {{"realm", policy.uri}, {"authid", caller.info()->authid}});
  const LateAnswer answer{&shard, caller.ref(), request};
  const auto done = [&shards = realm_.shards(), answer](const std::string& failures) {
    const auto effect = std::make_shared<Effect>(
        answer.shard->loop, static_cast<uint32_t>(shards.size()), [answer, failures] {
          failures.empty() ? answer.result() : answer.fail("nexus.error.reload_failed", failures);
        });
    // Components may have had everything asked anew: what that takes away is gone by then.
    for (const auto& there : shards) after_rechecks(*there, effect);
  };
  if (!shard.router.reload_later(done)) {
    caller.reply_error(Code::call, request, uri::kUnavailable, "too many reloads wait already");
  }
  return true;
}

bool Meta::call(Session& caller, const Message& message, const Options& options) {
  const RealmPolicy& policy = realm_.policy();
  if (message.uri == kReloadProcedure) return reload(caller, message);
  if (!policy.meta_api) return false;
  const MetaProcedure* procedure = find_procedure(message.uri);
  if (procedure == nullptr) return false;
  const auto refuse = [&](std::string_view uri, std::string_view text) {
    caller.reply_error(Code::call, message.request, uri, text);
    return true;
  };
  if (options.progress || options.passthru.any()) {
    return refuse(
        uri::kFeatureNotSupported,
        "the router's own procedures take neither progressive calls nor payload passthru");
  }
  if (procedure->privileged && !policy.may_kill(caller.info()->authrole)) {
    return refuse(uri::kNotAuthorized, "the role \"" + caller.info()->authrole +
                                           "\" may not call \"" + std::string(message.uri) + "\"");
  }
  const Payload& payload = message.payload;
  Writer& scratch = caller.shard().option_text;
  Value args;
  Value kwargs;
  // What only the caller's format has is kept: nobody takes it for an argument of the right type,
  // and a testament may have it in its payload.
  const ValueBuilder::Policy policy_of_values{.others = Others::keep};
  std::string why;
  if (!payload.args.empty()) {
    args = payload.format->to_value(payload.args, scratch, policy_of_values, &why);
  }
  if (!payload.kwargs.empty()) {
    kwargs = payload.format->to_value(payload.kwargs, scratch, policy_of_values, &why);
  }
  if ((!payload.args.empty() && !args) || (!payload.kwargs.empty() && !kwargs)) {
    return refuse(uri::kInvalidArgument, "the arguments cannot be read: " + why);
  }
  MetaCall call(realm_, caller, message.request, payload, std::move(args), std::move(kwargs));
  procedure->run(call);
  return true;
}

void LateAnswer::result(const Value& list) const {
  Session* session = shard->resolve(caller);
  if (session == nullptr || !session->established()) return;
  if (session->build().result(request, list, {}) != NX_OK) {
    return fail(uri::kInvalidArgument, "the result cannot be said in the caller's format");
  }
  const Sent sent = session->send_result(session->shard().out.bytes());
  if (sent == Sent::too_large) {  // T-27
    fail(uri::kPayloadSizeExceeded, "the caller does not accept messages of this size");
  } else if (sent == Sent::full) {
    fail(uri::kNetworkFailure, "the caller reads too slowly: reply_bytes wait for it already");
  }
}

void LateAnswer::fail(std::string_view uri, std::string_view text) const {
  Session* session = shard->resolve(caller);
  if (session == nullptr || !session->established()) return;
  session->reply_error(Code::call, request, uri, text);
}

void MetaCall::answer(const Value& list) { later().result(list); }

EffectPtr MetaCall::effect(uint32_t letters, Value list) {
  return std::make_shared<Effect>(
      caller.shard().loop, letters,
      [answer = later(), list = std::move(list)] { answer.result(list); });
}

void MetaCall::result(Value value) {
  Value list = Value::list();
  list.append(std::move(value));
  answer(list);
}

void MetaCall::fail(std::string_view uri, std::string_view text) {
  caller.reply_error(Code::call, request, uri, text);
}

void MetaCall::fail_argument(std::string_view text) { fail(uri::kInvalidArgument, text); }

bool MetaCall::expect(size_t least, size_t most) {
  if (args.size() >= least && args.size() <= most) return true;
  std::string text = "takes " + std::to_string(least);
  if (most != least) text += " to " + std::to_string(most);
  fail_argument(text + " positional arguments, not " + std::to_string(args.size()));
  return false;
}

std::optional<int64_t> MetaCall::whole(const Value& value) const {
  if (value.is(NX_DOUBLE) && caller.format().is_text()) return std::nullopt;
  return value.whole();
}

std::optional<uint64_t> MetaCall::read_id(size_t at, std::string_view name) {
  const Value value = args.at(at);
  if (const auto id = whole(value)) {
    return *id >= 1 && *id <= static_cast<int64_t>(kMaxId) ? static_cast<uint64_t>(*id) : 0;
  }
  if (value.is(NX_UINT)) return 0;
  fail_argument(std::string(name) + " must be an integer");
  return std::nullopt;
}

std::optional<std::string_view> MetaCall::read_text(size_t at, std::string_view name) {
  const Value value = args.at(at);
  // The view lies in args, which outlives the handle.
  if (value.is(NX_STRING)) return value.as_string();
  fail_argument(std::string(name) + " must be a string");
  return std::nullopt;
}

bool MetaCall::read_text(std::string_view keyword, std::string* out) {
  const Value value = kwargs.find(keyword);
  if (!value || value.is(NX_NULL)) return true;
  if (!value.is(NX_STRING)) {
    fail_argument(std::string(keyword) + " must be a string");
    return false;
  }
  *out = value.as_string();
  return true;
}

Value MetaCall::list_of(const std::vector<uint64_t>& ids) {
  Value list = Value::list();
  for (const uint64_t id : ids) list.append(Value::unsigned_integer(id));
  return list;
}

}  // namespace nexus
