// Application data that a format can hold and others cannot, and data that nobody is to get: it is
// passed on, or one request fails, or one event is not delivered and counted, and no session ends
// for it (E-01, E-03, E-04, E-05, E-08, E-10). Main thread.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// The place of the data in a message that is otherwise written by encode().
constexpr const char* kHere = "@@";

std::string with_data(Format format, const Value& message, std::string_view data) {
  std::string bytes = encode(format, message);
  const std::string here = encode(format, Value::string(kHere));
  const size_t at = bytes.find(here);
  if (at == std::string::npos) throw std::logic_error("no place for the data");
  return bytes.replace(at, here.size(), data);
}

struct Data {
  Format format;
  const char* what;
  std::string bytes;
};

// What only receivers of the same format can have.
std::vector<Data> odd_data() {
  return {
      {Format::msgpack, "integer keys", from_hex("81 01 a1 61")},
      {Format::msgpack, "a dict as a key, deep inside", from_hex("92 01 81 a1 6b 81 81 01 02 c0")},
      {Format::msgpack, "a timestamp", from_hex("d6 ff 00 00 00 01")},
      {Format::msgpack, "undefined", from_hex("d4 00 00")},
      {Format::cbor, "integer keys", from_hex("a1 01 61 61")},
      {Format::cbor, "no keys of text in an indefinite dict", from_hex("bf f6 01 80 02 ff")},
      {Format::cbor, "a bignum", from_hex("c2 49 010000000000000000")},
      {Format::cbor, "a decimal of twenty digits", from_hex("c4 82 20 1b ffffffffffffffff")},
      {Format::cbor, "a fraction", from_hex("d8 1e 82 01 03")},
      {Format::cbor, "a simple value", from_hex("f0")},
      {Format::json, "half an emoji", R"("hello \ud83d")"},
      {Format::json, "half an emoji in a key", R"({"a":[{"\ude00":1}]})"},
      {Format::json, "text that begins with NUL", R"("\u0000hello")"},
      {Format::json, "a number beyond all doubles", "1e999"},
      {Format::ubjson, "a high-precision number", std::string("HU\x04") + "3.14"}};
}

// What nobody is to get.
std::vector<Data> unfit_data() {
  std::vector<Data> all;
  for (const Format format : kFormats) {
    Value deep = Value::list();
    for (int i = 0; i < 64; ++i) deep = list(std::move(deep));
    all.push_back({format, "nested too deeply", encode(format, deep)});
  }
  const std::string lists(5000, '\x91');
  all.push_back({Format::msgpack, "much too deeply", lists + "\x90"});
  all.push_back({Format::json, "much too deeply", std::string(5000, '[') + std::string(5000, ']')});
  all.push_back(
      {Format::cbor, "much too deeply", std::string(5000, '\x9f') + std::string(5000, '\xff')});
  all.push_back({Format::msgpack, "no UTF-8", from_hex("a3 ed a0 80")});
  all.push_back({Format::cbor, "no UTF-8", from_hex("a1 61 6b 61 ff")});
  all.push_back({Format::ubjson, "no UTF-8", "SU\x02\xff\xfe"});
  return all;
}

Format other_than(Format format) { return format == Format::json ? Format::cbor : Format::json; }

// Two sessions: one that sends the data, and one that would receive it.
struct Two {
  Two(const Data& data, Format to, unsigned loops, bool batched = false)
      : router(loops),
        format(data.format),
        bytes(data.bytes),
        from(Peer::joined(router, {Carrier::websocket, data.format, batched})),
        to(Peer::joined(router, {Carrier::websocket, to, batched})) {
    procedure = to_peer().register_procedure("com.example.procedure");
    other = from_peer().register_procedure("com.example.other");
    topic = to_peer().subscribe("com.example.topic");
  }
  Peer& from_peer() { return *from; }
  Peer& to_peer() { return *to; }
  void send(const Value& message) { from->send_raw_bytes(with_data(format, message, bytes)); }
  bool arrived() { return to->receive_raw_bytes().find(bytes) != std::string::npos; }
  void all_is_well() {
    expect_nothing({from.get(), to.get()});
    from->sync();
    to->sync();
  }

  RouterFixture router;
  Format format;
  std::string bytes;
  std::unique_ptr<Peer> from, to;
  uint64_t procedure = 0, other = 0, topic = 0;
};

const Value kStream = dict({{"receive_progress", true}});
const Value kPart = dict({{"progress", true}});

// Messages with the data in their arguments, and in their keyword arguments.
std::vector<Value> places() {
  return {list(list(kHere)), list(list(), dict({{"k", list(kHere)}}))};
}
Value append(Value message, const Value& payload) {
  for (size_t i = 0; i < payload.size(); ++i) message.append(payload.at(i));
  return message;
}

