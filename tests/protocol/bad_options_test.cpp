// Nonsense in every place that takes an option: the answer is the rule's, and nobody else notices
// (checklist U-20 … U-22, M-34, M-35, V-01, V-04). Every option of every message is given every
// wrong type; an option that is new in kernel/message/options.cpp belongs into kOptions here.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

enum class Kind { boolean, count, text, ids, texts, match, invoke, mode, algorithm, dicts };

struct Option {
  MessageType message;
  const char* name;
  Kind kind;
};

constexpr Option kOptions[] = {
    {kPublish, "acknowledge", Kind::boolean},
    {kPublish, "exclude_me", Kind::boolean},
    {kPublish, "disclose_me", Kind::boolean},
    {kPublish, "retain", Kind::boolean},
    {kPublish, "x_acknowledged_delivery", Kind::boolean},
    {kPublish, "exclude", Kind::ids},
    {kPublish, "eligible", Kind::ids},
    {kPublish, "exclude_authid", Kind::texts},
    {kPublish, "exclude_authrole", Kind::texts},
    {kPublish, "exclude_anything", Kind::texts},
    {kPublish, "eligible_authid", Kind::texts},
    {kPublish, "eligible_authrole", Kind::texts},
    {kPublish, "eligible_anything", Kind::texts},
    {kPublish, "rkey", Kind::text},
    {kPublish, "transaction_hash", Kind::text},
    {kPublish, "forward_for", Kind::dicts},
    {kSubscribe, "match", Kind::match},
    {kSubscribe, "get_retained", Kind::boolean},
    {kSubscribe, "nkey", Kind::text},
    {kSubscribe, "forward_for", Kind::dicts},
    {kCall, "timeout", Kind::count},
    {kCall, "receive_progress", Kind::boolean},
    {kCall, "progress", Kind::boolean},
    {kCall, "disclose_me", Kind::boolean},
    {kCall, "runmode", Kind::text},
    {kCall, "rkey", Kind::text},
    {kCall, "transaction_hash", Kind::text},
    {kCall, "forward_for", Kind::dicts},
    {kRegister, "match", Kind::match},
    {kRegister, "invoke", Kind::invoke},
    {kRegister, "disclose_caller", Kind::boolean},
    {kRegister, "forward_timeout", Kind::boolean},
    {kRegister, "force_reregister", Kind::boolean},
    {kRegister, "concurrency", Kind::count},
    {kRegister, "rkey", Kind::text},
    {kRegister, "forward_for", Kind::dicts},
    {kCancel, "mode", Kind::mode},
    {kYield, "progress", Kind::boolean},
};

// The same ones in every message that carries a payload.
constexpr std::pair<const char*, Kind> kPassthru[] = {
    {"ppt_scheme", Kind::text},    {"ppt_serializer", Kind::text}, {"ppt_cipher", Kind::text},
    {"ppt_keyid", Kind::text},     {"enc_algo", Kind::algorithm},  {"enc_key", Kind::text},
    {"enc_serializer", Kind::text}};

std::vector<Option> all_options() {
  std::vector<Option> all(std::begin(kOptions), std::end(kOptions));
  for (const MessageType message : {kPublish, kCall, kYield, kError}) {
    for (const auto& [name, kind] : kPassthru) all.push_back({message, name, kind});
  }
  return all;
}

// One value of each type there is, and some that are nearly right.
struct Sample {
  Value value;
  std::vector<Kind> fits;
};

