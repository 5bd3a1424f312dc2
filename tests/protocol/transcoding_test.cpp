// What happens to payloads between sessions of the same and of different formats (checklist
// chapter 6, E-01 … E-11). Where the bytes matter they are written out here by hand.
#include <cmath>
#include <limits>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// A caller and a callee, a publisher and a subscriber, of two formats.
struct Pair {
  explicit Pair(const std::pair<Link, Link>& links, unsigned loops = 3)
      : router(loops),
        from(Peer::joined(router, links.first)),
        to(Peer::joined(router, links.second)) {
    registration = to->register_procedure("com.example.procedure");
    subscription = to->subscribe("com.example.topic");
  }
  // Sends raw bytes of one args list through a PUBLISH and answers how the EVENT's args arrive.
  RouterFixture router;
  std::unique_ptr<Peer> from, to;
  uint64_t registration = 0;
  uint64_t subscription = 0;
};

constexpr std::pair<Link, Link> kJsonToMsgpack{{Carrier::websocket, Format::json},
                                               {Carrier::raw_tcp, Format::msgpack}};
constexpr std::pair<Link, Link> kMsgpackToJson{{Carrier::raw_tcp, Format::msgpack},
                                               {Carrier::websocket, Format::json}};
constexpr std::pair<Link, Link> kMsgpackToCbor{{Carrier::raw_unix, Format::msgpack},
                                               {Carrier::websocket, Format::cbor}};
constexpr std::pair<Link, Link> kCborToJson{{Carrier::raw_unix, Format::cbor},
                                            {Carrier::raw_tcp, Format::json}};
constexpr std::pair<Link, Link> kCborToMsgpack{{Carrier::websocket, Format::cbor},
                                               {Carrier::raw_unix, Format::msgpack}};

// The call, its result, its error and an event all bring `args` and `kwargs` unchanged.
void check_everywhere(Pair& pair, const Value& args, const Value& kwargs) {
  const auto same = [&](const Message& message) {
    // Compared as text too: the order of keys has to survive (E-11).
    CHECK(to_json(message.args()) == to_json(args));
    CHECK(message.args() == args);
    CHECK(to_json(message.kwargs()) == to_json(kwargs));
    CHECK(message.kwargs() == kwargs);
  };
  for (const bool with_error : {false, true}) {
    const uint64_t request = pair.from->call("com.example.procedure", dict(), args, kwargs);
    const Message invocation = pair.to->expect_invocation(pair.registration);
    same(invocation);
    if (with_error) {
      pair.to->error(invocation.request(), "com.example.e", dict(), args, kwargs);
      same(pair.from->expect_call_error(request, "com.example.e"));
    } else {
      pair.to->yield(invocation.request(), dict(), args, kwargs);
      same(pair.from->expect_result(request));
    }
  }
  pair.from->publish("com.example.topic", dict(), args, kwargs);
  same(pair.to->expect_event(pair.subscription));
}

TEST_CASE("E-01: every kind of value survives between all formats") {
  FOR_MIXED_LINKS(links);
  const unsigned loops = GENERATE(1u, 3u);
  Pair pair(links, loops);
  constexpr int64_t kBig = int64_t{1} << 53;
  const Value args =
      list(nullptr, true, false, 0, 1, -1, 23, 24, 127, 128, 255, 256, 65535, 65536, -32, -33, -128,
           -129, -32769, kBig, -kBig, kBig + 1, std::numeric_limits<int64_t>::max(),
           std::numeric_limits<int64_t>::min(), std::numeric_limits<uint64_t>::max(), 1.5, -0.25,
           1e300, 5e-324, 0.1, "", "text", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
           std::string("in\0side", 7), "\"\\/\b\f\n\r\t\x1f", list(), dict(), list(list(list(1))),
           dict({{"a", dict({{"b", list(1, dict())}})}}));
  check_everywhere(pair, args, json(R"({"zeta":1,"alpha":{"y":1,"x":2},"mid":[{"b":1,"a":2}]})"));
}

TEST_CASE("E-09: a float that is a whole number stays a float") {
  FOR_MIXED_LINKS(links);
  Pair pair(links);
  check_everywhere(pair, list(1.0, -0.0, 1e15, 9007199254740992.0, 1e22, 0.0), dict());
}

TEST_CASE("E-03: binary survives between all formats") {
  FOR_MIXED_LINKS(links);
  Pair pair(links);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  check_everywhere(pair,
                   list(binary(""), binary("a"), binary("ab"), binary("abc"), binary(all),
                        binary(std::string(70000, '\xff'))),
                   dict({{"data", binary(all)}, {"nested", list(dict({{"b", binary("\x01")}}))}}));
}

