// Components that watch a realm's sessions (nexus.watch/1): who they are told of, and how each way
// to leave is told. The component is the test plugin auth_watch, which writes it into the log.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

constexpr Setup kOne = {{Carrier::websocket, Format::json}, 2};

std::string watched(std::string_view patch = "{}") {
  const Value more = json(R"({"realms": {"one": {"meta_kill_roles": ["anonymous"],
    "authenticators": {"watch": {"type": "watch-test"},
                       "tested": {"type": "async-test", "mode": "now"}}}}})");
  return with_test_plugins({"auth_watch", "auth_async"}, to_json(merged(more, json(patch))));
}

Value as(std::string_view authid) {
  return merged(client_details(),
                dict({{"authid", authid}, {"authmethods", list("async-test")}, {"seat", 7}}));
}

bool told(World& world, const std::string& text, size_t times = 1) {
  return eventually([&] { return world.router.log_count("seen: " + text) == times; });
}

TEST_CASE("watch: a component hears who joins, whoever let them in") {
  World world(kOne, watched());
  world.join_realm("realm1", as("joe"));
  CHECK(told(world,
             "joined joe tested async-test test realm1 websocket extra={\"mode\":\"now\"} "
             "attributes={\"seat\":7}"));
  Peer& guest = world.join();
  CHECK(told(world,
             "joined " + std::string(guest.welcome().find("authid").as_string()) + " anonymous"));
  CHECK(told(world, "joined", 2));
  // Who is refused has not joined, and realm2 has no such component.
  Peer& refused = world.connect();
  refused.send(list(kHello, "realm1",
                    merged(client_details(), dict({{"authmethods", list("watch-test")}}))));
  refused.expect_abort("wamp.error.no_matching_auth_method");
  world.join_realm("realm2").leave();
  guest.sync();
  CHECK(world.router.log_count("seen: joined") == 2);
  CHECK(world.router.log_count("seen: left") == 0);
}

TEST_CASE("watch: each way to leave has its name") {
  World world(kOne, watched());
  Peer& operator_ = world.join();

  Peer& polite = world.join_realm("realm1", as("polite"));
  polite.send(list(kGoodbye, dict(), "wamp.close.logout"));
  polite.expect(kGoodbye);
  CHECK(told(world, "left polite tested how=1 wamp.close.logout"));
  // The same connection, another session.
  polite.join("realm1", as("again"));
  CHECK(told(world, "joined again"));

  Peer& victim = world.join_realm("realm1", as("victim"));
  operator_.expect_result(operator_.call("wamp.session.kill", dict(), list(victim.session()),
                                         dict({{"reason", "com.example.enough"}})));
  victim.expect(kGoodbye);
  CHECK(told(world, "left victim tested how=2 com.example.enough"));
  operator_.expect_result(operator_.call("wamp.session.kill_by_authid", dict(), list("again")));
  polite.expect(kGoodbye);
  CHECK(told(world, "left again tested how=2 wamp.close.killed"));

  Peer& aborting = world.join_realm("realm1", as("aborting"));
  aborting.send(list(kAbort, dict(), "com.example.forgot"));
  CHECK(told(world, "left aborting tested how=4 com.example.forgot"));
  Peer& violating = world.join_realm("realm1", as("violating"));
  violating.send(list(kHello, "realm1", client_details()));
  violating.expect_violation();
  CHECK(told(world, "left violating tested how=4 wamp.error.protocol_violation"));

  world.join_realm("realm1", as("lost")).wire().close();
  CHECK(told(world, "left lost tested how=5 "));

  Peer& changed = world.join_realm("realm1", as("changed"));
  operator_.expect_result(
      operator_.call("wamp.session.modify_details", dict(),
                     list(changed.session(), dict({{"authid", "other"}, {"authrole", "more"}}))));
  changed.sync();
  changed.leave();
  CHECK(told(world, "left other more how=1 "));

  world.router.stop(patience());
  CHECK(world.router.log_count("how=3 wamp.close.system_shutdown") == 1);
  // Exactly once each.
  CHECK(world.router.log_count("seen: joined") == world.router.log_count("seen: left"));
}

TEST_CASE("watch: half an interface is a mistake in the configuration") {
  const std::string patch = with_test_plugins({"bad_short_watch"}, R"({"realms": {"one": {
    "authenticators": {"watch": {"type": "short-watch"}}}}})");
  CHECK_THROWS_WITH(World(kOne, patch),
                    Catch::Contains("realms.one.authenticators.watch: has no usable interface "
                                    "nexus.watch/1"));
}

TEST_CASE("watch: a component that throws is alone with it") {
  World world(kOne, watched(R"({"realms":{"one":{"authenticators":{"watch":{"throws":true}}}}})"));
  Peer& peer = world.join();
  peer.sync();
  peer.leave();
  CHECK(eventually(
      [&] { return world.router.log_count("thrown on purpose when somebody left") == 1; }));
  CHECK(world.router.log_count("thrown on purpose when somebody joined") == 1);
}

}  // namespace
}  // namespace nexus::test
