// The part of UTF-8 validation that ASCII text never reaches. Any loop.
//
// The SIMD form looks at each byte together with the byte before it: three table look-ups (high
// and low nibble of the first, high nibble of the second) each say which kinds of error are still
// possible, and what all three agree on has happened. The tables are computed below from the list
// of errors, so that they can be checked against RFC 3629 by reading.
#include "plugins/serializers/common/utf8.hpp"

#include <array>

#if defined(__SSE2__)
#include <tmmintrin.h>
#endif

namespace nexus::serializers {

bool utf8_valid_scalar(const uint8_t* p, size_t size) {
  const uint8_t* const end = p + size;
  while (p != end) {
    if (end - p >= 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      if ((word & 0x8080808080808080u) == 0) {
        p += 8;
        continue;
      }
    }
    const uint8_t lead = *p++;
    if (lead < 0x80) continue;
    // The first continuation byte has a narrower range after some leads: no overlong forms, no
    // surrogates, nothing above U+10FFFF.
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    ptrdiff_t more = 0;
    if (lead < 0xc2) return false;
    if (lead < 0xe0) {
      more = 1;
    } else if (lead < 0xf0) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead < 0xf5) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (end - p < more) return false;
    if (p[0] < low || p[0] > high) return false;
    for (ptrdiff_t i = 1; i < more; ++i) {
      if ((p[i] & 0xc0) != 0x80) return false;
    }
    p += more;
  }
  return true;
}

#if defined(__SSE2__)
namespace {

// A kind of error in two neighbouring bytes, as the sets of nibbles (bit n = nibble n) that the
// first byte's high, first byte's low and second byte's high nibble have in it.
struct PairError {
  uint16_t first_high;
  uint16_t first_low;
  uint16_t second_high;
};

constexpr uint16_t kAny = 0xffff;
constexpr uint16_t kAscii = 0x00ff;         // 0…7
constexpr uint16_t kContinuation = 0x0f00;  // 8…b
constexpr uint16_t kLead = 0xf000;          // c…f

constexpr PairError kPairErrors[8] = {
    {kLead, kAny, kAscii | kLead},         // a lead without its continuation
    {kAscii, kAny, kContinuation},         // a continuation without its lead
    {1 << 0xe, 1 << 0, 0x0300},            // e0 80…9f: overlong
    {1 << 0xe, 1 << 0xd, 0x0c00},          // ed a0…bf: surrogates
    {1 << 0xc, 0x0003, kContinuation},     // c0, c1: overlong
    {1 << 0xf, 0xfff0, 0x0e00},            // f4 90…bf, f5…ff 90…bf: above U+10FFFF
    {1 << 0xf, 0xffe1, 0x0100},            // f0 80…8f: overlong; f5…ff 80…8f: above U+10FFFF
    {kContinuation, kAny, kContinuation},  // two continuations: right only deep in a sequence
};

using Table = std::array<uint8_t, 16>;

constexpr Table make_table(uint16_t PairError::*set) {
  Table table{};
  for (int kind = 0; kind < 8; ++kind) {
    for (int nibble = 0; nibble < 16; ++nibble) {
      if (((kPairErrors[kind].*set) >> nibble & 1) != 0) {
        table[nibble] = static_cast<uint8_t>(table[nibble] | 1 << kind);
      }
    }
  }
  return table;
}

alignas(16) constexpr Table kFirstHigh = make_table(&PairError::first_high);
alignas(16) constexpr Table kFirstLow = make_table(&PairError::first_low);
alignas(16) constexpr Table kSecondHigh = make_table(&PairError::second_high);

__attribute__((target("ssse3"))) __m128i errors_in(__m128i block, __m128i previous) {
  const auto table = [](const Table& t) {
    return _mm_load_si128(reinterpret_cast<const __m128i*>(t.data()));
  };
  const __m128i nibble = _mm_set1_epi8(0x0f);
  const __m128i before1 = _mm_alignr_epi8(block, previous, 15);
  const __m128i before2 = _mm_alignr_epi8(block, previous, 14);
  const __m128i before3 = _mm_alignr_epi8(block, previous, 13);
  const __m128i first_high =
      _mm_shuffle_epi8(table(kFirstHigh), _mm_and_si128(_mm_srli_epi16(before1, 4), nibble));
  const __m128i first_low = _mm_shuffle_epi8(table(kFirstLow), _mm_and_si128(before1, nibble));
  const __m128i second_high =
      _mm_shuffle_epi8(table(kSecondHigh), _mm_and_si128(_mm_srli_epi16(block, 4), nibble));
  const __m128i pair = _mm_and_si128(_mm_and_si128(first_high, first_low), second_high);
  // Bit 7 is set exactly where the byte two before is a lead of three or more (e0…), or the byte
  // three before a lead of four (f0…). There, and only there, two continuations must follow each
  // other: bit 7 of `pair`.
  const __m128i third = _mm_subs_epu8(before2, _mm_set1_epi8(static_cast<char>(0xe0 - 0x80)));
  const __m128i fourth = _mm_subs_epu8(before3, _mm_set1_epi8(static_cast<char>(0xf0 - 0x80)));
  const __m128i deep =
      _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8(static_cast<char>(0x80)));
  return _mm_xor_si128(deep, pair);
}

__attribute__((target("ssse3"))) bool valid_ssse3(const uint8_t* p, size_t size) {
  const uint8_t* const end = p + size;
  __m128i previous = _mm_setzero_si128();
  __m128i errors = _mm_setzero_si128();
  for (; end - p >= 16; p += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    errors = _mm_or_si128(errors, errors_in(block, previous));
    previous = block;
  }
  // A last block padded with zeros also shows a sequence that the end cuts off.
  alignas(16) uint8_t rest[16] = {};
  std::memcpy(rest, p, static_cast<size_t>(end - p));
  const __m128i block = _mm_load_si128(reinterpret_cast<const __m128i*>(rest));
  errors = _mm_or_si128(errors, errors_in(block, previous));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(errors, _mm_setzero_si128())) == 0xffff;
}

}  // namespace

bool utf8_valid_slow(const uint8_t* p, size_t size) {
  if (size >= 32 && __builtin_cpu_supports("ssse3")) return valid_ssse3(p, size);
  return utf8_valid_scalar(p, size);
}

#else

bool utf8_valid_slow(const uint8_t* p, size_t size) { return utf8_valid_scalar(p, size); }

#endif

}  // namespace nexus::serializers