TEST_CASE("E-01: large strings, lists and dicts survive") {
  FOR_MIXED_LINKS(links);
  Pair pair(links);
  Value long_list = Value::list();
  Value wide_dict = Value::dict();
  for (int i = 0; i < 700; ++i) {
    long_list.append(Value::integer(i));
    wide_dict.set("key" + std::to_string(i), Value::integer(i));
  }
  check_everywhere(pair, list(std::string(70000, 'x'), std::move(long_list)), wide_dict);
}

TEST_CASE("E-03: binary in JSON is a string of NUL and base64") {
  Pair pair(kMsgpackToJson);
  pair.from->publish("com.example.topic", dict(), list(binary("\x10\x20\xff")));
  const std::string text = pair.to->receive_raw_bytes();
  CHECK(text.find(R"(,["\u0000ECD/"]])") != std::string::npos);
}

TEST_CASE("E-03: NUL and base64 in JSON is binary elsewhere") {
  Pair pair(kJsonToMsgpack);
  pair.from->send_raw_bytes(R"([16,1,{},"com.example.topic",["\u0000ECD/"],{"k":"\u0000"}])");
  const std::string bytes = pair.to->receive_raw_bytes();
  CHECK(bytes.ends_with(from_hex("91 c4 03 10 20 ff 81 a1 6b c4 00")));
}

TEST_CASE("E-03: in a key, NUL is a character like any other") {
  Pair pair(kMsgpackToJson);
  const Value kwargs = dict({{std::string_view("\0key", 4), 1}});
  pair.from->publish("com.example.topic", dict(), list(), kwargs);
  CHECK(pair.to->expect_event(pair.subscription).kwargs() == kwargs);
}

TEST_CASE("E-03: text that begins with NUL cannot be said in JSON") {
  const auto links = GENERATE(kMsgpackToJson, kCborToJson);
  Pair pair(links);
  auto other = Peer::joined(pair.router, {Carrier::websocket, Format::cbor});
  const uint64_t subscription = other->subscribe("com.example.topic");
  const Value args = list(std::string("\0text", 5));
  // CALL: the caller hears so, and the callee sees nothing.
  pair.from->expect_call_error(pair.from->call("com.example.procedure", dict(), args),
                               "wamp.error.invalid_argument");
  // EVENT: skipped for this receiver and counted; others get it.
  const auto before = pair.router.counters().events_dropped;
  pair.from->publish_acknowledged("com.example.topic", dict(), args);
  CHECK(other->expect_event(subscription).args() == args);
  expect_nothing({pair.from.get(), pair.to.get()});
  CHECK(pair.router.counters().events_dropped == before + 1);
  // The refused call left nothing behind: the next one works, with the next invocation id.
  const uint64_t request = pair.from->call("com.example.procedure", dict(), list("fine"));
  pair.to->yield(pair.to->expect_invocation(pair.registration).request());
  pair.from->expect_result(request);
}

TEST_CASE("E-03: a YIELD that cannot be said to the caller ends the call with an error") {
  const auto links = GENERATE(kMsgpackToJson, kCborToJson);
  Pair pair(links);
  const uint64_t registration = pair.from->register_procedure("com.example.other");
  const Value args = list(std::string("\0text", 5));
  for (const bool with_error : {false, true}) {
    CAPTURE(with_error);
    const uint64_t request = pair.to->call("com.example.other");
    const uint64_t invocation = pair.from->expect_invocation(registration).request();
    if (with_error) {
      pair.from->error(invocation, "com.example.e", dict(), args);
      const Message error = pair.to->expect(kError, request);  // one ERROR, whatever it says
      CHECK(error.id(1) == kCall);
    } else {
      pair.from->yield(invocation, dict(), args);
      pair.to->expect_call_error(request, "wamp.error.invalid_argument");
    }
  }
  expect_nothing({pair.from.get(), pair.to.get()});
}

TEST_CASE("E-08: NaN and infinities cannot be said in JSON, but between the others") {
  const double values[] = {std::nan(""), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity()};
  {
    Pair pair(kMsgpackToJson);
    for (const double value : values) {
      pair.from->expect_call_error(pair.from->call("com.example.procedure", dict(), list(value)),
                                   "wamp.error.invalid_argument");
      pair.from->publish("com.example.topic", dict(), list(value));
    }
    expect_nothing({pair.from.get(), pair.to.get()});
  }
  Pair pair(kMsgpackToCbor);
  for (const double value : values) {
    pair.from->publish("com.example.topic", dict(), list(value));
    const double arrived = pair.to->expect_event(pair.subscription).args().at(0).as_double();
    CHECK((std::isnan(value) ? std::isnan(arrived) : arrived == value));
  }
}