TEST_CASE("E-01, E-08: data that only one format has passes untouched between those who speak it") {
  const Data data = GENERATE(from_range(odd_data()));
  const unsigned loops = GENERATE(1u, 3u);
  const bool batched = loops == 3 && data.format != Format::ubjson;
  CAPTURE(format_name(data.format), data.what, loops);
  Two two(data, data.format, loops, batched);
  for (const Value& payload : places()) {
    two.send(append(list(kPublish, two.from->next_request(), dict({{"acknowledge", true}}),
                         "com.example.topic"),
                    payload));
    two.from->expect(kPublished);
    CHECK(two.arrived());
    two.send(
        append(list(kCall, two.from->next_request(), dict(), "com.example.procedure"), payload));
    CHECK(two.arrived());
    for (const bool with_error : {false, true}) {
      two.to->call("com.example.other", kStream);
      const uint64_t invocation = two.from->expect_invocation(two.other).request();
      two.send(append(list(kYield, invocation, kPart), payload));
      CHECK(two.arrived());
      two.send(append(with_error ? list(kError, kInvocation, invocation, dict(), "com.example.e")
                                 : list(kYield, invocation, dict()),
                      payload));
      CHECK(two.arrived());
    }
  }
  two.all_is_well();
}

TEST_CASE(
    "E-01, E-08: data that the receiver's format cannot say fails one request, and says why") {
  const Data data = GENERATE(from_range(odd_data()));
  const unsigned loops = GENERATE(1u, 3u);
  CAPTURE(format_name(data.format), data.what, loops);
  Two two(data, other_than(data.format), loops);
  const auto refused = [](const Message& error) {
    CHECK(error.uri() == "wamp.error.invalid_argument");
    CHECK(error.args().at(0).as_string().find("(") != std::string_view::npos);  // the reason
  };
  for (const Value& payload : places()) {
    const auto dropped = two.router.counters().events_dropped;
    two.send(append(list(kPublish, two.from->next_request(), dict({{"acknowledge", true}}),
                         "com.example.topic"),
                    payload));
    two.from->expect(kPublished);
    two.send(
        append(list(kCall, two.from->next_request(), dict(), "com.example.procedure"), payload));
    refused(two.from->expect(kError, two.from->last_request()));
    CHECK(two.router.counters().events_dropped == dropped + 1);
    for (const bool with_error : {false, true}) {
      const uint64_t request = two.to->call("com.example.other");
      const uint64_t invocation = two.from->expect_invocation(two.other).request();
      two.send(append(with_error ? list(kError, kInvocation, invocation, dict(), "com.example.e")
                                 : list(kYield, invocation, dict()),
                      payload));
      refused(two.to->expect(kError, request));
    }
  }
  two.all_is_well();
}

TEST_CASE("E-10: data that nobody is to get fails its request, and its session goes on") {
  const Data data = GENERATE(from_range(unfit_data()));
  const unsigned loops = GENERATE(1u, 3u);
  CAPTURE(format_name(data.format), data.what, loops);
  Two two(data, data.format, loops);
  const auto refused = [&](Peer& peer, uint64_t request) {
    const Message error = peer.expect(kError, request);
    CHECK(error.uri() == "wamp.error.invalid_argument");
    const std::string_view text = error.args().at(0).as_string();
    CHECK((text.find("nested too deeply") != std::string_view::npos ||
           text.find("not UTF-8") != std::string_view::npos));
  };
  for (const Value& payload : places()) {
    for (const bool acknowledge : {true, false}) {
      const auto dropped = two.router.counters().events_dropped;
      two.send(append(list(kPublish, two.from->next_request(), dict({{"acknowledge", acknowledge}}),
                           "com.example.topic"),
                      payload));
      if (acknowledge) refused(*two.from, two.from->last_request());
      two.from->sync();
      CHECK(two.router.counters().events_dropped == dropped + (acknowledge ? 0 : 1));
    }
    for (const char* uri : {"com.example.procedure", "wamp.session.count", "com.example.nobody"}) {
      two.send(append(list(kCall, two.from->next_request(), dict(), uri), payload));
      refused(*two.from, two.from->last_request());
    }
    for (const bool with_error : {false, true}) {
      const uint64_t request = two.to->call("com.example.other");
      const uint64_t invocation = two.from->expect_invocation(two.other).request();
      two.send(append(with_error ? list(kError, kInvocation, invocation, dict(), "com.example.e")
                                 : list(kYield, invocation, dict()),
                      payload));
      refused(*two.to, request);
    }
    // The second part of a call: what the callee has of it comes to an end.
    const uint64_t stream = two.from->call("com.example.procedure", kPart);
    const uint64_t invocation = two.to->expect_invocation(two.procedure).request();
    two.send(append(list(kCall, stream, kPart, "com.example.procedure"), payload));
    refused(*two.from, stream);
    CHECK(two.to->expect(kInterrupt).request() == invocation);
    two.from->call_again(stream, "com.example.procedure", dict());
  }
  two.all_is_well();
}

