// Protocol violations: what ends a session, how, and what does not (checklist chapter 4).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Sends each message to a session of its own and expects the router to abort it.
void expect_violations(const Setup& setup, const std::vector<Value>& messages) {
  World world(setup);
  for (const Value& message : messages) {
    CAPTURE(message);
    Peer& peer = world.join();
    peer.send(message);
    CHECK_NOTHROW(peer.expect_violation());
  }
}

std::vector<Value> from_json_lines(std::initializer_list<const char*> lines) {
  std::vector<Value> out;
  for (const char* line : lines) out.push_back(json(line));
  return out;
}

TEST_CASE("V-01: a violation is answered with ABORT, flushed, and the connection is closed") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  peer.send(list(kWelcome, 1, dict()));
  const Message abort = peer.expect(kAbort);
  CHECK(abort.size() == 3);  // M-33
  CHECK(abort.uri() == "wamp.error.protocol_violation");
  CHECK_FALSE(abort.details().find("message").as_string().empty());
  peer.expect_closed();
  if (setup.link.carrier == Carrier::websocket) {
    CHECK(peer.wire().close_code() == 1002u);
  }
}

TEST_CASE("V-01: nothing behind a violation is processed, and the session is disposed") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  watcher.subscribe("com.example.topic");
  Peer& bad = world.join();
  bad.register_procedure("com.example.procedure");
  const uint64_t request = watcher.call("com.example.procedure");
  bad.expect(kInvocation);
  bad.send_all({list(kWelcome, 1, dict()), list(kPublish, 2, dict(), "com.example.topic")});
  bad.expect_violation();
  watcher.expect_call_error(request, "wamp.error.canceled");
  watcher.register_procedure("com.example.procedure");
  expect_nothing({&watcher});
}

TEST_CASE("V-03: messages that only routers send") {
  FOR_ALL_SETUPS(setup);
  expect_violations(
      setup, from_json_lines({R"([1,"realm1",{"roles":{"caller":{}}}])", R"([2,1,{}])",
                              R"([4,"ticket",{}])", R"([17,1,1])", R"([33,1,1])", R"([35,1])",
                              R"([36,1,1,{}])", R"([50,1,{}])", R"([65,1,1])", R"([67,1])",
                              R"([68,1,1,{}])", R"([69,1,{}])"}));
}

TEST_CASE("V-03: AUTHENTICATE without an open challenge") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup, from_json_lines({R"([5,"secret",{}])"}));
}

TEST_CASE("V-03: ERROR for anything but an INVOCATION") {
  FOR_ALL_SETUPS(setup);
  expect_violations(
      setup, from_json_lines({R"([8,48,1,{},"com.example.e"])", R"([8,32,1,{},"com.example.e"])",
                              R"([8,99,1,{},"com.example.e"])", R"([8,0,1,{},"com.example.e"])"}));
}

TEST_CASE("V-03: messages that are no WAMP messages") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup,
                    from_json_lines({"[]", "{}", "5", "\"x\"", "null", "[[]]", "[null]", "[\"48\"]",
                                     "[48.0, 1, {}, \"com.example.a\"]", "[true]", "[-1]", "[0]"}));
}

TEST_CASE("M-31: unknown message codes") {
  FOR_ALL_SETUPS(setup);
  expect_violations(
      setup, from_json_lines({"[7]", "[9,1]", "[99,1,{}]", "[255]", "[1000,1,{}]",
                              "[4294967344,1,{},\"com.example.a\"]", "[18446744073709551615]"}));
}

TEST_CASE("M-32: EVENT_RECEIVED is unknown without the extension") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup, from_json_lines({"[337,1]"}));
}

TEST_CASE("U-24: wrong number of elements") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup, from_json_lines({
                               "[48]",
                               "[48,1]",
                               "[48,1,{}]",
                               R"([48,1,{},"com.example.a",[],{},0])",
                               "[16,1,{}]",
                               R"([16,1,{},"com.example.a",[],{},0])",
                               "[32,1,{}]",
                               R"([32,1,{},"com.example.a",[]])",
                               "[34,1]",
                               "[64,1,{}]",
                               R"([64,1,{},"com.example.a",0])",
                               "[66,1]",
                               "[49,1]",
                               "[49,1,{},0]",
                               "[70,1]",
                               "[70,1,{},[],{},0]",
                               "[8,68,1,{}]",
                               "[6,{}]",
                               "[6]",
                               "[3]",
                           }));
}

