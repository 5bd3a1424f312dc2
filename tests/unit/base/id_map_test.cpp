// IdMap against std::map under random use, and what it costs when empty.
#include "kernel/base/id_map.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

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
