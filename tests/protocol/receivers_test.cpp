// Who receives an event: black and white lists, publisher exclusion and identification (checklist
// chapter 8, P-20 … P-25).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Three subscribers and a publisher; every check publishes once and names who must get it.
class Audience {
 public:
  explicit Audience(World& world) : publisher(world.join()) {
    for (Peer*& peer : peers) {
      peer = &world.join();
      subscription = peer->subscribe("com.example.topic");
    }
  }

  std::string authid(size_t index) const {
    return std::string(peers[index]->welcome().find("authid").as_string());
  }

  void check(const Value& options, std::vector<bool> expected) {
    CAPTURE(options);
    publisher.publish_acknowledged("com.example.topic", options, list(++serial_));
    settle({&publisher, peers[0], peers[1], peers[2]});
    for (size_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      CHECK(peers[i]->has_received() == expected[i]);
      if (peers[i]->has_received()) {
        const Message event = peers[i]->receive();
        CHECK(event.type() == kEvent);
        CHECK(event.args() == list(serial_));
        CHECK_FALSE(peers[i]->has_received());
      }
    }
  }

  Peer& publisher;
  Peer* peers[3] = {};
  uint64_t subscription = 0;

 private:
  int serial_ = 0;
};

TEST_CASE("P-20: exclude and eligible by session id") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Audience audience(world);
  const auto id = [&](size_t i) { return audience.peers[i]->session(); };
  audience.check(dict(), {true, true, true});
  audience.check(dict({{"exclude", list(id(0))}}), {false, true, true});
  audience.check(dict({{"exclude", list(id(0), id(1))}}), {false, false, true});
  audience.check(dict({{"eligible", list(id(1))}}), {false, true, false});
  audience.check(dict({{"eligible", list(id(0), id(1))}}), {true, true, false});
  audience.check(dict({{"eligible", list(id(0), id(1))}, {"exclude", list(id(1))}}),
                 {true, false, false});
  audience.check(dict({{"exclude", list(id(0), id(1), id(2))}}), {false, false, false});
}

TEST_CASE("P-20: exclude and eligible by authid") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Audience audience(world);
  const auto authid = [&](size_t i) { return audience.authid(i); };
  audience.check(dict({{"exclude_authid", list(authid(0))}}), {false, true, true});
  audience.check(dict({{"eligible_authid", list(authid(1), "nobody")}}), {false, true, false});
  audience.check(
      dict({{"eligible_authid", list(authid(0), authid(1))}, {"exclude_authid", list(authid(0))}}),
      {false, true, false});
}

TEST_CASE("P-20: exclude and eligible by authrole") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Audience audience(world);
  audience.check(dict({{"exclude_authrole", list("anonymous")}}), {false, false, false});
  audience.check(dict({{"exclude_authrole", list("backend")}}), {true, true, true});
  audience.check(dict({{"eligible_authrole", list("anonymous")}}), {true, true, true});
  audience.check(dict({{"eligible_authrole", list("backend")}}), {false, false, false});
}

TEST_CASE("P-20: a receiver must pass every list that is given") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Audience audience(world);
  const auto id = [&](size_t i) { return audience.peers[i]->session(); };
  audience.check(dict({{"eligible", list(id(0), id(1))},
                       {"eligible_authid", list(audience.authid(1), audience.authid(2))}}),
                 {false, true, false});
  audience.check(dict({{"eligible_authrole", list("anonymous")},
                       {"exclude", list(id(2))},
                       {"exclude_authid", list(audience.authid(0))}}),
                 {false, true, false});
}

TEST_CASE("P-21: an empty eligible list means nobody, an empty exclude list nothing") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Audience audience(world);
  audience.check(dict({{"eligible", list()}}), {false, false, false});
  audience.check(dict({{"eligible_authid", list()}}), {false, false, false});
  audience.check(dict({{"eligible_authrole", list()}}), {false, false, false});
  audience.check(dict({{"exclude", list()}}), {true, true, true});
  audience.check(dict({{"exclude_authid", list()}}), {true, true, true});
  audience.check(dict({{"exclude_authrole", list()}}), {true, true, true});
}

TEST_CASE("P-21: empty_eligible_means_all takes an empty list for an absent one") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"empty_eligible_means_all":true}}})");
  Audience audience(world);
  audience.check(dict({{"eligible", list()}}), {true, true, true});
  audience.check(dict({{"eligible_authid", list()}}), {true, true, true});
}

TEST_CASE("P-22: ids that nobody has are ignored") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Audience audience(world);
  audience.check(dict({{"exclude", list(1, 2, uint64_t{1} << 53)}}), {true, true, true});
  audience.check(dict({{"eligible", list(1, audience.peers[2]->session())}}), {false, false, true});
}

