#include "plugins/serializers/cbor/reader.hpp"

namespace nexus::serializers::cbor {

// The chunks of a string of indefinite length, up to the break. Each is a string of definite
// length and the same type; a character of text does not cross from one to the next.
const uint8_t* Reader::chunks(const uint8_t* p, uint8_t major, Item& item) {
  item.chunked = true;
  item.body = p;
  item.size = 0;
  for (;;) {
    if (p == end_) return malformed(kTruncated, p);
    if (*p == kBreak) break;
    const uint8_t* const at = p;
    uint8_t first = 0;
    uint64_t size = 0;
    p = head(p, first, size);
    if (p == nullptr) return nullptr;
    if (first >> 5 != major || (first & 31) == kIndefinite) {
      return malformed("a chunk of another type", at);
    }
    if (size > left(p)) return malformed(kTruncated, p);
    if (major == 3 && !utf8_valid(p, size)) return malformed(kBadText, p);
    item.size += size;
    p += size;
  }
  return p + 1;
}

void join(const Item& item, uint8_t* out) {
  for (const uint8_t* p = item.body; *p != kBreak;) {
    const uint8_t info = *p++ & 31;
    uint64_t size = info;
    if (info >= 24) {
      const unsigned bytes = 1u << (info - 24);
      size = big_endian(p, bytes);
      p += bytes;
    }
    if (size != 0) std::memcpy(out, p, size);
    out += size;
    p += size;
  }
}

}  // namespace nexus::serializers::cbor
