// Testaments (checklist P-50 … P-53, A-13, A-24).
#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

const std::string_view kAdd = "wamp.session.add_testament";
const std::string_view kFlush = "wamp.session.flush_testaments";

// Ends the session of `peer`: 0 by GOODBYE, 1 by losing the connection, 2 by a violation.
void end_session(Peer& peer, int how) {
  if (how == 0) return peer.leave();
  if (how == 1) return peer.wire().close();
  peer.send(list(kWelcome, 1, dict()));
  peer.expect_violation();
}

TEST_CASE("A-24, P-50, P-51: testaments are published when the session ends, however it does") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  const uint64_t first = watcher.subscribe("com.example.first");
  const uint64_t second = watcher.subscribe("com.example.second");
  for (int how = 0; how < 3; ++how) {
    CAPTURE(how);
    Peer& peer = world.join();
    const auto add = [&](const char* topic, int number, const Value& kwargs = {}) {
      tell(peer, kAdd, list(topic, list(number), dict({{"n", number}})), kwargs);
    };
    add("com.example.first", 3);
    add("com.example.second", 4, dict({{"scope", "destroyed"}}));
    add("com.example.second", 1, dict({{"scope", "detached"}}));
    add("com.example.first", 2, dict({{"scope", "detached"}, {"publish_options", dict()}}));
    settle({&peer, &watcher});
    CHECK_FALSE(watcher.has_received());
    end_session(peer, how);
    const uint64_t order[] = {second, first, first, second};
    for (int i = 0; i < 4; ++i) {
      const Message event = watcher.expect_event(order[i]);
      CHECK(event.args() == list(i + 1));
      CHECK(event.kwargs() == dict({{"n", i + 1}}));
      CHECK(event.details() == dict());
    }
  }
}

TEST_CASE("P-50: testaments can be taken back, by scope") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  const uint64_t topic = watcher.subscribe("com.example.topic");
  Peer& peer = world.join();
  const Value detached = dict({{"scope", "detached"}});
  CHECK(ask(peer, kFlush).as_int() == 0);
  tell(peer, kAdd, list("com.example.topic", list(1), dict()));
  tell(peer, kAdd, list("com.example.topic", list(2), dict()));
  tell(peer, kAdd, list("com.example.topic", list(3), dict()), detached);
  CHECK(ask(peer, kFlush, {}, dict({{"scope", "destroyed"}})).as_int() == 2);
  CHECK(ask(peer, kFlush).as_int() == 0);
  tell(peer, kAdd, list("com.example.topic", list(4), dict()));
  peer.leave();
  CHECK(watcher.expect_event(topic).args() == list(3));
  CHECK(watcher.expect_event(topic).args() == list(4));
  // A new session on the same connection has inherited nothing.
  peer.join();
  CHECK(ask(peer, kFlush, {}, detached).as_int() == 0);
  peer.leave();
  expect_nothing({&watcher});
}

TEST_CASE("P-51, A-13: testaments come after the session's objects and before on_leave") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  for (int i = 0; i < 4; ++i) {  // on every loop
    Peer& peer = world.join();
    peer.register_procedure("com.example.procedure");
    peer.subscribe("com.example.other");
    tell(peer, kAdd, list("com.example.testament", list(), dict()));
    admin.subscribe("com.example.testament");
    const uint64_t everything = admin.subscribe("wamp.", json(R"({"match":"prefix"})"));
    tell(admin, "wamp.session.kill", list(peer.session()));
    expect_goodbye(peer, "wamp.close.killed");
    const auto next = [&] {
      return std::string(admin.receive().details().find("topic").as_string());
    };
    CHECK(next() == "wamp.registration.on_unregister");
    CHECK(next() == "wamp.registration.on_delete");
    CHECK(next() == "wamp.subscription.on_unsubscribe");
    CHECK(next() == "wamp.subscription.on_delete");
    CHECK(next().empty());  // the testament: an exact subscription has no topic
    CHECK(next() == "wamp.session.on_leave");
    admin.unsubscribe(everything);
  }
}

TEST_CASE("P-52: the publisher is the session that has left") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& watcher = world.join();
  Peer& other = world.join();
  const uint64_t topic = watcher.subscribe("com.example.topic");
  other.subscribe("com.example.topic");
  Peer& peer = join_admin(world, "dying");
  const auto add = [&](const Value& options, int number) {
    tell(peer, kAdd, list("com.example.topic", list(number), dict()),
         dict({{"publish_options", options}}));
  };
  add(dict({{"disclose_me", true}, {"acknowledge", true}}), 1);
  add(dict({{"eligible", list(watcher.session())}}), 2);
  add(dict({{"exclude_authrole", list("anonymous")}}), 3);
  const uint64_t session = peer.session();
  peer.leave();
  const Message event = watcher.expect_event(topic);
  CHECK(event.args() == list(1));
  CHECK(event.details() == dict({{"publisher", session},
                                 {"publisher_authid", "dying"},
                                 {"publisher_authrole", "admin"}}));
  CHECK(watcher.expect_event(topic).args() == list(2));
  CHECK(other.expect_event(topic).args() == list(1));
  expect_nothing({&watcher, &other});
}