// U-01: where JavaScript writes integers as floats, a float may be one.
std::vector<Sample> samples(const Setup& setup) {
  const bool floats = !is_text(setup.link.format);
  const auto count = floats ? std::vector<Kind>{Kind::count} : std::vector<Kind>{};
  const auto ids = floats ? std::vector<Kind>{Kind::ids} : std::vector<Kind>{};
  const Value deep = json("[[[[[]]]]]");
  const uint64_t largest = uint64_t{1} << 53;
  return {
      {V(true).value, {Kind::boolean}},
      {V(0).value, {Kind::count}},
      {V(1).value, {Kind::count}},
      {V(largest).value, {Kind::count}},
      {V(-1).value, {}},
      {V(largest + 1).value, {}},
      {V(UINT64_MAX).value, {}},
      {V(1.0).value, count},
      {list(4294967296.0), ids},
      {V(-1.0).value, {}},
      {V(9007199254740994.0).value, {}},
      {list(0.0), {}},
      {V(0.5).value, {}},
      {V("").value, {Kind::text}},
      {V("true").value, {Kind::text}},
      {V("exact").value, {Kind::text, Kind::match}},
      {V("single").value, {Kind::text, Kind::invoke}},
      {V("kill").value, {Kind::text, Kind::mode}},
      {V("cryptobox").value, {Kind::text, Kind::algorithm}},
      {V("Exact").value, {Kind::text}},
      {V("skip ").value, {Kind::text}},
      {binary("bytes"), {}},
      {list(), {Kind::ids, Kind::texts, Kind::dicts}},
      {list(1, 2), {Kind::ids}},
      {list("joe"), {Kind::texts}},
      {list(dict()), {Kind::dicts}},
      {list(0), {}},
      {list(-5), {}},
      {list(largest + 1), {}},
      {list(1.5), {}},
      {list(true), {}},
      {list(nullptr), {}},
      {list(binary("bytes")), {}},
      {list("joe", 1), {}},
      {list(1, "joe"), {}},
      {list(1, list(2)), {}},
      {deep, {}},
      {dict(), {}},
      {dict({{"a", list()}}), {}},
  };
}

// The integer that a router takes this for.
std::optional<int64_t> whole(const Setup& setup, const Value& value) {
  if (value.is(NX_DOUBLE) && is_text(setup.link.format)) return std::nullopt;
  return value.whole();
}

bool fits(const Sample& sample, Kind kind) {
  return std::find(sample.fits.begin(), sample.fits.end(), kind) != sample.fits.end();
}

// The message with these options, as a client sends it whose invocation 1 is open.
Value message_with(MessageType message, const Value& options) {
  switch (message) {
    case kCancel:
      return list(kCancel, 1, options);
    case kYield:
      return list(kYield, 1, options);
    case kError:
      return list(kError, kInvocation, 1, options, "com.example.failed");
    default:
      return list(message, 1, options, "com.example.uri");
  }
}

// What must go on working, whoever misbehaves: a publication and a call between two sessions.
class Others {
 public:
  explicit Others(World& world) : one_(world.join()), two_(world.join()) {
    topic_ = one_.subscribe("com.others.topic");
    procedure_ = one_.register_procedure("com.others.procedure");
  }
  void check() {
    two_.publish_acknowledged("com.others.topic", dict(), list(++count_));
    CHECK(one_.expect_event(topic_).args() == list(count_));
    const uint64_t request = two_.call("com.others.procedure");
    one_.yield(one_.expect_invocation(procedure_).request(), dict(), list(count_));
    CHECK(two_.expect_result(request).args() == list(count_));
    expect_nothing({&one_, &two_});
  }
  // Nothing of those that have gone is left in the realm.
  void check_alone() {
    CHECK(eventually([this] {
      const uint64_t request = two_.call("wamp.session.count");
      return two_.expect_result(request).args() == list(2);
    }));
    for (const char* procedure : {"wamp.registration.list", "wamp.subscription.list"}) {
      const uint64_t request = two_.call(procedure);
      const Value ids = two_.expect_result(request).args().at(0);
      CHECK(ids.find("exact").size() == 1);
      CHECK(ids.find("prefix").size() + ids.find("wildcard").size() == 0);
    }
  }

 private:
  Peer& one_;
  Peer& two_;
  uint64_t topic_ = 0;
  uint64_t procedure_ = 0;
  int count_ = 0;
};

