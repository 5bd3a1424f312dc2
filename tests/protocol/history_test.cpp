// Event history (checklist P-33 … P-38).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kKept = R"({"realms":{"one":{"history":{
  "exact":{"uri":"com.example.t","max_events":4},
  "prefix":{"uri":"com.many.","match":"prefix"}}}}})";

struct Reader {
  explicit Reader(World& world) : peer(world.join()), subscription(lookup("com.example.t")) {}

  uint64_t lookup(const char* topic, const char* match = "exact") {
    const uint64_t call =
        peer.call("wamp.subscription.lookup", dict(), list(topic, dict({{"match", match}})));
    return peer.expect_result(call).args().at(0).as_uint();
  }
  Value ask(const Value& query = Value::dict(), uint64_t id = 0) {
    const uint64_t call =
        peer.call("wamp.subscription.get_events", dict(), list(id == 0 ? subscription : id), query);
    const Message result = peer.expect_result(call);
    limit_reached = result.kwargs().find("is_limit_reached").as_bool();
    return result.args() ? result.args() : Value::list();
  }
  // The first positional argument of each event.
  std::vector<int64_t> numbers(const Value& query = Value::dict()) {
    const Value events = ask(query);
    std::vector<int64_t> all;
    for (size_t i = 0; i < events.size(); ++i) {
      all.push_back(events.at(i).find("args").at(0).as_int());
    }
    return all;
  }
  void refused(const Value& args, const Value& query, const char* uri) {
    peer.expect_call_error(peer.call("wamp.subscription.get_events", dict(), args, query), uri);
  }

  Peer& peer;
  uint64_t subscription;
  bool limit_reached = false;
};

using Numbers = std::vector<int64_t>;

TEST_CASE("P-33, P-35: events are kept from the start, and selected by position and time") {
  FOR_ALL_SETUPS(setup);
  World world(setup, kKept);
  Peer& publisher = world.join();
  std::vector<uint64_t> ids;
  for (int i = 1; i <= 4; ++i) {
    ids.push_back(publisher.publish_acknowledged("com.example.t", dict(), list(i)));
  }
  Reader reader(world);
  REQUIRE(reader.subscription != 0);
  CHECK(reader.numbers() == Numbers{1, 2, 3, 4});
  CHECK_FALSE(reader.limit_reached);
  CHECK(reader.numbers(dict({{"reverse", true}})) == Numbers{4, 3, 2, 1});
  CHECK(reader.numbers(dict({{"limit", 2}})) == Numbers{1, 2});
  CHECK(reader.numbers(dict({{"limit", 2}, {"reverse", true}})) == Numbers{4, 3});
  CHECK(reader.numbers(dict({{"from_publication", ids[1]}})) == Numbers{2, 3, 4});
  CHECK(reader.numbers(dict({{"after_publication", ids[1]}})) == Numbers{3, 4});
  CHECK(reader.numbers(dict({{"before_publication", ids[2]}})) == Numbers{1, 2});
  CHECK(reader.numbers(dict({{"until_publication", ids[2]}})) == Numbers{1, 2, 3});
  CHECK(reader.numbers(dict({{"after_publication", ids[0]}, {"before_publication", ids[3]}})) ==
        Numbers{2, 3});
  CHECK(reader.numbers(dict({{"from_publication", 1}})).empty());  // P-38: never heard of
  CHECK(reader.numbers(dict({{"from_time", "2001-01-01T00:00:00Z"}})) == Numbers{1, 2, 3, 4});
  CHECK(reader.numbers(dict({{"before_time", "2001-01-01T00:00:00+02:00"}})).empty());
  CHECK(reader.numbers(dict({{"topic", "com.example.other"}})).empty());
  // The oldest goes first.
  publisher.publish_acknowledged("com.example.t", dict(), list(5));
  CHECK(reader.numbers() == Numbers{2, 3, 4, 5});
  CHECK(reader.limit_reached);
}

TEST_CASE("A-43, P-34: the result is the list of events, each with all that there is to know") {
  FOR_ALL_SETUPS(setup);
  World world(setup, kKept);
  Peer& publisher = world.join();
  const uint64_t publication = publisher.publish_acknowledged(
      "com.many.x", dict({{"disclose_me", true}}), list("a", 1), dict({{"k", "v"}}));
  Reader reader(world);
  const uint64_t id = reader.lookup("com.many.", "prefix");
  const Value events = reader.ask(Value::dict(), id);
  REQUIRE(events.size() == 1);
  const Value event = events.at(0);
  CHECK(event.find("subscription").as_uint() == id);
  CHECK(event.find("publication").as_uint() == publication);
  CHECK(event.find("timestamp").as_string().ends_with("Z"));
  CHECK(event.find("args") == list("a", 1));
  CHECK(event.find("kwargs") == dict({{"k", "v"}}));
  CHECK(event.find("details").find("topic").as_string() == "com.many.x");
  CHECK(event.find("details").find("publisher").as_uint() == publisher.session());
}

