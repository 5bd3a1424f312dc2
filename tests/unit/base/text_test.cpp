// UTF-8, base64, random numbers, constant-time comparison.
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "kernel/base/base64.hpp"
#include "kernel/base/constant_time.hpp"
#include "kernel/base/random.hpp"
#include "kernel/base/utf8.hpp"

using namespace nexus;
using namespace std::string_literals;

TEST_CASE("UTF-8: the borders of every length are accepted") {
  const std::string good[] = {""s,
                              "\0"s,
                              "\x7f",
                              "\xc2\x80",
                              "\xdf\xbf",
                              "\xe0\xa0\x80",
                              "\xed\x9f\xbf",
                              "\xee\x80\x80",
                              "\xef\xbf\xbf",
                              "\xf0\x90\x80\x80",
                              "\xf4\x8f\xbf\xbf"};
  for (const std::string& text : good) {
    CHECK(is_utf8(text));
    // Behind every offset within a word of ASCII, and before some.
    for (size_t i = 0; i < 17; ++i) CHECK(is_utf8(std::string(i, 'a') + text + "bcd"));
  }
}

TEST_CASE("UTF-8: overlong, surrogate, too high, truncated and stray bytes are refused") {
  const std::string bad[] = {"\x80",
                             "\xbf",
                             "\xc0\x80",
                             "\xc1\xbf",
                             "\xc2",
                             "\xc2\x41",
                             "\xe0\x9f\xbf",
                             "\xe2\x82",
                             "\xe2\x82\x41",
                             "\xed\xa0\x80",
                             "\xed\xbf\xbf",
                             "\xf0\x8f\xbf\xbf",
                             "\xf0\x9f\x98",
                             "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80",
                             "\xf8\x88\x80\x80\x80",
                             "\xfe",
                             "\xff"};
  for (const std::string& text : bad) {
    CHECK_FALSE(is_utf8(text));
    for (size_t i = 0; i < 17; ++i) {
      CHECK_FALSE(is_utf8(std::string(i, 'a') + text));
      CHECK_FALSE(is_utf8(std::string(i, 'a') + text + "bcdefghijk"));
    }
  }
}

TEST_CASE("base64: the vectors of RFC 4648") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CHECK(base64_encode(as_bytes(plain)) == encoded);
    const auto decoded = base64_decode(encoded);
    REQUIRE(decoded);
    CHECK(as_text(*decoded) == plain);
  }
  CHECK(base64_encode(as_bytes("\xfb\xff")) == "+/8=");
  CHECK(base64_url_encode(as_bytes("\xfb\xff")) == "-_8");
}

TEST_CASE("base64: what is not exactly right is refused") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zm8", "Zg===", "====", "=",
                           "Z===", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "-_8=", "Zg==Zg==", "Z=g="}) {
    INFO(text);
    CHECK_FALSE(base64_decode(text));
  }
}

TEST_CASE("U-02: random ids lie in 1..2^53 and fill the range") {
  constexpr uint64_t kMax = uint64_t{1} << 53;
  for (const auto draw : {&random_id, &secure_id}) {
    std::set<uint64_t> seen;
    uint64_t ones = 0;
    uint64_t zeros = 0;
    for (int i = 0; i < 1000; ++i) {
      const uint64_t id = draw();
      REQUIRE(id >= 1);
      REQUIRE(id <= kMax);
      ones |= id - 1;
      zeros |= ~(id - 1);
      seen.insert(id);
    }
    // Each of the 53 bits was seen as one and as zero: missing that by chance has odds of 2^-994.
    CHECK(ones == kMax - 1);
    CHECK((zeros & (kMax - 1)) == kMax - 1);
    CHECK(seen.size() == 1000);  // a collision has odds of 1 in 10^10
  }
}

TEST_CASE("U-02: two threads draw different ids") {
  uint64_t here = random_id();
  uint64_t there = 0;
  std::thread([&] { there = random_id(); }).join();
  CHECK(here != there);
}

TEST_CASE("random tokens are url-safe and as long as asked for") {
  const std::string token = random_token(32);
  CHECK(token.size() == 43);  // 32 bytes are 256 bits, at 6 bits for each character
  CHECK(
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
      std::string::npos);
  CHECK(token != random_token(32));
  CHECK(random_token(0).empty());
}

TEST_CASE("constant-time comparison compares") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("secret", "secret"));
  CHECK_FALSE(equal_in_constant_time("secret", "secreT"));
  CHECK_FALSE(equal_in_constant_time("secret", "secre"));
}

TEST_CASE("UTF-8: what is repaired is valid, and valid text is left alone") {
  CHECK(repaired_utf8("") == "");
  CHECK(repaired_utf8("caf\xc3\xa9 \xe2\x98\x95"s) == "caf\xc3\xa9 \xe2\x98\x95"s);
  CHECK(repaired_utf8("\0x"s) == "\0x"s);
  CHECK(repaired_utf8("a\xff"
                      "b") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(repaired_utf8("half \xc3") == "half \xef\xbf\xbd");
  CHECK(repaired_utf8("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
}

TEST_CASE("UTF-8: an excerpt is cut between two characters") {
  CHECK(excerpt("", 0) == "");
  CHECK(excerpt("abc", 3) == "abc");
  CHECK(excerpt("abcd", 3) == "abc…");
  const std::string text = "a\xc3\xa9\xe2\x98\x95\xf0\x9f\x98\x80";  // 1, 2, 3 and 4 bytes
  for (size_t limit = 0; limit <= text.size(); ++limit) {
    CAPTURE(limit);
    const std::string shown = excerpt(text, limit);
    CHECK(is_utf8(shown));
    if (limit < text.size()) CHECK(shown.size() <= limit + "…"s.size());
  }
}