TEST_CASE("P-52: a testament that could not be published is refused when it is made") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join({"publisher.payload_passthru_mode"});
  const auto check = [&](const Value& args, std::string_view error, const Value& kwargs = {}) {
    CAPTURE(args);
    CHECK_NOTHROW(refuse(peer, kAdd, args, error, kwargs));
  };
  const Value good = list("com.example.topic", list(), dict());
  check(list("wamp.session.on_join", list(), dict()), "wamp.error.invalid_uri");
  check(list("no uri", list(), dict()), "wamp.error.invalid_uri");
  check(list("com..topic", list(), dict()), "wamp.error.invalid_uri");
  check(list(), "wamp.error.invalid_argument");
  check(list("com.example.topic"), "wamp.error.invalid_argument");
  check(list(1, list(), dict()), "wamp.error.invalid_argument");
  check(list("com.example.topic", dict(), dict()), "wamp.error.invalid_argument");
  check(list("com.example.topic", list(), list()), "wamp.error.invalid_argument");
  check(good, "wamp.error.invalid_argument", dict({{"scope", "sometime"}}));
  check(good, "wamp.error.invalid_argument", dict({{"scope", 1}}));
  check(good, "wamp.error.invalid_argument", dict({{"publish_options", list()}}));
  const auto options = [&](const char* text) {
    check(good, "wamp.error.invalid_argument", dict({{"publish_options", json(text)}}));
  };
  options(R"({"exclude":["x"]})");
  options(R"({"disclose_me":1})");
  options(R"({"ppt_scheme":"x_custom","ppt_serializer":5})");
  options(R"({"ppt_scheme":"x_custom"})");  // X-02: not announced
  refuse(peer, kFlush, list(), "wamp.error.invalid_argument", dict({{"scope", "sometime"}}));
  refuse(peer, kFlush, list(1), "wamp.error.invalid_argument");
  CHECK(ask(peer, kFlush).as_int() == 0);
  tell(peer, kAdd, list("com.example.topic", nullptr, nullptr),
       dict({{"scope", nullptr}, {"publish_options", nullptr}}));
  CHECK(ask(peer, kFlush).as_int() == 1);
}

TEST_CASE("P-52, X-01: a testament may be passed through") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  const Value passthru = json(R"({"roles":{
      "publisher":{"features":{"payload_passthru_mode":true}},
      "subscriber":{"features":{"payload_passthru_mode":true}}}})");
  Peer& watcher = world.join_realm("realm1", merged(client_details(), passthru));
  const uint64_t topic = watcher.subscribe("com.example.topic");
  Peer& peer = world.join_realm("realm1", merged(client_details(), passthru));
  const Value options = json(R"({"ppt_scheme":"x_custom","ppt_keyid":"7"})");
  tell(peer, kAdd, list("com.example.topic", list(binary("secret")), dict()),
       dict({{"publish_options", options}}));
  peer.wire().close();
  const Message event = watcher.expect_event(topic);
  CHECK(event.details() == options);
  CHECK(event.args() == list(binary("secret")));
  CHECK(ask(watcher, "wamp.session.count").as_int() == 1);
}

TEST_CASE("P-53: testaments are limited in number and size") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const Value small = list("com.example.topic", list(1), dict());
  for (int i = 0; i < 100; ++i) {
    tell(peer, kAdd, small, dict({{"scope", i % 2 == 0 ? "detached" : "destroyed"}}));
  }
  CHECK_NOTHROW(refuse(peer, kAdd, small, "wamp.error.not_authorized"));
  CHECK(ask(peer, kFlush).as_int() == 50);
  tell(peer, kAdd, small);
  CHECK(ask(peer, kFlush, {}, dict({{"scope", "detached"}})).as_int() == 50);
  CHECK(ask(peer, kFlush).as_int() == 1);
  const Value large = list("com.example.topic", list(std::string(40000, 'x')), dict());
  tell(peer, kAdd, large);
  CHECK_NOTHROW(refuse(peer, kAdd, large, "wamp.error.not_authorized"));
  CHECK(ask(peer, kFlush).as_int() == 1);
  tell(peer, kAdd, large);
}

TEST_CASE("P-53: the limits of testaments can be set") {
  World world({{Carrier::websocket, Format::json}, 3},
              R"({"realms":{"one":{"max_testaments":1,"max_testament_bytes":100}}})");
  Peer& peer = world.join();
  refuse(peer, kAdd, list("com.example.topic", list(std::string(100, 'x')), dict()),
         "wamp.error.not_authorized");
  const Value small = list("com.example.topic", list(1), dict());
  tell(peer, kAdd, small);
  refuse(peer, kAdd, small, "wamp.error.not_authorized");
}

