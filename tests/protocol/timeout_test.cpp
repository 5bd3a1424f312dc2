// Call timeouts (checklist chapter 9, R-25 … R-28).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("R-26: a call that takes too long ends with timeout") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool can_be_interrupted : {true, false}) {
    CAPTURE(can_be_interrupted);
    Peer& callee = can_be_interrupted ? world.join() : world.join({"callee.call_canceling"});
    Peer& caller = world.join();
    const uint64_t registration = callee.register_procedure("com.example.procedure");
    const auto begin = Clock::now();
    const uint64_t request = caller.call("com.example.procedure", dict({{"timeout", 60}}));
    const Message invocation = callee.expect_invocation(registration);
    CHECK(invocation.details() == dict());  // R-25: not forwarded
    caller.expect_call_error(request, "wamp.error.timeout");
    CHECK(Clock::now() - begin >= std::chrono::milliseconds(55));  // milliseconds, not earlier
    if (can_be_interrupted) {
      const Message interrupt = callee.expect(kInterrupt, invocation.request());
      CHECK(interrupt.details().find("mode").as_string() == "killnowait");
    }
    callee.yield(invocation.request(), dict(), list("late"));
    expect_nothing({&caller, &callee});
    callee.unregister(registration);
  }
}

TEST_CASE("R-25: a callee that wants the timeout gets it, and the dealer keeps none") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& clock = world.join();
  Peer& caller = world.join();
  const uint64_t registration =
      callee.register_procedure("com.example.procedure", dict({{"forward_timeout", true}}));
  clock.register_procedure("com.example.clock");
  const uint64_t request = caller.call("com.example.procedure", dict({{"timeout", 1}}));
  const Message invocation = callee.expect_invocation(registration);
  CHECK(invocation.details() == dict({{"timeout", 1}}));
  // Another call's timeout tells that more than a millisecond has passed.
  caller.expect_call_error(caller.call("com.example.clock", dict({{"timeout", 50}})),
                           "wamp.error.timeout");
  expect_nothing({&caller, &callee});
  callee.yield(invocation.request(), dict(), list("in my own time"));
  CHECK(caller.expect_result(request).args() == list("in my own time"));
}

TEST_CASE("R-25: forwarding needs both the announcement and the registration") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  for (const bool announced : {true, false}) {
    CAPTURE(announced);
    Peer& callee = announced ? world.join() : world.join({"callee.call_timeout"});
    const uint64_t registration =
        callee.register_procedure("com.example.procedure", dict({{"forward_timeout", !announced}}));
    const uint64_t request = caller.call("com.example.procedure", dict({{"timeout", 30}}));
    CHECK(callee.expect_invocation(registration).details() == dict());
    caller.expect_call_error(request, "wamp.error.timeout");
    callee.expect(kInterrupt);
    callee.unregister(registration);
  }
}

TEST_CASE("R-25: zero is no timeout") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t forever = caller.call("com.example.procedure", dict({{"timeout", 0}}));
  const uint64_t invocation = callee.expect_invocation(registration).request();
  const uint64_t brief = caller.call("com.example.procedure", dict({{"timeout", 30}}));
  callee.expect_invocation(registration);
  caller.expect_call_error(brief, "wamp.error.timeout");
  callee.expect(kInterrupt);
  expect_nothing({&caller, &callee});
  callee.yield(invocation);
  caller.expect_result(forever);
}

TEST_CASE("R-26: an answer in time stops the clock") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  // As many that are answered as one that is not, all due at about the same time.
  const uint64_t answered = caller.call("com.example.procedure", dict({{"timeout", 400}}));
  callee.yield(callee.expect_invocation(registration).request());
  caller.expect_result(answered);
  const uint64_t unanswered = caller.call("com.example.procedure", dict({{"timeout", 450}}));
  const uint64_t invocation = callee.expect_invocation(registration).request();
  caller.expect_call_error(unanswered, "wamp.error.timeout");
  callee.expect(kInterrupt, invocation);
  expect_nothing({&caller, &callee});
}

TEST_CASE("R-27: progressive results restart the clock") {
  const unsigned loops = GENERATE(1u, 3u);
  World world({{Carrier::raw_unix, Format::msgpack}, loops});
  Peer& callee = world.join();
  Peer& caller = world.join();
  Peer& clock = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  clock.register_procedure("com.example.clock");
  const uint64_t request =
      caller.call("com.example.procedure", dict({{"timeout", 2000}, {"receive_progress", true}}));
  const uint64_t invocation = callee.expect_invocation(registration).request();
  for (int i = 0; i < 2; ++i) {
    // Together longer than the timeout, each with a lot of room for a slow machine.
    Peer& waiting = world.join();
    const uint64_t tick = waiting.call("com.example.clock", dict({{"timeout", 1200}}));
    waiting.expect_call_error(tick, "wamp.error.timeout");
    callee.yield(invocation, dict({{"progress", true}}), list(i));
    CHECK(caller.expect_result(request).args() == list(i));
  }
  callee.yield(invocation);
  CHECK(caller.expect_result(request).details() == dict());
}

