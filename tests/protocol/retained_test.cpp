// Event retention (checklist P-30 … P-32).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

Value retain(const Value& more = Value::dict()) {
  Value options = dict({{"retain", true}});
  for (size_t i = 0; i < more.size(); ++i) options.set(more.key_at(i), more.at(i));
  return options;
}
Value get_retained(const char* match = "exact") {
  return dict({{"get_retained", true}, {"match", match}});
}

TEST_CASE("P-30: a later subscriber gets the last retained event, after SUBSCRIBED") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  publisher.publish_acknowledged("com.example.t", retain(), list("old"));
  const uint64_t last =
      publisher.publish_acknowledged("com.example.t", retain(), list("new"), dict({{"k", 1}}));
  publisher.publish_acknowledged("com.example.t", dict(), list("not retained"));
  Peer& late = world.join();
  const uint64_t subscription = late.subscribe("com.example.t", get_retained());
  const Message event = late.expect_event(subscription);
  CHECK(event.at(2).as_uint() == last);
  CHECK(event.details().find("retained").as_bool());
  CHECK(event.args() == list("new"));
  CHECK(event.kwargs() == dict({{"k", 1}}));
  // Without asking there is nothing, and live events are not marked.
  Peer& other = world.join();
  CHECK(other.subscribe("com.example.t") == subscription);
  publisher.publish_acknowledged("com.example.t", dict(), list("live"));
  CHECK_FALSE(other.expect_event(subscription).details().find("retained"));
  CHECK(late.expect_event(subscription).args() == list("live"));
  expect_nothing({&late, &other});
}

TEST_CASE("P-30: restricted events go to those who would have received them") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  Peer& chosen = world.join();
  Peer& other = world.join();
  publisher.publish_acknowledged("com.example.t", retain(), list("for all"));
  Value eligible = Value::list();
  eligible.append(Value::unsigned_integer(chosen.session()));
  publisher.publish_acknowledged("com.example.t", retain(dict({{"eligible", eligible}})),
                                 list("for one"));
  const uint64_t id = chosen.subscribe("com.example.t", get_retained());
  CHECK(chosen.expect_event(id).args() == list("for one"));
  other.subscribe("com.example.t", get_retained());
  CHECK(other.expect_event(id).args() == list("for all"));
  // The publisher itself would have received neither.
  publisher.subscribe("com.example.t", get_retained());
  expect_nothing({&publisher, &chosen, &other});
}

TEST_CASE("P-32: of restricted events a topic keeps so many beside the one for all") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_restricted_retained":2}}})");
  Peer& publisher = world.join();
  std::vector<Peer*> chosen;
  publisher.publish_acknowledged("com.example.t", retain(), list("for all"));
  for (int i = 0; i < 3; ++i) {
    chosen.push_back(&world.join());
    publisher.publish_acknowledged(
        "com.example.t", retain(dict({{"eligible", list(chosen.back()->session())}})), list(i));
  }
  for (int i = 0; i < 3; ++i) {
    const uint64_t id = chosen[static_cast<size_t>(i)]->subscribe("com.example.t", get_retained());
    const Value args = chosen[static_cast<size_t>(i)]->expect_event(id).args();
    CHECK(args == (i == 0 ? list("for all") : list(i)));
  }
}

TEST_CASE("P-31: a pattern gets one event for each topic, with the topic") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  for (const char* topic : {"com.a.x", "com.b.x", "com.b.y", "org.a.x"}) {
    publisher.publish_acknowledged(topic, retain(), list(topic));
  }
  Peer& late = world.join();
  const uint64_t prefix = late.subscribe("com.", get_retained("prefix"));
  for (const char* topic : {"com.a.x", "com.b.x", "com.b.y"}) {
    const Message event = late.expect_event(prefix);
    CHECK(event.details().find("topic").as_string() == topic);
    CHECK(event.args() == list(topic));
  }
  const uint64_t wildcard = late.subscribe("..x", get_retained("wildcard"));
  for (const char* topic : {"com.a.x", "com.b.x", "org.a.x"}) {
    CHECK(late.expect_event(wildcard).details().find("topic").as_string() == topic);
  }
  expect_nothing({&late});
}

