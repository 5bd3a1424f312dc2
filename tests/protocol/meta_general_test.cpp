// What all meta procedures and events have in common (checklist A-01 … A-06, U-14, U-15, F-06).
#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kPrefix = R"({"match":"prefix"})";

bool announced(const Peer& peer, const char* role, const char* feature) {
  return peer.welcome().find("roles").find(role).find("features").find(feature).as_bool();
}

TEST_CASE("F-06: the meta API is announced") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  for (const char* feature :
       {"session_meta_api", "subscription_meta_api", "subscription_revocation"}) {
    CAPTURE(feature);
    CHECK(announced(peer, "broker", feature));
  }
  for (const char* feature : {"session_meta_api", "registration_meta_api", "testament_meta_api",
                              "registration_revocation"}) {
    CAPTURE(feature);
    CHECK(announced(peer, "dealer", feature));
  }
}

TEST_CASE("A-01: a realm can be without the meta API") {
  World world({{Carrier::websocket, Format::json}, 3}, R"({"realms":{"one":{"meta_api":false}}})");
  Peer& watcher = world.join();
  CHECK_FALSE(announced(watcher, "broker", "session_meta_api"));
  CHECK_FALSE(announced(watcher, "dealer", "session_meta_api"));
  CHECK_FALSE(announced(watcher, "dealer", "testament_meta_api"));
  for (const char* procedure : {"wamp.session.count", "wamp.registration.list",
                                "wamp.subscription.list", "wamp.session.flush_testaments"}) {
    CAPTURE(procedure);
    CHECK(nobody_has(watcher, procedure));
  }
  watcher.subscribe("wamp", json(kPrefix));
  Peer& other = world.join();
  other.leave();
  expect_nothing({&watcher});
  Peer& elsewhere = world.join_realm("realm2");
  CHECK(ask(elsewhere, "wamp.session.count").as_int() == 1);
}

TEST_CASE("A-06: ten thousand pipelined calls are all answered") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const char* const procedures[] = {"wamp.session.count", "wamp.session.list",
                                    "wamp.registration.list", "wamp.subscription.list",
                                    "wamp.session.no_such_thing"};
  constexpr uint64_t kCalls = 10000;
  std::vector<Value> calls;
  for (uint64_t i = 0; i < kCalls; ++i) {
    calls.push_back(list(kCall, peer.next_request(), dict(), procedures[i % 5]));
  }
  peer.send_all(calls);
  bool right = true;
  for (uint64_t i = 0; i < kCalls; ++i) {
    const Message reply = peer.receive();
    right = right && reply.request() == i + 1 && reply.type() == (i % 5 == 4 ? kError : kResult);
  }
  CHECK(right);
}

TEST_CASE("U-14: no client's registration captures what is the router's") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& caller = world.join();
  for (const char* uri : {"wamp.session.count", "wamp.mine", "wamp"}) {
    CHECK_NOTHROW(peer.expect_error(kRegister, peer.send_register(uri), "wamp.error.invalid_uri"));
  }
  peer.register_procedure("", json(kPrefix));
  peer.register_procedure("w", json(kPrefix));
  peer.register_procedure("..count", json(R"({"match":"wildcard"})"));
  peer.register_procedure(".session.", json(R"({"match":"wildcard"})"));
  CHECK(ask(caller, "wamp.session.count").as_int() == 2);
  for (const char* uri : {"wamp.nothing", "wamp.session.nothing", "wamp", "wamp.x.count"}) {
    CAPTURE(uri);
    CHECK(nobody_has(caller, uri));
    CHECK(ask(caller, "wamp.registration.match", list(uri)).is(NX_NULL));
  }
  const uint64_t request = caller.call("wampum");  // is somebody else's
  peer.yield(peer.expect(kInvocation).request());
  caller.expect_result(request);
}

