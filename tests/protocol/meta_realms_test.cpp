// Realms from the template that come and go with their sessions, and the meta API in them.
#include <thread>

#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

std::string with_template(bool remove) {
  return to_json(
      dict({{"realm_template", dict({{"authenticators", json(R"({"guests":{"type":"anonymous"}})")},
                                     {"remove_when_empty", remove}})}}));
}

TEST_CASE("S-08: a realm from the template stays, unless it is to go when it is empty") {
  FOR_ALL_SETUPS(setup);
  const bool remove = GENERATE(true, false);
  World world(setup, with_template(remove));
  Peer& one = world.join_realm("com.example.made");
  Peer& two = world.join_realm("com.example.made");
  one.register_procedure("com.example.procedure");
  CHECK(ask(two, "wamp.session.count").as_int() == 2);
  one.leave();
  CHECK(ask(two, "wamp.session.count").as_int() == 1);
  two.leave();
  // The realm is known as long as it is there.
  CHECK(static_cast<bool>(world.router.router().remove_realm("com.example.made")) == !remove);
  Peer& three = world.join_realm("com.example.made");
  CHECK(ask(three, "wamp.session.count").as_int() == 1);
  CHECK(world.router.router().remove_realm("com.example.made"));
  expect_goodbye(three, "wamp.close.close_realm");
}

TEST_CASE("S-08: a realm that nobody gets into does not stay either") {
  World world({{Carrier::websocket, Format::json}, 3}, with_template(true));
  for (int i = 0; i < 3; ++i) {
    Peer& peer = world.connect();
    peer.send(list(kHello, "com.example.made",
                   merged(client_details(), json(R"({"authmethods":["ticket"]})"))));
    peer.expect_abort("wamp.error.no_matching_auth_method");
    CHECK_FALSE(world.router.router().remove_realm("com.example.made"));
  }
}

TEST_CASE("S-08: HELLOs that are denied leave no realm behind") {
  FOR_ALL_SETUPS(setup);
  const bool remove = GENERATE(true, false);
  const Value section = json(R"({"authenticators": {
    "people": {"type": "ticket", "users": {"joe": {"role": "user", "ticket": "secret"}}}}})");
  const std::string patch =
      to_json(dict({{"router", json(R"({"max_realms": 5})")},
                    {"realm_template", merged(section, dict({{"remove_when_empty", remove}}))}}));
  World world(setup, patch);
  const Value claim =
      merged(client_details(), json(R"({"authmethods":["ticket"],"authid":"joe"})"));
  // More of them than there may be realms: without a method, with a wrong answer, without any.
  for (int i = 0; i < 6; ++i) {
    const std::string realm = "com.example.made" + std::to_string(i);
    Peer& guest = world.connect();
    guest.send(list(kHello, realm, client_details()));
    guest.expect_abort("wamp.error.authentication_required");
    Peer& wrong = world.connect();
    REQUIRE(wrong.hello(realm, claim).type() == kChallenge);
    CHECK_FALSE(world.router.router().remove_realm(realm));  // nor while they are asked
    wrong.send(list(kAuthenticate, "wrong", dict()));
    wrong.expect_abort("wamp.error.authentication_denied");
    Peer& gone = world.connect();
    REQUIRE(gone.hello(realm, claim).type() == kChallenge);
    gone.send(list(kAbort, dict(), "wamp.error.authentication_failed"));
    gone.expect_closed();
    CHECK_FALSE(world.router.router().remove_realm(realm));
  }
  CHECK(world.router.log_count("made from the template") == 0);

  // Who is let in makes it, and finds who came at the same time.
  std::vector<Peer*> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(&world.connect());
    peers.back()->send(list(kHello, "com.example.made", claim));
  }
  for (Peer* peer : peers) {
    peer->expect(kChallenge);
    peer->send(list(kAuthenticate, "secret", dict()));
  }
  for (Peer* peer : peers) {
    CHECK(peer->expect(kWelcome).details().find("realm").as_string() == "com.example.made");
  }
  CHECK(ask(*peers[0], "wamp.session.count").as_int() == 4);
  CHECK(world.router.log_count("made from the template") == 1);
  for (Peer* peer : peers) peer->leave();
  CHECK(static_cast<bool>(world.router.router().remove_realm("com.example.made")) == !remove);
}

