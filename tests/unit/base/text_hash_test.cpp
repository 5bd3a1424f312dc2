// TextHash against texts that all have the same hash in the standard library, as anybody can make
// them.
#include "kernel/base/text_hash.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <set>
#include <string>
#include <vector>

using nexus::TextHash;

namespace {

// libstdc++ hashes with MurmurHash64A. Each 8 octets of a text are mixed and brought into the
// state by steps that can be undone, so that the second 8 can be chosen for any first 8.
constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995ull;

uint64_t mixed(uint64_t block) {
  block *= kMultiplier;
  block ^= block >> 47;
  return block * kMultiplier;
}

uint64_t unmixed(uint64_t block) {
  uint64_t inverse = kMultiplier;  // modulo 2^64, by Newton's method
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMultiplier * inverse;
  block *= inverse;
  block ^= block >> 47;
  return block * inverse;
}

std::vector<std::string> colliding_texts(size_t count) {
  constexpr uint64_t kSize = 16;
  const uint64_t start = 0xc70f6907ull ^ (kSize * kMultiplier);
  std::vector<std::string> texts;
  for (uint64_t first = 1; first <= count; ++first) {
    const uint64_t state = (start ^ mixed(first)) * kMultiplier;
    const uint64_t second = unmixed(state ^ 4711);
    std::string text(kSize, 0);
    std::memcpy(text.data(), &first, 8);
    std::memcpy(text.data() + 8, &second, 8);
    texts.push_back(std::move(text));
  }
  return texts;
}

TEST_CASE("texts that are made to have one hash do not have one here") {
  const auto texts = colliding_texts(1000);
  std::set<size_t> standard, ours;
  for (const std::string& text : texts) {
    standard.insert(std::hash<std::string_view>{}(text));
    ours.insert(TextHash{}(text));
  }
#ifdef __GLIBCXX__
  CHECK(standard.size() == 1);  // or this test shows nothing
#endif
  CHECK(ours.size() == texts.size());
}

TEST_CASE("texts of every length have hashes of their own, and keep them") {
  std::set<size_t> seen;
  std::string text;
  for (int size = 0; size < 1000; ++size, text += 'x') {
    seen.insert(TextHash{}(text));
    CHECK(TextHash{}(text) == TextHash{}(std::string(text)));
  }
  CHECK(seen.size() == 1000);
}

}  // namespace
