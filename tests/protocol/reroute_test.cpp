// Call re-routing (checklist R-60): callees that say wamp.error.unavailable.
#include <map>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kUnavailable = "wamp.error.unavailable";

// Callees that share com.example.p under one policy; all of them announce call_reroute.
struct Shared {
  Shared(World& world, const char* invoke, size_t count) : caller(world.join()) {
    for (size_t i = 0; i < count; ++i) {
      callees.push_back(&world.join());
      registration =
          callees.back()->register_procedure("com.example.p", dict({{"invoke", invoke}}));
    }
  }
  // The callee that has the next INVOCATION; all callees are asked for one round trip.
  size_t who(Message* invocation) {
    size_t found = callees.size();
    REQUIRE(eventually([&] {
      for (size_t i = 0; i < callees.size(); ++i) {
        callees[i]->sync();
        if (!callees[i]->has_received()) continue;
        found = i;
        *invocation = callees[i]->expect_invocation(registration);
        return true;
      }
      return false;
    }));
    return found;
  }

  Peer& caller;
  std::vector<Peer*> callees;
  uint64_t registration = 0;
};

struct Case {
  const char* invoke;
  std::vector<size_t> order;
};

TEST_CASE("R-60: the next callee by policy gets the call, with its arguments") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  const Case c =
      GENERATE(Case{"first", {0, 1, 2}}, Case{"last", {2, 1, 0}}, Case{"roundrobin", {0, 1, 2}});
  CAPTURE(c.invoke);
  Shared shared(world, c.invoke, 3);
  const uint64_t call =
      shared.caller.call("com.example.p", dict(), list("payload"), dict({{"k", 1}}));
  for (size_t i = 0; i < 3; ++i) {
    Message invocation;
    CHECK(shared.who(&invocation) == c.order[i]);
    CHECK(invocation.args() == list("payload"));
    CHECK(invocation.kwargs() == dict({{"k", 1}}));
    Peer& callee = *shared.callees[c.order[i]];
    if (i < 2) {
      callee.error(invocation.request(), kUnavailable);
    } else {
      callee.yield(invocation.request(), dict(), list("done"));
    }
  }
  CHECK(shared.caller.expect_result(call).args() == list("done"));
}

TEST_CASE("R-60: random asks each callee at most once") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shared shared(world, "random", 3);
  const uint64_t call = shared.caller.call("com.example.p");
  std::map<size_t, int> asked;
  for (int i = 0; i < 3; ++i) {
    Message invocation;
    const size_t who = shared.who(&invocation);
    ++asked[who];
    shared.callees[who]->error(invocation.request(), kUnavailable);
  }
  CHECK(asked.size() == 3);
  shared.caller.expect_call_error(call, "wamp.error.no_available_callee");
}

TEST_CASE("R-60: when all have been tried, and for single, there is no_available_callee") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  const char* invoke = GENERATE("single", "first");
  Shared shared(world, invoke, 1);
  const uint64_t call = shared.caller.call("com.example.p");
  Message invocation;
  shared.who(&invocation);
  shared.callees[0]->error(invocation.request(), kUnavailable);
  shared.caller.expect_call_error(call, "wamp.error.no_available_callee");
}

TEST_CASE("R-60: without the feature unavailable is an error like any other") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& plain = world.join({"callee.call_reroute"});
  Peer& other = world.join();
  Peer& caller = world.join();
  const uint64_t registration =
      plain.register_procedure("com.example.p", dict({{"invoke", "first"}}));
  other.register_procedure("com.example.p", dict({{"invoke", "first"}}));
  const uint64_t call = caller.call("com.example.p");
  plain.error(plain.expect_invocation(registration).request(), kUnavailable);
  caller.expect_call_error(call, kUnavailable);
}

TEST_CASE("R-60: not after a part of the result has gone out") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shared shared(world, "first", 2);
  const uint64_t call = shared.caller.call("com.example.p", dict({{"receive_progress", true}}));
  Message invocation;
  REQUIRE(shared.who(&invocation) == 0);
  shared.callees[0]->yield(invocation.request(), dict({{"progress", true}}), list(1));
  CHECK(shared.caller.expect_result(call).args() == list(1));
  shared.callees[0]->error(invocation.request(), kUnavailable);
  shared.caller.expect_call_error(call, "wamp.error.no_available_callee");
  expect_nothing({&shared.caller, shared.callees[1]});
}

TEST_CASE("R-60: a call that has been canceled is not routed again") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shared shared(world, "first", 2);
  const uint64_t call = shared.caller.call("com.example.p");
  Message invocation;
  REQUIRE(shared.who(&invocation) == 0);
  shared.caller.cancel(call, dict({{"mode", "kill"}}));
  shared.callees[0]->expect(kInterrupt, invocation.request());
  shared.callees[0]->error(invocation.request(), kUnavailable);
  shared.caller.expect_call_error(call, "wamp.error.canceled");
  expect_nothing({&shared.caller, shared.callees[1]});
}

TEST_CASE("R-60: the second attempt can be canceled, times out, and ends with its callee") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shared shared(world, "first", 2);
  const int how = GENERATE(0, 1, 2);
  const uint64_t call =
      shared.caller.call("com.example.p", how == 1 ? dict({{"timeout", 50}}) : dict());
  Message invocation;
  REQUIRE(shared.who(&invocation) == 0);
  shared.callees[0]->error(invocation.request(), kUnavailable);
  if (how == 1) {  // whether or not the second callee was still asked
    shared.caller.expect_call_error(call, "wamp.error.timeout");
    return;
  }
  REQUIRE(shared.who(&invocation) == 1);
  if (how == 0) {
    shared.caller.cancel(call, dict({{"mode", "skip"}}));
  } else {
    shared.callees[1]->leave();
  }
  shared.caller.expect_call_error(call, "wamp.error.canceled");
}

TEST_CASE("R-60: how much a session may have kept for another attempt is limited") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_reroute_bytes":"20K"}}})");
  Shared shared(world, "first", 2);
  const Value large = list(std::string(7000, 'x'));
  std::vector<uint64_t> calls;
  for (int i = 0; i < 2; ++i) {
    calls.push_back(shared.caller.call("com.example.p", dict(), large));
  }
  shared.caller.expect_call_error(shared.caller.call("com.example.p", dict(), large),
                                  "wamp.error.not_authorized");
  Peer& other = world.join();  // has room of its own
  calls.push_back(other.call("com.example.p", dict(), large));
  Peer& callee = *shared.callees[0];
  for (int i = 0; i < 3; ++i) {
    callee.yield(callee.expect_invocation(shared.registration).request());
  }
  for (int i = 0; i < 2; ++i) shared.caller.expect(kResult);
  other.expect_result(calls[2]);
  // A call that has ended is no longer kept.
  for (int i = 0; i < 5; ++i) {
    const uint64_t call = shared.caller.call("com.example.p", dict(), large);
    callee.yield(callee.expect_invocation(shared.registration).request());
    shared.caller.expect_result(call);
  }
}

}  // namespace
}  // namespace nexus::test
