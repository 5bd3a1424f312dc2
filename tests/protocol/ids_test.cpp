// Identifiers: scopes, ranges, counters (checklist chapter 1, U-01 … U-08).
#include <algorithm>
#include <set>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Random in 1..2^53: twenty of them are all different, and it would take a one in a thousand
// accident that none of them is in the upper half, or that they are in order.
void check_random(const std::vector<uint64_t>& ids) {
  const std::set<uint64_t> different(ids.begin(), ids.end());
  CHECK(different.size() == ids.size());
  CHECK(*different.begin() >= 1);
  CHECK(*different.rbegin() <= uint64_t{1} << 53);
  CHECK(*different.rbegin() > uint64_t{1} << 43);
  CHECK_FALSE(std::is_sorted(ids.begin(), ids.end()));
}

TEST_CASE("U-02: session ids are drawn at random") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  std::vector<uint64_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(world.join().session());
  check_random(ids);
}

TEST_CASE("U-02: publication ids are drawn at random") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  std::vector<uint64_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(peer.publish_acknowledged("com.example.topic"));
  check_random(ids);
}

TEST_CASE("U-03: ids of subscriptions and registrations are unique and never used again") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  std::set<uint64_t> subscriptions, registrations;
  for (int i = 0; i < 10; ++i) {
    const uint64_t subscription = peer.subscribe("com.example.topic");
    CHECK(subscriptions.insert(subscription).second);
    peer.unsubscribe(subscription);
    const uint64_t registration = peer.register_procedure("com.example.procedure");
    CHECK(registrations.insert(registration).second);
    peer.unregister(registration);
  }
  CHECK(*subscriptions.begin() >= 1);
  CHECK(*registrations.begin() >= 1);
}

TEST_CASE("U-04, U-07: invocation ids count from 1 for each callee session") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& one = world.join();
  Peer& two = world.join();
  const uint64_t of_one = one.register_procedure("com.example.one");
  const uint64_t also_of_one = one.register_procedure("com.example.also_one");
  const uint64_t of_two = two.register_procedure("com.example.two");
  for (uint64_t round = 0; round < 3; ++round) {
    caller.call("com.example.one");
    CHECK(one.expect_invocation(of_one).request() == 3 * round + 1);
    caller.call("com.example.also_one");
    CHECK(one.expect_invocation(also_of_one).request() == 3 * round + 2);
    caller.call("com.example.two");
    CHECK(two.expect_invocation(of_two).request() == round + 1);
    caller.call("com.example.one");
    CHECK(one.expect_invocation(of_one).request() == 3 * round + 3);
  }
}

TEST_CASE("U-05: replies mirror the id of their request") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  // Each helper checks the mirrored id; here the ids are far from what a counter would give.
  peer.send(list(kSubscribe, 1, dict(), "com.example.topic"));
  const uint64_t subscription = peer.expect(kSubscribed, 1).id(2);
  peer.send(list(kUnsubscribe, 2, subscription));
  CHECK(peer.expect(kUnsubscribed, 2).size() == 2);
  peer.send(list(kRegister, 3, dict(), "com.example.procedure"));
  const uint64_t registration = peer.expect(kRegistered, 3).id(2);
  peer.send(list(kUnregister, 4, registration));
  CHECK(peer.expect(kUnregistered, 4).size() == 2);
  peer.send(list(kPublish, 5, dict({{"acknowledge", true}}), "com.example.topic"));
  peer.expect(kPublished, 5);
}

TEST_CASE("U-06: by default clients may number their requests as they like") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  uint64_t expected = 0;
  for (const uint64_t request :
       {uint64_t{1} << 53, uint64_t{77}, uint64_t{4000000000}, uint64_t{5}}) {
    peer.send(list(kSubscribe, request, dict(), "com.example.topic"));
    const uint64_t id = peer.expect(kSubscribed, request).id(2);
    if (expected == 0) expected = id;
    CHECK(id == expected);
    peer.send(list(kCall, request, dict(), "com.example.nobody"));
    peer.expect_call_error(request, "wamp.error.no_such_procedure");
  }
}

TEST_CASE("U-06: an id that is still in flight cannot be used for another call") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure");
  callee.expect_invocation(registration);
  caller.call_again(request, "com.example.procedure", dict());
  caller.expect_violation();
}

TEST_CASE("U-06: an id whose call has ended can be used again") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  for (int i = 0; i < 3; ++i) {
    caller.send(list(kCall, 42, dict(), "com.example.procedure"));
    const Message invocation = callee.expect_invocation(registration);
    callee.yield(invocation.request());
    caller.expect_result(42);
  }
}

TEST_CASE("U-06: strict numbering ends sessions that skip or repeat an id") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"request_id_check":"strict"}}})");
  Peer& good = world.join();
  good.subscribe("com.example.topic");
  good.register_procedure("com.example.procedure");
  good.publish_acknowledged("com.example.topic");
  good.sync();
  for (const uint64_t second : {uint64_t{1}, uint64_t{3}, uint64_t{1} << 53}) {
    CAPTURE(second);
    Peer& bad = world.join();
    bad.subscribe("com.example.topic");
    bad.send(list(kSubscribe, second, dict(), "com.example.other"));
    CHECK_NOTHROW(bad.expect_violation());
  }
}

TEST_CASE("U-06: a CALL that is no continuation must count on as well") {
  FOR_ALL_SETUPS(setup);
  const std::string check = GENERATE("strict", "monotonic");
  World world(setup, R"({"realms":{"one":{"request_id_check":")" + check + R"("}}})");
  Peer& callee = world.join();
  callee.register_procedure("com.example.procedure");
  Peer& caller = world.join();
  const uint64_t call = caller.call("com.example.procedure");
  callee.yield(callee.expect(kInvocation).request());
  caller.expect_result(call);
  caller.send(list(kCall, call, dict(), "com.example.procedure"));
  caller.expect_violation();
  expect_nothing({&callee});
}

TEST_CASE("U-06: monotonic numbering allows gaps") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"request_id_check":"monotonic"}}})");
  Peer& peer = world.join();
  for (const uint64_t request : {1, 5, 6, 1000}) {
    peer.send(list(kSubscribe, request, dict(), "com.example.topic"));
    peer.expect(kSubscribed, request);
  }
  peer.send(list(kSubscribe, 7, dict(), "com.example.topic"));
  peer.expect_violation();
}

TEST_CASE("U-06: monotonic numbering begins again at 1 after the last id, and nowhere else") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"request_id_check":"monotonic"}}})");
  const uint64_t last = uint64_t{1} << 53;
  const auto subscribe = [](Peer& peer, uint64_t request) {
    peer.send(list(kSubscribe, request, dict(), "com.example.topic"));
  };
  Peer& good = world.join();
  for (const uint64_t request : {last, uint64_t{1}, uint64_t{2}}) {
    subscribe(good, request);
    good.expect(kSubscribed, request);
  }
  Peer& bad = world.join();
  subscribe(bad, last);
  bad.expect(kSubscribed, last);
  subscribe(bad, 5);
  bad.expect_violation();
}

}  // namespace
}  // namespace nexus::test
