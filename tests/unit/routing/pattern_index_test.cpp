// The pattern index: the spec's example of wildcard order, and the index against a plain scan.
#include "kernel/routing/pattern_index.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "kernel/message/uri.hpp"

using namespace nexus;

namespace {

struct Entry {
  std::string uri;
  Match match;
  int number = 0;
};

}  // namespace

TEST_CASE("R-12: the seven vectors of the specification") {
  Entry entries[] = {
      {"a1.b2.c3.d4.e55", Match::exact, 1},     {"a1.b2.c3", Match::prefix, 2},
      {"a1.b2.c3.d4", Match::prefix, 3},        {"a1.b2..d4.e5", Match::wildcard, 4},
      {"a1.b2.c33..e5", Match::wildcard, 5},    {"a1.b2..d4.e5..g7", Match::wildcard, 6},
      {"a1.b2..d4..f6.g7", Match::wildcard, 7},
  };
  PatternIndex<Entry> index;
  for (Entry& entry : entries) index.insert(&entry, entry.match);
  const std::map<std::string, int> expected = {
      {"a1.b2.c3.d4.e55", 1}, {"a1.b2.c3.d98.e74", 2}, {"a1.b2.c3.d4.e325", 3},
      {"a1.b2.c55.d4.e5", 4}, {"a1.b2.c33.d4.e5", 5},  {"a1.b2.c88.d4.e5.f6.g7", 6},
      {"a2.b2.c2.d2.e2", 0},
  };
  for (const auto& [uri, number] : expected) {
    INFO(uri);
    const Entry* best = index.best(uri);
    CHECK((best == nullptr ? 0 : best->number) == number);
  }
}

TEST_CASE("R-11: of two prefixes with the same number of components the longer string wins") {
  Entry shorter{"a.b1", Match::prefix, 1};
  Entry longer{"a.b12", Match::prefix, 2};
  Entry all{"", Match::prefix, 3};
  PatternIndex<Entry> index;
  index.insert(&shorter, Match::prefix);
  index.insert(&longer, Match::prefix);
  index.insert(&all, Match::prefix);
  CHECK(index.best("a.b123")->number == 2);
  CHECK(index.best("a.b1x")->number == 1);
  CHECK(index.best("z")->number == 3);
}

TEST_CASE("P-15: exact, prefix and wildcard of one string are three entries") {
  Entry exact{"a.b", Match::exact, 1};
  Entry prefix{"a.b", Match::prefix, 2};
  Entry wildcard{"a.b", Match::wildcard, 3};
  PatternIndex<Entry> index;
  index.insert(&exact, Match::exact);
  index.insert(&prefix, Match::prefix);
  index.insert(&wildcard, Match::wildcard);
  std::set<int> found;
  index.match_all("a.b", [&found](Entry* e) { found.insert(e->number); });
  CHECK(found == std::set<int>{1, 2, 3});
  index.erase(&prefix, Match::prefix);
  CHECK(index.find("a.b", Match::prefix) == nullptr);
  CHECK(index.find("a.b", Match::exact) == &exact);
  CHECK(index.find("a.b", Match::wildcard) == &wildcard);
}

TEST_CASE("P-16, P-17: the index finds what a scan finds, whatever comes and goes") {
  const unsigned seed = 20240607;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto pick = [&random](int n) {
    return static_cast<int>(random() % static_cast<unsigned>(n));
  };
  const auto component = [&](bool may_be_empty) -> std::string {
    static const char* const kParts[] = {"a", "b", "ab", "abc", "c"};
    return may_be_empty && pick(3) == 0 ? "" : kParts[pick(5)];
  };
  const auto make = [&](Match match) {
    std::string uri;
    const int count = 1 + pick(4);
    for (int i = 0; i < count; ++i) uri += (i ? "." : "") + component(match == Match::wildcard);
    if (match == Match::prefix && pick(4) == 0) uri += '.';
    return uri;
  };
  std::map<std::pair<Match, std::string>, std::unique_ptr<Entry>> model;
  PatternIndex<Entry> index;
  for (int step = 0; step < 20000; ++step) {
    const Match match = static_cast<Match>(1 + pick(3));
    const std::string uri = make(match);
    if (!valid_uri(uri, UriCheck::loose, match)) continue;
    const auto at = model.find({match, uri});
    REQUIRE(index.find(uri, match) == (at == model.end() ? nullptr : at->second.get()));
    if (at == model.end()) {
      auto entry = std::make_unique<Entry>(Entry{uri, match, step});
      index.insert(entry.get(), match);
      model.emplace(std::pair{match, uri}, std::move(entry));
    } else {
      index.erase(at->second.get(), match);
      model.erase(at);
    }
    const std::string topic = make(Match::exact);
    std::multiset<int> expected;
    std::multiset<int> found;
    for (const auto& [key, entry] : model) {
      if (uri_matches(topic, entry->uri, entry->match)) expected.insert(entry->number);
    }
    index.match_all(topic, [&found](Entry* e) { found.insert(e->number); });
    REQUIRE(found == expected);
  }
}
