// Sessions: HELLO, WELCOME, GOODBYE, ABORT (checklist chapter 2).
#include <set>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("S-01: anything but HELLO first is a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* first :
       {R"([32,1,{},"com.example.a"])", R"([16,1,{},"com.example.a"])",
        R"([48,1,{},"com.example.a"])", R"([64,1,{},"com.example.a"])", R"([5,"secret",{}])",
        R"([6,{},"wamp.close.normal"])", R"([70,1,{}])", R"([2,1,{}])"}) {
    CAPTURE(first);
    Peer& peer = world.connect();
    peer.send(json(first));
    CHECK_NOTHROW(peer.expect_violation());
  }
}

TEST_CASE("S-02: a client announces at least one role") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* details :
       {"{}", R"({"roles":{}})", R"({"roles":[]})", R"({"roles":null})", R"({"roles":"caller"})",
        R"({"roles":{"broker":{}}})", R"({"roles":{"caller":5}})"}) {
    CAPTURE(details);
    Peer& peer = world.connect();
    peer.send(list(kHello, "realm1", json(details)));
    CHECK_NOTHROW(peer.expect_violation());
  }
}

TEST_CASE("S-02: unknown roles, features and keys beside a known role are ignored") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* details :
       {R"({"roles":{"caller":{}}})", R"({"roles":{"caller":{"features":{}}}})",
        R"({"roles":{"caller":{},"magician":{}}})",
        R"({"roles":{"publisher":{"features":{"x_custom":true,"payload_transparency":true}}}})",
        R"({"roles":{"subscriber":{}},"resumable":true,"x_more":{"a":[1,2]}})"}) {
    CAPTURE(details);
    CHECK_NOTHROW(world.join_realm("realm1", json(details)));
  }
}

TEST_CASE("F-01: a feature that is not a bool is a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.connect();
  peer.send(
      list(kHello, "realm1", json(R"({"roles":{"caller":{"features":{"call_canceling":1}}}})")));
  peer.expect_violation();
}

TEST_CASE("S-03: roles are not enforced by default") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join_realm("realm1", json(R"({"roles":{"caller":{}}})"));
  peer.subscribe("com.example.topic");
  peer.register_procedure("com.example.procedure");
  peer.publish_acknowledged("com.example.topic");
}

TEST_CASE("S-05: WELCOME names who the session is and what the router can") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const Value& welcome = peer.welcome();
  CHECK(peer.session() >= 1);
  CHECK(peer.session() <= uint64_t{1} << 53);
  CHECK(welcome.find("realm").as_string() == "realm1");
  CHECK(welcome.find("authrole").as_string() == "anonymous");
  CHECK(welcome.find("authmethod").as_string() == "anonymous");
  CHECK(welcome.find("authprovider").as_string() == "static");
  CHECK_FALSE(welcome.find("authid").as_string().empty());
  const Value roles = welcome.find("roles");
  REQUIRE(roles.is(NX_DICT));
  const auto announced = [&](const char* role, const char* feature) {
    const Value value = roles.find(role).find("features").find(feature);
    return value.is(NX_BOOL) && value.as_bool();
  };
  REQUIRE(roles.find("broker").is(NX_DICT));
  REQUIRE(roles.find("dealer").is(NX_DICT));
  for (const char* feature : {"subscriber_blackwhite_listing", "publisher_exclusion",
                              "publisher_identification", "pattern_based_subscription"}) {
    CAPTURE(feature);
    CHECK(announced("broker", feature));
  }
  for (const char* feature : {"progressive_call_results", "progressive_call_invocations",
                              "call_timeout", "call_canceling", "caller_identification",
                              "pattern_based_registration", "shared_registration"}) {
    CAPTURE(feature);
    CHECK(announced("dealer", feature));
  }
}

TEST_CASE("F-02, F-06: what is announced is what the specification knows and the router does") {
  World world({{Carrier::websocket, Format::json}, 1});
  const Value roles = world.join().welcome().find("roles");
  const std::pair<const char*, std::set<std::string_view>> known[] = {
      {"broker",
       {"subscriber_blackwhite_listing", "publisher_exclusion", "publisher_identification",
        "publication_trustlevels", "pattern_based_subscription", "subscription_meta_api",
        "subscription_revocation", "event_history", "event_retention", "sharded_subscription",
        "session_meta_api", "payload_passthru_mode", "topic_reflection",
        "x_acknowledged_event_delivery"}},
      {"dealer",
       {"progressive_call_results", "progressive_call_invocations", "call_timeout",
        "call_canceling", "caller_identification", "call_trustlevels", "registration_meta_api",
        "pattern_based_registration", "shared_registration", "sharded_registration",
        "registration_revocation", "call_reroute", "session_meta_api", "testament_meta_api",
        "payload_passthru_mode", "procedure_reflection"}}};
  for (const auto& [role, names] : known) {
    const Value features = roles.find(role).find("features");
    CHECK(features.size() == names.size());
    for (size_t i = 0; i < features.size(); ++i) {
      CAPTURE(role, features.key_at(i));
      CHECK(names.count(features.key_at(i)) == 1);
      CHECK(features.at(i).as_bool());
    }
  }
}