TEST_CASE("P-50, N-44: testaments and retained events keep data as it was said") {
  const Data data = GENERATE(from_range(odd_data()));
  CAPTURE(format_name(data.format), data.what);
  Two two(data, data.format, 1);
  auto stranger = Peer::joined(two.router, {Carrier::websocket, other_than(data.format)});
  stranger->subscribe("com.example.topic");
  two.send(list(kPublish, two.from->next_request(), dict({{"retain", true}, {"acknowledge", true}}),
                "com.example.topic", list(kHere)));
  two.from->expect(kPublished);
  CHECK(two.arrived());
  auto late = Peer::joined(two.router, {Carrier::websocket, data.format});
  late->subscribe("com.example.topic", dict({{"get_retained", true}}));
  CHECK(late->receive_raw_bytes().find(data.bytes) != std::string::npos);
  stranger->unsubscribe(two.topic);
  stranger->subscribe("com.example.topic", dict({{"get_retained", true}}));
  two.send(list(kCall, two.from->next_request(), dict(), "wamp.session.add_testament",
                list("com.example.topic", list(kHere), dict())));
  two.from->expect_result(two.from->last_request());
  // What is no argument of the right type is refused as such.
  two.send(list(kCall, two.from->next_request(), dict(), "wamp.session.get", list(kHere)));
  two.from->expect_call_error(two.from->last_request(), "wamp.error.invalid_argument");
  two.from->leave();
  CHECK(two.arrived());
  CHECK(late->receive_raw_bytes().find(data.bytes) != std::string::npos);
  expect_nothing({stranger.get()});
}

TEST_CASE("E-05: a decimal of CBOR is that number to those who speak something else") {
  const Format format = GENERATE(Format::json, Format::msgpack, Format::ubjson);
  Two two({Format::cbor, "19.99", from_hex("c4 82 21 19 07cf")}, format, 1);
  two.send(list(kPublish, two.from->next_request(), dict(), "com.example.topic", list(kHere)));
  CHECK(two.to->expect_event(two.topic).args() == list(19.99));
  two.bytes = from_hex("c2 41 05");  // and so is a bignum that is none
  two.send(list(kPublish, two.from->next_request(), dict(), "com.example.topic", list(kHere)));
  CHECK(two.to->expect_event(two.topic).args() == list(5));
  two.all_is_well();
}

TEST_CASE("E-04: details of an error that the caller's format cannot say are left out") {
  Two two({Format::msgpack, "undefined", from_hex("d4 00 00")}, Format::json, 1);
  const uint64_t request = two.to->call("com.example.other");
  const uint64_t invocation = two.from->expect_invocation(two.other).request();
  two.send(list(kError, kInvocation, invocation, dict({{"x_mine", kHere}, {"x_more", 1}}),
                "com.example.e", list("why")));
  const Message error = two.to->expect_call_error(request, "com.example.e");
  CHECK(error.details() == dict({{"x_more", 1}}));
  CHECK(error.args() == list("why"));
  two.all_is_well();
}

TEST_CASE("E-04: JavaScript's `undefined` in HELLO is as if the key were not there") {
  RouterFixture router(1);
  const auto hello = [&](const char* key, std::string_view hex) {
    auto peer = std::make_unique<Peer>(router, Link{Carrier::websocket, Format::msgpack});
    peer->send_raw_bytes(with_data(
        Format::msgpack, list(kHello, "realm1", merged(client_details(), dict({{key, kHere}}))),
        from_hex(hex)));
    return peer;
  };
  for (const char* key : {"authid", "authmethods", "authextra", "agent", "x_mine"}) {
    CAPTURE(key);
    const auto peer = hello(key, "d4 00 00");
    CHECK_NOTHROW(peer->expect(kWelcome));
  }
  for (const char* other : {"d4 05 00", "81 01 02", "92 d4 05 00 81 81 01 02 03"}) {
    CAPTURE(other);
    CHECK_NOTHROW(hello("x_mine", other)->expect(kWelcome));
    CHECK_NOTHROW(hello("authid", other)->expect_violation());
  }
  CHECK_NOTHROW(hello("authextra", "82 a1 61 d4 05 00 01 02")->expect(kWelcome));
  // The realm's tables can still be read by everybody.
  const auto reader = Peer::joined(router, {Carrier::websocket, Format::json});
  for (const char* details : {"d4 05 00", "81 01 02"}) {
    const auto odd = hello("x_mine", details);
    const uint64_t session = odd->expect(kWelcome).id(1);
    const uint64_t request = reader->call("wamp.session.get", dict(), list(session));
    CHECK(reader->expect_result(request).args().at(0).find("session").as_uint() == session);
  }
}

}  // namespace
}  // namespace nexus::test
