// Joining with authentication: choice of a method, challenges, and answers that come later or
// never (checklist chapter 11, N-01 … N-05; S-06, S-07). The authenticator is the test plugin
// auth_async.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// realm1 authenticates with the test plugin in this mode, and anonymously unless told not to;
// realm2 stays open.
std::string with_mode(std::string_view mode, std::string_view router = "{}", bool guests = true) {
  Value authenticators = dict({{"tested", dict({{"type", "async-test"}, {"mode", mode}})}});
  if (!guests) authenticators.set("guests", Value::null());
  const Value realm = dict({{"authenticators", std::move(authenticators)}});
  return with_test_plugins(
      {"auth_async"},
      to_json(dict({{"router", json(router)}, {"realms", dict({{"one", realm}})}})));
}

Value offering(std::initializer_list<const char*> methods) {
  Value offered = Value::list();
  for (const char* method : methods) offered.append(Value::string(method));
  return merged(client_details(), dict({{"authmethods", std::move(offered)}}));
}

TEST_CASE("N-01: the first method of the client that the realm serves is taken") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("now"));
  struct Case {
    std::initializer_list<const char*> offered;
    const char* taken;
  };
  for (const Case& one : {Case{{"async-test"}, "async-test"}, Case{{"anonymous"}, "anonymous"},
                          Case{{"async-test", "anonymous"}, "async-test"},
                          Case{{"anonymous", "async-test"}, "anonymous"},
                          Case{{"nonsense", "async-test"}, "async-test"}}) {
    CAPTURE(one.taken);
    CHECK(world.join_realm("realm1", offering(one.offered))
              .welcome()
              .find("authmethod")
              .as_string() == one.taken);
  }
  CHECK(world.join().welcome().find("authmethod").as_string() == "anonymous");
  Peer& peer = world.connect();
  peer.send(list(kHello, "realm1", offering({"nonsense"})));
  peer.expect_abort("wamp.error.no_matching_auth_method");
}

TEST_CASE("N-01: a realm without anonymous refuses whoever offers no method") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("now", "{}", false));
  Peer& peer = world.connect();
  const Message abort = peer.hello();
  CHECK(abort.type() == kAbort);
  CHECK((abort.uri() == "wamp.error.no_matching_auth_method" ||
         abort.uri() == "wamp.error.authentication_required"));
}

TEST_CASE("N-02: who somebody is, is fixed by the authenticator and shown in WELCOME") {
  FOR_ALL_SETUPS(setup);
  for (const char* mode : {"now", "thread"}) {
    CAPTURE(mode);
    World world(setup, with_mode(mode));
    const Value welcome = world.join_realm("realm1", offering({"async-test"})).welcome();
    CHECK(welcome.find("authid").as_string() == "async-user");
    CHECK(welcome.find("authrole").as_string() == "tested");
    CHECK(welcome.find("authmethod").as_string() == "async-test");
    CHECK(welcome.find("authprovider").as_string() == "test");
    CHECK(welcome.find("authextra") == dict({{"mode", mode}}));
    const Value claiming =
        merged(offering({"async-test"}), dict({{"authid", "joe"}, {"authrole", "admin"}}));
    const Value claimed = world.join_realm("realm1", claiming).welcome();
    CHECK(claimed.find("authid").as_string() == "joe");
    CHECK(claimed.find("authrole").as_string() == "tested");  // not what the client wishes
  }
}

TEST_CASE("S-04: challenge and answer") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("challenge"));
  Peer& peer = world.connect();
  const Message challenge = peer.hello("realm1", offering({"async-test"}));
  REQUIRE(challenge.type() == kChallenge);
  CHECK(challenge.at(1).as_string() == "async-test");
  CHECK(challenge.details() == dict({{"question", "2+2"}}));
  peer.send(list(kAuthenticate, "4", dict()));
  const Message welcome = peer.expect(kWelcome);
  CHECK(welcome.details().find("authrole").as_string() == "tested");
  peer.sync();
}

TEST_CASE("N-05: an authenticator may challenge more than once") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("challenge"));
  Peer& peer = world.connect();
  REQUIRE(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
  for (int i = 0; i < 3; ++i) {
    peer.send(list(kAuthenticate, "again", dict()));
    CHECK(peer.expect(kChallenge).details() == dict({{"question", "2+2, again"}}));
  }
  peer.send(list(kAuthenticate, "4", dict()));
  peer.expect(kWelcome);
}

TEST_CASE("N-03: a wrong answer is denied, and the connection closed") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("challenge"));
  Peer& peer = world.connect();
  REQUIRE(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
  peer.send(list(kAuthenticate, "5", dict()));
  const Message abort = peer.expect(kAbort);
  CHECK(abort.uri() == "wamp.error.authentication_denied");
  CHECK(abort.details().find("message").as_string() == "wrong answer");
  peer.expect_closed();
}

