// UTF-8 validation for the serializers: exact (RFC 3629), never reads outside the range. Any loop.
//
// Most text on the wire is ASCII and short, so that case is inline; the rest is out of line, with
// SSSE3 where the processor has it and a plain decoder elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nexus::serializers {

// True if [p, p + size) is valid UTF-8; for text that is known to hold non-ASCII bytes.
bool utf8_valid_slow(const uint8_t* p, size_t size);
// The decoder that needs no SIMD; utf8_valid_slow falls back on it, tests compare the two.
bool utf8_valid_scalar(const uint8_t* p, size_t size);

// True if all bytes of [p, p + size) are below 0x80.
inline bool ascii_only(const uint8_t* p, size_t size) {
  const auto word = [](const uint8_t* at) {
    uint64_t value;
    std::memcpy(&value, at, 8);
    return value;
  };
  constexpr uint64_t kHigh = 0x8080808080808080u;
  if (size < 8) {
    uint32_t bits = 0;
    if (size >= 4) {
      uint32_t first;
      uint32_t last;
      std::memcpy(&first, p, 4);
      std::memcpy(&last, p + size - 4, 4);
      bits = (first | last) & 0x80808080u;
    } else {
      for (size_t i = 0; i < size; ++i) bits |= p[i] & 0x80u;
    }
    return bits == 0;
  }
  if (size < 16) return ((word(p) | word(p + size - 8)) & kHigh) == 0;
#if defined(__SSE2__)
  const auto load = [](const uint8_t* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  const uint8_t* const last = p + size - 16;
  while (last - p >= 64) {
    const __m128i bits =
        _mm_or_si128(_mm_or_si128(load(p), load(p + 16)), _mm_or_si128(load(p + 32), load(p + 48)));
    if (_mm_movemask_epi8(bits) != 0) return false;
    p += 64;
  }
  __m128i bits = load(last);
  for (; p < last; p += 16) bits = _mm_or_si128(bits, load(p));
  return _mm_movemask_epi8(bits) == 0;
#else
  const uint8_t* const last = p + size - 8;
  uint64_t bits = word(last);
  for (; p < last; p += 8) bits |= word(p);
  return (bits & kHigh) == 0;
#endif
}

inline bool utf8_valid(const uint8_t* p, size_t size) {
  return ascii_only(p, size) || utf8_valid_slow(p, size);
}

}  // namespace nexus::serializers
