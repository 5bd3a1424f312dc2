// wamp.reflect.* and wamp.reflection.*: sessions say what their procedures, topics and errors are
// for, and others read it. On the caller's loop.
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/history.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/realm.hpp"

namespace nexus {
namespace {

// The keyword `kind`; nothing after the call has failed.
std::optional<Described> read_kind(MetaCall& call) {
  std::string text = "procedure";
  if (!call.read_text("kind", &text)) return std::nullopt;
  for (const Described kind : {Described::procedure, Described::topic, Described::error}) {
    if (text == described_name(kind)) return kind;
  }
  call.fail_argument("kind must be procedure, topic or error");
  return std::nullopt;
}

// The first argument, a URI that clients may use; nothing after the call has failed.
std::optional<std::string_view> read_uri(MetaCall& call) {
  const auto uri = call.read_text(0, "uri");
  if (!uri) return std::nullopt;
  if (valid_uri(*uri, call.realm.policy().uri_check) && !reserved_uri(*uri)) return uri;
  const UriCheck check = call.realm.policy().uri_check;
  call.fail(uri::kInvalidUri,
            valid_uri(*uri, check) ? reserved_mistake(*uri) : uri_mistake(*uri, check));
  return std::nullopt;
}

void undefine_uri(MetaCall& call, Described kind, std::string_view uri) {
  const bool had = call.realm.reflection().undefine(call.caller.id(), kind, uri);
  call.result(had ? Value::string(uri) : Value::null());
  call.realm.events().flush();
}

void undefine(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto kind = read_kind(call);
  if (!kind) return;
  if (const auto uri = read_uri(call)) undefine_uri(call, *kind, *uri);
}

void define(MetaCall& call) {
  if (!call.expect(2, 2)) return;
  const auto kind = read_kind(call);
  if (!kind) return;
  const auto uri = read_uri(call);
  if (!uri) return;
  const Value said = call.args.at(1);
  if (said.is(NX_NULL)) return undefine_uri(call, *kind, *uri);
  Session& caller = call.caller;
  auto text = std::make_shared<Description>();
  text->format = &caller.format();
  Writer bytes;
  Emitter emit;
  emit.begin(*text->format, bytes);
  if (emit.value(said).status() != NX_OK) {
    return call.fail_argument("the description cannot be said in this session's format");
  }
  if (bytes.bytes().size() > call.realm.policy().max_definition_bytes) {
    return call.fail(uri::kNotAuthorized, "the description is larger than this realm allows");
  }
  text->bytes.assign(bytes.bytes().begin(), bytes.bytes().end());
  const auto keep = [&caller, &realm = call.realm, request = call.request, kind = *kind,
                     uri = std::string(*uri), text](const AccessAnswer& answer) {
    if (!answer.allowed) {
      return caller.reply_error(Code::call, request, answer.error_uri, answer.error_message);
    }
    Value told = Value::list();
    switch (realm.reflection().define(caller.id(), kind, uri, text)) {
      case Reflection::Defined::made:
        told.append(Value::boolean(true));
        break;
      case Reflection::Defined::changed:
        told.append(Value::boolean(false));
        break;
      case Reflection::Defined::unchanged:
        told.append(Value::null());
        break;
      case Reflection::Defined::too_many:
        return caller.reply_error(Code::call, request, uri::kNotAuthorized,
                                  "this session has as many definitions as it may have");
      case Reflection::Defined::no_room:
        return caller.reply_error(Code::call, request, uri::kNotAuthorized,
                                  "this realm has as many definitions as it may have");
    }
    if (caller.build().result(request, told, Value()) == NX_OK) caller.send_reply();
    realm.events().flush();
  };
  // Whoever may not have the procedure or topic may not tell others what it is.
  if (*kind == Described::error) return keep({.allowed = true});
  const uint32_t action = *kind == Described::procedure ? NX_ACTION_REGISTER : NX_ACTION_PUBLISH;
  caller.ask({action, Match::exact, std::string(*uri), {}}, keep);
}

Value to_value(MetaCall& call, const Description& text) {
  return text.format->to_value(text.bytes, call.caller.shard().option_text);
}

// The description as it was given, or null; without `kind` the first that there is.
void describe(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const bool any = !call.kwargs.find("kind") || call.kwargs.find("kind").is(NX_NULL);
  const auto kind = read_kind(call);
  if (!kind) return;
  const auto uri = call.read_text(0, "uri");
  if (!uri) return;
  for (const Described one : {Described::procedure, Described::topic, Described::error}) {
    if (!any && one != *kind) continue;
    const Reflection::Shown shown = call.realm.reflection().find(one, *uri);
    if (shown.description != nullptr) return call.result(to_value(call, *shown.description));
  }
  call.result(Value::null());
}

template <Described kind>
void list(MetaCall& call) {
  if (!call.expect(0, 0)) return;
  Value uris = Value::list();
  for (const std::string& uri : call.realm.reflection().list(kind)) uris.append(Value::string(uri));
  call.result(std::move(uris));
}

// {uri, kind, created, sessions, description}, or null.
template <Described kind>
void describe_one(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto uri = call.read_text(0, "uri");
  if (!uri) return;
  const Reflection::Shown shown = call.realm.reflection().find(kind, *uri);
  if (shown.description == nullptr) return call.result(Value::null());
  Value details = Value::dict();
  details.append("uri", Value::string(*uri));
  details.append("kind", Value::string(described_name(kind)));
  details.append("created", Value::string(format_time(shown.created_ms)));
  details.append("sessions", MetaCall::list_of(shown.sessions));
  details.append("description", to_value(call, *shown.description));
  call.result(std::move(details));
}

constexpr MetaProcedure kProcedures[] = {
    {"wamp.reflect.define", &define},
    {"wamp.reflect.undefine", &undefine},
    {"wamp.reflect.describe", &describe},
    {"wamp.reflection.procedure.list", &list<Described::procedure>},
    {"wamp.reflection.procedure.describe", &describe_one<Described::procedure>},
    {"wamp.reflection.topic.list", &list<Described::topic>},
    {"wamp.reflection.topic.describe", &describe_one<Described::topic>},
    {"wamp.reflection.error.list", &list<Described::error>},
    {"wamp.reflection.error.describe", &describe_one<Described::error>},
};

}  // namespace

std::span<const MetaProcedure> reflection_procedures() { return kProcedures; }

}  // namespace nexus
