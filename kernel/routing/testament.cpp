#include "kernel/routing/testament.hpp"

#include <algorithm>

#include "kernel/message/error_uri.hpp"
#include "kernel/routing/meta.hpp"
#include "kernel/routing/realm.hpp"
#include "kernel/session/validate.hpp"

namespace nexus {
namespace {

// ---- adding -----------------------------------------------------------------------------------

enum class Scope : uint8_t { destroyed = 1, detached };

bool read_scope(MetaCall& call, Scope* scope) {
  std::string text = "destroyed";
  if (!call.read_text("scope", &text)) return false;
  *scope = text == "detached" ? Scope::detached : Scope::destroyed;
  if (text == "detached" || text == "destroyed") return true;
  call.fail_argument("scope must be destroyed or detached");
  return false;
}

// In the session's format; an empty container, null and no value are nothing (U-23).
bool encode(const Serializer& format, const Value& value, std::vector<uint8_t>* out) {
  if (value.size() == 0) return true;
  Writer bytes;
  Emitter emit;
  emit.begin(format, bytes);
  if (emit.value(value).status() != NX_OK) return false;
  out->assign(bytes.bytes().begin(), bytes.bytes().end());
  return true;
}

// The payload is kept as the bytes that came (the arguments are a list: [topic, args, kwargs]), so
// that receivers who speak the same format get what was said, whatever that is. Returns what is
// wrong with it, or null.
const char* take_payload(const Payload& from, Testament& to) {
  nx_element elements[3];
  uint32_t count = 0;
  Writer scratch;
  if (from.format->split(from.args, scratch, elements, 3, &count, nullptr) != NX_OK || count != 3) {
    return "the arguments cannot be read";
  }
  const auto take = [](const nx_element& element, std::vector<uint8_t>* out) {
    if (element.kind == NX_NULL || element.count == 0) return;  // U-23
    const Bytes bytes = to_view(element.span);
    out->assign(bytes.begin(), bytes.end());
  };
  const auto is = [](const nx_element& element, uint32_t kind) {
    return element.kind == NX_NULL || element.kind == kind;
  };
  if (!is(elements[1], NX_LIST)) return "args must be a list";
  if (!is(elements[2], NX_DICT)) return "kwargs must be a dict";
  take(elements[1], &to.args);
  take(elements[2], &to.kwargs);
  return nullptr;
}

// The PUBLISH that a testament stands for, as far as its options go.
bool parse_publish_options(const Testament& testament, Writer& scratch, Options& out,
                           Violation& violation) {
  Message message;
  message.code = Code::publish;
  message.has_options = !testament.options.empty();
  message.options = testament.options;
  message.payload.format = testament.format;
  return parse_options(message, scratch, out, violation);
}

Payload payload_of(const Testament& testament) {
  Payload payload;
  payload.format = testament.format;
  payload.args = testament.args;
  payload.kwargs = testament.kwargs;
  return payload;
}

// Reads a testament from the arguments; null after the call has failed.
std::shared_ptr<Testament> read_testament(MetaCall& call) {
  if (!call.expect(3, 3)) return nullptr;
  const auto topic = call.read_text(0, "topic");
  if (!topic) return nullptr;
  const Value options = call.kwargs.find("publish_options");
  if (options && !options.is(NX_NULL) && !options.is(NX_DICT)) {
    return call.fail_argument("publish_options must be a dict"), nullptr;
  }
  if (!valid_uri(*topic, call.realm.policy().uri_check) || reserved_uri(*topic)) {
    const UriCheck check = call.realm.policy().uri_check;
    call.fail(uri::kInvalidUri,
              valid_uri(*topic, check) ? reserved_mistake(*topic) : uri_mistake(*topic, check));
    return nullptr;
  }
  auto testament = std::make_shared<Testament>();
  testament->topic = *topic;
  testament->format = &call.caller.format();
  if (const char* wrong = take_payload(call.payload, *testament)) {
    return call.fail_argument(wrong), nullptr;
  }
  if (!encode(*testament->format, options.without_others(), &testament->options)) {
    return call.fail_argument("publish_options cannot be said in this session's format"), nullptr;
  }
  Options parsed;
  Violation why;
  Writer scratch;
  if (!parse_publish_options(*testament, scratch, parsed, why)) {
    return call.fail_argument(why.text), nullptr;
  }
  if (parsed.passthru.ppt() && !call.caller.info()->has(kPublisherPassthru)) {
    return call.fail_argument("payload passthru was not announced"), nullptr;
  }
  return testament;
}

void add_testament(MetaCall& call) {
  Scope scope{};
  if (!read_scope(call, &scope)) return;
  std::shared_ptr<Testament> testament = read_testament(call);
  if (testament == nullptr) return;
  const RealmPolicy& policy = call.realm.policy();
  if (const Testaments* held = call.caller.tables().testaments.get();
      (held == nullptr ? 0 : held->detached.size() + held->destroyed.size()) >=
          policy.max_testaments ||
      (held == nullptr ? 0 : held->bytes) + testament->size() > policy.max_testament_bytes) {
    return call.fail(uri::kNotAuthorized, "this session has as many testaments as it may have");
  }
  AccessRequest question{NX_ACTION_PUBLISH, Match::exact, testament->topic,
                         call.kwargs.find("publish_options")};
  Session& caller = call.caller;
  caller.ask(std::move(question), [&caller, request = call.request, scope,
                                   testament](const AccessAnswer& answer) {
    if (!answer.allowed) {
      return caller.reply_error(Code::call, request, answer.error_uri, answer.error_message);
    }
    std::shared_ptr<Testaments>& held = caller.tables().testaments;
    if (held == nullptr) held = std::make_shared<Testaments>();
    (scope == Scope::detached ? held->detached : held->destroyed).push_back(testament);
    held->bytes += testament->size();
    if (caller.build().result(request, Value(), Value()) == NX_OK) caller.send_reply();
  });
}

void flush_testaments(MetaCall& call) {
  Scope scope{};
  if (!call.expect(0, 0) || !read_scope(call, &scope)) return;
  uint64_t count = 0;
  if (Testaments* held = call.caller.tables().testaments.get()) {
    Testaments::List& list = scope == Scope::detached ? held->detached : held->destroyed;
    for (const auto& testament : list) held->bytes -= testament->size();
    count = list.size();
    list.clear();
  }
  call.result(count);
}

constexpr MetaProcedure kProcedures[] = {
    {"wamp.session.add_testament", &add_testament},
    {"wamp.session.flush_testaments", &flush_testaments},
};

// ---- executing --------------------------------------------------------------------------------

// Goes through what a session has left, asking the authorizers about each. While they think, the
// shard keeps it: the session has gone.
class Executor : public std::enable_shared_from_this<Executor> {
 public:
  Executor(Shard& shard, std::shared_ptr<Realm> realm, SessionInfoPtr who, Testaments::List list,
           bool trusted, bool tell)
      : shard_(shard),
        realm_(std::move(realm)),
        who_(std::move(who)),
        list_(std::move(list)),
        trusted_(trusted),
        tell_(tell) {}

