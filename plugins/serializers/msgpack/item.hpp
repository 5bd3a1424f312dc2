// Reading msgpack for split: the head of one item, and skipping one whole value. Any loop.
//
// Why not msgpack::parse: see docs/decisions/0005-msgpack-split.md. The unit tests and the fuzz
// target compare this with it. What application data may not have (text that is no UTF-8, nesting
// beyond the limit) is remembered and read past: see unfit().
#pragma once

#include <bit>

#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/common/utf8.hpp"

namespace nexus::serializers::mp {

// Which fields are set depends on the kind.
struct Item {
  uint32_t kind;
  uint32_t count;       // NX_LIST, NX_DICT: entries, which follow
  uint64_t bits;        // NX_INT, NX_UINT, NX_BOOL and, as bits, NX_DOUBLE
  const uint8_t* body;  // NX_STRING, NX_BINARY
  uint64_t size;        // NX_STRING, NX_BINARY
};

class Reader {
 public:
  Reader(nx_bytes text, uint32_t max_depth)
      : begin_(text.data), end_(text.data + text.size), max_depth_(max_depth) {}

  const uint8_t* begin() const { return begin_; }
  const uint8_t* end() const { return end_; }
  const Failure& failure() const { return failure_; }
  uint32_t max_depth() const { return max_depth_; }

  // Always null.
  const uint8_t* fail(nx_status code, const char* what, const uint8_t* at) {
    failure_ = {code, what, static_cast<uint64_t>(at - begin_)};
    return nullptr;
  }
  const uint8_t* malformed(const char* what, const uint8_t* at) {
    return fail(NX_E_MALFORMED, what, at);
  }

  // Reads one item; of a list or dict only the head. Returns the position behind it, or null.
  const uint8_t* item(const uint8_t* p, Item& item);

  // Moves past the `count` entries of a list or dict that is `depth` deep itself.
  // Of a dict, keys and values are counted alike; a key may be anything.
  const uint8_t* skip_entries(const uint8_t* p, bool dict, uint64_t count, uint32_t depth);

  // Why nobody is to get what has been read since forget_unfit(); null when there is no reason.
  const char* unfit() const { return unfit_; }
  void forget_unfit() { unfit_ = nullptr; }

 private:
  const uint8_t* skip_deep(const uint8_t* p, uint64_t items);
  const uint8_t* sized(const uint8_t* p, uint32_t kind, uint64_t size, Item& item);
  const uint8_t* container(const uint8_t* p, uint32_t kind, uint64_t count, Item& item);
  const uint8_t* wide(const uint8_t* p, uint8_t head, Item& item);

  uint64_t left(const uint8_t* p) const { return static_cast<uint64_t>(end_ - p); }

  const uint8_t* const begin_;
  const uint8_t* const end_;
  const uint32_t max_depth_;
  Failure failure_;
  const char* unfit_ = nullptr;
};

// A body of `size` bytes at p.
inline const uint8_t* Reader::sized(const uint8_t* p, uint32_t kind, uint64_t size, Item& item) {
  if (size > left(p)) return malformed(kTruncated, p);
  if (kind == NX_STRING && !utf8_valid(p, size)) unfit_ = kBadText;
  item.kind = kind;
  item.body = p;
  item.size = size;
  return p + size;
}

// A list or dict whose entries begin at p. Each takes at least a byte, each pair two.
inline const uint8_t* Reader::container(const uint8_t* p, uint32_t kind, uint64_t count,
                                        Item& item) {
  if (count > (kind == NX_DICT ? left(p) / 2 : left(p))) return malformed(kTruncated, p);
  item.kind = kind;
  item.count = static_cast<uint32_t>(count);
  return p;
}

inline const uint8_t* Reader::item(const uint8_t* p, Item& item) {
  if (p == end_) return malformed(kTruncated, p);
  const uint8_t head = *p++;
  if (head < 0x80 || head >= 0xe0) {
    item.kind = NX_INT;
    item.bits = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(head)));
    return p;
  }
  if (head >= 0xc0) return wide(p, head, item);
  if (head >= 0xa0) return sized(p, NX_STRING, head & 0x1f, item);
  return container(p, head < 0x90 ? NX_DICT : NX_LIST, head & 0x0f, item);
}

// The items with heads 0xc0…0xdf; p is behind the head.
inline const uint8_t* Reader::wide(const uint8_t* p, uint8_t head, Item& item) {
  // For each head, how many bytes behind it say a number: the value, a length or a count.
  constexpr uint8_t kNumberSize[32] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                       1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
  const unsigned size = kNumberSize[head & 0x1f];
  if (size > left(p)) return malformed(kTruncated, p);
  const uint64_t number = size == 0 ? 0 : big_endian(p, size);
  p += size;
  switch (head) {
    case 0xc0:
      item.kind = NX_NULL;
      return p;
    case 0xc1:
      return malformed("0xc1 is never used", p - 1);
    case 0xc2:
    case 0xc3:
      item.kind = NX_BOOL;
      item.bits = head & 1;
      return p;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return sized(p, NX_BINARY, number, item);
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return sized(p, NX_OTHER, number + 1, item);  // the type, then the bytes
    case 0xca:
      item.kind = NX_DOUBLE;
      item.bits = std::bit_cast<uint64_t>(
          static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(number))));
      return p;
    case 0xcb:
      item.kind = NX_DOUBLE;
      item.bits = number;
      return p;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      item.kind = number > INT64_MAX ? NX_UINT : NX_INT;
      item.bits = number;
      return p;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
      const unsigned shift = 64 - 8 * size;
      item.kind = NX_INT;
      item.bits = static_cast<uint64_t>(static_cast<int64_t>(number << shift) >> shift);
      return p;
    }
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return sized(p, NX_OTHER, (1u << (head - 0xd4)) + 1, item);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return sized(p, NX_STRING, number, item);
    case 0xdc:
    case 0xdd:
      return container(p, NX_LIST, number, item);
    default:  // 0xde, 0xdf
      return container(p, NX_DICT, number, item);
  }
}

inline const uint8_t* Reader::skip_entries(const uint8_t* p, bool dict, uint64_t count,
                                           uint32_t depth) {
  uint64_t left_at[kMaxDepth + 1];  // items still to come at each level
  const uint32_t base = depth;
  uint64_t left = dict ? count * 2 : count;
  for (;;) {
    while (left == 0) {
      if (depth == base) return p;
      left = left_at[--depth];
    }
    Item next;
    p = item(p, next);
    if (p == nullptr) return nullptr;
    --left;
    if (next.kind == NX_LIST || next.kind == NX_DICT) {
      const uint64_t items = next.kind == NX_DICT ? uint64_t{next.count} * 2 : next.count;
      if (depth >= max_depth_) {
        unfit_ = kTooDeep;
        p = skip_deep(p, items);
        if (p == nullptr) return nullptr;
        continue;
      }
      left_at[depth++] = left;
      left = items;
    }
  }
}

// The same where levels do not matter any more: every item says how many it brings along.
inline const uint8_t* Reader::skip_deep(const uint8_t* p, uint64_t items) {
  for (; items != 0; --items) {
    Item next;
    p = item(p, next);
    if (p == nullptr) return nullptr;
    if (next.kind == NX_LIST) items += next.count;
    if (next.kind == NX_DICT) items += uint64_t{next.count} * 2;
    if (items > left(p) + 1) return malformed(kTruncated, p);  // each of them takes a byte
  }
  return p;
}

}  // namespace nexus::serializers::mp
