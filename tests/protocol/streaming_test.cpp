// Progressive call invocations (checklist chapter 9, R-50 … R-57).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

const Value& progress() {
  static const Value kOptions = json(R"({"progress":true})");
  return kOptions;
}
constexpr const char* kProcedure = "com.example.procedure";

// A progressive call whose first part has reached the callee.
struct Stream {
  explicit Stream(World& world, const Value& options = progress())
      : callee(world.join()), caller(world.join()) {
    registration = callee.register_procedure(kProcedure);
    request = caller.call(kProcedure, options, list(0));
    const Message first = callee.expect_invocation(registration);
    CHECK(first.details().find("progress").as_bool());
    CHECK(first.args() == list(0));
    invocation = first.request();
  }
  void send_part(int part, bool last = false) {
    caller.call_again(request, kProcedure, last ? dict() : progress(), list(part));
  }
  void expect_part(int part, bool last = false) {
    const Message message = callee.expect_invocation(registration);
    CHECK(message.request() == invocation);
    CHECK(message.args() == list(part));
    CHECK(message.details().find("progress").as_bool() == !last);
  }
  void expect_quiet() { expect_nothing({&caller, &callee}); }

  Peer& callee;
  Peer& caller;
  uint64_t registration = 0;
  uint64_t request = 0;
  uint64_t invocation = 0;
};

TEST_CASE("R-50: the parts of a call arrive as one invocation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  for (int i = 1; i < 5; ++i) stream.send_part(i);
  stream.send_part(5, true);
  for (int i = 1; i < 5; ++i) stream.expect_part(i);
  stream.expect_part(5, true);
  stream.callee.yield(stream.invocation, dict(), list("sum"));
  CHECK(stream.caller.expect_result(stream.request).args() == list("sum"));
  stream.expect_quiet();
  // U-05: parts consume no id on either side.
  const uint64_t next = stream.caller.call(kProcedure);
  CHECK(next == stream.request + 4);  // three round trips in between
  CHECK(stream.callee.expect_invocation(stream.registration).request() == stream.invocation + 1);
}

TEST_CASE("R-51: a caller has to announce the feature") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  callee.register_procedure(kProcedure);
  Peer& caller = world.join({"caller.progressive_call_invocations"});
  caller.call(kProcedure, progress());
  caller.expect_violation();
  expect_nothing({&callee});
}

TEST_CASE("R-51: with a callee that lacks the feature the call fails") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  for (const char* lacking : {"callee.progressive_call_invocations", "callee.call_canceling"}) {
    CAPTURE(lacking);
    Peer& callee = world.join({lacking});
    const uint64_t registration = callee.register_procedure(kProcedure);
    const uint64_t request = caller.call(kProcedure, progress());
    caller.expect_call_error(request, "wamp.error.feature_not_supported");
    expect_nothing({&caller, &callee});
    callee.unregister(registration);
  }
}

TEST_CASE("R-52: nothing may follow the last part") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  stream.send_part(1, true);
  stream.expect_part(1, true);
  stream.send_part(2);
  stream.caller.expect_violation();
  stream.callee.expect(kInterrupt, stream.invocation);
}

TEST_CASE("R-52: a part for another procedure is a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  stream.caller.call_again(stream.request, "com.example.other", progress());
  stream.caller.expect_violation();
}

TEST_CASE("R-53: all parts go to one callee, whatever the policy") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& caller = world.join();
  const Value options = dict({{"invoke", "roundrobin"}});
  const uint64_t registration = one.register_procedure(kProcedure, options);
  two.register_procedure(kProcedure, options);
  const uint64_t request = caller.call(kProcedure, progress(), list(0));
  const uint64_t invocation = one.expect_invocation(registration).request();
  for (int i = 1; i < 4; ++i) {
    caller.call_again(request, kProcedure, i == 3 ? dict() : progress(), list(i));
    CHECK(one.expect_invocation(registration).request() == invocation);
  }
  one.yield(invocation);
  caller.expect_result(request);
  expect_nothing({&caller, &one, &two});
}