TEST_CASE("U-15: pattern subscriptions receive meta events") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  struct Case {
    const char* pattern;
    const char* match;
    bool hears;
  };
  for (const Case& one :
       {Case{"", "prefix", true}, Case{"wam", "prefix", true}, Case{"wamp", "prefix", true},
        Case{"wamp.session.on_j", "prefix", true}, Case{"wamp..on_join", "wildcard", true},
        Case{"..on_join", "wildcard", true}, Case{"wamp.session.", "wildcard", true},
        Case{"wampum", "prefix", false}, Case{".session", "wildcard", false},
        Case{"com..on_join", "wildcard", false}}) {
    CAPTURE(one.pattern, one.match);
    Peer& watcher = world.join();
    const uint64_t marker = watcher.subscribe("wamp.session.on_leave");
    const uint64_t request = watcher.send_subscribe(one.pattern, dict({{"match", one.match}}));
    // The watcher before this one may be leaving just now.
    Message reply = watcher.receive();
    while (reply.type() == kEvent) reply = watcher.receive();
    REQUIRE(reply.type() == kSubscribed);
    REQUIRE(reply.request() == request);
    const uint64_t id = reply.id(2);
    Peer& other = world.join();
    const uint64_t session = other.session();
    other.leave();
    // Whoever hears everything hears of its own subscription as well, and may still hear of the
    // watcher before it: only what is about this session counts.
    int heard = 0;
    for (bool left = false; !left;) {
      const Message event = watcher.expect(kEvent);
      const bool about = event.args().at(0).find("session").as_uint() == session;
      const Value topic = event.details().find("topic");
      if (event.id(1) == id && about && topic.as_string() == "wamp.session.on_join") ++heard;
      left = event.id(1) == marker && event.args().at(0).as_uint() == session;
    }
    CHECK(heard == (one.hears ? 1 : 0));
    watcher.wire().close();
  }
}

TEST_CASE("A-05: a session hears of what it causes itself") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t created = peer.subscribe("wamp.registration.on_create");
  const uint64_t subscribed = peer.subscribe("wamp.subscription.on_subscribe");
  const uint64_t registration = peer.register_procedure("com.example.procedure");
  CHECK(peer.expect_event(created).args().at(0).as_uint() == peer.session());
  const uint64_t subscription = peer.subscribe("com.example.topic");
  CHECK(peer.expect_event(subscribed).args() == list(peer.session(), subscription));
  CHECK(registration != 0);
}

TEST_CASE("A-38: what is not there is null, and wildcards are listed") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t wild = peer.register_procedure("com..procedure", json(R"({"match":"wildcard"})"));
  CHECK(ask(peer, "wamp.registration.lookup", list("com.example.nobody")).is(NX_NULL));
  CHECK(ask(peer, "wamp.registration.match", list("org.example.nobody")).is(NX_NULL));
  CHECK(ask(peer, "wamp.registration.match", list("com.x.procedure")).as_uint() == wild);
  CHECK(ask(peer, "wamp.registration.list") ==
        dict({{"exact", list()}, {"prefix", list()}, {"wildcard", list(wild)}}));
}

TEST_CASE("A-04: nothing is told of subscriptions to wamp., and nothing shown") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  const uint64_t all = watcher.subscribe("wamp.", json(kPrefix));
  Peer& peer = world.join();
  watcher.expect_event(all);  // on_join
  const uint64_t hidden = peer.subscribe("wamp.session.on_join");
  peer.subscribe("wamp.session", json(kPrefix));
  peer.subscribe("wamp..on_leave", json(R"({"match":"wildcard"})"));
  const uint64_t shown = peer.subscribe("com.example.a");
  CHECK(watcher.expect_event(all).args().at(1).find("id").as_uint() == shown);
  CHECK(ask(peer, "wamp.subscription.list") ==
        dict({{"exact", list(shown)}, {"prefix", list()}, {"wildcard", list()}}));
  CHECK(ask(peer, "wamp.subscription.lookup", list("wamp.session.on_join")).is(NX_NULL));
  CHECK(ask(peer, "wamp.subscription.lookup", list("wamp.", json(kPrefix))).is(NX_NULL));
  CHECK(ask(peer, "wamp.subscription.match", list("wamp.session.on_join")).is(NX_NULL));
  for (const char* procedure : {"wamp.subscription.get", "wamp.subscription.list_subscribers"}) {
    CHECK_NOTHROW(refuse(peer, procedure, list(hidden), "wamp.error.no_such_subscription"));
  }
}

TEST_CASE("A-02: meta procedures do not mind what the caller would disclose or wait for") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"disclose_caller":"never"}}})");
  Peer& peer = world.join();
  for (const char* options :
       {R"({"disclose_me":true})", R"({"receive_progress":true})", R"({"timeout":1})"}) {
    CAPTURE(options);
    CHECK_NOTHROW(peer.expect_result(peer.call("wamp.session.count", json(options))));
  }
  const uint64_t request = peer.call("wamp.session.count");
  peer.cancel(request);
  peer.expect_result(request);
  expect_nothing({&peer});
}