  void run() {
    for (; next_ < list_.size(); ++next_) {
      AccessAnswer answer;
      if (!ask(answer)) return keep();
      settle(answer);
    }
    if (tell_) realm_->note_leave(*who_);
    realm_->events().flush();
    std::erase_if(shard_.errands, [this](const auto& errand) { return errand.get() == this; });
  }

 private:
  bool ask(AccessAnswer& answer) {
    const Testament& testament = *list_[next_];
    if (trusted_ || realm_->policy().authorizers.empty()) {
      answer.allowed = true;
      return true;
    }
    if (const AccessAnswer* known =
            remembered_access(shard_, *who_, NX_ACTION_PUBLISH, Match::exact, testament.topic)) {
      answer = *known;
      return true;
    }
    AccessRequest question{NX_ACTION_PUBLISH, Match::exact, testament.topic, {}};
    if (!testament.options.empty()) {
      question.options = testament.format->to_details(testament.options, shard_.option_text);
    }
    pending_ =
        std::make_unique<PendingAccess>(shard_, who_, realm_, std::move(question),
                                        [this](const AccessAnswer& later) { answered(later); });
    if (!pending_->ask(0, answer)) return false;
    pending_.reset();
    return true;
  }

  void answered(const AccessAnswer& answer) {
    const std::shared_ptr<Executor> alive = shared_from_this();
    pending_.reset();
    settle(answer);
    ++next_;
    run();
  }

  void settle(const AccessAnswer& answer) {
    if (!answer.allowed || !valid(*list_[next_], answer.grant)) return;
    realm_->events().note(list_[next_], who_, answer.grant);
  }

  // Z-12
  bool valid(const Testament& testament, const Grant& grant) {
    if (grant.validator == 0) return true;
    Violation why;
    if (!parse_publish_options(testament, shard_.option_text, shard_.options, why)) return false;
    return judge_payload(shard_, *who_, realm_->policy(), NX_ACTION_PUBLISH, testament.topic,
                         payload_of(testament), shard_.options.passthru.any(), grant)
        .accepted();
  }

  void keep() {
    realm_->events().flush();
    if (std::exchange(kept_, true)) return;
    shard_.errands.push_back(shared_from_this());
  }

  Shard& shard_;
  std::shared_ptr<Realm> realm_;
  SessionInfoPtr who_;
  Testaments::List list_;
  bool trusted_;
  bool tell_;
  size_t next_ = 0;
  std::unique_ptr<PendingAccess> pending_;
  bool kept_ = false;
};

}  // namespace

std::span<const MetaProcedure> testament_procedures() { return kProcedures; }

void execute_testaments(Shard& shard, std::shared_ptr<Realm> realm, SessionInfoPtr who,
                        const Testaments& testaments, bool trusted, bool tell) {
  Testaments::List list = testaments.detached;  // P-51: these first
  list.insert(list.end(), testaments.destroyed.begin(), testaments.destroyed.end());
  std::make_shared<Executor>(shard, std::move(realm), std::move(who), std::move(list), trusted,
                             tell)
      ->run();
}

void publish_testament(Broker& broker, Shard& shard, const Testament& testament,
                       const SessionInfo& publisher, const Grant& grant) {
  Violation why;
  if (!parse_publish_options(testament, shard.option_text, shard.options, why)) return;
  broker.publish_for(shard, publisher, testament.topic, shard.options, payload_of(testament),
                     grant);
}

}  // namespace nexus
