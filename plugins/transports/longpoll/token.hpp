// The id of a long-poll transport, which is all that a client needs to be taken for the one who
// opened it: 240 random bits, in base64url. 64 of them find the session on its loop, the others are
// compared in constant time, so that a guess tells nothing by the time it takes. [loop]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nexus::longpoll {

struct Token {
  static constexpr size_t kTextSize = 43;

  uint16_t loop = 0;    // where the session lives; no secret
  uint64_t finder = 0;  // the session's key there
  uint8_t secret[22] = {};

  // A new one. False when there are no random numbers.
  static bool make(uint32_t loop, Token& out);
  // False for what no make() can have made.
  static bool parse(std::string_view text, Token& out);
  std::string text() const;
  bool same_secret(const Token& other) const;
  bool same(const Token& other) const {
    return loop == other.loop && finder == other.finder && same_secret(other);
  }
};

}  // namespace nexus::longpoll