TEST_CASE("A-03: progressive calls and passed-through payloads are not for meta procedures") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Value details = client_details();
  details =
      merged(details, json(R"({"roles":{"caller":{"features":{"payload_passthru_mode":true}}}})"));
  Peer& peer = world.join_realm("realm1", details);
  for (const char* options : {R"({"progress":true})", R"({"ppt_scheme":"x_custom"})"}) {
    CAPTURE(options);
    CHECK_NOTHROW(peer.expect_call_error(peer.call("wamp.session.count", json(options)),
                                         "wamp.error.feature_not_supported"));
  }
  peer.send(list(kCall, peer.next_request(), json(R"({"enc_algo":"cryptobox"})"),
                 "wamp.session.count", "opaque"));
  peer.expect_call_error(peer.last_request(), "wamp.error.feature_not_supported");
  CHECK(ask(peer, "wamp.session.count").as_int() == 1);
}

TEST_CASE("A-01: meta procedures and events are subject to authorization") {
  FOR_ALL_SETUPS(setup);
  const std::string patch = R"({"realms":{"one":{"meta_kill_roles":["anonymous"],
      "authorizers":{"tested":{"type":"authz-test"}}}}})";
  World world(setup, with_test_plugins({"authz_async"}, patch));
  Peer& peer = world.join();
  CHECK(ask(peer, "wamp.session.count").as_int() == 1);
  CHECK(world.router.log_count("asked call exact wamp.session.count as anonymous") == 1);
  // Z-03: before it is known whether there is such a procedure.
  refuse(peer, "wamp.session.deny", {}, "wamp.error.not_authorized");
  peer.expect_error(kSubscribe, peer.send_subscribe("wamp.session.deny"),
                    "wamp.error.not_authorized");
  peer.subscribe("wamp.session.on_join");
  CHECK(world.router.log_count("asked subscribe exact wamp.session.on_join as anonymous") == 1);
}

// Every loop's sessions come and go at once; who listens sees each history in its order.
TEST_CASE("A-06: meta events of one object never overtake each other") {
  const unsigned loops = GENERATE(1u, 3u);
  World world({{Carrier::raw_tcp, Format::cbor}, loops});
  Peer& watcher = world.join();
  const uint64_t events = watcher.subscribe("wamp.subscription", json(kPrefix));
  constexpr int kPeers = 4;
  constexpr int kRounds = 100;
  std::vector<Peer*> peers;
  for (int i = 0; i < kPeers; ++i) peers.push_back(&world.join());
  for (Peer* peer : peers) peer->subscribe("com.example.all");
  std::vector<uint64_t> ids(kPeers);
  // All share one topic: the subscription is made and deleted again and again by different ones.
  for (Peer* peer : peers) {
    std::vector<Value> batch;
    for (int i = 0; i < kRounds; ++i) {
      batch.push_back(list(kSubscribe, peer->next_request(), dict(),
                           "com.example.own." + std::to_string(peer->session())));
      batch.push_back(list(kSubscribe, peer->next_request(), dict(), "com.example.shared"));
    }
    peer->send_all(batch);
  }
  // A subscription exists once, however often it is asked for.
  int created = 0;
  int subscribed = 0;
  std::vector<uint64_t> known;
  const int all = kPeers + 2 * kPeers;  // subscriptions of a session
  while (subscribed < all) {
    const Message event = watcher.expect_event(events);
    const std::string_view topic = event.details().find("topic").as_string();
    if (topic == "wamp.subscription.on_create") {
      ++created;
      known.push_back(event.args().at(1).find("id").as_uint());
    } else {
      REQUIRE(topic == "wamp.subscription.on_subscribe");
      ++subscribed;
      const uint64_t id = event.args().at(1).as_uint();
      CHECK(std::find(known.begin(), known.end(), id) != known.end());
    }
  }
  CHECK(created == 2 + kPeers);
  // Now they all go, and the last one takes the shared ones with it.
  for (Peer* peer : peers) peer->wire().close();
  int left = 0;
  while (!known.empty()) {
    const Message event = watcher.expect_event(events);
    const std::string_view topic = event.details().find("topic").as_string();
    const uint64_t id = event.args().at(1).as_uint();
    const auto at = std::find(known.begin(), known.end(), id);
    REQUIRE(at != known.end());
    if (topic == "wamp.subscription.on_unsubscribe") {
      ++left;
    } else {
      REQUIRE(topic == "wamp.subscription.on_delete");
      known.erase(at);
    }
  }
  CHECK(left == all);
}

}  // namespace
}  // namespace nexus::test
