// What a JSON string stands for: escapes, and the spec's way of putting bytes into a string. Any
// loop.
//
// WAMP writes binary as a string value of U+0000 followed by base64 (RFC 4648, section 4). That
// is the one WAMP fact the JSON serializer knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nexus::serializers::json {

// The characters between the quotes of one string, still escaped. Only a Parser makes one, after
// it has checked every escape in it.
struct Text {
  const uint8_t* begin = nullptr;
  const uint8_t* end = nullptr;
  bool escaped = false;
  bool lone = false;  // there is half a surrogate pair in it: no text, and never to be decoded
  uint32_t high = 0;  // not 0: there are non-ASCII bytes, UTF-8 is still to be checked

  size_t size() const { return static_cast<size_t>(end - begin); }
  // As a value, this is binary: the decoded text begins with U+0000.
  bool is_binary() const { return escaped && size() >= 6 && std::memcmp(begin, "\\u0000", 6) == 0; }
};

// Writes the decoded text to `out`, which has room for text.size() bytes; returns its end.
uint8_t* unescape(const Text& text, uint8_t* out);

// Decodes what follows the U+0000 of a binary string. `out` has room for text.size() bytes, or is
// null for a check only. False if it is not padded base64; *size is the number of bytes.
bool decode_binary(const Text& text, uint8_t* out, size_t* size);

// Base64 of [p, p + size) to `out`, which has room for base64_size(size); returns its end.
uint8_t* encode_base64(const uint8_t* p, size_t size, uint8_t* out);
inline size_t base64_size(size_t size) { return (size + 2) / 3 * 4; }

}  // namespace nexus::serializers::json