TEST_CASE("R-27: silence after progressive results still ends the call") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request =
      caller.call("com.example.procedure", dict({{"timeout", 60}, {"receive_progress", true}}));
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, dict({{"progress", true}}), list(1));
  Message reply = caller.receive();
  if (reply.type() == kResult) reply = caller.receive();  // a slow machine may time out first
  CHECK(reply.type() == kError);
  CHECK(reply.request() == request);
  CHECK(reply.uri() == "wamp.error.timeout");
  callee.expect(kInterrupt, invocation);
}

TEST_CASE("R-28: a realm can limit timeouts and have a default") {
  FOR_ALL_SETUPS(setup);
  for (const char* patch : {R"({"realms":{"one":{"call_timeout":"60ms"}}})",
                            R"({"realms":{"one":{"max_call_timeout":"60ms"}}})"}) {
    CAPTURE(patch);
    World world(setup, patch);
    Peer& callee = world.join();
    Peer& caller = world.join();
    callee.register_procedure("com.example.procedure");
    const bool clamps = std::string_view(patch).find("max") != std::string_view::npos;
    const uint64_t request =
        caller.call("com.example.procedure", clamps ? dict({{"timeout", 3600000}}) : dict());
    caller.expect_call_error(request, "wamp.error.timeout");
  }
}

TEST_CASE("R-28: a role can have timeouts of its own") {
  FOR_ALL_SETUPS(setup);
  // "slow" may take as long as it likes, "brief" gets little even if it asks for more, "half" says
  // only a part, and whoever is none of these has what the realm says.
  World world(setup, with_test_plugins({"auth_async"}, R"({"realms":{"one":{
      "call_timeout": "60ms", "max_call_timeout": "70ms",
      "roles": {"slow": {"call_timeout": 0, "max_call_timeout": 0},
                "brief": {"call_timeout": "40ms", "max_call_timeout": "50ms"}},
      "authenticators": {
        "slow": {"type": "async-test", "mode": "now", "role": "slow"}}},
    "two":{
      "call_timeout": 0,
      "roles": {"brief": {"call_timeout": "40ms", "max_call_timeout": "50ms"}},
      "authenticators": {
        "brief": {"type": "async-test", "mode": "now", "role": "brief"}}}}})"));
  const Value as_role = merged(client_details(), dict({{"authmethods", list("async-test")}}));
  {
    Peer& callee = world.join();
    const uint64_t registration = callee.register_procedure("com.example.procedure");
    Peer& slow = world.join_realm("realm1", as_role);
    Peer& plain = world.join();
    const uint64_t patient = slow.call("com.example.procedure");
    const uint64_t asked = slow.call("com.example.procedure", dict({{"timeout", 3600000}}));
    const uint64_t first = callee.expect_invocation(registration).request();
    const uint64_t second = callee.expect_invocation(registration).request();
    for (const Value& options : {dict(), dict({{"timeout", 3600000}})}) {
      plain.expect_call_error(plain.call("com.example.procedure", options), "wamp.error.timeout");
      callee.expect_invocation(registration);
      callee.expect(kInterrupt);
    }
    callee.yield(first);
    callee.yield(second);
    slow.expect_result(patient);
    slow.expect_result(asked);
  }
  Peer& callee = world.join_realm("realm2");
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  Peer& brief = world.join_realm("realm2", as_role);
  Peer& plain = world.join_realm("realm2");
  const uint64_t patient = plain.call("com.example.procedure");
  const uint64_t open = callee.expect_invocation(registration).request();
  for (const Value& options : {dict(), dict({{"timeout", 3600000}})}) {
    brief.expect_call_error(brief.call("com.example.procedure", options), "wamp.error.timeout");
    callee.expect_invocation(registration);
    callee.expect(kInterrupt);
  }
  callee.yield(open);
  plain.expect_result(patient);
}

TEST_CASE("R-28: a callee that takes the timeout is told the one that holds") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"call_timeout":5000,"max_call_timeout":"1h",
      "roles":{"anonymous":{"max_call_timeout":7000}}}}})");
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration =
      callee.register_procedure("com.example.procedure", dict({{"forward_timeout", true}}));
  const std::pair<int, int> cases[] = {{0, 5000}, {6000, 6000}, {8000, 7000}};
  for (const auto& [asked, told] : cases) {
    CAPTURE(asked);
    const uint64_t request = caller.call("com.example.procedure", dict({{"timeout", asked}}));
    const Message invocation = callee.expect_invocation(registration);
    CHECK(invocation.details() == dict({{"timeout", told}}));
    callee.yield(invocation.request());
    caller.expect_result(request);
  }
}

TEST_CASE("R-26: many calls time out, each once") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join({"callee.call_canceling"});
  Peer& caller = world.join();
  callee.register_procedure("com.example.procedure");
  std::vector<Value> calls;
  std::vector<bool> ended(201);
  for (int i = 0; i < 200; ++i) {
    calls.push_back(list(kCall, caller.next_request(), dict({{"timeout", 20 + i % 7}}),
                         "com.example.procedure"));
  }
  caller.send_all(calls);
  for (int i = 0; i < 200; ++i) {
    const Message reply = caller.expect(kError);
    CHECK(reply.uri() == "wamp.error.timeout");
    CHECK_FALSE(ended[reply.request()]);
    ended[reply.request()] = true;
  }
  expect_nothing({&caller});
}

}  // namespace
}  // namespace nexus::test
