// Which registration and which callee gets a call: patterns and shared registrations (checklist
// chapter 9, R-02, R-03, R-10 … R-15).
#include <algorithm>
#include <set>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

Value with_match(const char* match) { return dict({{"match", match}}); }
Value with_invoke(const char* invoke) { return dict({{"invoke", invoke}}); }

TEST_CASE("R-12: the specification's example of matching") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t ids[] = {
      0,
      callee.register_procedure("a1.b2.c3.d4.e55"),
      callee.register_procedure("a1.b2.c3", with_match("prefix")),
      callee.register_procedure("a1.b2.c3.d4", with_match("prefix")),
      callee.register_procedure("a1.b2..d4.e5", with_match("wildcard")),
      callee.register_procedure("a1.b2.c33..e5", with_match("wildcard")),
      callee.register_procedure("a1.b2..d4.e5..g7", with_match("wildcard")),
      callee.register_procedure("a1.b2..d4..f6.g7", with_match("wildcard")),
  };
  struct Case {
    const char* procedure;
    int expected;
  };
  for (const Case& one :
       {Case{"a1.b2.c3.d4.e55", 1}, Case{"a1.b2.c3.d98.e74", 2}, Case{"a1.b2.c3.d4.e325", 3},
        Case{"a1.b2.c55.d4.e5", 4}, Case{"a1.b2.c33.d4.e5", 5}, Case{"a1.b2.c88.d4.e5.f6.g7", 6}}) {
    CAPTURE(one.procedure);
    const uint64_t request = caller.call(one.procedure);
    const Message invocation = callee.expect(kInvocation);
    CHECK(invocation.id(2) == ids[one.expected]);
    // R-13: patterns say what was called, exact registrations do not.
    if (one.expected == 1) {
      CHECK(invocation.details() == dict());
    } else {
      CHECK(invocation.details() == dict({{"procedure", one.procedure}}));
    }
    callee.yield(invocation.request());
    caller.expect_result(request);
  }
  caller.expect_call_error(caller.call("a2.b2.c2.d2.e2"), "wamp.error.no_such_procedure");
}

TEST_CASE("R-11: the longest prefix wins") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t a = callee.register_procedure("a", with_match("prefix"));
  const uint64_t ab1 = callee.register_procedure("a.b1", with_match("prefix"));
  const uint64_t ab12 = callee.register_procedure("a.b12", with_match("prefix"));
  const uint64_t dot = callee.register_procedure("a.b1.", with_match("prefix"));
  struct Case {
    const char* procedure;
    uint64_t expected;
  };
  for (const Case& one : {Case{"abc", a}, Case{"a.c", a}, Case{"a.b1", ab1}, Case{"a.b13", ab1},
                          Case{"a.b12", ab12}, Case{"a.b123.x", ab12}, Case{"a.b1.x", dot}}) {
    CAPTURE(one.procedure);
    caller.call(one.procedure);
    CHECK_NOTHROW(callee.expect_invocation(one.expected));
  }
}

TEST_CASE("R-10: exact before prefix before wildcard, and nothing falls back") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t wildcard = callee.register_procedure("a..c", with_match("wildcard"));
  caller.call("a.b.c");
  callee.expect_invocation(wildcard);
  const uint64_t prefix = callee.register_procedure("a", with_match("prefix"));
  caller.call("a.b.c");
  callee.expect_invocation(prefix);
  const uint64_t exact = callee.register_procedure("a.b.c");
  caller.call("a.b.c");
  callee.expect_invocation(exact);
  callee.unregister(exact);
  caller.call("a.b.c");
  callee.expect_invocation(prefix);
  callee.unregister(prefix);
  caller.call("a.b.c");
  callee.expect_invocation(wildcard);
  callee.unregister(wildcard);
  caller.expect_call_error(caller.call("a.b.c"), "wamp.error.no_such_procedure");
}

TEST_CASE("R-02: the first REGISTER fixes the policy") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  for (const char* policy : {"roundrobin", "random", "first", "last"}) {
    CAPTURE(policy);
    const std::string procedure = std::string("com.example.") + policy;
    const uint64_t registration = one.register_procedure(procedure, with_invoke(policy));
    CHECK(two.register_procedure(procedure, with_invoke(policy)) == registration);
    // R-03: joining twice is being there once.
    CHECK(two.register_procedure(procedure, with_invoke(policy)) == registration);
    for (const char* other : {"single", "roundrobin", "first"}) {
      if (std::string_view(other) == policy) continue;
      CAPTURE(other);
      CHECK_NOTHROW(two.expect_error(kRegister, two.send_register(procedure, with_invoke(other)),
                                     "wamp.error.procedure_already_exists"));
    }
    CHECK_NOTHROW(two.expect_error(kRegister, two.send_register(procedure),
                                   "wamp.error.procedure_already_exists"));
  }
  one.register_procedure("com.example.single", with_invoke("single"));
  CHECK_NOTHROW(two.expect_error(kRegister,
                                 two.send_register("com.example.single", with_invoke("single")),
                                 "wamp.error.procedure_already_exists"));
}

