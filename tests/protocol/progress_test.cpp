// Progressive call results (checklist chapter 9, R-45 … R-48).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

const Value& receive_progress() {
  static const Value kOptions = json(R"({"receive_progress":true})");
  return kOptions;
}
const Value& progress() {
  static const Value kOptions = json(R"({"progress":true})");
  return kOptions;
}

TEST_CASE("R-45, R-46: progressive results, then the final one") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  for (const bool with_error : {false, true}) {
    CAPTURE(with_error);
    const uint64_t request = caller.call("com.example.procedure", receive_progress());
    const Message invocation = callee.expect_invocation(registration);
    CHECK(invocation.details() == dict({{"receive_progress", true}}));
    for (int i = 0; i < 5; ++i) {
      callee.yield(invocation.request(), progress(), list(i), dict({{"part", i}}));
    }
    for (int i = 0; i < 5; ++i) {
      const Message result = caller.expect_result(request);
      CHECK(result.details() == dict({{"progress", true}}));
      CHECK(result.args() == list(i));
      CHECK(result.kwargs() == dict({{"part", i}}));
    }
    if (with_error) {
      callee.error(invocation.request(), "com.example.broke");
      caller.expect_call_error(request, "com.example.broke");
    } else {
      callee.yield(invocation.request(), dict(), list("end"));
      const Message result = caller.expect_result(request);
      CHECK(result.details() == dict());
      CHECK(result.args() == list("end"));
    }
    expect_nothing({&caller, &callee});
  }
}

TEST_CASE("R-46: progress=false is a final result") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure", receive_progress());
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, dict({{"progress", false}}));
  CHECK_FALSE(caller.expect_result(request).details().find("progress").as_bool());
  callee.yield(invocation, dict(), list("too much"));
  expect_nothing({&callee, &caller});
}

TEST_CASE("R-45: the option is dropped where somebody lacks the feature") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  struct Lacking {
    const char* caller;
    const char* callee;
  };
  for (const Lacking& lacking :
       {Lacking{"", "callee.progressive_call_results"}, Lacking{"", "callee.call_canceling"},
        Lacking{"caller.progressive_call_results", ""}}) {
    CAPTURE(lacking.caller, lacking.callee);
    Peer& callee = world.join({lacking.callee});
    Peer& caller = world.join({lacking.caller});
    const uint64_t registration = callee.register_procedure("com.example.procedure");
    const uint64_t request = caller.call("com.example.procedure", receive_progress());
    const Message invocation = callee.expect_invocation(registration);
    CHECK(invocation.details() == dict());
    // R-47: a progressive YIELD that nobody asked for is discarded.
    callee.yield(invocation.request(), progress(), list("part"));
    callee.yield(invocation.request(), dict(), list("all"));
    const Message result = caller.expect_result(request);
    CHECK(result.args() == list("all"));
    CHECK(result.details() == dict());
    expect_nothing({&caller, &callee});
    callee.unregister(registration);
  }
}

TEST_CASE("R-47: a progressive YIELD that was not asked for keeps the call open") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure");
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, progress(), list("part"));
  settle({&callee, &caller});
  CHECK_FALSE(caller.has_received());
  callee.yield(invocation, dict(), list("all"));
  CHECK(caller.expect_result(request).args() == list("all"));
}

TEST_CASE("R-48: a caller may cancel in the middle of a stream") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure", receive_progress());
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, progress(), list(1));
  caller.expect_result(request);
  caller.cancel(request, dict({{"mode", "kill"}}));
  callee.expect(kInterrupt, invocation);
  callee.yield(invocation, progress(), list(2));
  CHECK(caller.expect_result(request).args() == list(2));
  callee.error(invocation, "wamp.error.canceled");
  caller.expect_call_error(request, "wamp.error.canceled");
  callee.yield(invocation, progress(), list(3));
  settle({&callee, &caller});
  CHECK_FALSE(caller.has_received());
}

TEST_CASE("R-48: a caller may leave in the middle of a stream") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure", receive_progress());
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, progress(), list(1));
  caller.expect_result(request);
  caller.wire().close();
  callee.expect(kInterrupt, invocation);
  for (int i = 0; i < 10; ++i) callee.yield(invocation, progress(), list(i));
  callee.yield(invocation);
  settle({&callee});
  if (callee.has_received()) callee.expect(kInterrupt, invocation);  // R-41: at most once more
  expect_nothing({&callee});
}

TEST_CASE("R-23: a callee that leaves in the middle of a stream ends it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure", receive_progress());
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, progress(), list(1));
  caller.expect_result(request);
  callee.leave();
  caller.expect_call_error(request, "wamp.error.canceled");
  expect_nothing({&caller});
}

TEST_CASE("R-22: progressive results of a session that calls itself") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t registration = peer.register_procedure("com.example.procedure");
  const uint64_t request = peer.call("com.example.procedure", receive_progress());
  const uint64_t invocation = peer.expect_invocation(registration).request();
  for (int i = 0; i < 3; ++i) {
    peer.yield(invocation, progress(), list(i));
    CHECK(peer.expect_result(request).args() == list(i));
  }
  peer.yield(invocation);
  peer.expect_result(request);
}

}  // namespace
}  // namespace nexus::test
