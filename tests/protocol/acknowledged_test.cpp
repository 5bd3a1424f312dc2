// Acknowledged events, Autobahn's extension (checklist M-32): the option travels with the event,
// and EVENT_RECEIVED is taken from those who announced that they send it.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

constexpr int kEventReceived = 337;
constexpr const char* kFeature = "x_acknowledged_event_delivery";

Value announcing(const char* role) {
  return merged(client_details(),
                dict({{"roles", dict({{role, dict({{"features", dict({{kFeature, true}})}})}})}}));
}

TEST_CASE("M-32: EVENT_RECEIVED is taken from those who announced it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  CHECK(publisher.welcome().find("roles").find("broker").find("features").find(kFeature).as_bool());
  uint64_t acknowledged = 0;
  for (const char* role : {"subscriber", "publisher"}) {  // Autobahn for Python says the latter
    CAPTURE(role);
    Peer& subscriber = world.join_realm("realm1", announcing(role));
    const uint64_t subscription = subscriber.subscribe("com.example.topic");
    const uint64_t publication = publisher.publish_acknowledged(
        "com.example.topic", dict({{"x_acknowledged_delivery", true}}), list(1));
    const Message event = subscriber.expect_event(subscription);
    CHECK(event.details() == dict({{"x_acknowledged_delivery", true}}));
    CHECK(event.id(2) == publication);
    subscriber.send(list(kEventReceived, publication));
    subscriber.send(list(kEventReceived, publication, dict()));
    subscriber.send(list(kEventReceived, 4711));  // of no event: nobody minds
    subscriber.sync();
    acknowledged += 3;
    CHECK(world.router.counters().events_acknowledged == acknowledged);
    // What it is not asked to acknowledge does not say so.
    publisher.publish("com.example.topic", dict({{"x_acknowledged_delivery", false}}));
    CHECK(subscriber.expect_event(subscription).details() == dict());
    subscriber.leave();
  }
  expect_nothing({&publisher});
}

TEST_CASE("M-32: EVENT_RECEIVED is a violation of that session alone otherwise") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& other = world.join();
  Peer& plain = world.join();
  plain.send(list(kEventReceived, 1));
  plain.expect_violation();
  for (const char* message : {"[337]", "[337,0]", "[337,-1]", "[337,\"1\"]", "[337,1,[]]",
                              "[337,1,{},1]", "[337,null]"}) {
    CAPTURE(message);
    Peer& peer = world.join_realm("realm1", announcing("subscriber"));
    peer.send(json(message));
    CHECK_NOTHROW(peer.expect_violation());
  }
  Peer& early = world.connect();
  early.send(list(kEventReceived, 1));
  early.expect_violation();
  other.sync();
}

TEST_CASE("M-32: every receiver of every format gets the option") {
  FOR_MIXED_LINKS(links);
  RouterFixture router(3);
  auto publisher = Peer::joined(router, links.first);
  auto subscriber = Peer::joined(router, links.second);
  const uint64_t pattern = subscriber->subscribe("com.example", json(R"({"match":"prefix"})"));
  publisher->publish("com.example.topic", dict({{"x_acknowledged_delivery", true}}), list(1));
  CHECK(subscriber->expect_event(pattern).details() ==
        dict({{"topic", "com.example.topic"}, {"x_acknowledged_delivery", true}}));
}

}  // namespace
}  // namespace nexus::test
