// Unmasking of client frames, in place. Any thread.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nexus::websocket {

// XORs `size` bytes with the four bytes of a masking key, 16 or 8 at a time, and answers whether
// any result is outside ASCII, which lets most text skip its UTF-8 check. The key is as it stands
// in the frame, loaded with memcpy, so byte order does not matter.
inline bool unmask(uint8_t* data, uint64_t size, uint32_t key) {
  uint64_t i = 0;
  const uint64_t key8 = (uint64_t{key} << 32) | key;
  uint64_t seen = 0;
#if defined(__SSE2__)
  const __m128i key16 = _mm_set1_epi32(static_cast<int>(key));
  __m128i seen16 = _mm_setzero_si128();
  for (; i + 16 <= size; i += 16) {
    auto* at = reinterpret_cast<__m128i*>(data + i);
    const __m128i word = _mm_xor_si128(_mm_loadu_si128(at), key16);
    seen16 = _mm_or_si128(seen16, word);
    _mm_storeu_si128(at, word);
  }
  if (_mm_movemask_epi8(seen16) != 0) seen = 0x80;
#endif
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, data + i, 8);
    word ^= key8;
    seen |= word;
    std::memcpy(data + i, &word, 8);
  }
  uint8_t bytes[4];
  std::memcpy(bytes, &key, 4);
  for (; i < size; ++i) {
    data[i] ^= bytes[i & 3];
    seen |= data[i];
  }
  return (seen & 0x8080808080808080u) != 0;
}

}  // namespace nexus::websocket