TEST_CASE("P-31: what exceeds the limits is not retained, and still delivered") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_retained_events":1}}})");
  Peer& publisher = world.join();
  Peer& live = world.join();
  const uint64_t live_id = live.subscribe("com.example.b");
  publisher.publish_acknowledged("com.example.a", retain(), list(1));
  publisher.publish_acknowledged("com.example.a", retain(), list(2));  // replaces
  publisher.publish_acknowledged("com.example.b", retain(), list(3));
  CHECK(live.expect_event(live_id).args() == list(3));
  Peer& late = world.join();
  const uint64_t id = late.subscribe("com.example.a", get_retained());
  CHECK(late.expect_event(id).args() == list(2));
  late.subscribe("com.example.b", get_retained());
  expect_nothing({&late});
}

TEST_CASE(
    "P-31: events are retained within so many bytes, and one that is replaced frees its own") {
  World world({{Carrier::raw_tcp, Format::msgpack}, 2},
              R"({"realms":{"one":{"max_retained_bytes":"20K"}}})");
  Peer& publisher = world.join();
  const auto keep = [&](const char* topic, char what) {
    publisher.publish_acknowledged(topic, retain(), list(std::string(8192, what)));
  };
  keep("com.example.a", '1');
  keep("com.example.b", '2');
  keep("com.example.c", '3');  // no room
  keep("com.example.a", '4');
  Peer& late = world.join();
  for (const auto& [topic, what] : {std::pair{"com.example.a", '4'}, {"com.example.b", '2'}}) {
    const uint64_t id = late.subscribe(topic, get_retained());
    CHECK(late.expect_event(id).args() == list(std::string(8192, what)));
  }
  late.subscribe("com.example.c", get_retained());
  expect_nothing({&late});
}

TEST_CASE("P-32: an event for sessions that are all gone is not kept for longer") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_retained_events":2}}})");
  Peer& publisher = world.join();
  Peer& gone = world.join();
  Peer& there = world.join();
  const auto eligible = [](const Peer& peer) {
    return retain(dict({{"eligible", list(peer.session())}}));
  };
  publisher.publish_acknowledged("com.example.t", retain(), list("for everybody"));
  publisher.publish_acknowledged("com.example.t", eligible(gone), list("for one who goes"));
  // No room for a third, as long as the second may still be asked for.
  publisher.publish_acknowledged("com.example.t", eligible(there), list("for one who stays"));
  there.subscribe("com.example.t", dict({{"get_retained", true}}));
  CHECK(there.expect(kEvent).args() == list("for everybody"));
  gone.leave();
  publisher.publish_acknowledged("com.example.t", eligible(there), list("for one who stays"));
  CHECK(there.expect(kEvent).args() == list("for one who stays"));  // live
  there.subscribe("com.example.t", dict({{"get_retained", true}}));
  CHECK(there.expect(kEvent).args() == list("for one who stays"));
  Peer& other = world.join();
  other.subscribe("com.example.t", dict({{"get_retained", true}}));
  CHECK(other.expect(kEvent).args() == list("for everybody"));
}

TEST_CASE("P-30: the publisher of a retained event is disclosed as it was when it was live") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  publisher.publish_acknowledged("com.example.t", retain(dict({{"disclose_me", true}})), list(1));
  Peer& able = world.join();
  Peer& plain = world.join({"subscriber.publisher_identification"});
  const uint64_t id = able.subscribe("com.example.t", get_retained());
  CHECK(able.expect_event(id).details().find("publisher").as_uint() == publisher.session());
  plain.subscribe("com.example.t", get_retained());
  CHECK_FALSE(plain.expect_event(id).details().find("publisher"));
}

}  // namespace
}  // namespace nexus::test
