// The WebSocket transport's small parts, against slow and obvious versions of themselves.
#include <catch2/catch.hpp>

#include <random>

#include "plugins/support/origin.hpp"
#include "plugins/support/utf8.hpp"
#include "plugins/transports/websocket/mask.hpp"

using namespace nexus::support;
using namespace nexus::websocket;

TEST_CASE("unmask() agrees with the definition at every size and alignment") {
  std::mt19937 random(1);
  for (size_t size = 0; size < 200; ++size) {
    for (size_t offset = 0; offset < 17; ++offset) {
      std::vector<uint8_t> data(offset + size + 16);
      for (uint8_t& b : data) b = static_cast<uint8_t>(random());
      uint8_t key[4];
      for (uint8_t& b : key) b = static_cast<uint8_t>(random());
      std::vector<uint8_t> expected = data;
      bool beyond_ascii = false;
      for (size_t i = 0; i < size; ++i) {
        expected[offset + i] = data[offset + i] ^ key[i % 4];
        beyond_ascii = beyond_ascii || expected[offset + i] >= 0x80;
      }
      uint32_t word;
      std::memcpy(&word, key, 4);
      REQUIRE(unmask(data.data() + offset, size, word) == beyond_ascii);
      REQUIRE(data == expected);
    }
  }
}

TEST_CASE("unmask() sees a single byte beyond ASCII wherever it stands") {
  for (size_t size = 1; size < 70; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::vector<uint8_t> data(size, 'a');
      data[at] = 0x80;
      REQUIRE(unmask(data.data(), size, 0));
      data[at] = 'a';
      REQUIRE_FALSE(unmask(data.data(), size, 0));
    }
  }
}

namespace {

// UTF-8 by decoding: slow, and by another way than the one under test.
bool decodes(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t size = lead < 0x80       ? 1
                        : lead >> 5 == 6  ? 2
                        : lead >> 4 == 14 ? 3
                        : lead >> 3 == 30 ? 4
                                          : 0;
    if (size == 0 || i + size > text.size()) return false;
    uint32_t code = size == 1 ? lead : lead & (0x7f >> size);
    for (size_t k = 1; k < size; ++k) {
      const auto next = static_cast<uint8_t>(text[i + k]);
      if (next >> 6 != 2) return false;
      code = code << 6 | (next & 0x3f);
    }
    static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += size;
  }
  return true;
}

bool in_pieces(const std::string& text, std::mt19937& random) {
  Utf8Check check;
  for (size_t at = 0; at < text.size();) {
    const size_t piece = 1 + random() % (text.size() - at);
    if (!check.add(reinterpret_cast<const uint8_t*>(text.data()) + at, piece)) return false;
    at += piece;
  }
  return check.complete();
}

}  // namespace

TEST_CASE("T-05: the UTF-8 check agrees with a decoder on every short sequence") {
  for (uint32_t word = 0; word < 0x10000; ++word) {
    const std::string two = {static_cast<char>(word >> 8), static_cast<char>(word)};
    REQUIRE(valid_utf8(reinterpret_cast<const uint8_t*>(two.data()), 2) == decodes(two));
  }
  std::mt19937 random(2);
  int valid = 0;
  for (int round = 0; round < 300000; ++round) {
    // Bytes that are likely to be nearly right.
    static constexpr uint8_t kLikely[] = {'a',  0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2,
                                          0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xf0, 0xf1, 0xf4, 0xf5};
    std::string text(random() % 30, 'a');
    for (int i = 0; i < 4; ++i) text += static_cast<char>(kLikely[random() % sizeof(kLikely)]);
    text += std::string(random() % 30, 'b');
    const bool expected = decodes(text);
    valid += expected ? 1 : 0;
    REQUIRE(valid_utf8(reinterpret_cast<const uint8_t*>(text.data()), text.size()) == expected);
    REQUIRE(in_pieces(text, random) == expected);
  }
  CHECK(valid > 1000);
}

TEST_CASE("T-05: origin patterns are shell globs") {
  const auto matches = [](const char* pattern, const char* host) {
    REQUIRE(OriginPattern::check(pattern) == nullptr);
    return OriginPattern(pattern).matches("https://" + std::string(host));
  };
  CHECK(matches("a.example", "a.example"));
  CHECK_FALSE(matches("a.example", "xa.example"));
  CHECK_FALSE(matches("a.example", "a.example.org"));
  CHECK(matches("A.Example", "a.eXAMPLE"));
  CHECK(matches("*.example", "a.b.example"));
  CHECK_FALSE(matches("*.example", "example"));
  CHECK(matches("a?c", "abc"));
  CHECK_FALSE(matches("a?c", "ac"));
  CHECK(matches("a[bc]d", "acd"));
  CHECK(matches("a[a-c]d", "abd"));
  CHECK_FALSE(matches("a[^a-c]d", "abd"));
  CHECK(matches("a[^a-c]d", "axd"));
  CHECK(matches("a[A-C]d", "abd"));
  CHECK(matches("*", "anything"));
  CHECK(matches("a*b*c*d", "aXbYcZd"));
  CHECK(matches("a*b*c", "abbbbc"));
  CHECK_FALSE(matches("a*b*c", "abbbb"));
  CHECK(matches("*:80??", "x:8080"));
  CHECK(matches("\\[::1\\]:*", "[::1]:8080"));
  CHECK(OriginPattern::check("[::1]") != nullptr);  // a class of ':' and '1'
  CHECK(OriginPattern("https://*").matches("https://x"));
  CHECK_FALSE(OriginPattern("https://*").matches("https://x/y"));  // a star ends at a slash
  // What has no host is meant by its name only.
  CHECK(OriginPattern("null").matches("null"));
  CHECK_FALSE(OriginPattern("null").matches("http://null"));
  CHECK_FALSE(OriginPattern("n*").matches("null"));
  CHECK(OriginPattern("*").matches("null"));
  CHECK(OriginPattern::check("file://") == nullptr);
  CHECK(OriginPattern("file://").matches("file://"));
  CHECK_FALSE(OriginPattern("file://").matches("null"));
  CHECK_FALSE(OriginPattern("file://").matches("http://file"));
  CHECK(OriginPattern::check("http://") != nullptr);
  CHECK(OriginPattern::check("HTTPS://") != nullptr);
  CHECK(OriginPattern::check("file:///") != nullptr);
  CHECK(OriginPattern::check("a b://") != nullptr);
  // Quadratic at worst, not exponential.
  const std::string many(2000, 'a');
  CHECK_FALSE(OriginPattern("*a*a*a*a*a*a*a*a*a*a*b").matches("https://" + many));
}
