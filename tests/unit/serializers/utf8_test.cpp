// UTF-8 validation against a decoder written from RFC 3629's definition. Main thread.
#include "plugins/serializers/common/utf8.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace nexus::serializers;

namespace {

std::string encode(uint32_t code) {
  std::string out;
  if (code < 0x80) return {static_cast<char>(code)};
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr int kLead[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLead[more] | static_cast<int>(code >> 6 * more));
  while (more-- > 0) out += static_cast<char>(0x80 | (code >> 6 * more & 0x3f));
  return out;
}

// Valid exactly if it is the shortest encoding of characters that exist.
bool reference(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    size_t size = 0;
    while (size < 8 && (lead << size & 0x80) != 0) ++size;
    if (size == 1 || size > 4) return false;
    uint32_t code = size == 0 ? lead : lead & (0x7fu >> size);
    for (size_t k = 1; k < size; ++k) {
      if (i + k >= text.size() || (text[i + k] & 0xc0) != 0x80) return false;
      code = code << 6 | (text[i + k] & 0x3f);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    if (encode(code) != text.substr(i, size == 0 ? 1 : size)) return false;
    i += size == 0 ? 1 : size;
  }
  return true;
}

// All implementations, on memory that ends where the text does. One CHECK for each call would cost
// more than the calls.
bool agree(const std::string& text, bool valid) {
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  return utf8_valid(bytes.data(), bytes.size()) == valid &&
         utf8_valid_slow(bytes.data(), bytes.size()) == valid &&
         utf8_valid_scalar(bytes.data(), bytes.size()) == valid;
}

}  // namespace

TEST_CASE("UTF-8: every character is valid, alone and in long text") {
  for (uint32_t code = 0; code <= 0x10ffff; ++code) {
    const bool exists = code < 0xd800 || code > 0xdfff;
    const std::string bytes = encode(code);
    if (!agree(bytes, exists)) FAIL("U+" << std::hex << code);
    if (code % 61 == 0 &&
        !agree(std::string(code % 67, 'a') + bytes + std::string(40, 'z'), exists))
      FAIL("U+" << std::hex << code << " in long text");
  }
}

TEST_CASE("UTF-8: sequences at every edge of every range") {
  const std::vector<int> edges = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
                                  0x9f, 0xa0, 0xbf, 0xc2, 0xe1, 0xff};
  size_t valid = 0;
  for (int lead = 0; lead < 256; ++lead) {
    for (const int b : edges) {
      for (const int c : edges) {
        for (const int d : edges) {
          std::string text;
          for (const int byte : {lead, b, c, d}) text += static_cast<char>(byte);
          const bool expected = reference(text);
          valid += expected ? 1 : 0;
          if (!agree(text, expected)) FAIL(lead << ' ' << b << ' ' << c << ' ' << d);
          // 30 before: the sequence lies across two blocks of 16.
          if (!agree(std::string(30, 'x') + text, expected)) {
            FAIL("long: " << lead << ' ' << b << ' ' << c << ' ' << d);
          }
        }
      }
    }
  }
  CHECK(valid > 1000);  // the reference does say yes
}

TEST_CASE("UTF-8: valid text of all lengths, cut and damaged anywhere") {
  std::mt19937 random(20240601);
  size_t broken = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const size_t wanted = random() % 150;
    while (text.size() < wanted) {
      constexpr uint32_t kMost[] = {0x7f, 0x7f, 0x7ff, 0xd7ff, 0x10ffff};
      const uint32_t most = kMost[random() % 5];
      const uint32_t code = random() % (most + 1);
      if (code < 0xd800 || code > 0xdfff) text += encode(code);
    }
    REQUIRE(reference(text));
    if (!agree(text, true)) FAIL("valid text of " << text.size());
    if (text.empty()) continue;
    const std::string cut = text.substr(0, random() % text.size());
    if (!agree(cut, reference(cut))) FAIL("cut text of " << cut.size());
    for (int i = 0; i < 3; ++i) {
      std::string damaged = text;
      damaged[random() % damaged.size()] = static_cast<char>(random());
      broken += reference(damaged) ? 0 : 1;
      if (!agree(damaged, reference(damaged))) FAIL("damaged text of " << damaged.size());
    }
  }
  CHECK(broken > 2000);
}