// PUBLISH [16, 1, {}, "com.example.topic", <args>] in each format, args already encoded.
std::string publish_bytes(Format format, std::string_view args_hex) {
  const std::string topic = "com.example.topic";  // 17 characters
  const std::string args = from_hex(args_hex);
  if (format == Format::msgpack) return from_hex("95 10 01 80 b1") + topic + args;
  return from_hex("85 10 01 a0 71") + topic + args;
}

std::string call_bytes(Format format, std::string_view args_hex) {
  const std::string procedure = "com.example.procedure";  // 21 characters
  const std::string args = from_hex(args_hex);
  if (format == Format::msgpack) return from_hex("95 30 01 80 b5") + procedure + args;
  return from_hex("85 18 30 01 a0 75") + procedure + args;
}

TEST_CASE("E-04: a MessagePack extension passes between MessagePack sessions only") {
  const std::string args = "92 d6 05 01 02 03 04 c7 03 07 aa bb cc";
  {
    Pair pair({{Carrier::raw_tcp, Format::msgpack}, {Carrier::websocket, Format::msgpack}});
    pair.from->send_raw_bytes(publish_bytes(Format::msgpack, args));
    CHECK(pair.to->receive_raw_bytes().ends_with(from_hex(args)));
  }
  for (const auto& links : {kMsgpackToJson, kMsgpackToCbor}) {
    Pair pair(links);
    pair.from->send_raw_bytes(publish_bytes(Format::msgpack, args));
    pair.from->send_raw_bytes(call_bytes(Format::msgpack, args));
    pair.from->expect_call_error(1, "wamp.error.invalid_argument");
    expect_nothing({pair.from.get(), pair.to.get()});
  }
}

TEST_CASE("E-04: a MessagePack extension where the protocol is concerned is a violation") {
  RouterFixture router(1);
  for (const char* hex : {"d4 05 00",                    // the message itself
                          "94 d4 05 30 01 80 a1 61",     // its code
                          "94 30 d4 05 01 80 a1 61",     // the request id
                          "94 30 01 d4 05 00 a1 61",     // the options
                          "94 30 01 80 d4 05 61",        // the procedure
                          "95 30 01 80 a1 61 d4 05 00",  // the arguments
                          "94 30 01 81 a7 74 69 6d 65 6f 75 74 d4 05 01 a1 61"}) {  // timeout
    CAPTURE(hex);
    auto peer = Peer::joined(router, {Carrier::raw_tcp, Format::msgpack});
    peer->send_raw_bytes(from_hex(hex));
    CHECK_NOTHROW(peer->expect_violation());
  }
}

TEST_CASE("E-05: CBOR's other spellings are understood") {
  // Indefinite array holding: an indefinite text "ab", an indefinite byte string 01 02, a half
  // 1.5, a single 0.25, undefined, an indefinite map {"a": 1}, and a long-winded 5.
  const char* args =
      "9f 7f 61 61 61 62 ff 5f 41 01 41 02 ff f9 3e 00 fa 3e 80 00 00 f7 bf 61 61 01 ff "
      "1b 00 00 00 00 00 00 00 05 ff";
  const Value expected = list("ab", binary("\x01\x02"), 1.5, 0.25, nullptr, dict({{"a", 1}}), 5);
  for (const auto& links : {kCborToJson, kCborToMsgpack}) {
    Pair pair(links);
    pair.from->send_raw_bytes(publish_bytes(Format::cbor, args));
    CHECK(pair.to->expect_event(pair.subscription).args() == expected);
  }
}

TEST_CASE("E-05: a whole message may be an indefinite CBOR array") {
  RouterFixture router(1);
  auto peer = Peer::joined(router, {Carrier::raw_tcp, Format::cbor});
  // [_ 48, 1, {_}, "com.x"]
  peer->send_raw_bytes(from_hex("9f 18 30 01 bf ff 65 63 6f 6d 2e 78 ff"));
  peer->expect_call_error(1, "wamp.error.no_such_procedure");
}

