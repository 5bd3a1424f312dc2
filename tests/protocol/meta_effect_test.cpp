// Meta procedures answer when what they do has been done, on every loop (checklist chapter 10,
// A-20 … A-27, P-40, R-69). The loop of the session that they concern is made to stand still, by an
// authorizer of the test's: as long as it does, there can be no answer.
#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kTopic = "com.example.topic";
constexpr const char* kProcedure = "com.example.procedure";

// Admins and guests in realm1, and the authorizer.
std::string with_standstill() {
  return with_test_plugins({"auth_async", "authz_async"}, R"({"realms":{"one":{
      "meta_kill_roles": ["admin"], "reload_roles": ["admin"],
      "authenticators": {"admins": {"type": "async-test", "mode": "now", "role": "admin"}},
      "authorizers": {"tested": {"type": "authz-test"}}}}})");
}

// A guest on one loop, and an admin on the other: connections go to the loop that has fewest.
struct Two {
  Two()
      : world({{Carrier::raw_tcp, Format::msgpack}, 2}, with_standstill()),
        target(world.join()),
        admin(join_admin(world)),
        subscription(target.subscribe(kTopic)),
        registration(target.register_procedure(kProcedure)) {}

  // The target's loop does nothing from now on.
  void stand_still() {
    target.publish("com.test.standstill");
    REQUIRE(eventually([&] {
      admin.sync();
      return world.router.log_count("asked publish exact com.test.standstill") == 1;
    }));
  }
  void go_on() { admin.publish("com.test.goon"); }

  World world;
  Peer& target;
  Peer& admin;
  const uint64_t subscription;
  const uint64_t registration;
};

struct Change {
  const char* procedure;
  Value (*args)(const Two&);
  Value result;
};

std::vector<Change> changes() {
  const auto session = [](const Two& two) { return list(two.target.session()); };
  const auto role = [](const Two&) { return list("anonymous"); };
  return {
      {"wamp.session.kill", session, list()},
      {"wamp.session.kill_by_authid",
       [](const Two& two) { return list(two.target.welcome().find("authid")); },
       {}},
      {"wamp.session.kill_by_authrole", role, list(1)},
      {"wamp.session.kill_all", [](const Two&) { return list(); }, list(1)},
      {"wamp.session.modify_details",
       [](const Two& two) {
         return list(two.target.session(), dict({{"authrole", "guest"}}));
       },
       list()},
      {"wamp.subscription.remove_subscriber",
       [](const Two& two) { return list(two.subscription, two.target.session()); }, list()},
      {"wamp.registration.remove_callee",
       [](const Two& two) { return list(two.registration, two.target.session()); }, list()},
      {"nexus.reload", [](const Two&) { return list(); }, list()},
  };
}

TEST_CASE("A-25, A-20: a meta procedure answers when the loop that it concerns has done its part") {
  const size_t at = GENERATE(range(size_t{0}, size_t{8}));
  const Change change = changes().at(at);
  INFO(change.procedure);
  Two two;
  two.stand_still();
  const uint64_t request = two.admin.call(change.procedure, dict(), change.args(two));
  if (std::string_view(change.procedure) == "nexus.reload") {
    REQUIRE(eventually([&] {
      two.admin.sync();
      return two.world.router.log_count("reloaded") > 0;
    }));
  }
  two.admin.sync();
  CHECK_FALSE(two.admin.has_received());
  two.go_on();
  const Message result = two.admin.expect_result(request);
  CHECK(result.args() == (change.result ? change.result : list(list(two.target.session()))));
}

TEST_CASE("A-25: what fails is answered at once, whatever other loops are doing") {
  Two two;
  two.stand_still();
  refuse(two.admin, "wamp.session.kill", list(1), "wamp.error.no_such_session");
  refuse(two.admin, "wamp.session.modify_details", list(1, dict()), "wamp.error.no_such_session");
  refuse(two.admin, "wamp.subscription.remove_subscriber", list(two.subscription, 1),
         "wamp.error.no_such_session");
  refuse(two.admin, "wamp.registration.remove_callee", list(two.registration, 1),
         "wamp.error.no_such_session");
  CHECK(ask(two.admin, "wamp.session.kill_by_authrole", list("nobody")) == V(0).value);
  two.go_on();
  two.target.sync();
}

TEST_CASE("A-25: nobody is told of the end of a call whose caller has left meanwhile") {
  Two two;
  two.stand_still();
  two.admin.call("wamp.session.modify_details", dict(),
                 list(two.target.session(), dict({{"authrole", "guest"}})));
  two.admin.leave();
  // The same connection, and another session: the answer is not for it.
  two.admin.join("realm1", admin_details());
  two.go_on();
  expect_nothing({&two.target, &two.admin});
}

TEST_CASE("A-25: a PUBLISH after the answer goes by the new role, from every loop") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& subscriber = world.join();
  Peer& admin = join_admin(world);
  Peer& publisher = world.join();
  const uint64_t subscription = subscriber.subscribe(kTopic);
  for (int i = 0; i < 10; ++i) {
    const std::string role = "role" + std::to_string(i);
    tell(admin, "wamp.session.modify_details",
         list(subscriber.session(), dict({{"authrole", role}})));
    publisher.publish(kTopic, dict({{"exclude_authrole", list(role)}}), list("not for it"));
    publisher.publish(kTopic, dict({{"eligible_authrole", list(role)}}), list(i));
    CHECK(subscriber.expect_event(subscription).args() == list(i));
  }
}

TEST_CASE("A-20: what the killed had is gone when the answer comes, from every loop") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& caller = join_admin(world, "deputy");
  std::vector<Peer*> victims;
  for (int i = 0; i < 6; ++i) {
    victims.push_back(&world.join());
    victims.back()->register_procedure("com.example.p" + std::to_string(i));
  }
  CHECK(ask(admin, "wamp.session.kill_by_authrole", list("anonymous")) == V(6).value);
  for (int i = 0; i < 6; ++i) {
    caller.expect_call_error(caller.call("com.example.p" + std::to_string(i)),
                             "wamp.error.no_such_procedure");
  }
  for (Peer* victim : victims) CHECK_NOTHROW(expect_goodbye(*victim, "wamp.close.killed"));
}

}  // namespace
}  // namespace nexus::test