TEST_CASE("U-24: elements of the wrong type") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup, from_json_lines({
                               R"([48,1,[],"com.example.a"])",
                               R"([48,1,null,"com.example.a"])",
                               R"([48,1,{},5])",
                               R"([48,1,{},null])",
                               R"([48,1,{},["com.example.a"]])",
                               R"([48,1,{},"com.example.a",{}])",
                               R"([48,1,{},"com.example.a",5])",
                               R"([48,1,{},"com.example.a",[],[]])",
                               R"([48,1,{},"com.example.a",[],"x"])",
                               R"([16,1,"x","com.example.a"])",
                               R"([16,1,{},true])",
                               R"([32,1,{},{}])",
                               R"([34,1,"1"])",
                               R"([64,1,5,"com.example.a"])",
                               R"([66,1,null])",
                               R"([49,1,[]])",
                               R"([6,[],"com.example.a"])",
                               R"([6,{},5])",
                               R"([8,68,1,{},5])",
                               R"([70,1,[]])",
                           }));
}

TEST_CASE("U-01: request ids that are no ids") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup, from_json_lines({
                               R"([48,0,{},"com.example.a"])",
                               R"([48,-1,{},"com.example.a"])",
                               R"([48,9007199254740993,{},"com.example.a"])",
                               R"([48,18446744073709551615,{},"com.example.a"])",
                               R"([48,1.5,{},"com.example.a"])",
                               R"([48,0.0,{},"com.example.a"])",
                               R"([48,9007199254740994.0,{},"com.example.a"])",
                               R"([48,true,{},"com.example.a"])",
                               R"([48,"1",{},"com.example.a"])",
                               R"([48,null,{},"com.example.a"])",
                               R"([32,0,{},"com.example.a"])",
                               R"([64,0,{},"com.example.a"])",
                               R"([16,0,{"acknowledge":true},"com.example.a"])",
                               R"([34,0,1])",
                               R"([66,0,1])",
                               R"([34,1,0])",
                               R"([66,1,0])",
                               R"([49,0,{}])",
                           }));
}

TEST_CASE("U-01: a float that is a whole number is an id, in formats that JavaScript writes so") {
  FOR_ALL_SETUPS(setup);
  if (is_text(setup.link.format)) {
    expect_violations(setup, from_json_lines({R"([48,1.0,{},"com.example.a"])"}));
    return;
  }
  World world(setup);
  Peer& peer = world.join();
  const auto as_float = [](uint64_t id) { return V(static_cast<double>(id)).value; };
  const uint64_t subscription = peer.subscribe("com.example.topic");
  peer.send(list(kUnsubscribe, as_float(peer.next_request()), as_float(subscription)));
  CHECK(peer.expect(kUnsubscribed).request() == peer.last_request());
  // Session ids practically always are above 2^32.
  Peer& other = world.join();
  const uint64_t topic = other.subscribe("com.example.topic");
  for (const char* list_of : {"eligible", "exclude"}) {
    peer.publish_acknowledged("com.example.topic",
                              dict({{list_of, list(as_float(other.session()))}}), list(list_of));
  }
  CHECK(other.expect_event(topic).args() == list("eligible"));
  uint64_t request =
      peer.call("wamp.session.get", dict({{"timeout", 5000.0}}), list(as_float(other.session())));
  CHECK(peer.expect_result(request).args().at(0).find("session").as_uint() == other.session());
  request = peer.call("wamp.session.get", dict(), list(1.5));
  peer.expect_call_error(request, "wamp.error.invalid_argument");
  // The router's own numbers are integers.
  request = peer.call("wamp.session.list");
  CHECK(peer.expect_result(request).args().at(0).at(0).is(NX_INT));
  expect_nothing({&other});
}