TEST_CASE("S-08: a realm that is added while somebody joins one of the template is another") {
  World world(
      {{Carrier::websocket, Format::json}, 3},
      to_json(dict({{"realm_template", json(R"({"authenticators": {"people": {"type": "ticket",
               "users": {"joe": {"role": "user", "ticket": "secret"}}}}})")}})));
  const Value claim =
      merged(client_details(), json(R"({"authmethods":["ticket"],"authid":"joe"})"));
  Peer& peer = world.connect();
  REQUIRE(peer.hello("com.example.made", claim).type() == kChallenge);
  REQUIRE(world.router.router().add_realm(json(R"({"uri": "com.example.made"})")));
  peer.send(list(kAuthenticate, "secret", dict()));
  peer.expect_abort("wamp.error.no_such_realm");
}

// Calls between loops while the realm they belong to goes, and comes again under the same name.
TEST_CASE("S-16: letters that are on their way outlive no realm") {
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops, with_template(true));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&router, thread] {
      const std::string realm = "com.example.realm" + std::to_string(thread);
      for (int round = 0; round < 15; ++round) {
        const Link link{Carrier::raw_unix, round % 2 == 0 ? Format::cbor : Format::msgpack};
        auto callee = Peer::joined(router, link, realm);
        auto caller = Peer::joined(router, link, realm);
        auto watcher = Peer::joined(router, link, realm);
        watcher->subscribe("wamp.", json(R"({"match":"prefix"})"));
        // Shared, because the callee of the round before may not be gone yet.
        callee->register_procedure("com.example.procedure", json(R"({"invoke":"last"})"));
        callee->subscribe("com.example.topic");
        std::vector<Value> batch;
        for (int i = 0; i < 50; ++i) {
          batch.push_back(list(kCall, caller->next_request(), dict(), "com.example.procedure"));
          batch.push_back(list(kPublish, caller->next_request(), dict(), "com.example.topic"));
        }
        caller->send_all(batch);
        if (round % 3 == 0) caller->sync();
        callee->wire().close();
        if (round % 2 == 0) (void)router.router().remove_realm(realm);
        caller->wire().close();
        watcher->wire().close();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(Peer::joined(router, {Carrier::websocket, Format::json})->session() != 0);
}

// Their meta events take many letters, and nobody is left to hold the realm meanwhile.
TEST_CASE("S-16: a realm goes after all that its last session leaves behind") {
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops, with_template(true));
  const Link link{Carrier::raw_unix, Format::cbor};
  auto other = Peer::joined(router, link);
  for (int round = 0; round < 3; ++round) {
    auto peer = Peer::joined(router, link, "com.example.realm");
    // Which of the subscriptions goes first is open: many of those that hear, and many to hear of.
    for (int i = 0; i < 200; ++i) {
      peer->subscribe("wamp.subscription.on_delete." + std::to_string(i));
    }
    std::vector<Value> batch;
    for (int i = 0; i < 3000; ++i) {
      batch.push_back(list(kSubscribe, peer->next_request(), dict(), "t" + std::to_string(i)));
    }
    peer->send_all(batch);
    for (int i = 0; i < 3000; ++i) peer->expect(kSubscribed);
    peer->wire().close();
    CHECK(eventually([&router, &other] {
      other->sync();
      return router.router().counters().sessions_open == 1;
    }));
  }
}

TEST_CASE("S-16: a realm whose components do not start, or that is there, is not added") {
  World world({{Carrier::websocket, Format::json}, 3}, with_template(true));
  Router& router = world.router.router();
  const Value section =
      json(R"({"uri":"com.example.made","authenticators":{"guests":{"type":"anonymous"}}})");
  Peer& peer = world.join_realm("com.example.made");
  CHECK_FALSE(router.add_realm(section));  // it is there, from the template
  peer.leave();
  REQUIRE(router.add_realm(section));
  CHECK_FALSE(router.add_realm(section));
  peer.join("com.example.made");
  peer.leave();
  CHECK(router.remove_realm("com.example.made"));  // this one stays when it is empty
  CHECK_FALSE(router.add_realm(json(R"({"uri":"a b"})")));
  router.stop(std::chrono::milliseconds(0));
  CHECK_FALSE(router.add_realm(section));
}

TEST_CASE("S-16: a realm with a mistake in it is not added, and the mistake is named") {
  World world({{Carrier::websocket, Format::json}, 3});
  Router& router = world.router.router();
  const std::pair<const char*, const char*> wrong[] = {
      {"[]", "realm must be a section"},
      {"{}", "realm.uri is required"},
      {R"({"uri":""})", "realm.uri must not be empty"},
      {R"({"uri":"a b"})", "realm.uri 'a b' is not a valid URI"},
      {R"({"uri":"a","max_sesions":1})", "did you mean max_sessions"},
      {R"({"uri":"a","roles":[]})", "realm.roles must hold one section for each"},
      {R"({"uri":"a","roles":{"x":5}})", "realm.roles.x must be a section"},
      {R"({"uri":"a","roles":{"x":{"call_timeout":"soon"}}})", "realm.roles.x.call_timeout"},
      {R"({"uri":"a","roles":{"x":{"timeout":1}}})", "realm.roles.x.timeout"},
      {R"({"uri":"a","authenticators":{"x":{"type":"nobody"}}})", "realm.authenticators.x.type"},
      {R"({"uri":"a","history":{"x":{}}})", "realm.history.x.uri is required"},
  };
  for (const auto& [section, text] : wrong) {
    CAPTURE(section);
    const Status status = router.add_realm(json(section));
    CHECK(status.code() == NX_E_CONFIG);
    CHECK_THAT(std::string(status.text()), Catch::Contains(text));
  }
  CHECK_FALSE(router.remove_realm("a"));
  CHECK_FALSE(router.remove_realm(""));
  CHECK(router.add_realm(json(R"({"uri":"a"})")));
  CHECK(router.remove_realm("a"));
}

TEST_CASE("S-16: what a removed realm had as components is stopped and freed") {
  World world({{Carrier::websocket, Format::json}, 3}, with_test_plugins({"authz_async"}, "{}"));
  Router& router = world.router.router();
  const Value section = json(R"({"uri":"com.example.made",
      "authenticators":{"guests":{"type":"anonymous"}},
      "authorizers":{"tested":{"type":"authz-test"}}})");
  constexpr size_t kRounds = 3;
  Peer& watch = world.join();
  for (size_t round = 1; round <= kRounds; ++round) {
    REQUIRE(router.add_realm(section));
    Peer& peer = world.join_realm("com.example.made");
    peer.publish_acknowledged("com.example.t.async");
    CHECK(world.router.log_count("authz-test stopped") == round - 1);
    REQUIRE(router.remove_realm("com.example.made"));
    peer.expect(kGoodbye);
    peer.wire().close();
    // Freed by a change of realms after the last session is gone.
    CHECK(eventually([&] {
      watch.sync();
      CHECK_FALSE(router.remove_realm("com.example.none"));
      return world.router.log_count("authz-test stopped") == round;
    }));
  }
}

TEST_CASE("S-08: the template makes no more realms than there may be") {
  // realm1 and realm2 are configured, so there is room for one more.
  RouterFixture router(1, R"({"router":{"max_realms":3},
    "realm_template":{"authenticators":{"guests":{"type":"anonymous"}}}})");
  const Link link{Carrier::websocket, Format::json};
  auto first = Peer::joined(router, link, "com.example.one");
  Peer refused(router, link);
  CHECK(refused.hello("com.example.two").type() == kAbort);
  auto again = Peer::joined(router, link, "com.example.one");
}

}  // namespace
}  // namespace nexus::test