TEST_CASE("S-07: while a challenge is open only AUTHENTICATE is legal") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("challenge"));
  for (const char* message :
       {R"([1,"realm1",{"roles":{"caller":{}}}])", R"([32,1,{},"com.example.a"])",
        R"([48,1,{},"com.example.a"])", R"([6,{},"wamp.close.normal"])", R"([4,"ticket",{}])"}) {
    CAPTURE(message);
    Peer& peer = world.connect();
    REQUIRE(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
    peer.send(json(message));
    CHECK_NOTHROW(peer.expect_violation());
  }
  Peer& peer = world.connect();
  REQUIRE(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
  peer.send(list(kAbort, dict(), "com.example.forgot"));
  peer.expect_closed();
}

TEST_CASE("S-07: AUTHENTICATE after WELCOME is a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("challenge"));
  Peer& peer = world.connect();
  REQUIRE(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
  peer.send_all({list(kAuthenticate, "4", dict()), list(kAuthenticate, "4", dict())});
  peer.expect(kWelcome);
  peer.expect_violation();
}

TEST_CASE("S-06: whoever does not answer a challenge in time is refused") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("challenge", R"({"authentication_timeout":"60ms"})"));
  Peer& peer = world.connect();
  REQUIRE(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
  peer.expect_abort("wamp.error.authentication_failed");
}

TEST_CASE("N-03: an authenticator that fails is a denial") {
  FOR_ALL_SETUPS(setup);
  for (const char* mode : {"throw", "error"}) {
    CAPTURE(mode);
    World world(setup, with_mode(mode));
    Peer& peer = world.connect();
    peer.send(list(kHello, "realm1", offering({"async-test"})));
    CHECK_NOTHROW(peer.expect_abort("wamp.error.authentication_failed"));
    world.join();
  }
}

TEST_CASE("N-03: an authenticator that drops its operation is a denial") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("dropped"));
  Peer& peer = world.connect();
  peer.send(list(kHello, "realm1", offering({"async-test"})));
  const Message abort = peer.expect(kAbort);
  CHECK((abort.uri() == "wamp.error.authentication_denied" ||
         abort.uri() == "wamp.error.authentication_failed"));
  peer.expect_closed();
}

TEST_CASE(
    "N-04: an authenticator that takes too long is a denial, and its late answer is ignored") {
  FOR_ALL_SETUPS(setup);
  for (const char* mode : {"never", "late"}) {
    CAPTURE(mode);
    World world(setup, with_mode(mode, R"({"decision_timeout":"60ms"})"));
    Peer& peer = world.connect();
    Peer& other = world.join_realm("realm2");
    peer.send(list(kHello, "realm1", offering({"async-test"})));
    other.sync();  // others do not wait
    CHECK_NOTHROW(peer.expect_abort("wamp.error.authentication_failed"));
    CHECK(eventually([&] {
      other.sync();
      return world.router.log_count("cancelled") == 1 &&
             world.router.log_count("refused late answer") == (mode[0] == 'l' ? 1 : 0);
    }));
    CHECK(world.router.log_count("the router took a late answer") == 0);
  }
}

TEST_CASE("N-04: a client that goes while its authenticator thinks") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("orphan"));
  Peer& other = world.join_realm("realm2");
  for (const bool reset : {false, true}) {
    Peer& peer = world.connect();
    peer.send(list(kHello, "realm1", offering({"async-test"})));
    other.sync();
    reset ? peer.wire().reset() : peer.wire().close();
  }
  CHECK(eventually([&] {
    other.sync();
    return world.router.log_count("refused late answer") == world.router.log_count("cancelled");
  }));
  CHECK(world.router.log_count("the router took a late answer") == 0);
}

TEST_CASE("N-04: a second answer is ignored") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("twice"));
  Peer& peer = world.join_realm("realm1", offering({"async-test"}));
  CHECK(peer.welcome().find("authrole").as_string() == "tested");
  CHECK(eventually([&] {
    peer.sync();
    return world.router.log_count("refused late answer") == 1;
  }));
  CHECK(world.router.log_count("the router took a late answer") == 0);
}

TEST_CASE("N-04: stopping while an authenticator thinks") {
  RouterFixture router(3, with_mode("never"));
  Peer peer(router, {Carrier::raw_tcp, Format::json});
  peer.send(list(kHello, "realm1", offering({"async-test"})));
  auto other = Peer::joined(router, {Carrier::raw_tcp, Format::json}, "realm2");
  router.stop(std::chrono::milliseconds(100));
  CHECK(peer.wire().drain_until_closed());
}

TEST_CASE("S-14: a new session on the same connection authenticates anew") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_mode("challenge"));
  Peer& peer = world.connect();
  REQUIRE(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
  peer.send(list(kAuthenticate, "4", dict()));
  peer.expect(kWelcome);
  peer.leave();
  CHECK(peer.hello("realm1", offering({"async-test"})).type() == kChallenge);
  peer.send(list(kAuthenticate, "5", dict()));
  peer.expect_abort("wamp.error.authentication_denied");
}

}  // namespace
}  // namespace nexus::test