TEST_CASE("R-53: parts reach the callee even after it has unregistered") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  Peer& usurper = world.join();
  // Nobody but the first callee may get them; after UNREGISTERED an INVOCATION of that registration
  // is not allowed either (R-05), so the router may also end the call. It must not hang.
  const uint64_t request = stream.callee.next_request();
  stream.callee.send(list(kUnregister, request, stream.registration));
  stream.callee.expect(kUnregistered, request);
  usurper.register_procedure(kProcedure);
  stream.send_part(1, true);
  settle({&stream.caller, &stream.callee, &usurper});
  CHECK_FALSE(usurper.has_received());
  stream.callee.yield(stream.invocation);
  const Message reply = stream.caller.receive();
  CHECK(reply.request() == stream.request);
}

TEST_CASE("R-54: the options of the first CALL rule") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  stream.caller.call_again(stream.request, kProcedure,
                           json(R"({"progress":true,"receive_progress":true,"disclose_me":true})"),
                           list(1));
  const Message part = stream.callee.expect_invocation(stream.registration);
  CHECK_FALSE(part.details().find("receive_progress").as_bool());
  CHECK_FALSE(part.details().find("caller"));
  stream.callee.yield(stream.invocation, progress(), list("unasked"));
  stream.callee.yield(stream.invocation, dict(), list("end"));
  CHECK(stream.caller.expect_result(stream.request).args() == list("end"));
}

TEST_CASE("R-55: the callee may end the call early, and later parts are dropped") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool with_error : {false, true}) {
    CAPTURE(with_error);
    Stream stream(world);
    if (with_error) {
      stream.callee.error(stream.invocation, "com.example.enough");
      stream.caller.expect_call_error(stream.request, "com.example.enough");
    } else {
      stream.callee.yield(stream.invocation);
      stream.caller.expect_result(stream.request);
    }
    stream.send_part(1);
    stream.send_part(2);
    stream.send_part(3, true);
    stream.expect_quiet();
    stream.callee.unregister(stream.registration);
  }
}

TEST_CASE("R-55: a stream that is refused ends once, whatever of it is under way") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  struct {
    const char* procedure;
    const char* error;
  } const kRefused[] = {{kProcedure, "wamp.error.no_such_procedure"},
                        {"no uri#", "wamp.error.invalid_uri"},
                        {"wamp.session.count", "wamp.error.feature_not_supported"}};
  for (const auto& [procedure, error] : kRefused) {
    CAPTURE(procedure);
    const uint64_t request = caller.call(procedure, progress(), list(0));
    caller.call_again(request, procedure, progress(), list(1));
    caller.call_again(request, procedure, dict(), list(2));
    caller.expect_call_error(request, error);
    expect_nothing({&caller});
  }
  // Nor do the later parts become a call of their own, when there is a procedure meanwhile.
  Peer& callee = world.join();
  const uint64_t request = caller.call(kProcedure, progress(), list(0));
  caller.expect_call_error(request, "wamp.error.no_such_procedure");
  callee.register_procedure(kProcedure);
  caller.call_again(request, kProcedure, progress(), list(1));
  caller.call_again(request, kProcedure, dict(), list(2));
  expect_nothing({&caller, &callee});
}

TEST_CASE("R-52: a part for what is no URI is a violation, and no second answer") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  stream.caller.call_again(stream.request, "no uri#", progress());
  stream.caller.expect_violation();
}

TEST_CASE("R-55: a session remembers so many ended calls, the youngest") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_ended_streams":1}}})");
  Peer& caller = world.join();
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.p");
  std::vector<uint64_t> calls;
  for (int i = 0; i < 2; ++i) {
    calls.push_back(caller.call("com.example.p", dict({{"progress", true}})));
    callee.yield(callee.expect_invocation(registration).request());
    caller.expect_result(calls.back());
  }
  caller.call_again(calls[1], "com.example.p", dict({{"progress", false}}), list("dropped"));
  caller.call_again(calls[0], "com.example.p", dict(), list("a new call"));
  const Message invocation = callee.expect_invocation(registration);
  CHECK(invocation.args() == list("a new call"));
  callee.yield(invocation.request());
  caller.expect_result(calls[0]);
}

