// Who is told about whom: callers to callees, and trust levels (checklist R-13, R-65 … R-67, P-26).
// And who is a callee at all (R-03, R-06).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Calls once and answers INVOCATION.Details.
Value details_of_call(Peer& caller, Peer& callee, uint64_t registration, std::string_view procedure,
                      const Value& options = Value::dict()) {
  const uint64_t request = caller.call(procedure, options);
  const Message invocation = callee.expect_invocation(registration);
  callee.yield(invocation.request());
  CHECK(caller.expect_result(request).details() == dict());  // R-66: the callee stays unknown
  return invocation.details();
}

Value caller_details(const Peer& caller) {
  return dict({{"caller", caller.session()},
               {"caller_authid", caller.welcome().find("authid")},
               {"caller_authrole", "anonymous"}});
}

TEST_CASE("R-65, R-66: callers are disclosed when one side asks, callees never") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& plain = world.join({"callee.caller_identification"});
  Peer& caller = world.join();
  const uint64_t discreet = callee.register_procedure("com.example.discreet");
  const uint64_t curious =
      callee.register_procedure("com.example.curious", dict({{"disclose_caller", true}}));
  const uint64_t old = plain.register_procedure("com.example.old");
  const auto call = [&](uint64_t registration, std::string_view procedure, bool disclose) {
    Peer& to = registration == old ? plain : callee;
    return details_of_call(caller, to, registration, procedure, dict({{"disclose_me", disclose}}));
  };
  CHECK(call(discreet, "com.example.discreet", false) == dict());
  CHECK(call(discreet, "com.example.discreet", true) == caller_details(caller));
  CHECK(call(curious, "com.example.curious", false) == caller_details(caller));
  CHECK(call(curious, "com.example.curious", true) == caller_details(caller));
  CHECK(call(old, "com.example.old", true) == dict());  // it did not announce that it wants this
}

TEST_CASE("R-65: of callees that share a procedure each is told what it asked for") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& discreet = world.join();
  Peer& curious = world.join();
  Peer& caller = world.join();
  const Value shared = dict({{"invoke", "roundrobin"}});
  const uint64_t registration = discreet.register_procedure("com.example.procedure", shared);
  CHECK(curious.register_procedure("com.example.procedure",
                                   merged(shared, dict({{"disclose_caller", true}}))) ==
        registration);
  for (int round = 0; round < 3; ++round) {
    CHECK(details_of_call(caller, discreet, registration, "com.example.procedure") == dict());
    CHECK(details_of_call(caller, curious, registration, "com.example.procedure") ==
          caller_details(caller));
  }
}

TEST_CASE("R-65: where disclosure is forbidden, asking for it is an error") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"disclose_caller":"never"}}})");
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t refused =
      callee.send_register("com.example.curious", dict({{"disclose_caller", true}}));
  callee.expect_error(kRegister, refused, "wamp.error.option_disallowed.disclose_me");
  caller.expect_call_error(caller.call("com.example.procedure", dict({{"disclose_me", true}})),
                           "wamp.error.option_disallowed.disclose_me");
  expect_nothing({&callee});
  CHECK(details_of_call(caller, callee, registration, "com.example.procedure") == dict());
}

TEST_CASE("R-65: a realm can disclose every caller") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"disclose_caller":"always"}}})");
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  for (const bool asked : {false, true}) {
    CHECK(details_of_call(caller, callee, registration, "com.example.procedure",
                          dict({{"disclose_me", asked}})) == caller_details(caller));
  }
}

TEST_CASE("R-13: a callee of a pattern is told the procedure, another is not") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t exact = callee.register_procedure("com.example.exact");
  const uint64_t prefix = callee.register_procedure("com.prefix", json(R"({"match":"prefix"})"));
  const uint64_t wild = callee.register_procedure("org..wild", json(R"({"match":"wildcard"})"));
  CHECK(details_of_call(caller, callee, exact, "com.example.exact") == dict());
  for (const char* procedure : {"com.prefix", "com.prefixed.a", "com.prefix.b"}) {
    CHECK(details_of_call(caller, callee, prefix, procedure) == dict({{"procedure", procedure}}));
  }
  CHECK(details_of_call(caller, callee, wild, "org.a.wild") == dict({{"procedure", "org.a.wild"}}));
}