// A peer with one open invocation, number 1, from `caller`.
Peer& join_busy(World& world, Peer& caller) {
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.busy");
  caller.call("com.example.busy");
  callee.expect_invocation(registration);
  return callee;
}

std::vector<Setup> setups() {
  return {{{Carrier::raw_unix, Format::json}, 3},
          {{Carrier::raw_unix, Format::msgpack}, 1},
          {{Carrier::websocket, Format::cbor}, 3}};
}

TEST_CASE("U-21, M-35: an option of the wrong type costs its sender the session, and nobody else") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup);
  Others others(world);
  Peer* caller = &world.join();
  size_t violations = 0;
  for (const Option& option : all_options()) {
    CAPTURE(type_name(option.message), option.name);
    for (const Sample& sample : samples(setup)) {
      if (fits(sample, option.kind)) continue;
      CAPTURE(sample.value);
      const bool answers = option.message == kYield || option.message == kError;
      Peer& peer = answers ? join_busy(world, *caller) : world.join();
      peer.send(message_with(option.message, dict({{option.name, sample.value}})));
      const Message abort = peer.expect(kAbort);
      CHECK(abort.uri() == "wamp.error.protocol_violation");
      // Whoever has to find the mistake is told where to look.
      CHECK(abort.details().find("message").as_string().find(option.name) !=
            std::string_view::npos);
      CHECK_NOTHROW(peer.expect_closed());
      if (answers) caller->expect_call_error(caller->last_request(), "wamp.error.canceled");
      ++violations;
    }
    others.check();
  }
  CHECK(world.router.counters().violations == violations);
  caller->leave();
  others.check_alone();
}

TEST_CASE("U-22, V-04: null and values that fit are no violation, nor are unknown options") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup);
  Others others(world);
  for (const Option& option : all_options()) {
    CAPTURE(type_name(option.message), option.name);
    if (option.message == kYield || option.message == kError) continue;  // below
    Peer& peer = world.join();
    const auto send = [&](const Value& options) {
      const uint64_t request = peer.next_request();
      Value message = list(option.message, request, options);
      if (option.message != kCancel) message.append(Value::string("com.example.uri"));
      peer.send(message);
      // What it is answered with depends on the option; that it goes on does not.
      settle({&peer});
      while (peer.has_received()) peer.receive();
    };
    send(dict({{option.name, nullptr}}));
    for (const Sample& sample : samples(setup)) {
      CAPTURE(sample.value);
      // As an option that nobody knows every value is fine.
      send(dict({{"x_" + std::string(option.name), sample.value}}));
      // force_reregister may be refused, and the rest is done.
      if (fits(sample, option.kind)) send(dict({{option.name, sample.value}}));
    }
    peer.leave();
  }
  others.check();
  others.check_alone();
}

TEST_CASE("U-22: null options of YIELD and ERROR are absent") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  Value nulls = dict({{"progress", nullptr}});
  for (const auto& [name, kind] : kPassthru) nulls.set(name, Value::null());
  uint64_t request = caller.call("com.example.procedure");
  callee.yield(callee.expect_invocation(registration).request(), nulls);
  CHECK(caller.expect_result(request).details() == dict());
  request = caller.call("com.example.procedure");
  callee.error(callee.expect_invocation(registration).request(), "com.example.failed", nulls);
  caller.expect_call_error(request, "com.example.failed");
}

