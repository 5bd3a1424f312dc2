// Finding the end of a run of plain characters in a JSON string, 16 bytes at a time. Any loop.
//
// This is where the router spends its time on a large JSON message: everything else looks at the
// few bytes between strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nexus::serializers::json {

// The first byte in [p, end) that is '"', '\\' or a control character; `end` if there is none.
// Adds to `high` (anything but 0) when a byte before it is not ASCII. `begin` is where readable
// memory starts: with 16 bytes of it, the last few bytes are looked at in one step as well.
inline const uint8_t* find_special(const uint8_t* p, const uint8_t* end,
                                   [[maybe_unused]] const uint8_t* begin, uint32_t& high) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  const auto load = [](const uint8_t* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  const auto special = [&](__m128i v) {
    return _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                        _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
  };
  const auto bits = [](__m128i v) { return static_cast<uint32_t>(_mm_movemask_epi8(v)); };

  while (end - p >= 16) {
    const __m128i v = load(p);
    const uint32_t found = bits(special(v));
    const uint32_t above = bits(v);
    if (found != 0) {
      // Bits below the lowest one of `found` stand for the bytes before it.
      high |= above & (found ^ (found - 1));
      return p + __builtin_ctz(found);
    }
    high |= above;
    p += 16;
    // Long strings: four blocks at once, as long as there is nothing special in them.
    while (end - p >= 64) {
      const __m128i a = load(p);
      const __m128i b = load(p + 16);
      const __m128i c = load(p + 32);
      const __m128i d = load(p + 48);
      const __m128i any =
          _mm_or_si128(_mm_or_si128(special(a), special(b)), _mm_or_si128(special(c), special(d)));
      if (bits(any) != 0) break;
      high |= bits(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
      p += 64;
    }
  }
  if (p != end && end - begin >= 16) {
    const auto skip = static_cast<uint32_t>(16 - (end - p));  // 1…15 bytes that lie before p
    const __m128i v = load(end - 16);
    const uint32_t found = bits(special(v)) >> skip;
    const uint32_t above = bits(v) >> skip;
    if (found == 0) {
      high |= above;
      return end;
    }
    high |= above & (found ^ (found - 1));
    return p + __builtin_ctz(found);
  }
#endif
  for (; p != end; ++p) {
    if (*p == '"' || *p == '\\' || *p < 0x20) break;
    high |= *p & 0x80u;
  }
  return p;
}

// Copies a text of 1 to 15 bytes to `out` if find_special would find nothing in it; false, and
// anything in `out`, if it would. Such texts are most of a message, and too short for its steps.
inline bool copy_short(uint8_t* out, const uint8_t* p, size_t size) {
#if defined(__SSE2__)
  const auto plain = [](__m128i v) {
    const __m128i special = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))),
        _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
    return _mm_movemask_epi8(special) == 0;
  };
  // The first and the last bytes, which overlap unless there are exactly so many.
  if (size >= 8) {
    int64_t first;
    int64_t last;
    std::memcpy(&first, p, 8);
    std::memcpy(&last, p + size - 8, 8);
    if (!plain(_mm_set_epi64x(last, first))) return false;
    std::memcpy(out, &first, 8);
    std::memcpy(out + size - 8, &last, 8);
    return true;
  }
  if (size >= 4) {
    int32_t first;
    int32_t last;
    std::memcpy(&first, p, 4);
    std::memcpy(&last, p + size - 4, 4);
    if (!plain(_mm_set_epi32(last, last, last, first))) return false;
    std::memcpy(out, &first, 4);
    std::memcpy(out + size - 4, &last, 4);
    return true;
  }
#endif
  for (size_t i = 0; i < size; ++i) {
    if (p[i] == '"' || p[i] == '\\' || p[i] < 0x20) return false;
    out[i] = p[i];
  }
  return true;
}

}  // namespace nexus::serializers::json