TEST_CASE("E-05: CBOR tags pass between CBOR sessions and are dropped elsewhere") {
  const char* args = "82 c1 1a 51 4b 67 b0 d8 20 63 61 3a 62";  // 1(1363896240), 32("a:b")
  {
    Pair pair({{Carrier::raw_tcp, Format::cbor}, {Carrier::websocket, Format::cbor}});
    pair.from->send_raw_bytes(publish_bytes(Format::cbor, args));
    CHECK(pair.to->receive_raw_bytes().ends_with(from_hex(args)));
  }
  for (const auto& links : {kCborToJson, kCborToMsgpack}) {
    Pair pair(links);
    pair.from->send_raw_bytes(publish_bytes(Format::cbor, args));
    CHECK(pair.to->expect_event(pair.subscription).args() == list(1363896240, "a:b"));
  }
}

TEST_CASE("E-05: a CBOR bignum cannot be said elsewhere") {
  const char* args = "81 c2 49 01 00 00 00 00 00 00 00 00";  // 2^64
  for (const auto& links : {kCborToJson, kCborToMsgpack}) {
    Pair pair(links);
    pair.from->send_raw_bytes(call_bytes(Format::cbor, args));
    pair.from->expect_call_error(1, "wamp.error.invalid_argument");
    expect_nothing({pair.from.get(), pair.to.get()});
  }
}

TEST_CASE("E-09: integers above 2^53 keep every digit in JSON") {
  Pair pair(kMsgpackToJson);
  pair.from->publish("com.example.topic", dict(),
                     list(uint64_t{9007199254740993}, std::numeric_limits<uint64_t>::max(),
                          std::numeric_limits<int64_t>::min()));
  const std::string text = pair.to->receive_raw_bytes();
  CHECK(text.ends_with(",[9007199254740993,18446744073709551615,-9223372036854775808]]"));
}

TEST_CASE("E-09: a number beyond 64 bits passes between JSON sessions only") {
  const std::string args = "[123456789012345678901234567890]";
  {
    Pair pair({{Carrier::raw_tcp, Format::json}, {Carrier::websocket, Format::json}});
    pair.from->send_raw_bytes(R"([16,1,{},"com.example.topic",)" + args + "]");
    CHECK(pair.to->receive_raw_bytes().ends_with(args + "]"));
  }
  Pair pair(kJsonToMsgpack);
  pair.from->send_raw_bytes(R"([48,1,{},"com.example.procedure",)" + args + "]");
  pair.from->expect_call_error(1, "wamp.error.invalid_argument");
}

TEST_CASE("U-23: within one format the payload's bytes are not touched") {
  {
    Pair pair({{Carrier::websocket, Format::json}, {Carrier::raw_tcp, Format::json}});
    const std::string payload = R"([ 1.50, 1e2, "\u00e4\/", 1.0 ],{ "b" : 1,"a":[ ] })";
    pair.from->send_raw_bytes(R"([16,1,{},"com.example.topic",)" + payload + "]");
    CHECK(pair.to->receive_raw_bytes().ends_with("," + payload + "]"));
  }
  {
    Pair pair({{Carrier::websocket, Format::msgpack}, {Carrier::raw_tcp, Format::msgpack}});
    const std::string args = "dc 00 02 d3 00 00 00 00 00 00 00 05 d9 01 61";  // [5, "a"], wordy
    pair.from->send_raw_bytes(publish_bytes(Format::msgpack, args));
    CHECK(pair.to->receive_raw_bytes().ends_with(from_hex(args)));
  }
  {
    Pair pair({{Carrier::websocket, Format::ubjson}, {Carrier::raw_tcp, Format::ubjson}});
    // [5, 1e99], wordy, and with a number that no other format can say.
    const std::string args = from_hex("5b 23 55 02 6c 00 00 00 05 48 55 04 31 65 39 39");
    pair.from->send_raw_bytes(
        "[U\x10U\x01{}SU\x11"
        "com.example.topic" +
        args + "]");
    CHECK(pair.to->receive_raw_bytes().ends_with(args + "]"));
  }
  Pair pair({{Carrier::websocket, Format::cbor}, {Carrier::raw_tcp, Format::cbor}});
  const std::string args = "9f 19 00 05 f9 3c 00 ff";  // [_ 5, 1.0], wordy
  pair.from->send_raw_bytes(publish_bytes(Format::cbor, args));
  CHECK(pair.to->receive_raw_bytes().ends_with(from_hex(args)));
}

TEST_CASE("E-01: the router's own details are the same in every format") {
  FOR_MIXED_LINKS(links);
  Pair pair(links);
  const Value match = dict({{"match", "prefix"}});
  const uint64_t prefix = pair.to->subscribe("com.p", match);
  pair.from->publish("com.prefixed.\xc3\xa4", dict());
  CHECK(pair.to->expect_event(prefix).details().find("topic").as_string() ==
        "com.prefixed.\xc3\xa4");
}

}  // namespace
}  // namespace nexus::test
