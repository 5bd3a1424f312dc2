// Who gets what is kept, and how much is: the finer rules of history and retained events (checklist
// P-28, P-30 … P-38). The broad ones are in history_test.cpp and retained_test.cpp.
#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kTopic = "com.example.t";
constexpr const char* kKept = R"({"realms":{"one":{"history":{
  "exact":{"uri":"com.example.t"}}}}})";

// The first positional argument of each event of the history that this peer may have.
std::vector<int64_t> history(Peer& peer, const Value& query = Value::dict()) {
  const uint64_t id = ask(peer, "wamp.subscription.lookup", list(kTopic)).as_uint();
  const Message result =
      peer.expect_result(peer.call("wamp.subscription.get_events", dict(), list(id), query));
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < result.args().size(); ++i) {
    numbers.push_back(result.args().at(i).find("args").at(0).as_int());
  }
  return numbers;
}

using Numbers = std::vector<int64_t>;

TEST_CASE("P-28, P-30: a retained event with a key is for subscribers that hold the key") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& publisher = world.join();
  Peer& plain = world.join();
  Peer& other = world.join();
  Peer& holder = world.join();
  publisher.publish_acknowledged(kTopic, dict({{"retain", true}, {"rkey", "k"}}), list("for k"));
  Value options = dict({{"get_retained", true}});
  plain.subscribe(kTopic, options);
  options.set("nkey", Value::string("other"));
  other.subscribe(kTopic, options);
  options.set("nkey", Value::string("k"));
  const uint64_t id = holder.subscribe(kTopic, options);
  CHECK(holder.expect_event(id).args() == list("for k"));
  expect_nothing({&plain, &other, &holder});
}

TEST_CASE("P-36: what names sessions is in nobody's history") {
  FOR_ALL_SETUPS(setup);
  World world(setup, kKept);
  Peer& publisher = world.join();
  Peer& reader = world.join();
  Peer& other = world.join();
  for (const char* rule : {"eligible", "exclude"}) {
    publisher.publish_acknowledged(kTopic, dict({{rule, list(reader.session())}}), list(1));
  }
  CHECK(history(other).empty());
  CHECK(history(reader).empty());
}

TEST_CASE("P-36, P-38: a limit counts what this receiver may have") {
  FOR_ALL_SETUPS(setup);
  World world(setup, to_json(merged(json(with_admins()), json(kKept))));
  Peer& admin = join_admin(world);
  Peer& other = world.join();
  admin.publish_acknowledged(kTopic, dict({{"eligible_authrole", list("admin")}}), list(1));
  admin.publish_acknowledged(kTopic, dict(), list(2));
  const Value one = dict({{"limit", 1}});
  CHECK(history(other, one) == Numbers{2});
  CHECK(history(admin, one) == Numbers{1});
}

TEST_CASE("P-35: of two lower bounds the higher one counts") {
  FOR_ALL_SETUPS(setup);
  World world(setup, kKept);
  Peer& peer = world.join();
  std::vector<uint64_t> ids;
  for (int i = 1; i <= 4; ++i) ids.push_back(peer.publish_acknowledged(kTopic, dict(), list(i)));
  const auto between = [&](const char* a, size_t first, const char* b, size_t second) {
    return history(peer, dict({{a, ids[first]}, {b, ids[second]}}));
  };
  CHECK(between("from_publication", 2, "after_publication", 0) == Numbers{3, 4});
  CHECK(between("from_publication", 0, "after_publication", 1) == Numbers{3, 4});
  CHECK(between("before_publication", 2, "until_publication", 3) == Numbers{1, 2});
  CHECK(between("before_publication", 3, "until_publication", 0) == Numbers{1});
}

TEST_CASE("P-32: lists of attributes count for the size of what is retained") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_retained_bytes":"50K"}}})");
  Peer& publisher = world.join();
  const auto retain = [&](const char* topic, size_t roles) {
    Value names = list("anonymous");
    for (size_t i = 0; i < roles; ++i) names.append(Value::string(std::string(1000, 'r')));
    publisher.publish_acknowledged(topic, dict({{"retain", true}, {"eligible_authrole", names}}),
                                   list(1));
  };
  retain("com.example.small", 1);
  retain("com.example.large", 100);
  Peer& late = world.join();
  const uint64_t small = late.subscribe("com.example.small", dict({{"get_retained", true}}));
  CHECK(late.expect_event(small).args() == list(1));
  late.subscribe("com.example.large", dict({{"get_retained", true}}));
  expect_nothing({&late});
}

}  // namespace
}  // namespace nexus::test
