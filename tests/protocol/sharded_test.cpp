// Sharded registrations and subscriptions (checklist R-68, P-28; docs/features.md says how).
#include <map>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

Value with_key(const std::string& key) { return dict({{"rkey", key}}); }

// Which callee answers a call with this key; each answers with its own number.
struct Shards {
  Shards(World& world, size_t count) : caller(world.join()) {
    for (size_t i = 0; i < count; ++i) add(world);
  }
  void add(World& world, const Value& options = dict({{"invoke", "sharded"}})) {
    callees.push_back(&world.join());
    registration = callees.back()->register_procedure("com.example.p", options);
  }
  // The callee's index in `callees`.
  size_t owner(const std::string& key) {
    const uint64_t call = caller.call("com.example.p", with_key(key));
    size_t found = callees.size();
    REQUIRE(eventually([&] {
      for (size_t i = 0; i < callees.size(); ++i) {
        if (callees[i] == nullptr) continue;
        callees[i]->sync();
        if (!callees[i]->has_received()) continue;
        callees[i]->yield(callees[i]->expect_invocation(registration).request());
        found = i;
        return true;
      }
      return false;
    }));
    caller.expect_result(call);
    return found;
  }

  Peer& caller;
  std::vector<Peer*> callees;
  uint64_t registration = 0;
};

TEST_CASE("R-68: a key stays with its callee while others come and go") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shards shards(world, 3);
  std::map<std::string, size_t> owners;
  std::map<size_t, int> load;
  for (int i = 0; i < 24; ++i) {
    const std::string key = "key" + std::to_string(i);
    owners[key] = shards.owner(key);
    CHECK(shards.owner(key) == owners[key]);
    ++load[owners[key]];
  }
  CHECK(load.size() > 1);  // all 24 on one of three: once in 10^11
  shards.add(world);
  for (auto& [key, owner] : owners) {
    const size_t now = shards.owner(key);
    CHECK((now == owner || now == 3));  // keys move to the new one, and nowhere else
    owner = now;
  }
  shards.callees[0]->unregister(shards.registration);
  shards.callees[0] = nullptr;
  for (const auto& [key, owner] : owners) {
    if (owner != 0) CHECK(shards.owner(key) == owner);
  }
}

TEST_CASE("R-68: a callee with an rkey of its own owns exactly that key") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shards shards(world, 2);
  shards.add(world, dict({{"invoke", "sharded"}, {"rkey", "mine"}}));
  CHECK(shards.owner("mine") == 2);
  for (int i = 0; i < 8; ++i) CHECK(shards.owner("other" + std::to_string(i)) != 2);
}

TEST_CASE("R-68: runmode partition needs a key, and there is no other runmode") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Shards shards(world, 2);
  Peer& caller = shards.caller;
  caller.expect_call_error(caller.call("com.example.p", dict({{"runmode", "partition"}})),
                           "wamp.error.invalid_argument");
  caller.expect_call_error(caller.call("com.example.p", dict({{"runmode", "all"}, {"rkey", "x"}})),
                           "wamp.error.option_not_allowed");
  expect_nothing({shards.callees[0], shards.callees[1]});
}

TEST_CASE("P-28: an event with a key goes to the subscribers that hold it, one without to all") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& a = world.join();
  Peer& b = world.join();
  Peer& plain = world.join();
  Peer& publisher = world.join();
  const uint64_t id = a.subscribe("com.example.t", dict({{"nkey", "a"}}));
  CHECK(b.subscribe("com.example.t", dict({{"nkey", "b"}})) == id);
  CHECK(plain.subscribe("com.example.t") == id);
  publisher.publish_acknowledged("com.example.t", dict({{"rkey", "a"}}), list("for a"));
  publisher.publish_acknowledged("com.example.t", dict(), list("for all"));
  CHECK(a.expect_event(id).args() == list("for a"));
  for (Peer* peer : {&a, &b, &plain}) CHECK(peer->expect_event(id).args() == list("for all"));
  expect_nothing({&a, &b, &plain});
}

}  // namespace
}  // namespace nexus::test
