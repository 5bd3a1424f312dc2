// Registering and calling (checklist chapter 9, R-01 … R-06 and R-20 … R-24).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("R-01: a procedure is registered once") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& owner = world.join();
  Peer& other = world.join();
  owner.register_procedure("com.example.procedure");
  for (Peer* peer : {&owner, &other}) {  // R-03: the owner too
    CHECK_NOTHROW(peer->expect_error(kRegister, peer->send_register("com.example.procedure"),
                                     "wamp.error.procedure_already_exists"));
  }
}

TEST_CASE("R-01: exact, prefix and wildcard are separate name spaces") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t exact = peer.register_procedure("com.example.a");
  const uint64_t prefix = peer.register_procedure("com.example.a", json(R"({"match":"prefix"})"));
  const uint64_t wildcard =
      peer.register_procedure("com.example.a", json(R"({"match":"wildcard"})"));
  CHECK(exact != prefix);
  CHECK(exact != wildcard);
  CHECK(prefix != wildcard);
  CHECK_NOTHROW(peer.expect_error(
      kRegister, peer.send_register("com.example.a", json(R"({"match":"prefix"})")),
      "wamp.error.procedure_already_exists"));
}

TEST_CASE("R-04: only a callee of it can unregister, and others are not touched") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& owner = world.join();
  Peer& stranger = world.join();
  const uint64_t registration = owner.register_procedure("com.example.procedure");
  for (const uint64_t id : {registration, registration + 1000, uint64_t{1} << 53}) {
    CAPTURE(id);
    const uint64_t request = stranger.next_request();
    stranger.send(list(kUnregister, request, id));
    CHECK_NOTHROW(stranger.expect_error(kUnregister, request, "wamp.error.no_such_registration"));
  }
  const uint64_t request = stranger.call("com.example.procedure");
  owner.yield(owner.expect_invocation(registration).request());
  stranger.expect_result(request);
  owner.unregister(registration);
  const uint64_t again = owner.next_request();
  owner.send(list(kUnregister, again, registration));
  owner.expect_error(kUnregister, again, "wamp.error.no_such_registration");
}

TEST_CASE("R-05: an invocation survives UNREGISTER") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t first = caller.call("com.example.procedure");
  const uint64_t second = caller.call("com.example.procedure");
  const Message one = callee.expect_invocation(registration);
  const Message two = callee.expect_invocation(registration);
  callee.unregister(registration);
  caller.expect_call_error(caller.call("com.example.procedure"), "wamp.error.no_such_procedure");
  callee.yield(one.request(), dict(), list("late"));
  CHECK(caller.expect_result(first).args() == list("late"));
  callee.error(two.request(), "com.example.too_late");
  caller.expect_call_error(second, "com.example.too_late");
}

TEST_CASE("R-05: no INVOCATION comes after UNREGISTERED") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  std::vector<Value> calls;
  for (int i = 0; i < 200; ++i) {
    calls.push_back(list(kCall, caller.next_request(), dict(), "com.example.procedure"));
  }
  caller.send_all(calls);
  const uint64_t request = callee.next_request();
  callee.send(list(kUnregister, request, registration));
  int invocations = 0;
  for (Message message = callee.receive(); message.type() != kUnregistered;
       message = callee.receive()) {
    REQUIRE(message.type() == kInvocation);
    callee.yield(message.request());
    ++invocations;
  }
  int results = 0, errors = 0;
  for (int i = 0; i < 200; ++i) {
    const Message reply = caller.receive();
    if (reply.type() == kResult) {
      ++results;
    } else {
      CHECK(reply.type() == kError);
      CHECK(reply.uri() == "wamp.error.no_such_procedure");
      ++errors;
    }
  }
  CHECK(results == invocations);
  CHECK(errors == 200 - invocations);
  expect_nothing({&caller, &callee});
}

