// wamp.subscription.get_events: the event history (P-33 … P-38). On the caller's loop.
#include "kernel/message/error_uri.hpp"
#include "kernel/routing/history.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/realm.hpp"

namespace nexus {
namespace {

bool read_time(MetaCall& call, std::string_view key, bool* has, int64_t* out) {
  const Value value = call.kwargs.find(key);
  if (!value || value.is(NX_NULL)) return true;
  if (value.is(NX_STRING) && parse_time(value.as_string(), out)) return *has = true;
  call.fail_argument(std::string(key) + " must be a time as in RFC 3339");
  return false;
}

bool read_publication(MetaCall& call, std::string_view key, uint64_t* out) {
  const Value value = call.kwargs.find(key);
  if (!value || value.is(NX_NULL)) return true;
  const int64_t id = call.whole(value).value_or(0);
  if (id >= 1 && id <= static_cast<int64_t>(kMaxId)) {
    *out = static_cast<uint64_t>(id);
    return true;
  }
  call.fail_argument(std::string(key) + " must be a publication id");
  return false;
}

bool read_query(MetaCall& call, HistoryQuery& query) {
  const Value reverse = call.kwargs.find("reverse");
  if (reverse && !reverse.is(NX_NULL)) {
    if (!reverse.is(NX_BOOL)) return call.fail_argument("reverse must be a bool"), false;
    query.reverse = reverse.as_bool();
  }
  const Value limit = call.kwargs.find("limit");
  if (limit && !limit.is(NX_NULL)) {
    const int64_t most = call.whole(limit).value_or(0);
    if (most < 1) return call.fail_argument("limit must be an integer above 0"), false;
    query.limit = static_cast<uint64_t>(most);
  }
  return call.read_text("topic", &query.topic) &&
         read_time(call, "from_time", &query.has_from_time, &query.from_time_ms) &&
         read_time(call, "after_time", &query.has_after_time, &query.after_time_ms) &&
         read_time(call, "before_time", &query.has_before_time, &query.before_time_ms) &&
         read_time(call, "until_time", &query.has_until_time, &query.until_time_ms) &&
         read_publication(call, "from_publication", &query.from_publication) &&
         read_publication(call, "after_publication", &query.after_publication) &&
         read_publication(call, "before_publication", &query.before_publication) &&
         read_publication(call, "until_publication", &query.until_publication);
}

Value event_details(const StoredEvent& event, bool pattern, const SessionInfo& reader) {
  Value details = Value::dict();
  if (pattern) details.set("topic", Value::string(event.topic));
  if (event.disclosed && reader.has(kSubscriberIdentification)) {
    details.set("publisher", Value::unsigned_integer(event.publisher_id));
    details.set("publisher_authid", Value::string(event.publisher_authid));
    details.set("publisher_authrole", Value::string(event.publisher_authrole));
  }
  const Passthru& p = event.passthru;
  if (p.ppt()) {
    details.set("ppt_scheme", Value::string(p.scheme));
    if (p.has_serializer) details.set("ppt_serializer", Value::string(p.serializer));
    if (p.has_cipher) details.set("ppt_cipher", Value::string(p.cipher));
    if (p.has_keyid) details.set("ppt_keyid", Value::string(p.keyid));
  }
  if (p.has_enc_algo) {
    details.set("enc_algo", Value::string(p.enc_algo));
    if (!p.enc_key.empty()) details.set("enc_key", Value::string(p.enc_key));
    if (!p.enc_serializer.empty()) details.set("enc_serializer", Value::string(p.enc_serializer));
  }
  return details;
}

void too_large(Session& caller, uint64_t request) {  // P-38
  caller.reply_error(Code::call, request, uri::kPayloadSizeExceeded,
                     "the events are too large for one answer; ask for fewer with limit");
}

void answer(Session& caller, uint64_t request, uint64_t subscription, History& history,
            HistoryQuery query) {
  const RealmPolicy& policy = caller.realm()->policy();
  const SessionInfo& reader = *caller.info();
  if (query.limit == 0 || query.limit > policy.max_history_events) {
    query.limit = policy.max_history_events;
  }
  bool is_limit_reached = false;
  const std::vector<StoredEventPtr> events = history.find(
      query, caller.shard().loop.now_ms(),
      [&](const StoredEvent& event) {  // P-36: the lists apply to who asks
        return may_receive(event.receivers, reader, policy.empty_eligible_means_all);
      },
      &is_limit_reached);
  // Written as they will be sent, one by one: as values they could take many times their size, and
  // all of a history at once.
  const Serializer& format = caller.format();
  const uint64_t most = caller.shard().router.policy().max_message_size;
  Writer& scratch = caller.shard().option_text;
  Writer entry;
  std::vector<uint8_t> bytes;
  std::vector<size_t> ends;
  Emitter emit;
  for (const StoredEventPtr& event : events) {
    entry.clear();
    emit.begin(format, entry);
    const Payload& payload = event->payload();
    const bool args = !payload.args.empty();
    const bool kwargs = !payload.kwargs.empty();
    emit.dict(4 + (args ? 1 : 0) + (kwargs ? 1 : 0));
    emit.key("timestamp").string(format_time(event->timestamp_ms));
    emit.key("subscription").integer(subscription);
    emit.key("publication").integer(event->publication);
    emit.key("details").value(
        event_details(*event, history.policy().match != Match::exact, reader));
    if (args) emit.key("args").span(*payload.format, payload.args, scratch);
    if (kwargs) emit.key("kwargs").span(*payload.format, payload.kwargs, scratch);
    if (emit.end_dict().status() != NX_OK) continue;  // nothing that this format can say
    bytes.insert(bytes.end(), entry.bytes().begin(), entry.bytes().end());
    ends.push_back(bytes.size());
    if (bytes.size() > most) return too_large(caller, request);
  }
  Writer list;
  emit.begin(format, list);
  emit.list(ends.size());
  size_t from = 0;
  for (const size_t end : ends) {
    emit.raw(Bytes(bytes.data() + from, end - from));
    from = end;
  }
  const nx_status status = emit.end_list().status();
  Writer more;
  emit.begin(format, more);
  emit.dict(1).key("is_limit_reached").boolean(is_limit_reached).end_dict();
  Payload answer;
  answer.format = &format;
  answer.args = list.bytes();
  answer.kwargs = more.bytes();
  if (status != NX_OK || caller.build().result(request, ResultDetails{}, answer) != NX_OK) {
    return caller.reply_error(Code::call, request, uri::kInvalidArgument,
                              "the events cannot be said in the caller's format");
  }
  const Sent sent = caller.send_result(caller.shard().out.bytes());
  if (sent == Sent::too_large) {
    too_large(caller, request);
  } else if (sent == Sent::full) {
    caller.reply_error(Code::call, request, uri::kNetworkFailure,
                       "the caller reads too slowly: reply_bytes wait for it already");
  }
}

void get_events(MetaCall& call) {
  if (!call.expect(1, 1)) return;
  const auto id = call.read_id(0, "subscription");
  if (!id) return;
  HistoryQuery query;
  if (!read_query(call, query)) return;
  std::shared_ptr<History> history;
  if (!call.realm.broker().inspect(
          *id, [&history](const Subscription& subscription) { history = subscription.history; })) {
    return call.fail(uri::kNoSuchSubscription, "there is no such subscription in this realm");
  }
  if (history == nullptr) {
    return call.fail(uri::kOptionNotAllowed, "the events of this subscription are not kept");
  }
  // P-37: who may not subscribe may not read what there was either.
  AccessRequest question{NX_ACTION_SUBSCRIBE, history->policy().match, history->policy().uri, {}};
  Session& caller = call.caller;
  caller.ask(std::move(question), [&caller, request = call.request, id = *id, history,
                                   query](const AccessAnswer& given) {
    if (!given.allowed) {
      // Not in the authorizer's words: they may name the topic, and the caller knows a number only.
      return caller.reply_error(
          Code::call, request, uri::kNotAuthorized,
          "this session may not subscribe to the topic of subscription " + std::to_string(id));
    }
    answer(caller, request, id, *history, query);
  });
}

constexpr MetaProcedure kProcedures[] = {{"wamp.subscription.get_events", &get_events}};

}  // namespace

std::span<const MetaProcedure> history_procedures() { return kProcedures; }

}  // namespace nexus
