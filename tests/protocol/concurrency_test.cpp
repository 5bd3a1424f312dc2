// Callees that limit how many invocations they have at once (checklist R-07, R-58).
#include <set>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

struct Limited {
  Limited(World& world, const Value& options) : callee(world.join()), caller(world.join()) {
    registration = callee.register_procedure("com.example.p", options);
  }
  Peer& callee;
  Peer& caller;
  uint64_t registration = 0;
};

TEST_CASE("R-07: what exceeds the concurrency waits and comes in order") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Limited l(world, dict({{"concurrency", 2}}));
  std::vector<uint64_t> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(l.caller.call("com.example.p", dict(), list(i)));
  for (int i = 0; i < 5; ++i) {
    const Message invocation = l.callee.expect_invocation(l.registration);
    CHECK(invocation.request() == static_cast<uint64_t>(i + 1));  // U-07: no gaps
    CHECK(invocation.args() == list(i));
    if (i == 0) continue;  // from now on two are open
    if (i < 4) expect_nothing({&l.callee});
    l.callee.yield(static_cast<uint64_t>(i), dict(), list(i - 1));
    CHECK(l.caller.expect_result(calls[static_cast<size_t>(i - 1)]).args() == list(i - 1));
  }
  l.callee.error(5, "com.example.failed");
  l.caller.expect_call_error(calls[4], "com.example.failed");
  expect_nothing({&l.caller, &l.callee});
}

TEST_CASE("R-07: a shared registration passes over a callee that is at its limit") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Limited l(world, dict({{"concurrency", 1}, {"invoke", "first"}}));
  Peer& second = world.join();
  second.register_procedure("com.example.p", dict({{"invoke", "first"}}));
  l.caller.call("com.example.p");
  const uint64_t first = l.callee.expect_invocation(l.registration).request();
  const uint64_t call = l.caller.call("com.example.p");
  second.yield(second.expect_invocation(l.registration).request());
  l.caller.expect_result(call);
  l.callee.yield(first);
}

TEST_CASE("R-58: a waiting call can be canceled, times out, and goes with its caller") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Limited l(world, dict({{"concurrency", 1}}));
  Peer& leaver = world.join();
  const uint64_t running = l.caller.call("com.example.p", dict(), list("running"));
  const uint64_t invocation = l.callee.expect_invocation(l.registration).request();
  const uint64_t canceled = l.caller.call("com.example.p", dict(), list("canceled"));
  leaver.call("com.example.p", dict(), list("left"));
  expect_nothing({&leaver});
  l.caller.cancel(canceled, dict({{"mode", "kill"}}));
  l.caller.expect_call_error(canceled, "wamp.error.canceled");
  const uint64_t timed = l.caller.call("com.example.p", dict({{"timeout", 20}}), list("timed"));
  const uint64_t last = l.caller.call("com.example.p", dict(), list("last"));
  l.caller.expect_call_error(timed, "wamp.error.timeout");
  leaver.leave();
  expect_nothing({&l.callee});  // none of them has ever been heard of there
  l.callee.yield(invocation);
  l.caller.expect_result(running);
  const Message next = l.callee.expect_invocation(l.registration);
  CHECK(next.args() == list("last"));
  CHECK(next.request() == invocation + 1);
  l.callee.yield(next.request());
  l.caller.expect_result(last);
}

TEST_CASE("R-58: the parts of a progressive call wait together and keep their order") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Limited l(world, dict({{"concurrency", 1}}));
  l.caller.call("com.example.p");
  const uint64_t running = l.callee.expect_invocation(l.registration).request();
  const uint64_t call = l.caller.call("com.example.p", dict({{"progress", true}}), list(1));
  l.caller.call_again(call, "com.example.p", dict({{"progress", true}}), list(2));
  l.caller.call_again(call, "com.example.p", dict(), list(3));
  expect_nothing({&l.callee});
  l.callee.yield(running);
  l.caller.expect(kResult);
  for (int part = 1; part <= 3; ++part) {
    const Message invocation = l.callee.expect_invocation(l.registration);
    CHECK(invocation.request() == running + 1);
    CHECK(invocation.args() == list(part));
    CHECK(invocation.details().find("progress").as_bool() == (part < 3));
  }
  l.callee.yield(running + 1, dict(), list("done"));
  CHECK(l.caller.expect_result(call).args() == list("done"));
}

TEST_CASE("R-05, R-58: what waits when the callee unregisters or leaves is answered") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  const bool leaves = GENERATE(true, false);
  Limited l(world, dict({{"concurrency", 1}}));
  const uint64_t running = l.caller.call("com.example.p");
  const uint64_t invocation = l.callee.expect_invocation(l.registration).request();
  const uint64_t waiting = l.caller.call("com.example.p");
  expect_nothing({&l.caller, &l.callee});  // it has arrived at the callee's loop, and waits
  if (leaves) {
    l.callee.leave();
    std::set<uint64_t> failed;
    for (int i = 0; i < 2; ++i) failed.insert(l.caller.expect(kError).request());
    CHECK(failed == std::set<uint64_t>{running, waiting});
  } else {
    l.callee.unregister(l.registration);
    l.caller.expect_call_error(waiting, "wamp.error.canceled");
    l.callee.yield(invocation);  // what had been sent still counts
    l.caller.expect_result(running);
  }
}

