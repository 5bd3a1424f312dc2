// Publish and subscribe, the basics (checklist chapter 8, P-01 … P-10).
#include <set>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("P-01: subscribers of one topic share one subscription") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& publisher = world.join();
  const uint64_t subscription = one.subscribe("com.example.topic");
  CHECK(two.subscribe("com.example.topic") == subscription);
  CHECK(two.subscribe("com.example.other") != subscription);
  publisher.publish("com.example.topic", dict(), list(1));
  one.expect_event(subscription);
  two.expect_event(subscription);
  expect_nothing({&publisher, &one, &two});
}

TEST_CASE("P-02: subscribing twice is one subscription, and one UNSUBSCRIBE ends it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& publisher = world.join();
  const uint64_t subscription = peer.subscribe("com.example.topic");
  CHECK(peer.subscribe("com.example.topic") == subscription);
  publisher.publish_acknowledged("com.example.topic");
  peer.expect_event(subscription);
  expect_nothing({&publisher, &peer});
  peer.unsubscribe(subscription);
  publisher.publish_acknowledged("com.example.topic");
  expect_nothing({&publisher, &peer});
  const uint64_t request = peer.next_request();
  peer.send(list(kUnsubscribe, request, subscription));
  peer.expect_error(kUnsubscribe, request, "wamp.error.no_such_subscription");
}

TEST_CASE("P-03: only an observer can unsubscribe, and others are not touched") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& holder = world.join();
  Peer& stranger = world.join();
  const uint64_t subscription = holder.subscribe("com.example.topic");
  for (const uint64_t id : {subscription, subscription + 1000, uint64_t{1} << 53}) {
    CAPTURE(id);
    const uint64_t request = stranger.next_request();
    stranger.send(list(kUnsubscribe, request, id));
    CHECK_NOTHROW(stranger.expect_error(kUnsubscribe, request, "wamp.error.no_such_subscription"));
  }
  stranger.publish("com.example.topic");
  holder.expect_event(subscription);
}

TEST_CASE("P-03: when one observer leaves, the others stay") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& publisher = world.join();
  const uint64_t subscription = one.subscribe("com.example.topic");
  two.subscribe("com.example.topic");
  one.unsubscribe(subscription);
  publisher.publish_acknowledged("com.example.topic");
  two.expect_event(subscription);
  expect_nothing({&publisher, &one, &two});
}

TEST_CASE("P-04: PUBLISH is answered only when that is asked for") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  peer.publish("com.example.topic");
  peer.publish("com.example.topic", dict({{"acknowledge", false}}));
  peer.publish("wamp.not.allowed");
  expect_nothing({&peer});
  peer.publish_acknowledged("com.example.topic");
}

TEST_CASE("P-05: one publication id for PUBLISHED and every EVENT") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& publisher = world.join();
  const uint64_t exact = one.subscribe("com.example.topic");
  const uint64_t prefix = two.subscribe("com.example", json(R"({"match":"prefix"})"));
  std::set<uint64_t> publications;
  for (int i = 0; i < 3; ++i) {
    const uint64_t publication = publisher.publish_acknowledged("com.example.topic");
    CHECK(publications.insert(publication).second);
    CHECK(one.expect_event(exact).id(2) == publication);
    CHECK(two.expect_event(prefix).id(2) == publication);
  }
  CHECK(publications.insert(publisher.publish_acknowledged("com.example.unheard")).second);
}

TEST_CASE("P-06: a publisher does not get its own event") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  Peer& other = world.join();
  const uint64_t exact = publisher.subscribe("com.example.topic");
  publisher.subscribe("com.", json(R"({"match":"prefix"})"));
  other.subscribe("com.example.topic");
  publisher.publish("com.example.topic");
  publisher.publish("com.example.topic",
                    dict({{"exclude_me", true}, {"eligible", list(publisher.session())}}));
  other.expect_event(exact);
  expect_nothing({&publisher, &other});
}

TEST_CASE("P-06: with exclude_me=false a publisher gets its own event") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  const uint64_t exact = publisher.subscribe("com.example.topic");
  const uint64_t prefix = publisher.subscribe("com.", json(R"({"match":"prefix"})"));
  publisher.publish("com.example.topic", dict({{"exclude_me", false}}), list("own"));
  std::set<uint64_t> seen{publisher.expect(kEvent).id(1), publisher.expect(kEvent).id(1)};
  CHECK(seen == std::set<uint64_t>{exact, prefix});
}

TEST_CASE("P-07: one EVENT for each matching subscription") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& publisher = world.join();
  const std::set<uint64_t> subscriptions{
      peer.subscribe("com.example.topic"),
      peer.subscribe("com.example", json(R"({"match":"prefix"})")),
      peer.subscribe("com.example.topic", json(R"({"match":"prefix"})")),
      peer.subscribe("com..topic", json(R"({"match":"wildcard"})"))};
  CHECK(subscriptions.size() == 4);
  peer.subscribe("com.other", json(R"({"match":"prefix"})"));
  const uint64_t publication = publisher.publish_acknowledged("com.example.topic");
  std::set<uint64_t> seen;
  for (int i = 0; i < 4; ++i) {
    const Message event = peer.expect(kEvent);
    CHECK(event.id(2) == publication);
    seen.insert(event.id(1));
  }
  CHECK(seen == subscriptions);
  expect_nothing({&publisher, &peer});
}

