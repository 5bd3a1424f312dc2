// A history: how long events are kept, whatever happens to the clock on the wall.
#include "kernel/routing/history.hpp"

#include <catch2/catch.hpp>

using namespace nexus;

namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kNoon = 1'796'040'000'000;  // of some day

HistoryPolicy for_an_hour() {
  HistoryPolicy policy;
  policy.uri = "com.example.topic";
  policy.max_age_ms = 3'600'000;
  return policy;
}

StoredEventPtr event(uint64_t publication, int64_t timestamp_ms, uint64_t kept_since_ms) {
  return std::make_shared<const StoredEvent>(publication, "com.example.topic", Options{}, Payload{},
                                             nullptr, false, timestamp_ms, kept_since_ms);
}

std::vector<uint64_t> found(History& history, uint64_t now_ms, const HistoryQuery& query = {}) {
  bool dropped = false;
  std::vector<uint64_t> ids;
  for (const StoredEventPtr& one : history.find(
           query, now_ms, [](const StoredEvent&) { return true; }, &dropped)) {
    ids.push_back(one->publication);
  }
  return ids;
}

using Ids = std::vector<uint64_t>;

}  // namespace

TEST_CASE("P-33: max_age is how long an event has been here, and no longer") {
  History history(for_an_hour());
  history.store(event(1, kNoon, 1000));
  history.store(event(2, kNoon + 1000, 2000));
  CHECK(found(history, 1000 + 3'600'000) == Ids{1, 2});
  CHECK(found(history, 1001 + 3'600'000) == Ids{2});
  CHECK(found(history, 2001 + 3'600'000).empty());
}

TEST_CASE("P-33: a clock that is set forward makes nobody forget") {
  History history(for_an_hour());
  history.store(event(1, kNoon, 1000));
  history.store(event(2, kNoon + kDay, 2000));  // a second later
  CHECK(found(history, 3000) == Ids{1, 2});
}

TEST_CASE("P-33: a clock that is set back makes nobody remember") {
  History history(for_an_hour());
  history.store(event(1, kNoon + kDay, 1000));
  history.store(event(2, kNoon, 3'700'000));
  CHECK(found(history, 3'700'000) == Ids{2});
  // Loops look at the clock once a turn: one may be a little behind.
  CHECK(found(history, 3'699'000) == Ids{2});
}

TEST_CASE("P-38: queries go by the clock on the wall") {
  History history(for_an_hour());
  history.store(event(1, kNoon, 1000));
  history.store(event(2, kNoon + kDay, 2000));
  HistoryQuery query;
  query.has_from_time = true;
  query.from_time_ms = kNoon + 1;
  CHECK(found(history, 3000, query) == Ids{2});
}