TEST_CASE("R-58: how many may wait is limited") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_waiting_calls":2}}})");
  Limited l(world, dict({{"concurrency", 1}}));
  std::vector<uint64_t> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(l.caller.call("com.example.p"));
  l.caller.expect_call_error(calls[3], "wamp.error.no_available_callee");
}

TEST_CASE("R-58: how much may wait is limited, parts included, and what leaves makes room") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_waiting_bytes":"20K"}}})");
  Limited l(world, dict({{"concurrency", 1}}));
  const Value large = list(std::string(7000, 'x'));
  const uint64_t running = l.caller.call("com.example.p", dict(), large);
  const uint64_t invocation = l.callee.expect_invocation(l.registration).request();
  const uint64_t first = l.caller.call("com.example.p", dict(), large);
  const uint64_t stream = l.caller.call("com.example.p", dict({{"progress", true}}), large);
  l.caller.expect_call_error(l.caller.call("com.example.p", dict(), large),
                             "wamp.error.no_available_callee");
  l.caller.call_again(stream, "com.example.p", dict({{"progress", true}}), large);
  l.caller.expect_call_error(stream, "wamp.error.no_available_callee");
  l.caller.call_again(stream, "com.example.p", dict({{"progress", false}}), large);  // R-55
  const uint64_t second = l.caller.call("com.example.p", dict(), large);             // in its place
  l.caller.cancel(first);
  l.caller.expect_call_error(first, "wamp.error.canceled");
  const uint64_t third = l.caller.call("com.example.p", dict(), large);
  expect_nothing({&l.caller});
  l.callee.yield(invocation);
  l.caller.expect_result(running);
  for (const uint64_t call : {second, third}) {
    l.callee.yield(l.callee.expect_invocation(l.registration).request());
    l.caller.expect_result(call);
  }
  // Everything that waited is forgotten: as much fits as at first.
  const uint64_t again = l.caller.call("com.example.p");
  const uint64_t open = l.callee.expect_invocation(l.registration).request();
  std::vector<uint64_t> waiting;
  for (int i = 0; i < 2; ++i) waiting.push_back(l.caller.call("com.example.p", dict(), large));
  expect_nothing({&l.caller});
  l.callee.yield(open);
  l.caller.expect_result(again);
}

TEST_CASE("R-58: a call that is canceled while it waits makes room for another") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_waiting_calls":2}}})");
  Limited l(world, dict({{"concurrency", 1}}));
  l.caller.call("com.example.p");
  const uint64_t running = l.callee.expect_invocation(l.registration).request();
  for (int i = 0; i < 5; ++i) {
    const uint64_t call = l.caller.call("com.example.p");
    l.caller.cancel(call);
    l.caller.expect_call_error(call, "wamp.error.canceled");
  }
  const uint64_t last = l.caller.call("com.example.p", dict(), list("last"));
  expect_nothing({&l.caller});
  l.callee.yield(running);
  l.caller.expect(kResult);
  const Message invocation = l.callee.expect_invocation(l.registration);
  CHECK(invocation.args() == list("last"));
  l.callee.yield(invocation.request());
  l.caller.expect_result(last);
}

TEST_CASE("R-58: a stream with more parts than may wait ends with an error, not with a hole") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Limited l(world, dict({{"concurrency", 1}}));
  const uint64_t first = l.caller.call("com.example.p");
  const uint64_t running = l.callee.expect_invocation(l.registration).request();
  const uint64_t call = l.caller.call("com.example.p", dict({{"progress", true}}));
  for (int i = 0; i < 1024; ++i) {
    l.caller.call_again(call, "com.example.p", dict({{"progress", true}}), list(i));
  }
  expect_nothing({&l.caller});
  l.caller.call_again(call, "com.example.p", dict(), list("one too many"));
  l.caller.expect_call_error(call, "wamp.error.no_available_callee");
  l.callee.yield(running);
  l.caller.expect_result(first);
  expect_nothing({&l.callee, &l.caller});
}

TEST_CASE("R-58: what waited gives back all its room when it is taken out") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_waiting_bytes":"64K"}}})");
  Limited l(world, dict({{"concurrency", 1}}));
  const std::string bulk(20000, 'x');
  // Each time a call of three parts fills most of the room; parts of earlier ones take none of it.
  for (int round = 0; round < 4; ++round) {
    CAPTURE(round);
    const uint64_t running = l.caller.call("com.example.p");
    const uint64_t first = l.callee.expect_invocation(l.registration).request();
    const uint64_t stream = l.caller.call("com.example.p", dict({{"progress", true}}), list(bulk));
    l.caller.call_again(stream, "com.example.p", dict({{"progress", true}}), list(bulk));
    l.caller.call_again(stream, "com.example.p", dict(), list(bulk));
    l.caller.sync();
    l.callee.yield(first);
    l.caller.expect_result(running);
    uint64_t second = 0;
    for (int part = 0; part < 3; ++part) {
      second = l.callee.expect_invocation(l.registration).request();
    }
    l.callee.yield(second);
    l.caller.expect_result(stream);
  }
}

}  // namespace
}  // namespace nexus::test
