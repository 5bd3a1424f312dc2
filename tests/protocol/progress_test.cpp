// Progressive call results (checklist chapter 9, R-45 … R-48).
#include <limits>

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

// A part of a result that cannot be handed over has ended the call: the caller hears so once, and
// nobody lets the callee work on for nobody. `spoil` has the callee send such a part.
template <typename Spoil>
void check_ends_there(Peer& caller, Peer& callee, std::string_view error, Spoil spoil) {
  // With one place, so that the place is seen to be free again.
  const uint64_t registration =
      callee.register_procedure("com.example.procedure", dict({{"concurrency", 1}}));
  const uint64_t request = caller.call("com.example.procedure", receive_progress());
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, progress(), list(1));
  CHECK(caller.expect_result(request).args() == list(1));
  const uint64_t next = caller.call("com.example.procedure");
  spoil(invocation);
  callee.yield(invocation, progress(), list(2));  // it has not heard of it yet
  caller.expect_call_error(request, error);
  const Message interrupt = callee.expect(kInterrupt, invocation);
  CHECK(interrupt.details() == dict({{"mode", "killnowait"}, {"reason", "wamp.error.canceled"}}));
  const uint64_t second = callee.expect_invocation(registration).request();
  callee.yield(invocation, progress(), list(3));
  callee.error(invocation, "wamp.error.canceled");
  callee.yield(invocation);
  expect_nothing({&caller, &callee});
  callee.yield(second, dict(), list("second"));
  CHECK(caller.expect_result(next).args() == list("second"));
  callee.unregister(registration);
}

TEST_CASE("R-46: a part that the caller's format cannot say ends the call, for the callee too") {
  const unsigned loops = GENERATE(1u, 3u);
  const Carrier carrier = GENERATE(Carrier::websocket, Carrier::raw_tcp, Carrier::longpoll);
  CAPTURE(loops, carrier_name(carrier));
  RouterFixture router(loops);
  auto callee = Peer::joined(router, {carrier, Format::msgpack});
  // Where there are several loops, one of them is the callee's.
  std::vector<std::unique_ptr<Peer>> callers;
  for (int i = 0; i < 3; ++i) callers.push_back(Peer::joined(router, {carrier, Format::json}));
  for (const auto& caller : callers) {
    check_ends_there(*caller, *callee, "wamp.error.invalid_argument", [&](uint64_t invocation) {
      callee->yield(invocation, progress(), list(std::numeric_limits<double>::quiet_NaN()));
    });
  }
}

TEST_CASE("X-03: a part that is passed through to who cannot take it ends the call for both") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join({"caller.payload_passthru_mode"});
  check_ends_there(caller, callee, "wamp.error.feature_not_supported", [&](uint64_t invocation) {
    callee.yield(invocation, dict({{"progress", true}, {"ppt_scheme", "x_s"}}), list("sealed"));
  });
}

TEST_CASE("R-47: an unasked part is discarded, whatever is wrong with it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join({"caller.payload_passthru_mode"});
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure");
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.yield(invocation, dict({{"progress", true}, {"ppt_scheme", "x_s"}}), list("sealed"));
  callee.yield(invocation, dict(), list("end"));
  CHECK(caller.expect_result(request).args() == list("end"));
  expect_nothing({&caller, &callee});
}

}  // namespace
}  // namespace nexus::test