TEST_CASE("U-21: known options of the wrong type") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup, from_json_lines({
                               R"([48,1,{"timeout":"5"},"com.example.a"])",
                               R"([48,1,{"timeout":-1},"com.example.a"])",
                               R"([48,1,{"timeout":1.5},"com.example.a"])",
                               R"([48,1,{"receive_progress":1},"com.example.a"])",
                               R"([48,1,{"progress":"true"},"com.example.a"])",
                               R"([48,1,{"disclose_me":0},"com.example.a"])",
                               R"([16,1,{"acknowledge":1},"com.example.a"])",
                               R"([16,1,{"exclude_me":"no"},"com.example.a"])",
                               R"([16,1,{"exclude":5},"com.example.a"])",
                               R"([16,1,{"exclude":["5"]},"com.example.a"])",
                               R"([16,1,{"eligible":[1.5]},"com.example.a"])",
                               R"([16,1,{"eligible":{}},"com.example.a"])",
                               R"([16,1,{"exclude_authid":"joe"},"com.example.a"])",
                               R"([16,1,{"exclude_authid":[1]},"com.example.a"])",
                               R"([16,1,{"eligible_authrole":[null]},"com.example.a"])",
                               R"([16,1,{"disclose_me":"yes"},"com.example.a"])",
                               R"([32,1,{"match":1},"com.example.a"])",
                               R"([64,1,{"invoke":1},"com.example.a"])",
                               R"([64,1,{"disclose_caller":1},"com.example.a"])",
                               R"([49,1,{"mode":5}])",
                           }));
}

TEST_CASE("M-35: unknown words for match and invoke, and R-34 for mode") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup, from_json_lines({R"([32,1,{"match":"fuzzy"},"com.example.a"])",
                                            R"([32,1,{"match":""},"com.example.a"])",
                                            R"([64,1,{"match":"Exact"},"com.example.a"])",
                                            R"([64,1,{"invoke":"sometimes"},"com.example.a"])",
                                            R"([49,1,{"mode":"gently"}])"}));
}

TEST_CASE("R-40: YIELD and ERROR for invocations that were never sent") {
  FOR_ALL_SETUPS(setup);
  expect_violations(setup,
                    from_json_lines({"[70,1,{}]", R"([8,68,1,{},"com.example.e"])",
                                     "[70,9007199254740992,{}]", R"([70,1,{"progress":true}])"}));
}

TEST_CASE("V-03: bytes that are no message of the format") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  std::vector<std::string> wrong;
  switch (setup.link.format) {
    case Format::json:
      wrong = {"[48,1,{}",
               "[48,1,{},\"com.example.a\"]x",
               "[48,1,{},\"com.example.a\"",
               "hello",
               "[48,1,{},\"com.example.\xff\"]",
               "[48,1,{},\"com.example.a\",[\"\xed\xa0\x80\"]]",
               "[48,01,{},\"com.example.a\"]",
               "[48,1,{1:2},\"com.example.a\"]",
               "[48,1,{},\"com.example.a\",[NaN]]",
               R"([48,1,{},"com.example.\ud800"])",
               R"([48,1,{},"\u0000!!"])"};
      break;
    case Format::msgpack:
      // Truncated, reserved byte, trailing byte, bad UTF-8, integer key, a count past the end.
      wrong = {from_hex("94 30 01 80"),
               from_hex("c1"),
               from_hex("94 30 01 80 a1 61 00"),
               from_hex("94 30 01 80 a2 ff fe"),
               from_hex("94 30 01 81 01 02 a1 61"),
               from_hex("95 30 01 80 a1 61 dd ff ff ff ff")};
      break;
    case Format::cbor:
      wrong = {from_hex("84 18 30 01 a0"),
               from_hex("ff"),
               from_hex("84 18 30 01 a0 61 61 00"),
               from_hex("84 18 30 01 a0 62 ff fe"),
               from_hex("84 18 30 01 a1 01 02 61 61"),
               from_hex("85 18 30 01 a0 61 61 9b ff ff ff ff ff ff ff ff"),
               from_hex("1c")};
      break;
    case Format::ubjson:
      // Truncated, a no-op alone, trailing byte, bad UTF-8, a count past the end, entries without
      // bytes beyond all measure, a negative length.
      wrong = {from_hex("5b 55 30 55 01 7b 7d"),
               from_hex("4e"),
               from_hex("5b 55 30 55 01 7b 7d 43 61 5d 00"),
               from_hex("5b 55 30 55 01 7b 7d 53 55 02 ff fe 5d"),
               from_hex("5b 55 30 55 01 7b 7d 43 61 5b 23 6c 7f ff ff ff"),
               from_hex("5b 55 30 55 01 7b 7d 43 61 5b 24 5a 23 6c 7f ff ff ff 5d"),
               from_hex("5b 55 30 55 01 7b 7d 53 69 ff 5d")};
      break;
    case Format::bjdata:
      FAIL("no setup has it");
  }
  for (const std::string& bytes : wrong) {
    CAPTURE(to_hex(bytes));
    Peer& peer = world.join();
    peer.send_raw_bytes(bytes);
    if (setup.link.carrier == Carrier::websocket && setup.link.format == Format::json &&
        bytes.find_first_of("\xff\xed") != std::string::npos) {
      // A text frame that is no UTF-8 fails the WebSocket itself, before it is a message (T-05).
      CHECK_NOTHROW(peer.expect_closed());
      CHECK(peer.wire().close_code() == 1007u);
    } else {
      CHECK_NOTHROW(peer.expect_violation());
    }
  }
}