TEST_CASE("N-10: anonymous sessions get different random authids") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  const Value one = world.join().welcome().find("authid");
  const Value two = world.join().welcome().find("authid");
  CHECK_FALSE(one == two);
}

TEST_CASE("S-08: an unknown realm is refused with no_such_realm") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.connect();
  peer.send(list(kHello, "realm.nobody.made", client_details()));
  peer.expect_abort("wamp.error.no_such_realm");
}

TEST_CASE("U-13: a realm that is no URI is refused with invalid_uri") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* realm : {"", "a b", "a..b", "a#b", ".a"}) {
    CAPTURE(realm);
    Peer& peer = world.connect();
    peer.send(list(kHello, realm, client_details()));
    CHECK_NOTHROW(peer.expect_abort("wamp.error.invalid_uri"));
  }
}

TEST_CASE("U-17: a null realm is refused when no authenticator can choose one") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.connect();
  peer.send(list(kHello, nullptr, client_details()));
  peer.expect_abort("wamp.error.no_such_realm");
}

TEST_CASE("S-10: a second HELLO is a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  peer.send(list(kHello, "realm1", client_details()));
  peer.expect_violation();
}

TEST_CASE("S-11: GOODBYE is answered, with any reason") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* reason : {"wamp.close.close_realm", "wamp.close.normal", "com.example.bored"}) {
    CAPTURE(reason);
    Peer& peer = world.join();
    peer.send(list(kGoodbye, dict({{"message", "bye"}}), reason));
    const Message reply = peer.expect(kGoodbye);
    CHECK(reply.uri() == "wamp.close.goodbye_and_out");
    CHECK(reply.size() == 3);
  }
}

TEST_CASE("S-11: what a session held is gone when its GOODBYE is answered") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& leaving = world.join();
  Peer& staying = world.join();
  leaving.register_procedure("com.example.procedure");
  const uint64_t held = leaving.subscribe("com.example.topic");
  const uint64_t request = staying.call("com.example.procedure");
  leaving.expect(kInvocation);
  leaving.leave();
  staying.expect_call_error(request, "wamp.error.canceled");
  staying.register_procedure("com.example.procedure");
  // The subscription object went with its last subscriber, and its id is never used again (U-03).
  CHECK(staying.subscribe("com.example.topic") != held);
}

TEST_CASE("S-12: requests behind a GOODBYE are not processed") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  watcher.subscribe("com.example.topic");
  Peer& leaving = world.join();
  leaving.send_all({list(kGoodbye, dict(), "wamp.close.close_realm"),
                    list(kPublish, 1, dict(), "com.example.topic")});
  leaving.expect(kGoodbye);
  leaving.expect_violation();  // no request is legal before a new HELLO
  expect_nothing({&watcher});
}

// A callee that has an invocation at work, and its caller.
struct Work {
  explicit Work(World& world) : callee(world.join()), caller(world.join()) {
    const uint64_t registration = callee.register_procedure("com.example.procedure");
    request = caller.call("com.example.procedure", json(R"({"receive_progress":true})"));
    invocation = callee.expect_invocation(registration).request();
  }
  Peer& callee;
  Peer& caller;
  uint64_t request = 0;
  uint64_t invocation = 0;
};
const Value& bye() {
  static const Value kMessage = list(kGoodbye, dict(), "wamp.close.close_realm");
  return kMessage;
}

TEST_CASE("V-03: answers to invocations of a session that has said GOODBYE are dropped") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Work work(world);
  const uint64_t id = work.invocation;
  // One of them longer than anything may be before a session (S-06).
  work.callee.send_all({bye(), list(kYield, id, dict({{"progress", true}}), list("part")),
                        list(kError, kInvocation, id, dict(), "wamp.error.canceled"),
                        list(kYield, id, dict(), list(std::string(200'000, 'x')))});
  work.callee.expect(kGoodbye);
  work.caller.expect_call_error(work.request, "wamp.error.canceled");
  work.callee.send(list(kYield, id, dict()));
  expect_nothing({&work.caller});
  // S-14: and the connection is as good as before.
  work.callee.join();
  expect_nothing({&work.callee, &work.caller});
}

TEST_CASE("V-03: nothing else is legal between GOODBYE and HELLO") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const Value& message :
       {list(kError, kCall, 1, dict(), "wamp.error.canceled"), list(kCancel, 1, dict()),
        list(kCall, 9, dict(), "com.example.procedure"), list(kUnregister, 9, 1), bye(),
        list(kAuthenticate, "", dict()), list(kInterrupt, 1, dict())}) {
    CAPTURE(to_json(message));
    Work work(world);
    work.callee.send_all({bye(), list(kYield, work.invocation, dict()), message});
    work.callee.expect(kGoodbye);
    work.callee.expect_violation();
  }
}

TEST_CASE("V-03: with the next HELLO, answers to the session before are over") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Work work(world);
  work.callee.leave();
  work.callee.join();
  work.callee.send(list(kYield, work.invocation, dict()));
  work.callee.expect_violation();  // R-40: this session was never asked
}

TEST_CASE("V-03: who has never joined answers nothing") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const Value& message :
       {list(kYield, 1, dict()), list(kError, kInvocation, 1, dict(), "wamp.error.canceled")}) {
    CAPTURE(to_json(message));
    Peer& peer = world.connect();
    peer.send(message);
    peer.expect_violation();
  }
}