TEST_CASE("P-35: the history stays when its last subscriber goes") {
  FOR_ALL_SETUPS(setup);
  World world(setup, kKept);
  Peer& publisher = world.join();
  Peer& subscriber = world.join();
  Reader reader(world);
  CHECK(subscriber.subscribe("com.example.t") == reader.subscription);
  publisher.publish_acknowledged("com.example.t", dict(), list(1));
  subscriber.expect_event(reader.subscription);
  subscriber.unsubscribe(reader.subscription);
  publisher.publish_acknowledged("com.example.t", dict(), list(2));
  expect_nothing({&subscriber});
  CHECK(reader.lookup("com.example.t") == reader.subscription);
  CHECK(reader.numbers() == Numbers{1, 2});
}

TEST_CASE("P-36: lists of sessions are not kept, lists of roles apply to who asks") {
  FOR_ALL_SETUPS(setup);
  World world(setup, kKept);
  Peer& publisher = world.join();
  Reader reader(world);
  publisher.publish_acknowledged("com.example.t", dict({{"exclude", list(reader.peer.session())}}),
                                 list(1));
  publisher.publish_acknowledged("com.example.t", dict({{"eligible_authrole", list("boss")}}),
                                 list(2));
  publisher.publish_acknowledged("com.example.t", dict({{"eligible_authrole", list("anonymous")}}),
                                 list(3));
  CHECK(reader.numbers() == Numbers{3});
}

TEST_CASE("P-38: the realm limits how many events one answer has") {
  FOR_ALL_SETUPS(setup);
  World world(setup,
              to_json(merged(json(kKept), json(R"({"realms":{"one":{"max_history_events":2}}})"))));
  Peer& publisher = world.join();
  for (int i = 1; i <= 4; ++i) {
    publisher.publish_acknowledged("com.example.t", dict(), list(i));
  }
  Reader reader(world);
  CHECK(reader.numbers() == Numbers{1, 2});
  CHECK(reader.numbers(dict({{"limit", 100}, {"reverse", true}})) == Numbers{4, 3});
}

TEST_CASE("P-38: what does not fit one answer is asked for in parts") {
  FOR_ALL_SETUPS(setup);
  World world(setup,
              to_json(merged(json(kKept), json(R"({"router":{"max_message_size":"64K"}})"))));
  Peer& publisher = world.join();
  // Lists of small things: as values they are much larger than their bytes.
  Value bulk = list(0);
  for (int i = 0; i < 10000; ++i) bulk.append(Value::null());
  for (int i = 1; i <= 4; ++i) {
    Value args = list(i, setup.link.format == Format::json ? list() : bulk);
    args.append(Value::string(std::string(15000, 'x')));
    publisher.publish_acknowledged("com.example.t", dict(), args);
  }
  Reader reader(world);
  const bool fits = setup.link.format == Format::json;  // 60,000 bytes and a little
  if (!fits) reader.refused(list(reader.subscription), dict(), "wamp.error.payload_size_exceeded");
  CHECK(reader.numbers(dict({{"limit", 2}})) == Numbers{1, 2});
  CHECK(reader.numbers(dict({{"limit", 2}, {"reverse", true}})) == Numbers{4, 3});
  CHECK(reader.ask(dict({{"limit", 1}})).at(0).find("args").at(2).as_string().size() == 15000);
}

TEST_CASE("P-37, P-38: bad questions") {
  FOR_ALL_SETUPS(setup);
  World world(setup, kKept);
  Reader reader(world);
  reader.refused(list(uint64_t{999999}), Value(), "wamp.error.no_such_subscription");
  const uint64_t plain = reader.peer.subscribe("com.example.plain");
  reader.refused(list(plain), Value(), "wamp.error.option_not_allowed");
  reader.refused(Value(), Value(), "wamp.error.invalid_argument");
  reader.refused(list("x"), Value(), "wamp.error.invalid_argument");
  for (const Value& query :
       {dict({{"limit", 0}}), dict({{"limit", "x"}}), dict({{"reverse", 1}}),
        dict({{"from_time", "yesterday"}}), dict({{"until_time", 5}}), dict({{"topic", 5}}),
        dict({{"after_publication", "x"}}), dict({{"from_time", "2024-02-30T00:00:00Z"}})}) {
    reader.refused(list(reader.subscription), query, "wamp.error.invalid_argument");
  }
  CHECK(reader.numbers().empty());
}

TEST_CASE("P-33: the history holds so many bytes, and the newest events") {
  World world({{Carrier::raw_tcp, Format::msgpack}, 2}, R"({"realms":{"one":{"history":{
      "exact":{"uri":"com.example.t","max_bytes":"20K"}}}}})");
  Peer& publisher = world.join();
  for (int i = 0; i < 5; ++i) {
    publisher.publish_acknowledged("com.example.t", dict(), list(i, std::string(8192, 'x')));
  }
  Reader reader(world);
  const Value kept = reader.ask(dict({{"limit", 100}}));
  REQUIRE(kept.size() == 2);
}

}  // namespace
}  // namespace nexus::test