TEST_CASE("P-23: lists count even if the publisher did not announce the feature") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  one.subscribe("com.example.topic");
  const uint64_t subscription = two.subscribe("com.example.topic");
  Peer& publisher = world.join({"publisher.subscriber_blackwhite_listing"});
  publisher.publish("com.example.topic", dict({{"exclude", list(one.session())}}));
  two.expect_event(subscription);
  expect_nothing({&publisher, &one, &two});
}

TEST_CASE("P-20: lists hold for pattern subscriptions and exclude_me=false too") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  Peer& other = world.join();
  const Value options = json(R"({"match":"prefix"})");
  const uint64_t own = publisher.subscribe("com.", options);
  other.subscribe("com.", options);
  publisher.publish("com.example.topic",
                    dict({{"exclude_me", false}, {"eligible", list(publisher.session())}}));
  publisher.expect_event(own);
  publisher.publish(
      "com.example.topic",
      dict({{"exclude_me", false}, {"exclude", list(publisher.session(), other.session())}}));
  expect_nothing({&publisher, &other});
}

TEST_CASE("P-25: disclose_me puts the publisher into every EVENT") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"disclose_publisher":"request"}}})");
  Peer& exact = world.join();
  Peer& pattern = world.join();
  Peer& publisher = world.join();
  const uint64_t exact_id = exact.subscribe("com.example.topic");
  const uint64_t pattern_id = pattern.subscribe("com.", json(R"({"match":"prefix"})"));
  const Value identity = dict({{"publisher", publisher.session()},
                               {"publisher_authid", publisher.welcome().find("authid")},
                               {"publisher_authrole", "anonymous"}});
  publisher.publish("com.example.topic", dict({{"disclose_me", true}}));
  CHECK(merged(dict(), exact.expect_event(exact_id).details()) == identity);
  const Value details = pattern.expect_event(pattern_id).details();
  CHECK(details.find("topic").as_string() == "com.example.topic");
  CHECK(details.find("publisher") == identity.find("publisher"));
  CHECK(details.find("publisher_authid") == identity.find("publisher_authid"));
  CHECK(details.find("publisher_authrole") == identity.find("publisher_authrole"));
  CHECK(details.size() == 4);
  // Without the request nothing is disclosed, not even shortly after.
  publisher.publish("com.example.topic");
  CHECK(exact.expect_event(exact_id).details() == dict());
  CHECK(pattern.expect_event(pattern_id).details() == dict({{"topic", "com.example.topic"}}));
}

TEST_CASE("P-25: where disclosure is forbidden, asking for it is an error") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"disclose_publisher":"never"}}})");
  Peer& peer = world.join();
  Peer& publisher = world.join();
  peer.subscribe("com.example.topic");
  const uint64_t request =
      publisher.publish("com.example.topic", dict({{"disclose_me", true}, {"acknowledge", true}}));
  publisher.expect_error(kPublish, request, "wamp.error.option_disallowed.disclose_me");
  publisher.publish("com.example.topic", dict({{"disclose_me", true}}));
  expect_nothing({&publisher, &peer});
}

TEST_CASE("Z-10: a realm can disclose always") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"disclose_publisher":"always"}}})");
  Peer& peer = world.join();
  Peer& publisher = world.join();
  const uint64_t subscription = peer.subscribe("com.example.topic");
  for (const char* options : {"{}", R"({"disclose_me":false})", R"({"disclose_me":true})"}) {
    CAPTURE(options);
    publisher.publish("com.example.topic", json(options));
    const Value details = peer.expect_event(subscription).details();
    CHECK(details.find("publisher").as_uint() == publisher.session());
  }
}

TEST_CASE("P-20: lists of receivers are in any order, and not too many") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& excluded = world.join();
  Peer& receiver = world.join();
  Peer& publisher = world.join();
  excluded.subscribe("com.example.topic");
  const uint64_t topic = receiver.subscribe("com.example.topic");
  // Whichever way the ids compare, one of these is out of order.
  for (const bool first : {true, false}) {
    const Value exclude = first ? list(excluded.session(), 1, uint64_t{1} << 53)
                                : list(uint64_t{1} << 53, 1, excluded.session());
    publisher.publish_acknowledged("com.example.topic", dict({{"exclude", exclude}}), list(first));
    CHECK(receiver.expect_event(topic).args() == list(first));
  }
  Value lists = dict();
  for (int i = 0; i < 64; ++i) lists.set("exclude_a" + std::to_string(i), list("x"));
  publisher.publish_acknowledged("com.example.topic", lists);
  receiver.expect_event(topic);
  excluded.expect(kEvent);
  lists.set("exclude_b", list("x"));
  publisher.publish("com.example.topic", lists);
  publisher.expect_violation();
  expect_nothing({&excluded, &receiver});
}

}  // namespace
}  // namespace nexus::test
