// UTF-8 by the table of RFC 3629, section 4; runs of ASCII are skipped 16 bytes at a time.
#include "plugins/support/utf8.hpp"

#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nexus::support {
namespace {

uint64_t skip_ascii(const uint8_t* data, uint64_t at, uint64_t size) {
#if defined(__SSE2__)
  for (; at + 16 <= size; at += 16) {
    const __m128i word = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    if (_mm_movemask_epi8(word) != 0) break;
  }
#endif
  for (; at + 8 <= size; at += 8) {
    uint64_t word;
    std::memcpy(&word, data + at, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (at < size && data[at] < 0x80) ++at;
  return at;
}

}  // namespace

bool Utf8Check::add(const uint8_t* data, uint64_t size) {
  uint64_t at = 0;
  while (at < size) {
    if (missing_ == 0) {
      at = skip_ascii(data, at, size);
      if (at == size) return true;
    }
    const uint8_t byte = data[at++];
    if (missing_ > 0) {
      if (byte < low_ || byte > high_) return false;
      --missing_;
      low_ = 0x80;
      high_ = 0xbf;
    } else if (byte >= 0xc2 && byte <= 0xdf) {
      missing_ = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
      missing_ = 2;
      if (byte == 0xe0) low_ = 0xa0;   // else overlong
      if (byte == 0xed) high_ = 0x9f;  // else a surrogate
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      missing_ = 3;
      if (byte == 0xf0) low_ = 0x90;   // else overlong
      if (byte == 0xf4) high_ = 0x8f;  // else above U+10FFFF
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace nexus::support
