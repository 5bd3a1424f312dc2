// Utf8Check: is a text, given in pieces, UTF-8? A fragment of a WebSocket message may end inside a
// character, so the state between pieces is kept here. Any thread, one object each.
#pragma once

#include <cstdint>

namespace nexus::support {

class Utf8Check {
 public:
  // False once anything is wrong (overlong forms, surrogates, above U+10FFFF, stray bytes).
  bool add(const uint8_t* data, uint64_t size);
  // True when the text so far does not end inside a character.
  bool complete() const { return missing_ == 0; }

 private:
  uint8_t missing_ = 0;  // continuation bytes to come
  uint8_t low_ = 0x80;   // range of the next one; narrower after E0, ED, F0 and F4
  uint8_t high_ = 0xbf;
};

// The whole text at once.
inline bool valid_utf8(const uint8_t* data, uint64_t size) {
  Utf8Check check;
  return check.add(data, size) && check.complete();
}

}  // namespace nexus::support
