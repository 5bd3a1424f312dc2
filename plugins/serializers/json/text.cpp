#include "plugins/serializers/json/text.hpp"

#include <array>

namespace nexus::serializers::json {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr uint8_t kNone = 0xff;  // not in the alphabet; any other entry is below 64

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  for (auto& value : values) value = kNone;
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kAlphabet[i])] = i;
  return values;
}

constexpr std::array<uint8_t, 256> kValues = make_values();

uint32_t hex_digit(uint8_t c) { return c <= '9' ? c - '0' : (c | 0x20u) - 'a' + 10; }

uint32_t hex4(const uint8_t* p) {
  return hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 | hex_digit(p[3]);
}

uint8_t* put_utf8(uint8_t* out, uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<uint8_t>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<uint8_t>(0xc0 | code >> 6);
    *out++ = static_cast<uint8_t>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = static_cast<uint8_t>(0xe0 | code >> 12);
    *out++ = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3f));
    *out++ = static_cast<uint8_t>(0x80 | (code & 0x3f));
  } else {
    *out++ = static_cast<uint8_t>(0xf0 | code >> 18);
    *out++ = static_cast<uint8_t>(0x80 | (code >> 12 & 0x3f));
    *out++ = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3f));
    *out++ = static_cast<uint8_t>(0x80 | (code & 0x3f));
  }
  return out;
}

// The code point of the escape at p (behind the backslash), which is moved past it.
uint32_t read_escape(const uint8_t*& p) {
  const uint8_t c = *p++;
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'u': {
      const uint32_t first = hex4(p);
      p += 4;
      if (first < 0xd800 || first > 0xdfff) return first;
      const uint32_t second = hex4(p + 2);  // the parser has seen to it that there is one
      p += 6;
      return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }
    default:
      return c;  // '"', '\\' and '/' stand for themselves
  }
}

// Four base64 digits without padding to three bytes; false if one is none. `out` may be null.
inline bool decode_four(const uint8_t* p, uint8_t* out) {
  const uint32_t a = kValues[p[0]];
  const uint32_t b = kValues[p[1]];
  const uint32_t c = kValues[p[2]];
  const uint32_t d = kValues[p[3]];
  if (((a | b | c | d) & 0x80) != 0) return false;
  if (out != nullptr) {
    out[0] = static_cast<uint8_t>(a << 2 | b >> 4);
    out[1] = static_cast<uint8_t>(b << 4 | c >> 2);
    out[2] = static_cast<uint8_t>(c << 6 | d);
  }
  return true;
}

// The last group, which may end in "=" or "==".
bool decode_last(const uint8_t* p, uint8_t* out, size_t* size) {
  uint8_t digits[4] = {p[0], p[1], p[2], p[3]};
  size_t bytes = 3;
  if (digits[3] == '=') {
    digits[3] = 'A';
    bytes = 2;
    if (digits[2] == '=') {
      digits[2] = 'A';
      bytes = 1;
    }
  }
  uint8_t decoded[3];
  if (!decode_four(digits, decoded)) return false;
  // The bits that stand for no byte have to be 0: bytes are written in one way only.
  for (size_t i = bytes; i < 3; ++i) {
    if (decoded[i] != 0) return false;
  }
  if (out != nullptr) std::memcpy(out, decoded, bytes);
  *size += bytes;
  return true;
}

// Base64 in which some characters are written as escapes ("\/" is common): one by one.
bool decode_escaped(const uint8_t* p, const uint8_t* end, uint8_t* out, size_t* size) {
  uint8_t group[4];
  size_t filled = 0;
  *size = 0;
  while (p != end) {
    if (filled == 4) {
      if (!decode_four(group, out)) return false;
      if (out != nullptr) out += 3;
      *size += 3;
      filled = 0;
    }
    uint32_t code = *p++;
    if (code == '\\') code = read_escape(p);
    if (code > 0x7f) return false;
    group[filled++] = static_cast<uint8_t>(code);
  }
  if (filled == 0) return true;
  return filled == 4 && decode_last(group, out, size);
}

}  // namespace

uint8_t* unescape(const Text& text, uint8_t* out) {
  const uint8_t* p = text.begin;
  for (;;) {
    const auto* backslash =
        static_cast<const uint8_t*>(std::memchr(p, '\\', static_cast<size_t>(text.end - p)));
    const uint8_t* stop = backslash == nullptr ? text.end : backslash;
    std::memcpy(out, p, static_cast<size_t>(stop - p));
    out += stop - p;
    if (backslash == nullptr) return out;
    p = backslash + 1;
    out = put_utf8(out, read_escape(p));
  }
}

bool decode_binary(const Text& text, uint8_t* out, size_t* size) {
  const uint8_t* p = text.begin + 6;  // behind the U+0000
  const auto length = static_cast<size_t>(text.end - p);
  *size = 0;
  if (std::memchr(p, '\\', length) != nullptr) return decode_escaped(p, text.end, out, size);
  if (length == 0) return true;
  if (length % 4 != 0) return false;
  for (; text.end - p > 4; p += 4) {
    if (!decode_four(p, out)) return false;
    if (out != nullptr) out += 3;
    *size += 3;
  }
  return decode_last(p, out, size);
}

uint8_t* encode_base64(const uint8_t* p, size_t size, uint8_t* out) {
  for (; size >= 3; size -= 3, p += 3) {
    const uint32_t bits = static_cast<uint32_t>(p[0]) << 16 | p[1] << 8 | p[2];
    *out++ = static_cast<uint8_t>(kAlphabet[bits >> 18]);
    *out++ = static_cast<uint8_t>(kAlphabet[bits >> 12 & 0x3f]);
    *out++ = static_cast<uint8_t>(kAlphabet[bits >> 6 & 0x3f]);
    *out++ = static_cast<uint8_t>(kAlphabet[bits & 0x3f]);
  }
  if (size != 0) {
    const uint32_t bits = static_cast<uint32_t>(p[0]) << 16 | (size == 2 ? p[1] << 8 : 0);
    *out++ = static_cast<uint8_t>(kAlphabet[bits >> 18]);
    *out++ = static_cast<uint8_t>(kAlphabet[bits >> 12 & 0x3f]);
    *out++ = static_cast<uint8_t>(size == 2 ? kAlphabet[bits >> 6 & 0x3f] : '=');
    *out++ = '=';
  }
  return out;
}

}  // namespace nexus::serializers::json
