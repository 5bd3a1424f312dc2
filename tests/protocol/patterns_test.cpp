// Pattern-based subscription (checklist chapter 8, P-15 … P-19).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

const Value& prefix() {
  static const Value kOptions = json(R"({"match":"prefix"})");
  return kOptions;
}
const Value& wildcard() {
  static const Value kOptions = json(R"({"match":"wildcard"})");
  return kOptions;
}

// Publishes to each topic and checks who of the two lists reaches the subscriber.
void check_matches(const Setup& setup, std::string_view pattern, const Value& options,
                   std::initializer_list<const char*> hits,
                   std::initializer_list<const char*> misses) {
  // Without meta events, which the empty prefix would catch too.
  World world(setup, R"({"realms":{"one":{"meta_api":false}}})");
  Peer& peer = world.join();
  Peer& publisher = world.join();
  const uint64_t subscription = peer.subscribe(pattern, options);
  CAPTURE(pattern);
  for (const char* topic : hits) {
    CAPTURE(topic);
    publisher.publish(topic, dict(), list(topic));
    CHECK(peer.expect_event(subscription).args() == list(topic));
  }
  for (const char* topic : misses) {
    CAPTURE(topic);
    publisher.publish_acknowledged(topic, dict(), list(topic));
    CHECK_NOTHROW(expect_nothing({&publisher, &peer}));
  }
}

TEST_CASE("P-15: topic and match together make the subscription") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t exact = peer.subscribe("com.example.a");
  const uint64_t with_prefix = peer.subscribe("com.example.a", prefix());
  const uint64_t with_wildcard = peer.subscribe("com.example.a", wildcard());
  CHECK(exact != with_prefix);
  CHECK(exact != with_wildcard);
  CHECK(with_prefix != with_wildcard);
  CHECK(peer.subscribe("com.example.a", json(R"({"match":"exact"})")) == exact);
  CHECK(peer.subscribe("com.example.a", prefix()) == with_prefix);
  CHECK(peer.subscribe("com.example.a", wildcard()) == with_wildcard);
}

TEST_CASE("P-16: a prefix is a prefix of the text, not of components") {
  FOR_ALL_SETUPS(setup);
  check_matches(setup, "com.myapp.topic.emergency", prefix(),
                {"com.myapp.topic.emergency", "com.myapp.topic.emergency-low",
                 "com.myapp.topic.emergency.11", "com.myapp.topic.emergency.a.b.c"},
                {"com.myapp.topic.emerge", "com.myapp.topic", "com.yourapp.topic.emergency"});
}

TEST_CASE("P-16: a prefix may end with a dot, or be empty") {
  FOR_ALL_SETUPS(setup);
  check_matches(setup, "com.myapp.", prefix(), {"com.myapp.a", "com.myapp.a.b"},
                {"com.myapp", "com.myapple"});
  check_matches(setup, "", prefix(), {"a", "com.myapp.a"}, {});
}

TEST_CASE("P-17: a wildcard stands for exactly one component") {
  FOR_ALL_SETUPS(setup);
  check_matches(setup, "com.myapp..userevent", wildcard(),
                {"com.myapp.foo.userevent", "com.myapp.bar.userevent"},
                {"com.myapp.foo.bar.userevent", "com.myapp.userevent", "com.myapp.foo.userevent.x",
                 "com.myapp2.foo.userevent"});
}

TEST_CASE("P-17: wildcards at the ends and several of them") {
  FOR_ALL_SETUPS(setup);
  check_matches(setup, "..x", wildcard(), {"a.b.x"}, {"a.x", "x", "a.b.c.x", "a.b.y"});
  check_matches(setup, "a..", wildcard(), {"a.b.c"}, {"a.b", "a", "b.c.d", "a.b.c.d"});
  check_matches(setup, "a.b.", wildcard(), {"a.b.c"}, {"a.b", "a.c.b"});
  check_matches(setup, "a..c..e", wildcard(), {"a.b.c.d.e"}, {"a.b.c.e", "a.b.d.d.e"});
  check_matches(setup, "a.b", wildcard(), {"a.b"}, {"a.b.c"});
}

TEST_CASE("P-18: EVENTs of patterns carry the topic, EVENTs of exact subscriptions do not") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& exact = world.join();
  Peer& pattern = world.join();
  Peer& publisher = world.join();
  const uint64_t exact_id = exact.subscribe("com.example.topic");
  const uint64_t prefix_id = pattern.subscribe("com.", prefix());
  for (int i = 0; i < 3; ++i) {
    publisher.publish("com.example.topic");
    CHECK(exact.expect_event(exact_id).details() == dict());
    CHECK(pattern.expect_event(prefix_id).details() == dict({{"topic", "com.example.topic"}}));
  }
  const uint64_t wildcard_id = exact.subscribe("com..other", wildcard());
  publisher.publish("com.example.other");
  CHECK(exact.expect_event(wildcard_id).details() == dict({{"topic", "com.example.other"}}));
  CHECK(pattern.expect_event(prefix_id).details() == dict({{"topic", "com.example.other"}}));
}

TEST_CASE("P-19: a part of a pattern cannot be unsubscribed") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& publisher = world.join();
  const uint64_t pattern = peer.subscribe("com.example", prefix());
  const uint64_t exact = peer.subscribe("com.example.a");
  peer.unsubscribe(exact);
  publisher.publish("com.example.a");
  peer.expect_event(pattern);
  expect_nothing({&publisher, &peer});
  peer.unsubscribe(pattern);
  publisher.publish_acknowledged("com.example.a");
  expect_nothing({&publisher, &peer});
}

TEST_CASE("P-15: patterns that come and go while topics are warm") {
  // A router that remembers what a topic matched must forget it when a pattern changes.
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& publisher = world.join();
  for (int i = 0; i < 3; ++i) {
    publisher.publish_acknowledged("com.example.a.b");
    const uint64_t one = peer.subscribe("com.example.", prefix());
    publisher.publish("com.example.a.b");
    peer.expect_event(one);
    const uint64_t two = peer.subscribe("com..a.b", wildcard());
    peer.unsubscribe(one);
    publisher.publish("com.example.a.b");
    peer.expect_event(two);
    expect_nothing({&publisher, &peer});
    peer.unsubscribe(two);
    publisher.publish_acknowledged("com.example.a.b");
    expect_nothing({&publisher, &peer});
  }
}

}  // namespace
}  // namespace nexus::test