std::string with_authorizer(std::string_view router = "{}") {
  Value patch = json(R"({"realms":{"one":{"authorizers":{"tested":{"type":"authz-test"}}}}})");
  patch = merged(patch, dict({{"router", json(router)}}));
  return with_test_plugins({"authz_async"}, to_json(patch));
}

TEST_CASE("P-52: what the session may not publish is refused when the testament is made") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  const auto args = [](const char* topic) { return list(topic, list(), dict()); };
  refuse(peer, kAdd, args("com.example.deny"), "wamp.error.not_authorized");
  refuse(peer, kAdd, args("com.example.forbid"), "com.test.forbidden");
  refuse(peer, kAdd, args("com.example.async.no"), "wamp.error.not_authorized");
  refuse(peer, kAdd, args("com.example.throw"), "wamp.error.authorization_failed");
  // Z-06: what is sent after it waits for the decision.
  peer.send_all({list(kCall, peer.next_request(), dict(), kAdd, args("com.example.async.yes")),
                 list(kCall, peer.next_request(), dict(), kFlush)});
  const Message added = peer.expect(kResult);
  CHECK(added.request() == peer.last_request() - 1);
  CHECK(peer.expect_result(peer.last_request()).args() == list(1));
}

TEST_CASE("P-52: permission is asked for again when a testament is published") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& watcher = world.join();
  watcher.subscribe("com.example", json(R"({"match":"prefix"})"));
  const uint64_t leaves = watcher.subscribe("wamp.session.on_leave");
  Peer& peer = world.join();
  // Asked as it is made, and again as it is published: at once, later, or out of memory.
  int number = 0;
  for (const char* topic : {"com.example.plain", "com.example.async.1", "com.example.remember",
                            "com.example.async.2", "com.example.plain"}) {
    tell(peer, kAdd, list(topic, list(++number), dict()));
  }
  const uint64_t session = peer.session();
  peer.wire().close();
  for (int i = 1; i <= number; ++i) CHECK(watcher.expect(kEvent).args() == list(i));
  CHECK(watcher.expect_event(leaves).args().at(0).as_uint() == session);
  CHECK(world.router.log_count("asked publish exact com.example.plain as anonymous") == 4);
  CHECK(world.router.log_count("asked publish exact com.example.async.1 as anonymous") == 2);
  CHECK(world.router.log_count("asked publish exact com.example.remember as anonymous") == 1);
}

TEST_CASE("P-52: a testament whose authorizer does not answer is not published") {
  World world({{Carrier::websocket, Format::json}, 3},
              with_authorizer(R"({"decision_timeout":"2s"})"));
  Peer& watcher = world.join();
  const uint64_t leaves = watcher.subscribe("wamp.session.on_leave");
  const uint64_t topics = watcher.subscribe("com.example", json(R"({"match":"prefix"})"));
  Peer& peer = world.join();
  Peer& helper = world.join();
  // Allowed as it is made, because somebody sends a request that sets it free.
  const uint64_t request = peer.call(kAdd, dict(), list("com.example.hold", list(), dict()));
  REQUIRE(eventually([&] {
    helper.sync();
    return world.router.log_count("asked publish exact com.example.hold") == 1;
  }));
  helper.publish("com.example.release");
  peer.expect_result(request);
  const auto topic_of = [](const Message& event) {
    return std::string(event.details().find("topic").as_string());
  };
  CHECK(topic_of(watcher.expect_event(topics)) == "com.example.release");
  tell(peer, kAdd, list("com.example.topic", list(), dict()));
  peer.leave();
  CHECK(topic_of(watcher.expect_event(topics)) == "com.example.topic");  // the one after it
  watcher.expect_event(leaves);
}

TEST_CASE("P-51: no testament is lost when more happens at once than meta events may wait") {
  World world({{Carrier::raw_tcp, Format::json}, 1},
              R"({"realms": {"one": {"max_meta_events": 2}}})");
  Peer& watcher = world.join();
  const uint64_t topic = watcher.subscribe("com.example.topic");
  watcher.subscribe("wamp.subscription", json(R"({"match":"prefix"})"));
  Peer& peer = world.join();
  for (int i = 0; i < 10; ++i) {
    peer.subscribe("com.example.t" + std::to_string(i));
    tell(peer, kAdd, list("com.example.topic", list(i), dict()));
  }
  peer.leave();
  for (int next = 0; next < 10;) {
    const Message event = watcher.expect(kEvent);
    if (event.id(1) != topic) continue;  // what its other subscription hears
    CHECK(event.args() == list(next));
    ++next;
  }
  CHECK(world.router.log_count("meta events were dropped") == 1);
}

}  // namespace
}  // namespace nexus::test