TEST_CASE("R-14: a procedure that nobody has") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  const uint64_t request = caller.call("com.example.nobody", dict(), list(1), dict({{"a", 1}}));
  const Message error = caller.expect_call_error(request, "wamp.error.no_such_procedure");
  CHECK(error.details() == dict());
  expect_nothing({&caller});
}

TEST_CASE("R-20, R-21: arguments there, results back") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const Value args = json(R"([1,-1,"x",null,true,1.5,[],{},[[1],{"a":{"b":[2]}}]])");
  const Value kwargs = json(R"({"z":1,"a":[2],"m":{"y":null}})");
  struct Payload {
    Value args, kwargs;
  };
  for (const Payload& sent : {Payload{{}, {}}, Payload{args, {}}, Payload{args, kwargs},
                              Payload{Value::list(), kwargs}}) {
    const uint64_t request = caller.call("com.example.procedure", dict(), sent.args, sent.kwargs);
    const Message invocation = callee.expect_invocation(registration);
    const Value sent_args = sent.args ? sent.args : Value::list();
    const Value sent_kwargs = sent.kwargs ? sent.kwargs : Value::dict();
    CHECK(invocation.args() == sent_args);
    CHECK(invocation.kwargs() == sent_kwargs);
    CHECK(invocation.details() == dict());
    callee.yield(invocation.request(), dict(), sent.args, sent.kwargs);
    const Message result = caller.expect_result(request);
    CHECK(result.args() == sent_args);
    CHECK(result.kwargs() == sent_kwargs);
    CHECK(result.details() == dict());
  }
  expect_nothing({&caller, &callee});
}

TEST_CASE("R-21: a callee's ERROR reaches the caller as it is") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  for (const char* uri :
       {"com.example.failed", "wamp.error.invalid_argument", "wamp.error.made.up"}) {
    CAPTURE(uri);  // C-31
    const uint64_t request = caller.call("com.example.procedure");
    callee.error(callee.expect_invocation(registration).request(), uri, dict(), list("why", 5),
                 dict({{"detail", "x"}}));
    const Message error = caller.expect_call_error(request, uri);
    CHECK(error.args() == list("why", 5));
    CHECK(error.kwargs() == dict({{"detail", "x"}}));
  }
  const uint64_t request = caller.call("com.example.procedure");
  callee.error(callee.expect_invocation(registration).request(), "com.example.bare");
  CHECK(caller.expect_call_error(request, "com.example.bare").size() == 5);
}

TEST_CASE("R-20: answers may come in any order, each to its own call") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  std::vector<uint64_t> requests, invocations;
  for (int i = 0; i < 10; ++i) {
    requests.push_back(caller.call("com.example.procedure", dict(), list(i)));
    invocations.push_back(callee.expect_invocation(registration).request());
  }
  for (int i = 9; i >= 0; --i) {
    const auto at = static_cast<size_t>(i);
    callee.yield(invocations[at], dict(), list(i));
    CHECK(caller.expect_result(requests[at]).args() == list(i));
  }
}

TEST_CASE("R-22: a session may call itself") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t registration = peer.register_procedure("com.example.procedure");
  const uint64_t request = peer.call("com.example.procedure", dict(), list(1));
  const Message invocation = peer.expect_invocation(registration);
  CHECK(invocation.args() == list(1));
  peer.yield(invocation.request(), dict(), list(2));
  CHECK(peer.expect_result(request).args() == list(2));
}

TEST_CASE("R-22: a session that calls itself may leave in the middle") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& other = world.join();
  for (const bool orderly : {true, false}) {
    CAPTURE(orderly);
    Peer& peer = world.join();
    const uint64_t registration = peer.register_procedure("com.example.procedure");
    peer.call("com.example.procedure");
    peer.expect_invocation(registration);
    if (orderly) {
      peer.send(list(kGoodbye, dict(), "wamp.close.close_realm"));
      Message reply = peer.receive();
      while (reply.type() == kError || reply.type() == kInterrupt) reply = peer.receive();
      CHECK(reply.type() == kGoodbye);
    } else {
      peer.wire().close();
    }
    CHECK(eventually([&] { return nobody_has(other, "com.example.procedure"); }));
  }
}