TEST_CASE("P-08: no EVENT after UNSUBSCRIBED, none from before SUBSCRIBED") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& publisher = world.join();
  publisher.publish_acknowledged("com.example.topic", dict(), list("early"));
  const uint64_t subscription = peer.subscribe("com.example.topic");
  publisher.publish_acknowledged("com.example.topic", dict(), list("in time"));
  const uint64_t request = peer.next_request();
  CHECK(peer.expect_event(subscription).args() == list("in time"));
  peer.send(list(kUnsubscribe, request, subscription));
  peer.expect(kUnsubscribed, request);
  publisher.publish_acknowledged("com.example.topic", dict(), list("late"));
  expect_nothing({&publisher, &peer});
}

TEST_CASE("P-08: UNSUBSCRIBED is the last word while a publisher keeps publishing") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& publisher = world.join();
  for (int round = 0; round < 5; ++round) {
    const uint64_t subscription = peer.subscribe("com.example.topic");
    std::vector<Value> burst;
    for (int i = 0; i < 100; ++i) {
      burst.push_back(list(kPublish, publisher.next_request(), dict(), "com.example.topic"));
    }
    publisher.send_all(burst);
    const uint64_t request = peer.next_request();
    peer.send(list(kUnsubscribe, request, subscription));
    for (Message message = peer.receive(); message.type() != kUnsubscribed;) {
      CHECK(message.type() == kEvent);
      message = peer.receive();
    }
    expect_nothing({&publisher, &peer});
  }
}

TEST_CASE("P-09: the payload arrives as it was sent") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& publisher = world.join();
  const uint64_t subscription = peer.subscribe("com.example.topic");
  const Value args = json(R"([1,-1,"x",null,true,1.5,[],{},[[1],{"a":{"b":[2]}}]])");
  const Value kwargs = json(R"({"z":1,"a":[2],"m":{"y":null}})");
  struct Payload {
    Value args, kwargs;
  };
  for (const Payload& sent :
       {Payload{{}, {}}, Payload{args, {}}, Payload{args, kwargs}, Payload{Value::list(), kwargs},
        Payload{Value::list(), Value::dict()}}) {
    publisher.publish("com.example.topic", dict(), sent.args, sent.kwargs);
    const Message event = peer.expect_event(subscription);
    CHECK(event.args() == (sent.args ? sent.args : Value::list()));
    CHECK(event.kwargs() == (sent.kwargs ? sent.kwargs : Value::dict()));
    CHECK(event.details() == Value::dict());
  }
}

TEST_CASE("P-10: PUBLISHED and events both come, in whatever order") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t subscription = peer.subscribe("com.example.topic");
  const uint64_t request =
      peer.publish("com.example.topic", dict({{"acknowledge", true}, {"exclude_me", false}}));
  uint64_t from_event = 0, from_reply = 0;
  for (int i = 0; i < 2; ++i) {
    const Message message = peer.receive();
    if (message.type() == kEvent) {
      CHECK(message.id(1) == subscription);
      from_event = message.id(2);
    } else {
      CHECK(message.type() == kPublished);
      CHECK(message.request() == request);
      from_reply = message.id(2);
    }
  }
  CHECK(from_event == from_reply);
  CHECK(from_event != 0);
}

TEST_CASE("P-08: a session that has left gets nothing, and its place is free") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& staying = world.join();
  Peer& publisher = world.join();
  const uint64_t subscription = staying.subscribe("com.example.topic");
  for (int i = 0; i < 5; ++i) {
    Peer& leaving = world.join();
    leaving.subscribe("com.example.topic");
    i % 2 == 0 ? leaving.leave() : leaving.wire().close();
    publisher.publish_acknowledged("com.example.topic", dict(), list(i));
    CHECK(staying.expect_event(subscription).args() == list(i));
  }
  expect_nothing({&publisher, &staying});
}

TEST_CASE("P-01: many subscribers of every format get one event each") {
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops);
  std::vector<std::unique_ptr<Peer>> peers;
  uint64_t subscription = 0;
  for (int round = 0; round < 3; ++round) {
    for (const Link& link : all_links()) {
      peers.push_back(Peer::joined(router, link));
      subscription = peers.back()->subscribe("com.example.topic");
    }
  }
  auto publisher = Peer::joined(router, {Carrier::raw_tcp, Format::cbor});
  const Value args = list("fan out", binary(std::string("\0\1\xff", 3)), 1.0);
  const auto before = router.counters();
  const uint64_t publication = publisher->publish_acknowledged("com.example.topic", dict(), args);
  for (auto& peer : peers) {
    const Message event = peer->expect_event(subscription);
    CHECK(event.id(2) == publication);
    CHECK(event.args() == args);
  }
  for (auto& peer : peers) CHECK_NOTHROW(expect_nothing({peer.get()}));
  // One encoding per format is shared by all of its receivers.
  const auto after = router.counters();
  CHECK(after.events_delivered - before.events_delivered == peers.size());
  CHECK(after.events_encoded - before.events_encoded == kFormats.size());
}

}  // namespace
}  // namespace nexus::test
