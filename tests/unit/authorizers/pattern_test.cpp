// Patterns as sets of URIs, the precedence of rules, and the promise that a pattern is never
// allowed where one of its URIs is denied (Z-04).
#include <catch2/catch.hpp>

#include <random>

#include "nexus/cpp/fake_values.hpp"
#include "plugins/authorizers/roles/rule_table.hpp"

namespace {

using namespace nexus::roles;

constexpr uint32_t kExact = NX_MATCH_EXACT;
constexpr uint32_t kPrefix = NX_MATCH_PREFIX;
constexpr uint32_t kWildcard = NX_MATCH_WILDCARD;

struct Pair {
  Pattern a, b;
  bool covers, overlap;
};

TEST_CASE("Z-04: which patterns cover and overlap which") {
  const Pair table[] = {
      {{kExact, "a.b"}, {kExact, "a.b"}, true, true},
      {{kExact, "a.b"}, {kExact, "a.c"}, false, false},
      {{kExact, "a.b"}, {kPrefix, "a.b"}, false, true},
      {{kExact, "a.b"}, {kWildcard, "a."}, false, true},
      {{kExact, "a.b"}, {kWildcard, "a.b"}, true, true},
      {{kPrefix, ""}, {kPrefix, "a"}, true, true},
      {{kPrefix, ""}, {kWildcard, ".."}, true, true},
      {{kPrefix, "a."}, {kPrefix, "a"}, false, true},
      {{kPrefix, "a"}, {kPrefix, "a."}, true, true},
      {{kPrefix, "a.b"}, {kPrefix, "a.c"}, false, false},
      {{kPrefix, "a"}, {kExact, "ab.c"}, true, true},
      {{kPrefix, "a."}, {kExact, "ab.c"}, false, false},
      {{kPrefix, "a."}, {kWildcard, "a..c"}, true, true},
      {{kPrefix, "a.b"}, {kWildcard, "a..c"}, false, true},
      {{kPrefix, "a.b."}, {kWildcard, "a."}, false, false},
      {{kPrefix, "a.b.c"}, {kWildcard, "..c"}, false, true},
      {{kPrefix, "a.b.c"}, {kWildcard, "..d"}, false, false},
      {{kPrefix, "a.b.c"}, {kWildcard, "..cd"}, false, true},
      {{kPrefix, "a.b.c"}, {kWildcard, "a.x."}, false, false},
      {{kWildcard, "a..c"}, {kWildcard, "a.b.c"}, true, true},
      {{kWildcard, "a..c"}, {kWildcard, "a.."}, false, true},
      {{kWildcard, ".."}, {kWildcard, "a.b."}, true, true},
      {{kWildcard, "a.."}, {kWildcard, ".b."}, false, true},
      {{kWildcard, "a.."}, {kWildcard, "a."}, false, false},
      {{kWildcard, "a."}, {kPrefix, "a."}, false, true},
      {{kWildcard, "a.b"}, {kPrefix, "a.b.c"}, false, false},
  };
  for (const Pair& row : table) {
    CAPTURE(row.a.match, row.a.uri, row.b.match, row.b.uri);
    CHECK(covers(row.a, row.b) == row.covers);
    CHECK(overlap(row.a, row.b) == row.overlap);
    CHECK(overlap(row.b, row.a) == row.overlap);
  }
}

TEST_CASE("Z-04: exact before the longest prefix before wildcards") {
  // Each is more specific than every one behind it.
  const Pattern order[] = {{kExact, "a.b.c"},   {kPrefix, "a.b.c"},  {kPrefix, "a.b."},
                           {kPrefix, "a"},      {kPrefix, ""},       {kWildcard, "a.b.c"},
                           {kWildcard, "a.b."}, {kWildcard, "a..c"}, {kWildcard, "a.."},
                           {kWildcard, ".b.c"}, {kWildcard, "..c"},  {kWildcard, ".."}};
  for (size_t i = 0; i < std::size(order); ++i) {
    for (size_t j = 0; j < std::size(order); ++j) {
      CAPTURE(order[i].match, order[i].uri, order[j].match, order[j].uri);
      CHECK(more_specific(order[i], order[j]) == (i < j));
      CHECK(contains_uri(order[i], "a.b.c"));
    }
  }
}

TEST_CASE("Z-04: what is no pattern") {
  CHECK(pattern_mistake({kExact, "a.b"}) == nullptr);
  CHECK(pattern_mistake({kPrefix, ""}) == nullptr);
  CHECK(pattern_mistake({kPrefix, "a."}) == nullptr);
  CHECK(pattern_mistake({kWildcard, "a..b"}) == nullptr);
  CHECK(pattern_mistake({kExact, ""}) != nullptr);
  CHECK(pattern_mistake({kExact, "a."}) != nullptr);
  CHECK(pattern_mistake({kPrefix, "a..b"}) != nullptr);
  CHECK(pattern_mistake({kPrefix, ".a"}) != nullptr);
  CHECK(pattern_mistake({kWildcard, ""}) != nullptr);
  CHECK(pattern_mistake({kExact, "a b"}) != nullptr);
  CHECK(pattern_mistake({kExact, "a#b"}) != nullptr);
  CHECK(pattern_mistake({kExact, std::string(1025, 'a')}) != nullptr);
}

// Small URIs of few letters, so that patterns meet.
class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}
  uint32_t number(uint32_t below) {
    return std::uniform_int_distribution<uint32_t>(0, below - 1)(random_);
  }
  std::string uri(bool open) {
    std::string text;
    const uint32_t count = 1 + number(3);
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) text += '.';
      if (!open || number(3) != 0)
        text += std::string(1 + number(2), static_cast<char>('a' + number(2)));
    }
    return text;
  }
  Pattern pattern() {
    for (;;) {
      Pattern made{1 + number(3), uri(false)};
      if (made.match == kWildcard) made.uri = uri(true);
      if (made.match == kPrefix) {
        made.uri = made.uri.substr(0, number(static_cast<uint32_t>(made.uri.size()) + 1));
      }
      if (pattern_mistake(made) == nullptr) return made;
    }
  }

 private:
  std::mt19937 random_;
};

