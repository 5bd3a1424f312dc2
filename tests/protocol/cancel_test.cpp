// Call canceling and defunct invocations (checklist chapter 9, R-30 … R-41).
#include <algorithm>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

Value mode(const char* name) { return dict({{"mode", name}}); }

// A call that has reached its callee.
struct OpenCall {
  explicit OpenCall(World& world, std::initializer_list<std::string_view> callee_without = {})
      : callee(world.join(callee_without)), caller(world.join()) {
    registration = callee.register_procedure("com.example.procedure");
    request = caller.call("com.example.procedure");
    invocation = callee.expect_invocation(registration).request();
  }
  // The callee gets one INTERRUPT of this mode.
  void expect_interrupt(std::string_view mode_name) {
    const Message interrupt = callee.expect(kInterrupt, invocation);
    CHECK(interrupt.details().find("mode").as_string() == mode_name);
  }
  void expect_quiet() { expect_nothing({&caller, &callee}); }

  Peer& callee;
  Peer& caller;
  uint64_t registration = 0;
  uint64_t request = 0;
  uint64_t invocation = 0;
};

TEST_CASE("R-30: skip ends the call for the caller and leaves the callee alone") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  OpenCall call(world);
  call.caller.cancel(call.request, mode("skip"));
  call.caller.expect_call_error(call.request, "wamp.error.canceled");
  call.expect_quiet();
  call.callee.yield(call.invocation, dict(), list("late"));
  call.expect_quiet();
}

TEST_CASE("R-30: killnowait answers at once and interrupts the callee") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  OpenCall call(world);
  call.caller.cancel(call.request, mode("killnowait"));
  call.caller.expect_call_error(call.request, "wamp.error.canceled");
  call.expect_interrupt("killnowait");
  call.callee.error(call.invocation, "wamp.error.canceled");
  call.expect_quiet();
}

TEST_CASE("R-32: INTERRUPT says how, and why") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* name : {"kill", "killnowait"}) {
    CAPTURE(name);
    OpenCall call(world);
    call.caller.cancel(call.request, mode(name));
    CHECK(call.callee.expect(kInterrupt, call.invocation).details() ==
          dict({{"mode", name}, {"reason", "wamp.error.canceled"}}));
    call.callee.error(call.invocation, "wamp.error.canceled");
    call.caller.expect_call_error(call.request, "wamp.error.canceled");
    const uint64_t slow = call.caller.call("com.example.procedure", dict({{"timeout", 20}}));
    const uint64_t invocation = call.callee.expect_invocation(call.registration).request();
    call.caller.expect_call_error(slow, "wamp.error.timeout");
    CHECK(call.callee.expect(kInterrupt, invocation).details() ==
          dict({{"mode", "killnowait"}, {"reason", "wamp.error.timeout"}}));
    call.callee.unregister(call.registration);
  }
}

TEST_CASE("R-33: without a mode it is killnowait") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  OpenCall call(world);
  call.caller.cancel(call.request);
  call.caller.expect_call_error(call.request, "wamp.error.canceled");
  call.expect_interrupt("killnowait");
  call.expect_quiet();
}

TEST_CASE("R-30: kill waits for what the callee says") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool with_error : {true, false}) {
    CAPTURE(with_error);
    OpenCall call(world);
    call.caller.cancel(call.request, mode("kill"));
    call.expect_interrupt("kill");
    call.expect_quiet();
    if (with_error) {
      call.callee.error(call.invocation, "com.example.stopped", dict(), list("half done"));
      CHECK(call.caller.expect_call_error(call.request, "com.example.stopped").args() ==
            list("half done"));
    } else {
      call.callee.yield(call.invocation, dict(), list("too late to stop"));
      CHECK(call.caller.expect_result(call.request).args() == list("too late to stop"));
    }
    call.expect_quiet();
    call.callee.unregister(call.registration);
  }
}

TEST_CASE("R-31: with a callee that cannot be interrupted every mode is skip") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* name : {"skip", "killnowait", "kill"}) {
    CAPTURE(name);
    OpenCall call(world, {"callee.call_canceling"});
    call.caller.cancel(call.request, mode(name));
    call.caller.expect_call_error(call.request, "wamp.error.canceled");
    call.expect_quiet();
    call.callee.yield(call.invocation);
    call.expect_quiet();
    call.callee.unregister(call.registration);
  }
}

TEST_CASE("R-35: CANCEL for a call that is not open is ignored") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  OpenCall call(world);
  call.caller.cancel(call.request + 5);
  call.callee.yield(call.invocation);
  call.caller.expect_result(call.request);
  call.caller.cancel(call.request);
  call.caller.cancel(call.request, mode("kill"));
  call.expect_quiet();
}

TEST_CASE("R-35: nobody can cancel somebody else's call") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  OpenCall call(world);
  Peer& stranger = world.join();
  stranger.cancel(call.request, mode("killnowait"));
  expect_nothing({&stranger, &call.caller, &call.callee});
  call.callee.yield(call.invocation);
  call.caller.expect_result(call.request);
}

