// Reading data again while the router runs: nexus.reload/1 of components, Router::reload() and the
// procedure nexus.reload. The component is the test plugin authz_async.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

std::string with_reload(std::string_view how, std::string_view roles = R"(["anonymous"])") {
  Value patch = json(R"({"realms":{"one":{"authorizers":{"tested":{"type":"authz-test"}}}}})");
  patch = merged(patch,
                 json(R"({"realms":{"one":{"reload_roles":)" + std::string(roles) +
                      R"(,"authorizers":{"tested":{"reload":")" + std::string(how) + R"("}}}}})"));
  return with_test_plugins({"authz_async"}, to_json(patch));
}

constexpr Setup kOne = {{Carrier::raw_tcp, Format::msgpack}, 2};

TEST_CASE("reload: every component that can is told, and what it said is answered") {
  World world(kOne, with_reload("works"));
  const std::vector<Reloaded> done = world.router.router().reload();
  size_t found = 0;
  for (const Reloaded& one : done) {
    CHECK(one.status);
    found += one.section == "realms.one.authorizers.tested" ? 1 : 0;
  }
  CHECK(found == 1);
  CHECK(world.router.log_count("reload") >= 2);
}

TEST_CASE("reload: a failure is told in the log and in the answer, and nothing else happens") {
  const std::string how = GENERATE("fails", "throws");
  World world(kOne, with_reload(how));
  size_t failed = 0;
  for (const Reloaded& one : world.router.router().reload()) {
    if (one.status) continue;
    ++failed;
    CHECK(one.section == "realms.one.authorizers.tested");
    if (how == "fails") CHECK(one.status.text() == "the rules in \"rules.json\" are upside down");
    CHECK_FALSE(one.status.text().empty());
  }
  CHECK(failed == 1);
  CHECK(world.router.log_count("what was there before stays in force") == 1);
  Peer& peer = world.join();
  peer.expect_call_error(peer.call("nexus.reload"), "nexus.error.reload_failed");
  CHECK(world.router.log_count("what was there before stays in force") == 2);
}

TEST_CASE("reload: nexus.reload is for the roles that the realm lists") {
  SECTION("listed") {
    FOR_ALL_SETUPS(setup);
    World world(setup, with_reload("works"));
    Peer& peer = world.join();
    peer.expect_result(peer.call("nexus.reload"));
    CHECK(world.router.log_count("reload was asked for") == 1);
    peer.expect_error(kRegister, peer.send_register("nexus.reload"),
                      "wamp.error.procedure_already_exists");
    // Who left meanwhile is answered by nobody, and that is all.
    Peer& hasty = world.join();
    hasty.call("nexus.reload");
    hasty.wire().close();
    peer.expect_result(peer.call("nexus.reload"));
  }
  SECTION("not listed") {
    World world(kOne, with_reload("works", R"(["operator"])"));
    Peer& peer = world.join();
    peer.expect_call_error(peer.call("nexus.reload"), "wamp.error.not_authorized");
    CHECK(world.router.log_count("reload was asked for") == 0);
  }
  SECTION("no role is listed: there is no such procedure, and the name is free") {
    World world(kOne, with_reload("works", "[]"));
    Peer& peer = world.join();
    peer.expect_call_error(peer.call("nexus.reload"), "wamp.error.no_such_procedure");
    peer.register_procedure("nexus.reload");
  }
}

TEST_CASE("reload: one that is asked for while the router stops ends with it") {
  World world(kOne, with_reload("works"));
  Peer& peer = world.join();
  for (int i = 0; i < 20; ++i) peer.call("nexus.reload");
  world.router.stop(std::chrono::milliseconds(0));
  CHECK(world.router.router().reload().empty());
}

}  // namespace
}  // namespace nexus::test