// Three callees of one shared procedure.
class Shared {
 public:
  Shared(World& world, const char* policy) : caller(world.join()) {
    for (Peer*& callee : callees) {
      callee = &world.join();
      registration = callee->register_procedure("com.example.shared", with_invoke(policy));
    }
  }
  // Calls once and answers who was asked.
  size_t ask(std::vector<size_t> among = {0, 1, 2}) {
    const uint64_t request = caller.call("com.example.shared");
    for (;;) {
      for (const size_t i : among) {
        callees[i]->sync();
        if (!callees[i]->has_received()) continue;
        callees[i]->yield(callees[i]->expect_invocation(registration).request());
        caller.expect_result(request);
        return i;
      }
    }
  }
  std::vector<size_t> ask_often(size_t times, std::vector<size_t> among = {0, 1, 2}) {
    std::vector<size_t> out;
    for (size_t i = 0; i < times; ++i) out.push_back(ask(among));
    return out;
  }

  Peer& caller;
  Peer* callees[3] = {};
  uint64_t registration = 0;
};

TEST_CASE("R-15: roundrobin takes turns in the order of registration") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shared shared(world, "roundrobin");
  CHECK(shared.ask_often(7) == std::vector<size_t>{0, 1, 2, 0, 1, 2, 0});
}

TEST_CASE("R-15: roundrobin goes on where it was when a callee leaves") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shared shared(world, "roundrobin");
  CHECK(shared.ask_often(1) == std::vector<size_t>{0});
  shared.callees[0]->unregister(shared.registration);  // the next one is still callee 1
  CHECK(shared.ask_often(3, {1, 2}) == std::vector<size_t>{1, 2, 1});
  shared.callees[1]->leave();
  CHECK(shared.ask_often(2, {2}) == std::vector<size_t>{2, 2});
}

TEST_CASE("R-15: first takes the oldest, last the newest") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  {
    Shared shared(world, "first");
    CHECK(shared.ask_often(3) == std::vector<size_t>{0, 0, 0});
    shared.callees[0]->unregister(shared.registration);
    CHECK(shared.ask_often(2, {1, 2}) == std::vector<size_t>{1, 1});
    shared.callees[1]->unregister(shared.registration);
    shared.callees[2]->unregister(shared.registration);
  }
  {
    Shared shared(world, "last");
    CHECK(shared.ask_often(3) == std::vector<size_t>{2, 2, 2});
    shared.callees[2]->unregister(shared.registration);
    CHECK(shared.ask_often(2, {0, 1}) == std::vector<size_t>{1, 1});
  }
}

TEST_CASE("R-15: random asks everybody sooner or later") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shared shared(world, "random");
  // The chance that one of three is left out of 60 is below one in ten thousand million.
  const std::vector<size_t> asked = shared.ask_often(60);
  CHECK(std::set<size_t>(asked.begin(), asked.end()).size() == 3);
}

TEST_CASE("R-15: shared registrations and patterns combine") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& caller = world.join();
  const Value options = json(R"({"match":"prefix","invoke":"roundrobin"})");
  const uint64_t registration = one.register_procedure("com.example", options);
  CHECK(two.register_procedure("com.example", options) == registration);
  for (int i = 0; i < 2; ++i) {
    caller.call("com.example.x");
    one.expect_invocation(registration);
    caller.call("com.example.y");
    CHECK(two.expect_invocation(registration).details().find("procedure").as_string() ==
          "com.example.y");
  }
}

TEST_CASE("R-23: a shared call is not handed on when its callee leaves") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& caller = world.join();
  const uint64_t registration = one.register_procedure("com.example.p", with_invoke("first"));
  two.register_procedure("com.example.p", with_invoke("first"));
  const uint64_t request = caller.call("com.example.p");
  one.expect_invocation(registration);
  one.leave();
  caller.expect_call_error(request, "wamp.error.canceled");
  expect_nothing({&caller, &two});
  const uint64_t next = caller.call("com.example.p");
  two.yield(two.expect_invocation(registration).request());
  caller.expect_result(next);
}

}  // namespace
}  // namespace nexus::test