const std::vector<std::string>& universe() {
  static const std::vector<std::string> all = [] {
    const char* const words[] = {"a", "b", "aa", "ab", "ba", "bb"};
    std::vector<std::string> uris;
    for (const char* x : words) {
      uris.emplace_back(x);
      for (const char* y : words) {
        uris.push_back(std::string(x) + "." + y);
        for (const char* z : words) uris.push_back(std::string(x) + "." + y + "." + z);
      }
    }
    return uris;
  }();
  return all;
}

TEST_CASE("Z-04: covers and overlap say what the sets of URIs are") {
  World world(1);
  for (int round = 0; round < 3000; ++round) {
    const Pattern a = world.pattern();
    const Pattern b = world.pattern();
    bool all = true;
    bool some = false;
    for (const std::string& uri : universe()) {
      if (!contains_uri(b, uri)) continue;
      (contains_uri(a, uri) ? some : all) = contains_uri(a, uri);
    }
    CAPTURE(a.match, a.uri, b.match, b.uri);
    if (covers(a, b)) CHECK(all);
    if (some) CHECK(overlap(a, b));
  }
}

std::string json_of(const Pattern& pattern, bool allowed) {
  const char* const names[] = {"", "exact", "prefix", "wildcard"};
  return R"({"uri":")" + pattern.uri + R"(","match":")" + names[pattern.match] +
         R"(","allow":{"subscribe":)" + (allowed ? "true" : "false") + "}}";
}

TEST_CASE("Z-04: a pattern is never allowed where one of its URIs is denied") {
  World world(2);
  const nexus::sdk::Values values(&nexus::sdk::fake::values_table);
  int allowed_patterns = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string rules = "{\"user\":[";
    std::string everybody = "],\"*\":[";
    std::vector<Pattern> seen;
    for (uint32_t i = 0, count = 1 + world.number(5); i < count; ++i) {
      const Pattern pattern = world.pattern();
      const bool known = std::any_of(seen.begin(), seen.end(), [&](const Pattern& p) {
        return p.match == pattern.match && p.uri == pattern.uri;
      });
      if (known) continue;
      seen.push_back(pattern);
      std::string& to = world.number(4) == 0 ? everybody : rules;
      if (to.back() != '[') to += ',';
      to += json_of(pattern, world.number(3) != 0);
    }
    const std::string text = rules + everybody + "]}";
    RuleTable table;
    table.read(values.from_json(text), "rules", 100);
    table.finish();
    for (int i = 0; i < 8; ++i) {
      const Pattern request = world.pattern();
      bool allowed = false;
      table.decide("user", NX_ACTION_SUBSCRIBE, request, &allowed);
      if (!allowed) continue;
      allowed_patterns += request.match != kExact ? 1 : 0;
      for (const std::string& uri : universe()) {
        if (!contains_uri(request, uri)) continue;
        bool one = false;
        table.decide("user", NX_ACTION_SUBSCRIBE, {kExact, uri}, &one);
        if (one) continue;
        CAPTURE(text, request.match, request.uri, uri);
        REQUIRE(one);
      }
    }
  }
  CHECK(allowed_patterns > 1000);  // it is no denial of everything
}

}  // namespace
