// Deadlines that begin once and are not begun again by what happens meanwhile (checklist R-26,
// R-58, R-60, N-08). Other calls' timeouts on the same loop tell how time has passed, so that no
// test depends on how fast it runs: timers of one loop fire in the order of their deadlines.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Milliseconds. A timeout that began anew at kPart would end at 3400; so far apart because the
// loops may stand still for a while on a busy machine.
constexpr int kPart = 1400, kTimeout = 2000, kLater = 2700;

Value timeout(int ms) { return dict({{"timeout", ms}}); }

// A callee that also has two procedures which it never answers: calls of them are clocks.
Peer& join_callee(World& world) {
  Peer& callee = world.join();
  callee.register_procedure("com.example.part");
  callee.register_procedure("com.example.later");
  return callee;
}

TEST_CASE("R-58: the timeout of a call that waits for a busy callee goes on when it is admitted") {
  World world({{Carrier::raw_tcp, Format::msgpack}, GENERATE(1U, 3U)});
  Peer& callee = join_callee(world);
  Peer& caller = world.join();
  const uint64_t registration =
      callee.register_procedure("com.example.p", dict({{"concurrency", 1}}));
  const uint64_t running = caller.call("com.example.p");
  const uint64_t first = callee.expect_invocation(registration).request();
  const uint64_t waiting = caller.call("com.example.p", timeout(kTimeout));
  const uint64_t part = caller.call("com.example.part", timeout(kPart));
  const uint64_t later = caller.call("com.example.later", timeout(kLater));
  caller.expect_call_error(part, "wamp.error.timeout");
  callee.expect(kInvocation);
  callee.expect(kInvocation);
  callee.expect(kInterrupt);  // of the part
  callee.yield(first);
  caller.expect_result(running);
  caller.expect_call_error(waiting, "wamp.error.timeout");
  caller.expect_call_error(later, "wamp.error.timeout");
}

TEST_CASE("R-60: the timeout of a call that is routed again goes on") {
  World world({{Carrier::raw_tcp, Format::msgpack}, GENERATE(1U, 3U)});
  Peer& first = join_callee(world);
  Peer& second = world.join();
  Peer& caller = world.join();
  const Value shared = dict({{"invoke", "first"}});
  const uint64_t registration = first.register_procedure("com.example.p", shared);
  second.register_procedure("com.example.p", shared);
  second.register_procedure("com.example.later.too");
  const uint64_t call = caller.call("com.example.p", timeout(kTimeout));
  const uint64_t invocation = first.expect_invocation(registration).request();
  const uint64_t part = caller.call("com.example.part", timeout(kPart));
  // On the loop of the callee that has the call in the end.
  const uint64_t later = caller.call("com.example.later.too", timeout(kLater));
  caller.expect_call_error(part, "wamp.error.timeout");
  first.error(invocation, "wamp.error.unavailable");
  caller.expect_call_error(call, "wamp.error.timeout");
  caller.expect_call_error(later, "wamp.error.timeout");
}

TEST_CASE("S-06, N-08: an answer to AUTHENTICATE that does not come has a deadline of its own") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_test_plugins({"auth_async"}, R"({
      "router": {"decision_timeout": "60ms", "authentication_timeout": "10m"},
      "realms": {"one": {"authenticators": {
        "tested": {"type": "async-test", "mode": "challenge"}}}}})"));
  Peer& peer = world.connect();
  const Value details = merged(client_details(), dict({{"authmethods", list("async-test")}}));
  REQUIRE(peer.hello("realm1", details).type() == kChallenge);
  peer.send(list(kAuthenticate, "silence", dict()));
  const Message abort = peer.expect(kAbort);
  CHECK(abort.uri() == "wamp.error.authentication_failed");
  CHECK(world.router.log_count("cancelled") == 1);
  peer.expect_closed();
}

}  // namespace
}  // namespace nexus::test