TEST_CASE("R-23: when a callee leaves, each open call ends with canceled") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool orderly : {true, false}) {
    CAPTURE(orderly);
    Peer& callee = world.join();
    Peer& one = world.join();
    Peer& two = world.join();
    const uint64_t registration = callee.register_procedure("com.example.procedure");
    const uint64_t first = one.call("com.example.procedure");
    callee.expect_invocation(registration);
    const uint64_t second = one.call("com.example.procedure");
    callee.expect_invocation(registration);
    const uint64_t third = two.call("com.example.procedure");
    callee.expect_invocation(registration);
    orderly ? callee.leave() : callee.wire().close();
    one.expect_call_error(first, "wamp.error.canceled");
    one.expect_call_error(second, "wamp.error.canceled");
    CHECK(two.expect_call_error(third, "wamp.error.canceled").args().size() >= 1);
    expect_nothing({&one, &two});
    CHECK(eventually([&] { return nobody_has(one, "com.example.procedure"); }));
  }
}

TEST_CASE("R-24: when a caller leaves, callees that can are interrupted") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  for (const bool orderly : {true, false}) {
    CAPTURE(orderly);
    Peer& able = world.join();
    Peer& unable = world.join({"callee.call_canceling"});
    Peer& caller = world.join();
    Peer& other = world.join();
    const uint64_t of_able = able.register_procedure("com.example.able");
    const uint64_t of_unable = unable.register_procedure("com.example.unable");
    caller.call("com.example.able");
    caller.call("com.example.unable");
    const uint64_t open = able.expect_invocation(of_able).request();
    const uint64_t also_open = unable.expect_invocation(of_unable).request();
    orderly ? caller.leave() : caller.wire().close();
    const Message interrupt = able.expect(kInterrupt, open);
    CHECK(interrupt.details().find("mode").as_string() == "killnowait");
    expect_nothing({&other, &able, &unable});
    // Late answers go nowhere, and hurt nobody (R-40).
    able.yield(open);
    unable.error(also_open, "com.example.failed");
    expect_nothing({&able, &unable, &other});
    able.unregister(of_able);
    unable.unregister(of_unable);
  }
}

TEST_CASE("R-40: second answers for an invocation are ignored") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure");
  const uint64_t invocation = callee.expect_invocation(registration).request();
  callee.send_all({list(kYield, invocation, dict(), list("first")),
                   list(kYield, invocation, dict(), list("second")),
                   list(kError, kInvocation, invocation, dict(), "com.example.third"),
                   list(kYield, invocation, dict({{"progress", true}}), list("fourth"))});
  CHECK(caller.expect_result(request).args() == list("first"));
  settle({&callee, &caller});
  CHECK_FALSE(caller.has_received());
  // R-41: for the progressive one an INTERRUPT is allowed, at most once.
  if (callee.has_received()) callee.expect(kInterrupt, invocation);
  CHECK_FALSE(callee.has_received());
}

TEST_CASE("R-20: a callee cannot answer another callee's invocation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& thief = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t of_thief = thief.register_procedure("com.example.other");
  // Both callees now have an invocation 1, so that the thief's answer is no violation.
  const uint64_t other = caller.call("com.example.other");
  thief.yield(thief.expect_invocation(of_thief).request());
  caller.expect_result(other);
  const uint64_t request = caller.call("com.example.procedure");
  const uint64_t invocation = callee.expect_invocation(registration).request();
  CHECK(invocation == 1);
  thief.yield(invocation, dict(), list("stolen"));
  expect_nothing({&thief, &caller, &callee});
  callee.yield(invocation, dict(), list("right"));
  CHECK(caller.expect_result(request).args() == list("right"));
}

}  // namespace
}  // namespace nexus::test