TEST_CASE("V-03, S-02: details of HELLO of the wrong type") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup);
  Others others(world);
  const auto refused = [&](const Value& details) {
    CAPTURE(details);
    Peer& peer = world.connect();
    peer.send(list(kHello, "realm1", details));
    CHECK_NOTHROW(peer.expect_violation());
  };
  const std::pair<const char*, uint32_t> keys[] = {
      {"roles", NX_DICT}, {"authmethods", NX_LIST}, {"authid", NX_STRING}, {"authextra", NX_DICT}};
  for (const auto& [key, right] : keys) {
    for (const Sample& sample : samples(setup)) {
      if (sample.value.is(right) &&
          (std::string_view(key) != "roles" || sample.value.size() == 0)) {
        continue;  // merged, an empty dict changes nothing
      }
      refused(merged(client_details(), dict({{key, sample.value}})));
    }
  }
  for (const Sample& sample : samples(setup)) {
    if (!sample.value.is(NX_DICT)) {
      refused(dict({{"roles", dict({{"caller", sample.value}})}}));
      refused(dict({{"roles", dict({{"caller", dict({{"features", sample.value}})}})}}));
    }
    if (sample.value.is(NX_BOOL)) continue;
    refused(
        dict({{"roles", dict({{"caller", dict({{"features", dict({{"x", sample.value}})}})}})}}));
    refused(merged(client_details(), dict({{"authmethods", list("anonymous", V(7), "x")}})));
  }
  others.check();
  others.check_alone();
}

TEST_CASE("M-34: Options of messages that have none, and Details that say goodbye") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup);
  Others others(world);
  for (const Sample& sample : samples(setup)) {
    CAPTURE(sample.value);
    const bool fine = sample.value.is(NX_DICT);
    for (const MessageType type : {kUnsubscribe, kUnregister}) {
      Peer& peer = world.join();
      peer.send(list(type, 1, 4711, sample.value));
      if (fine) {
        peer.expect(kError);
        peer.leave();
      } else {
        CHECK_NOTHROW(peer.expect_violation());
      }
    }
    Peer& leaves = world.join();
    leaves.send(list(kGoodbye, dict({{"message", sample.value}}), "wamp.close.normal"));
    leaves.expect(kGoodbye);
    leaves.wire().close();
    Peer& aborts = world.join();
    aborts.send(list(kAbort, dict({{"message", sample.value}}), "wamp.error.example"));
    CHECK_NOTHROW(aborts.expect_closed());
  }
  others.check();
  others.check_alone();
}

TEST_CASE("U-24, U-01: every field of every request with every wrong type") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup);
  Others others(world);
  // What each field must be, in order.
  const std::pair<MessageType, const char*> layouts[] = {
      {kPublish, "iosld"}, {kSubscribe, "ios"}, {kUnsubscribe, "ii"}, {kCall, "iosld"},
      {kCancel, "io"},     {kRegister, "ios"},  {kUnregister, "ii"},  {kYield, "iold"},
      {kError, "tiosld"},  {kGoodbye, "os"},
  };
  const auto right = [](char field) {
    switch (field) {
      case 'i':
        return V(1).value;
      case 't':
        return V(kInvocation).value;
      case 's':
        return V("com.example.uri").value;
      case 'l':
        return list();
      default:
        return dict();
    }
  };
  const auto suits = [&](char field, const Value& value) {
    switch (field) {
      case 'i':
      case 't': {
        const int64_t id = whole(setup, value).value_or(0);
        return id >= 1 && id <= int64_t{1} << 53;
      }
      case 's':
        return value.is(NX_STRING);
      case 'l':
        return value.is(NX_LIST);
      default:
        return value.is(NX_DICT);
    }
  };
  for (const auto& [type, layout] : layouts) {
    const std::string_view fields(layout);
    for (size_t wrong = 0; wrong < fields.size(); ++wrong) {
      for (const Sample& sample : samples(setup)) {
        if (suits(fields[wrong], sample.value)) continue;
        CAPTURE(type_name(type), wrong, sample.value);
        Value message = list(type);
        for (size_t i = 0; i < fields.size(); ++i) {
          message.append(i == wrong ? sample.value : right(fields[i]));
        }
        Peer& peer = world.join();
        peer.send(message);
        CHECK_NOTHROW(peer.expect_violation());
      }
    }
  }
  others.check();
  others.check_alone();
}