// A client that wants to know how far others can be trusted.
Peer& join_wary(World& world) {
  return world.join_realm("realm1", merged(client_details(), json(R"({"roles":{
          "callee":{"features":{"call_trustlevels":true}},
          "subscriber":{"features":{"publication_trustlevels":true}}}})")));
}

std::string with_authorizer() {
  return with_test_plugins(
      {"authz_async"}, R"({"realms":{"one":{"authorizers":{"tested":{"type":"authz-test"}}}}})");
}

TEST_CASE("R-67: an authorizer's trust level goes to callees that announced the feature") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& callee = join_wary(world);
  Peer& plain = world.join();
  Peer& caller = world.join();
  const uint64_t trusted = callee.register_procedure("com.example.trusted");
  const uint64_t lowest = callee.register_procedure("com.example.other");
  const uint64_t untold = plain.register_procedure("com.example.plain.trusted");
  CHECK(details_of_call(caller, callee, trusted, "com.example.trusted") ==
        dict({{"trustlevel", 7}}));
  CHECK(details_of_call(caller, callee, lowest, "com.example.other") == dict({{"trustlevel", 0}}));
  CHECK(details_of_call(caller, plain, untold, "com.example.plain.trusted") == dict());
}

TEST_CASE("P-26: an authorizer's trust level goes to subscribers that announced the feature") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& subscriber = join_wary(world);
  Peer& plain = world.join();
  Peer& publisher = world.join();
  const uint64_t trusted = subscriber.subscribe("com.example.trusted");
  const uint64_t lowest = subscriber.subscribe("com.example.other");
  plain.subscribe("com.example.trusted");
  publisher.publish("com.example.trusted");
  publisher.publish("com.example.other");
  CHECK(subscriber.expect_event(trusted).details() == dict({{"trustlevel", 7}}));
  CHECK(subscriber.expect_event(lowest).details() == dict({{"trustlevel", 0}}));
  CHECK(plain.expect_event(trusted).details() == dict());
}

TEST_CASE("P-26, R-67: without an authorizer there is no trust level") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = join_wary(world);
  Peer& other = world.join();
  const uint64_t subscription = peer.subscribe("com.example.trusted");
  const uint64_t registration = peer.register_procedure("com.example.trusted");
  other.publish("com.example.trusted");
  CHECK(peer.expect_event(subscription).details() == dict());
  CHECK(details_of_call(other, peer, registration, "com.example.trusted") == dict());
}

TEST_CASE("R-03: a callee that registers again is not added twice") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& other = world.join();
  Peer& caller = world.join();
  const Value shared = dict({{"invoke", "roundrobin"}});
  const uint64_t registration = callee.register_procedure("com.example.procedure", shared);
  CHECK(callee.register_procedure("com.example.procedure", shared) == registration);
  CHECK(other.register_procedure("com.example.procedure", shared) == registration);
  for (Peer* next : {&callee, &other, &callee, &other}) {
    details_of_call(caller, *next, registration, "com.example.procedure");
  }
  callee.unregister(registration);  // once is enough
  for (int i = 0; i < 2; ++i) {
    details_of_call(caller, other, registration, "com.example.procedure");
  }
  const uint64_t single = callee.register_procedure("com.example.single");
  callee.expect_error(kRegister, callee.send_register("com.example.single"),
                      "wamp.error.procedure_already_exists");
  details_of_call(caller, callee, single, "com.example.single");
}

TEST_CASE("R-06: calls that wait for a callee reach it behind its REGISTERED") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  for (int round = 0; round < 20; ++round) {
    const uint64_t request = callee.send_register("com.example.procedure");
    const uint64_t call = caller.call("com.example.procedure");  // whichever comes first
    const Message first = callee.receive();
    REQUIRE(first.type() == kRegistered);
    REQUIRE(first.request() == request);
    settle({&caller, &callee});
    if (callee.has_received()) {
      callee.yield(callee.expect_invocation(first.id(2)).request());
      caller.expect_result(call);
    } else {
      caller.expect_call_error(call, "wamp.error.no_such_procedure");
    }
    callee.unregister(first.id(2));
  }
}

}  // namespace
}  // namespace nexus::test
