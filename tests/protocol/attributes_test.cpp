// Receivers of an event by what they said of themselves in HELLO (checklist P-22, P-23, and the
// lists over any attribute that Go nexus has).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

Value details_with(std::initializer_list<std::pair<std::string_view, V>> more,
                   std::initializer_list<std::string_view> without = {}) {
  return merged(client_details(without), dict(more));
}

TEST_CASE("P-23: eligible_ and exclude_ lists work on any attribute of HELLO") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  // Lists are honoured even if the publisher did not announce the feature.
  Peer& publisher = world.join({"publisher.subscriber_blackwhite_listing"});
  Peer& spiders = world.join_realm("realm1", details_with({{"org_id", "spiders"}}));
  Peer& moths = world.join_realm("realm1", details_with({{"org_id", "moths"}, {"floor", 3}}));
  Peer& nobody = world.join();
  std::vector<Peer*> peers{&spiders, &moths, &nobody};
  uint64_t subscription = 0;
  for (Peer* peer : peers) subscription = peer->subscribe("com.example.t");

  int round = 0;
  const auto check = [&](const char* options, std::vector<bool> who) {
    CAPTURE(options);
    ++round;
    publisher.publish_acknowledged("com.example.t", json(options), list(round));
    // Whoever is left out hears this one next.
    publisher.publish_acknowledged("com.example.t", dict(), list(-round));
    for (size_t i = 0; i < peers.size(); ++i) {
      CAPTURE(i);
      if (who[i]) CHECK(peers[i]->expect_event(subscription).args() == list(round));
      CHECK(peers[i]->expect_event(subscription).args() == list(-round));
    }
  };
  check(R"({"eligible_org_id":["spiders"]})", {true, false, false});
  check(R"({"eligible_org_id":["moths","spiders","bees"]})", {true, true, false});
  check(R"({"eligible_org_id":["bees"]})", {false, false, false});
  check(R"({"eligible_org_id":[]})", {false, false, false});  // P-21
  check(R"({"exclude_org_id":["spiders"]})", {false, true, true});
  check(R"({"exclude_org_id":[]})", {true, true, true});
  // All lists hold, and to be excluded wins.
  check(R"({"eligible_org_id":["moths","spiders"],"exclude_org_id":["moths"]})",
        {true, false, false});
  check(R"({"eligible_org_id":["moths","spiders"],"eligible_authrole":["nobody"]})",
        {false, false, false});
  // An attribute that nobody has, and one that is no text, are in no list.
  check(R"({"eligible_team":["spiders"]})", {false, false, false});
  check(R"({"exclude_team":["spiders"]})", {true, true, true});
  check(R"({"eligible_floor":["3"]})", {false, false, false});
}

TEST_CASE("P-23: HELLO cannot change who somebody is") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  Peer& liar = world.join_realm(
      "realm1", details_with({{"authrole", "admin"}, {"authprovider", "x"}, {"session", 1}}));
  const uint64_t subscription = liar.subscribe("com.example.t");
  publisher.publish_acknowledged("com.example.t", json(R"({"eligible_authrole":["admin"]})"));
  publisher.publish_acknowledged("com.example.t", json(R"({"eligible_authprovider":["x"]})"));
  publisher.publish_acknowledged("com.example.t", json(R"({"eligible_session":["1"]})"));
  publisher.publish_acknowledged("com.example.t", dict(), list("all"));
  CHECK(liar.expect_event(subscription).args() == list("all"));
}

TEST_CASE("P-22: ids of nobody are ignored, and wrong elements are a violation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  Peer& receiver = world.join();
  const uint64_t subscription = receiver.subscribe("com.example.t");
  publisher.publish_acknowledged("com.example.t",
                                 dict({{"eligible", list(receiver.session(), 12345)}}), list(1));
  CHECK(receiver.expect_event(subscription).args() == list(1));
  publisher.publish("com.example.t", json(R"({"eligible_org_id":["a",5]})"));
  publisher.expect_violation();
}

}  // namespace
}  // namespace nexus::test