TEST_CASE("P-37: a history query with nonsense, for every argument") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup, R"({"realms":{"one":{"history":{"t":{"uri":"com.example.t"}}}}})");
  Peer& peer = world.join();
  peer.publish_acknowledged("com.example.t");
  uint64_t request = peer.call("wamp.subscription.lookup", dict(), list("com.example.t"));
  const Value subscription = peer.expect_result(request).args();
  const auto refused = [&](const Value& args, const Value& kwargs, const char* uri) {
    CAPTURE(args, kwargs);
    const uint64_t asked = peer.call("wamp.subscription.get_events", dict(), args, kwargs);
    CHECK_NOTHROW(peer.expect_call_error(asked, uri));
  };
  const char* const wrong = "wamp.error.invalid_argument";
  for (const Sample& sample : samples(setup)) {
    const Value& value = sample.value;
    const auto integer = whole(setup, value);
    if (integer || value.is(NX_UINT)) {
      if (integer.value_or(0) != subscription.at(0).as_int()) {
        refused(list(value), {}, "wamp.error.no_such_subscription");
      }
    } else {
      refused(list(value), {}, wrong);
    }
    const auto with = [&](const char* key) { refused(subscription, dict({{key, value}}), wrong); };
    for (const char* key : {"from_time", "after_time", "before_time", "until_time"}) with(key);
    if (!(integer && *integer >= 1 && *integer <= int64_t{1} << 53)) {
      for (const char* key :
           {"from_publication", "after_publication", "before_publication", "until_publication"}) {
        with(key);
      }
    }
    if (!(integer && *integer >= 1)) with("limit");
    if (!value.is(NX_BOOL)) with("reverse");
    if (!value.is(NX_STRING)) with("topic");
  }
  refused(appended(subscription, 1), {}, wrong);
  request = peer.call("wamp.subscription.get_events", dict(), subscription);
  CHECK(peer.expect_result(request).args().size() == 1);
}

TEST_CASE("P-20, P-52: lists that are too long, and testaments nobody could publish") {
  const Setup setup = GENERATE(from_range(setups()));
  CAPTURE(setup);
  World world(setup);
  Others others(world);
  Peer& subscriber = world.join();
  const uint64_t topic = subscriber.subscribe("com.example.topic");
  Peer& publisher = world.join();
  // Long is fine: it is sorted and looked up. Deep or too many lists are not.
  Value many = Value::list();
  for (int i = 0; i < 20000; ++i) many.append(Value::integer(1 + (i * 7919) % 100003));
  many.append(Value::unsigned_integer(subscriber.session()));
  publisher.publish_acknowledged("com.example.topic", dict({{"eligible", many}}), list(1));
  CHECK(subscriber.expect_event(topic).args() == list(1));
  publisher.publish_acknowledged("com.example.topic", dict({{"exclude", many}}), list(2));
  expect_nothing({&subscriber});
  for (const char* reserved : {"wamp", "wamp.session.on_join", "wamp.mine"}) {
    const uint64_t request =
        publisher.call("wamp.session.add_testament", dict(), list(reserved, list(), dict()));
    publisher.expect_call_error(request, "wamp.error.invalid_uri");
  }
  for (const Option& option : all_options()) {
    if (option.message != kPublish) continue;
    for (const Sample& sample : samples(setup)) {
      if (fits(sample, option.kind)) continue;
      CAPTURE(option.name, sample.value);
      const uint64_t request = publisher.call(
          "wamp.session.add_testament", dict(), list("com.example.topic", list(), dict()),
          dict({{"publish_options", dict({{option.name, sample.value}})}}));
      CHECK_NOTHROW(publisher.expect_call_error(request, "wamp.error.invalid_argument"));
    }
  }
  publisher.leave();
  expect_nothing({&subscriber});
  subscriber.leave();
  others.check();
  others.check_alone();
}

}  // namespace
}  // namespace nexus::test