TEST_CASE("R-36: after kill, killnowait and skip still end the call") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const char* second : {"killnowait", "skip"}) {
    CAPTURE(second);
    OpenCall call(world);
    call.caller.cancel(call.request, mode("kill"));
    call.expect_interrupt("kill");
    call.caller.cancel(call.request, mode(second));
    call.caller.expect_call_error(call.request, "wamp.error.canceled");
    call.callee.yield(call.invocation);
    call.expect_quiet();  // and no second INTERRUPT
    call.callee.unregister(call.registration);
  }
}

TEST_CASE("R-36: a repeated CANCEL changes nothing") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  {
    OpenCall call(world);
    call.caller.cancel(call.request, mode("kill"));
    call.caller.cancel(call.request, mode("kill"));
    call.expect_interrupt("kill");
    call.expect_quiet();
    call.callee.yield(call.invocation);
    call.caller.expect_result(call.request);
    call.callee.unregister(call.registration);
  }
  OpenCall call(world);
  for (const char* name : {"killnowait", "killnowait", "skip", "kill"}) {
    call.caller.cancel(call.request, mode(name));
  }
  call.caller.expect_call_error(call.request, "wamp.error.canceled");
  call.expect_interrupt("killnowait");
  call.expect_quiet();
}

TEST_CASE("R-36: the timeout still ends a call that was killed") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure", dict({{"timeout", 100}}));
  const uint64_t invocation = callee.expect_invocation(registration).request();
  caller.cancel(request, mode("kill"));
  callee.expect(kInterrupt, invocation);
  caller.expect_call_error(request, "wamp.error.timeout");
  callee.yield(invocation);
  expect_nothing({&caller, &callee});
}

TEST_CASE("R-37: after kill, a callee that leaves ends the call with canceled") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  OpenCall call(world);
  call.caller.cancel(call.request, mode("kill"));
  call.expect_interrupt("kill");
  call.callee.leave();
  call.caller.expect_call_error(call.request, "wamp.error.canceled");
  expect_nothing({&call.caller});
}

TEST_CASE("R-30: CANCEL meets the answer: every call ends exactly once") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  constexpr size_t kCalls = 120;
  const char* const modes[] = {"skip", "killnowait", "kill"};
  std::vector<uint64_t> requests;
  std::vector<Value> batch;
  for (size_t i = 0; i < kCalls; ++i) {
    requests.push_back(caller.next_request());
    batch.push_back(list(kCall, requests.back(), dict(), "com.example.procedure"));
    if (i % 4 != 3) batch.push_back(list(kCancel, requests.back(), mode(modes[i % 3])));
  }
  caller.send_all(batch);
  for (size_t i = 0; i < kCalls;) {
    const Message message = callee.receive();
    if (message.type() == kInterrupt) continue;
    REQUIRE(message.type() == kInvocation);
    CHECK(message.id(2) == registration);
    CHECK(message.request() == ++i);  // answered, killed or skipped, ids go on
    callee.yield(message.request());
  }
  settle({&callee, &caller});
  std::vector<uint64_t> answered;
  while (caller.has_received()) {
    const Message reply = caller.receive();
    if (reply.type() == kError) CHECK(reply.uri() == "wamp.error.canceled");
    answered.push_back(reply.request());
  }
  std::sort(answered.begin(), answered.end());
  CHECK(answered == requests);
}

TEST_CASE("R-24, R-30: caller and callee leave while calls are being cancelled") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& other = world.join();
  for (const bool caller_first : {true, false}) {
    CAPTURE(caller_first);
    Peer& callee = world.join();
    Peer& caller = world.join();
    callee.register_procedure("com.example.procedure");
    std::vector<Value> batch;
    for (int i = 0; i < 50; ++i) {
      const uint64_t request = caller.next_request();
      batch.push_back(list(kCall, request, dict(), "com.example.procedure"));
      batch.push_back(list(kCancel, request, mode(i % 2 == 0 ? "kill" : "killnowait")));
    }
    caller.send_all(batch);
    (caller_first ? caller : callee).wire().close();
    (caller_first ? callee : caller).wire().close();
    CHECK(eventually([&] { return nobody_has(other, "com.example.procedure"); }));
  }
  other.sync();
}

TEST_CASE("R-41: progressive answers for a dead call are ignored") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  OpenCall call(world);
  call.caller.cancel(call.request, mode("skip"));
  call.caller.expect_call_error(call.request, "wamp.error.canceled");
  for (int i = 0; i < 5; ++i) {
    call.callee.yield(call.invocation, dict({{"progress", true}}), list(i));
  }
  call.callee.yield(call.invocation);
  settle({&call.callee, &call.caller});
  CHECK_FALSE(call.caller.has_received());
  if (call.callee.has_received()) call.callee.expect(kInterrupt, call.invocation);
  CHECK_FALSE(call.callee.has_received());
}

}  // namespace
}  // namespace nexus::test