TEST_CASE("E-10: nesting has a limit, and is accepted below it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  const auto nested = [](int levels) {
    Value inner = Value::list();
    for (int i = 1; i < levels; ++i) inner = list(std::move(inner));
    return inner;
  };
  // The message is the first level, so 63 more make the 64 that are allowed.
  Peer& fine = world.join();
  fine.publish_acknowledged("com.example.topic", dict(), nested(63));
  Peer& deep = world.join();
  deep.send(list(kSubscribe, 1, dict({{"x_mine", nested(63)}}), "com.example.topic"));
  deep.expect_violation();
}

TEST_CASE("T-03: a message in the wrong type of WebSocket frame") {
  const Format format = GENERATE(from_range(kFormats));
  World world({{Carrier::websocket, format}, 1});
  Peer& peer = world.join();
  peer.wire().send_frame(is_text(format) ? 2 : 1, encode(format, list(kCall, 1, dict(), "a.b")));
  CHECK(peer.wire().drain_until_closed());
  Peer& other = world.join();
  other.sync();
}

TEST_CASE("T-28: an empty message is a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  peer.send_raw_bytes("");
  peer.expect_violation();
}

TEST_CASE("V-02: violations before the session is established") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* message : {"[]", "{}", "[99]", "[1]", "[1,\"realm1\"]", "[1,5,{}]",
                              "[1,\"realm1\",[]]", "[1,\"realm1\",{},0]"}) {
    CAPTURE(message);
    Peer& peer = world.connect();
    peer.send(json(message));
    CHECK_NOTHROW(peer.expect_violation());
  }
}

TEST_CASE("V-04: what is not a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t unknown_options =
      peer.call("com.example.nobody", json(R"({"x_custom":[1],"_more":{},"frobnicate":5})"));
  peer.expect_call_error(unknown_options, "wamp.error.no_such_procedure");
  // U-22: null is as good as absent.
  const uint64_t nulls = peer.call(
      "com.example.nobody", json(R"({"timeout":null,"receive_progress":null,"disclose_me":null})"));
  peer.expect_call_error(nulls, "wamp.error.no_such_procedure");
  peer.subscribe("com.example.a", json(R"({"match":null,"get_retained":null})"));
  peer.register_procedure("com.example.a", json(R"({"match":null,"invoke":null})"));
  peer.cancel(4711);
  peer.cancel(unknown_options, json(R"({"mode":"kill"})"));
  const uint64_t wrong_uri = peer.call("not a uri");
  peer.expect_call_error(wrong_uri, "wamp.error.invalid_uri");
  const uint64_t again = peer.subscribe("com.example.b");
  CHECK(peer.subscribe("com.example.b") == again);
  peer.sync();
}

TEST_CASE("U-23: empty arguments may be left out, or be empty, or null-free lists and dicts") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  for (const char* tail : {"[]", "[[]]", "[[],{}]"}) {
    CAPTURE(tail);
    const Value more = json(tail);
    Value message = list(kCall, caller.next_request(), dict(), "com.example.procedure");
    for (size_t i = 0; i < more.size(); ++i) message.append(more.at(i));
    caller.send(message);
    const Message invocation = callee.expect_invocation(registration);
    CHECK(invocation.args() == Value::list());
    CHECK(invocation.kwargs() == Value::dict());
    callee.yield(invocation.request());
    caller.expect_result(caller.last_request());
  }
}

}  // namespace
}  // namespace nexus::test