TEST_CASE("R-56: both directions stream at once") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world, json(R"({"progress":true,"receive_progress":true})"));
  for (int i = 1; i < 10; ++i) {
    stream.callee.yield(stream.invocation, progress(), list(i));
    const Message result = stream.caller.expect_result(stream.request);
    CHECK(result.args() == list(i));
    CHECK(result.details() == progress());
    stream.send_part(i);
    stream.expect_part(i);
  }
  stream.send_part(10, true);
  stream.expect_part(10, true);
  stream.callee.yield(stream.invocation, progress(), list("almost"));
  stream.callee.yield(stream.invocation, dict(), list("done"));
  CHECK(stream.caller.expect_result(stream.request).args() == list("almost"));
  CHECK(stream.caller.expect_result(stream.request).args() == list("done"));
  stream.expect_quiet();
}

TEST_CASE("R-57: a caller that leaves interrupts the callee") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool orderly : {true, false}) {
    CAPTURE(orderly);
    Stream stream(world);
    orderly ? stream.caller.leave() : stream.caller.wire().close();
    const Message interrupt = stream.callee.expect(kInterrupt, stream.invocation);
    CHECK(interrupt.details().find("mode").as_string() == "killnowait");
    stream.callee.error(stream.invocation, "wamp.error.canceled");
    expect_nothing({&stream.callee});
    stream.callee.unregister(stream.registration);
  }
}

TEST_CASE("R-57: a callee that leaves ends the call, and later parts are dropped") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  stream.callee.leave();
  stream.caller.expect_call_error(stream.request, "wamp.error.canceled");
  stream.send_part(1);
  stream.send_part(2, true);
  expect_nothing({&stream.caller});
}

TEST_CASE("R-57: CANCEL works in the middle of a stream") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Stream stream(world);
  stream.send_part(1);
  stream.caller.cancel(stream.request);
  stream.expect_part(1);
  stream.caller.expect_call_error(stream.request, "wamp.error.canceled");
  stream.callee.expect(kInterrupt, stream.invocation);
  stream.send_part(2);
  stream.send_part(3, true);
  stream.expect_quiet();
}

TEST_CASE("R-50: a stream in one write keeps its order among other calls") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure(kProcedure);
  const uint64_t stream = caller.next_request();
  std::vector<Value> batch;
  for (int i = 0; i < 50; ++i) {
    batch.push_back(list(kCall, stream, i == 49 ? dict() : progress(), kProcedure, list("s", i)));
    batch.push_back(list(kCall, caller.next_request(), dict(), kProcedure, list("c", i)));
  }
  caller.send_all(batch);
  for (int i = 0; i < 50; ++i) {
    const Message part = callee.expect_invocation(registration);
    CHECK(part.request() == 1);
    CHECK(part.args() == list("s", i));
    CHECK(part.details().find("progress").as_bool() == (i != 49));
    const Message single = callee.expect_invocation(registration);
    CHECK(single.request() == static_cast<uint64_t>(i) + 2);
    CHECK(single.args() == list("c", i));
  }
}

TEST_CASE("R-55: a stream that ended early is forgotten with its last part") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"request_id_check":"strict"}}})");
  Stream stream(world);
  stream.callee.yield(stream.invocation, dict(), list("enough"));
  stream.caller.expect_result(stream.request);
  stream.send_part(1);        // under way when the result came: dropped
  stream.send_part(2, true);  // and that was the last
  expect_nothing({&stream.caller, &stream.callee});
  stream.send_part(3);
  stream.caller.expect_violation();
}

}  // namespace
}  // namespace nexus::test
