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
    if (major == 3 && !utf8_valid(p, size)) unfit_ = kBadText;
    item.size += size;
    p += size;
  }
  return p + 1;
}

const uint8_t* Reader::special(const uint8_t* p, Item& item, uint32_t depth) {
  const Meaning meaning = item.meaning;
  const uint8_t* const content = p;
  uint64_t count = 0;
  Skip skip;
  p = entries(p, skip, item, depth, &count);
  if (p == nullptr) return nullptr;
  const bool number = meaning == Meaning::decimal || meaning == Meaning::bigfloat;
  const bool pair = item.kind == NX_LIST && count == 2;
  item.kind = NX_OTHER;
  if (!number || !pair) return p;
  Item exponent;
  Item mantissa;
  const uint8_t* const second = this->item(content, exponent);
  if (second == nullptr) return nullptr;
  if (exponent.kind != NX_INT) return p;
  if (this->item(second, mantissa) == nullptr) return nullptr;
  if (mantissa.kind != NX_INT && mantissa.kind != NX_UINT) return p;
  const bool negative = mantissa.kind == NX_INT && static_cast<int64_t>(mantissa.bits) < 0;
  const auto read = meaning == Meaning::decimal ? &read_decimal : &read_bigfloat;
  const Number value = read(static_cast<int64_t>(exponent.bits),
                            negative ? ~mantissa.bits + 1 : mantissa.bits, negative);
  item.kind = value.kind;
  item.bits = value.bits;
  return p;
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
