// IdMap against std::map under random use, and what it costs when empty.
#include "kernel/base/id_map.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

using nexus::IdMap;

TEST_CASE("IdMap behaves as a map does") {
  std::mt19937_64 random(7);
  IdMap<int> map;
  std::map<uint64_t, int> model;
  for (int step = 0; step < 200000; ++step) {
    const uint64_t id = 1 + random() % 300;
    switch (random() % 3) {
      case 0: {
        int* added = map.insert(id, step);
        REQUIRE((added != nullptr) == model.emplace(id, step).second);
        break;
      }
      case 1:
        REQUIRE(map.erase(id) == (model.erase(id) == 1));
        break;
      default: {
        const int* found = map.find(id);
        const auto at = model.find(id);
        REQUIRE((found == nullptr) == (at == model.end()));
        if (found != nullptr) REQUIRE(*found == at->second);
      }
    }
    REQUIRE(map.size() == model.size());
  }
  size_t seen = 0;
  map.for_each([&](uint64_t id, int& value) {
    ++seen;
    CHECK(model.at(id) == value);
  });
  CHECK(seen == model.size());
}

TEST_CASE("IdMap takes ids at both ends of their range") {
  IdMap<int> map;
  CHECK(map.find(1) == nullptr);
  CHECK_FALSE(map.erase(1));
  REQUIRE(map.insert(uint64_t{1} << 53, 1) != nullptr);
  REQUIRE(map.insert(1, 2) != nullptr);
  CHECK(map.insert(1, 3) == nullptr);
  CHECK(*map.find(uint64_t{1} << 53) == 1);
  CHECK(map.erase(1));
  CHECK(map.erase(uint64_t{1} << 53));
  CHECK(map.empty());
}

namespace {

// The longest run of neighbours that these ids make in a table three quarters full.
template <typename Ids>
size_t longest_run(const Ids& ids) {
  size_t slots = 4;
  while (ids.size() * 4 > slots * 3) slots *= 2;
  std::vector<bool> taken(slots);
  for (const uint64_t id : ids) {
    size_t at = nexus::IdHash::mix(id) & (slots - 1);
    while (taken[at]) at = (at + 1) & (slots - 1);
    taken[at] = true;
  }
  size_t longest = 0;
  size_t run = 0;
  for (size_t i = 0; i < 2 * slots; ++i) {
    run = taken[i & (slots - 1)] ? run + 1 : 0;
    longest = std::max(longest, std::min(run, slots));
  }
  return longest;
}

// Ids that the multiplicative hash without a secret puts into one slot: id * c >> 32 ends in zeros.
std::vector<uint64_t> flood(size_t count) {
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15ull;
  uint64_t inverse = kFactor;  // modulo 2^64, by Newton's method
  for (int i = 0; i < 6; ++i) inverse *= 2 - kFactor * inverse;
  std::vector<uint64_t> ids;
  for (uint64_t low = 0; ids.size() < count; ++low) {
    for (uint64_t high = 0; high < 4096 && ids.size() < count; ++high) {
      const uint64_t id = ((high << 52) | low) * inverse;
      if (id != 0 && id <= (uint64_t{1} << 53)) ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace

TEST_CASE("IdMap: ids chosen by a client spread as random ones do") {
  constexpr size_t kCount = 24000;
  std::vector<uint64_t> ids(kCount);
  for (size_t i = 0; i < kCount; ++i) ids[i] = i + 1;
  CHECK(longest_run(ids) < 2000);
  for (int shift = 1; shift < 39; ++shift) {
    for (size_t i = 0; i < kCount; ++i) ids[i] = (i + 1) << shift;
    INFO("multiples of 2^" << shift);
    CHECK(longest_run(ids) < 2000);
  }
  CHECK(longest_run(flood(kCount)) < 2000);
}

TEST_CASE("IdMap: a flood of ids that one constant would put together stays fast") {
  const std::vector<uint64_t> ids = flood(100000);
  IdMap<int> map;
  for (const uint64_t id : ids) REQUIRE(map.insert(id, 1) != nullptr);
  for (const uint64_t id : ids) REQUIRE(map.erase(id));
  CHECK(map.empty());
}

namespace {

// As large as a record of a call, and counted whenever a table makes its slots.
struct Record {
  Record() { ++made; }
  char bytes[100] = {};
  static inline size_t made = 0;
};

// How many slots are made for one more entry, after so many came and went.
size_t slots_made_after(size_t burst) {
  IdMap<Record> map;
  const Record record;
  for (uint64_t id = 1; id <= burst; ++id) map.insert(id, record);
  for (uint64_t id = 1; id <= burst; ++id) map.erase(id);
  Record::made = 0;
  map.insert(1, record);
  return Record::made;
}

}  // namespace

TEST_CASE("IdMap keeps a small table that becomes empty and gives a large one back") {
  CHECK(slots_made_after(64) == 0);
  CHECK(slots_made_after(1000) == 4);
}