TEST_CASE("S-06: a HELLO that is too long is so after a GOODBYE as well") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  peer.leave();
  peer.send(list(kHello, "realm1",
                 merged(client_details(), dict({{"x_long", std::string(200'000, 'x')}}))));
  peer.expect_violation();
}

TEST_CASE("S-06: answers after a GOODBYE do not put off the deadline for HELLO") {
  // The deadline holds for the test's own HELLO as well, so it is a generous one.
  World world({{Carrier::raw_tcp, Format::msgpack}, 2});
  Work work(world);
  work.callee.send(bye());
  work.callee.expect(kGoodbye);
  work.callee.send(list(kYield, work.invocation, dict()));
  CHECK_NOTHROW(work.callee.expect_closed());
}

TEST_CASE("S-12: whatever crosses the router's GOODBYE is ignored, and only GOODBYE answers it") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"meta_kill_roles":["*"]}}})");
  Work work(world);
  work.caller.call("wamp.session.kill", dict(), list(work.callee.session()));
  work.caller.expect_call_error(work.request, "wamp.error.canceled");
  work.caller.expect(kResult);
  const uint64_t id = work.invocation;
  work.callee.send_all({list(kYield, id, dict({{"progress", true}}), list("part")),
                        list(kError, kInvocation, id, dict(), "wamp.error.canceled"),
                        list(kYield, id + 7, dict()), list(kPublish, 9, dict(), "no uri#"),
                        list(kHello, "realm1", client_details()), list(4711), bye()});
  work.callee.expect(kGoodbye);
  CHECK_NOTHROW(work.callee.expect_closed());
  expect_nothing({&work.caller});
}

TEST_CASE("S-13: ABORT is never answered and ends the connection") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool joined : {false, true}) {
    CAPTURE(joined);
    Peer& peer = joined ? world.join() : world.connect();
    peer.send(list(kAbort, dict(), "com.example.no_more"));
    CHECK_NOTHROW(peer.expect_closed());
  }
}

TEST_CASE("M-33: ABORT with four or five elements is accepted") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* abort :
       {R"([3,{},"com.example.a",["x"]])", R"([3,{},"com.example.a",[],{"a":1}])"}) {
    CAPTURE(abort);
    Peer& peer = world.join();
    peer.send(json(abort));
    CHECK_NOTHROW(peer.expect_closed());
  }
}

TEST_CASE("S-14: after GOODBYE the connection can carry a fresh session") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& caller = world.join();
  const uint64_t first = peer.session();
  const auto serve_one = [&] {
    const uint64_t registration = peer.register_procedure("com.example.procedure");
    const uint64_t request = caller.call("com.example.procedure");
    const Message invocation = peer.expect_invocation(registration);
    peer.yield(invocation.request());
    caller.expect_result(request);
    return invocation.request();
  };
  CHECK(serve_one() == 1);
  peer.leave();
  peer.join("realm1");
  CHECK(peer.session() != first);
  CHECK(serve_one() == 1);  // a new session counts from 1 again (U-04)
}

TEST_CASE("S-14: the fresh session may be in another realm") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  peer.leave();
  peer.join("realm2");
  CHECK(peer.welcome().find("realm").as_string() == "realm2");
}

TEST_CASE("S-15: a lost connection ends the session") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    Peer& lost = world.join();
    Peer& staying = world.join();
    lost.register_procedure("com.example.procedure");
    lost.subscribe("com.example.topic");
    const uint64_t request = staying.call("com.example.procedure");
    lost.expect(kInvocation);
    reset ? lost.wire().reset() : lost.wire().close();
    staying.expect_call_error(request, "wamp.error.canceled");
    CHECK(eventually([&] { return nobody_has(staying, "com.example.procedure"); }));
  }
}

TEST_CASE("Z-11: realms do not see each other") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join_realm("realm2");
  one.register_procedure("com.example.procedure");
  one.subscribe("com.example.topic");
  two.expect_call_error(two.call("com.example.procedure"), "wamp.error.no_such_procedure");
  two.publish("com.example.topic");
  expect_nothing({&two, &one});
  two.register_procedure("com.example.procedure");
}

TEST_CASE("U-16: realm names are compared exactly") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.connect();
  peer.send(list(kHello, "Realm1", client_details()));
  peer.expect_abort("wamp.error.no_such_realm");
}

}  // namespace
}  // namespace nexus::test
