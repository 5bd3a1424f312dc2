// Reading UBJSON and BJData, once: split drives it to find where elements end, walk drives it to
// report values. Any loop.
//
// No recursion: an open list or dict is one Level. A list may say once what type all its entries
// have ("$") and how many there are ("#"); entries of types that take no byte of their own (null,
// true, false) are then bounded here, since nothing else would bound them.
#pragma once

#include <bit>

#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/common/deep_stack.hpp"
#include "plugins/serializers/common/half.hpp"
#include "plugins/serializers/common/utf8.hpp"
#include "plugins/serializers/ubjson/number.hpp"
#include "plugins/serializers/ubjson/ubjson.hpp"

namespace nexus::serializers::ubjson {

// Entries without bytes that one list may have: a message of 8 bytes is not to become gigabytes in
// the format of somebody else.
inline constexpr uint64_t kMaxEmptyEntries = 64;

// One item; of a list or dict only the head. Which fields are set depends on the kind.
struct Item {
  uint32_t kind;
  uint8_t type;         // NX_LIST, NX_DICT: the marker of all entries; 0 = each has its own
  uint64_t count;       // NX_LIST, NX_DICT: entries, or NX_COUNT_UNKNOWN
  uint64_t bits;        // NX_INT, NX_UINT, NX_BOOL and, as bits, NX_DOUBLE
  const uint8_t* body;  // NX_STRING, NX_BINARY
  uint64_t size;        // NX_STRING, NX_BINARY
};

template <Dialect kDialect>
class Reader {
 public:
  static constexpr bool kBjdata = kDialect == Dialect::bjdata;

  Reader(nx_bytes text, uint32_t max_depth)
      : begin_(text.data), end_(text.data + text.size), max_depth_(max_depth) {}

  const uint8_t* begin() const { return begin_; }
  const uint8_t* end() const { return end_; }
  uint64_t size() const { return static_cast<uint64_t>(end_ - begin_); }
  const Failure& failure() const { return failure_; }
  uint32_t max_depth() const { return max_depth_; }

  // Always null. `at` is where the message will point; null: somewhere in the value.
  const uint8_t* fail(nx_status code, const char* what, const uint8_t* at) {
    failure_ = {code, what, at == nullptr ? 0 : static_cast<uint64_t>(at - begin_)};
    return nullptr;
  }
  const uint8_t* malformed(const char* what, const uint8_t* at) {
    return fail(NX_E_MALFORMED, what, at);
  }

  // Reads a marker and its value. Returns the position behind it, or null.
  const uint8_t* item(const uint8_t* p, Item& item) {
    if (p == end_) return malformed(kTruncated, p);
    return value(p + 1, *p, item);
  }
  // The same for a value whose marker has been said before.
  const uint8_t* value(const uint8_t* p, uint8_t marker, Item& item);
  // The head of a message: a list, whatever else the same bytes would be as a value.
  const uint8_t* message(const uint8_t* p, Item& item) {
    if (p == end_) return malformed(kTruncated, p);
    if (*p != '[') return malformed(kNotList, p);
    return container(p + 1, NX_LIST, item);
  }
  // Past what means nothing.
  const uint8_t* skip_noops(const uint8_t* p) const {
    while (p != end_ && *p == 'N') ++p;
    return p;
  }

  // Reads the entries of `container`, whose head has been read and which is `depth` deep itself.
  // *count is how many there were. Sink is a class with
  //   bool key(Reader&, nx_str), bool item(Reader&, const Item&)    neither a list nor a dict
  //   bool open(Reader&, const Item&), bool close(Reader&, bool dict)
  //   static constexpr bool kSkips    only the end is looked for, however deep it goes
  // each of which answers whether to go on, and has called fail() if not; the container itself is
  // reported closed, not opened.
  template <class Sink>
  const uint8_t* entries(const uint8_t* p, Sink& sink, const Item& container, uint32_t depth,
                         uint64_t* count);

  // Why nobody is to get what has been read since forget_unfit(): text that is no UTF-8, nesting
  // beyond the limit. Null when there is no reason.
  const char* unfit() const { return unfit_; }
  void forget_unfit() { unfit_ = nullptr; }

  // The bytes that each value of a type takes; 0 for types of varying length, and for types that
  // take none.
  static uint64_t fixed_size(uint8_t marker);
  // No byte of its own: the marker says it all.
  static bool empty_type(uint8_t marker) { return marker == 'Z' || marker == 'T' || marker == 'F'; }

 private:
  struct Level {
    uint64_t left;  // entries to come; without a count, from near 2^64 downwards
    bool dict;
    bool counted;
    uint8_t type;
  };
  static Level make_level(const Item& container) {
    const bool counted = container.count != NX_COUNT_UNKNOWN;
    return {counted ? container.count : UINT64_MAX - 1, container.kind == NX_DICT, counted,
            container.type};
  }
  // A level as a number, and back; without a count, what is left says nothing.
  static uint64_t pack(const Level& level) {
    return (level.counted ? level.left : 0) << 10 | uint64_t{level.type} << 2 |
           (level.dict ? 2u : 0u) | (level.counted ? 1u : 0u);
  }
  static Level unpack(uint64_t packed) {
    const bool counted = (packed & 1) != 0;
    return {counted ? packed >> 10 : UINT64_MAX - 1, (packed & 2) != 0, counted,
            static_cast<uint8_t>(packed >> 2)};
  }

  static bool may_be_type(uint8_t marker);
  const uint8_t* integer(const uint8_t* p, uint8_t marker, Item& item);
  const uint8_t* length(const uint8_t* p, uint64_t& size);
  const uint8_t* text(const uint8_t* p, Item& item);
  const uint8_t* container(const uint8_t* p, uint32_t kind, Item& item);
  const uint8_t* array(const uint8_t* p, Item& item);
  const uint8_t* dimensions(const uint8_t* p, uint8_t type, Item& item);

  uint64_t left(const uint8_t* p) const { return static_cast<uint64_t>(end_ - p); }
  static uint64_t number(const uint8_t* p, unsigned size) {
    const uint64_t value = big_endian(p, size);
    if constexpr (kBjdata) return __builtin_bswap64(value) >> (64 - 8 * size);
    return value;
  }

  const uint8_t* const begin_;
  const uint8_t* const end_;
  const uint32_t max_depth_;
  Failure failure_;
  const char* unfit_ = nullptr;
};

template <Dialect kDialect>
uint64_t Reader<kDialect>::fixed_size(uint8_t marker) {
  switch (marker) {
    case 'i':
    case 'U':
    case 'C':
      return 1;
    case 'I':
      return 2;
    case 'l':
    case 'd':
      return 4;
    case 'L':
    case 'D':
      return 8;
    case 'B':
      return kBjdata ? 1 : 0;
    case 'u':
    case 'h':
      return kBjdata ? 2 : 0;
    case 'm':
      return kBjdata ? 4 : 0;
    case 'M':
      return kBjdata ? 8 : 0;
    default:
      return 0;
  }
}

template <Dialect kDialect>
bool Reader<kDialect>::may_be_type(uint8_t marker) {
  if (fixed_size(marker) != 0) return true;
  if constexpr (kBjdata) return false;
  return empty_type(marker) || marker == 'S' || marker == 'H' || marker == '[' || marker == '{';
}

// An integer of a marker that fixed_size() knows.
template <Dialect kDialect>
[[gnu::always_inline]] inline const uint8_t* Reader<kDialect>::integer(const uint8_t* p,
                                                                       uint8_t marker, Item& item) {
  const auto size = static_cast<unsigned>(fixed_size(marker));
  if (size > left(p)) return malformed(kTruncated, p);
  const uint64_t bits = number(p, size);
  item.kind = NX_INT;
  if (marker == 'i' || marker == 'I' || marker == 'l' || marker == 'L') {
    const unsigned shift = 64 - 8 * size;
    item.bits = static_cast<uint64_t>(static_cast<int64_t>(bits << shift) >> shift);
  } else {
    if (bits > INT64_MAX) item.kind = NX_UINT;
    item.bits = bits;
  }
  return p + size;
}

// A length or a count: an integer with its marker, not negative.
template <Dialect kDialect>
[[gnu::always_inline]] inline const uint8_t* Reader<kDialect>::length(const uint8_t* p,
                                                                      uint64_t& size) {
  if (p == end_) return malformed(kTruncated, p);
  const uint8_t* const at = p;
  const uint8_t marker = *p++;
  if (marker == 'U' && p != end_) {
    size = *p;
    return p + 1;
  }
  switch (marker) {
    case 'i':
    case 'U':
    case 'I':
    case 'l':
    case 'L':
      break;
    case 'u':
    case 'm':
    case 'M':
      if (kBjdata) break;
      [[fallthrough]];
    default:
      return malformed("a length that is no integer", at);
  }
  Item item;
  p = integer(p, marker, item);
  if (p == nullptr) return nullptr;
  if (item.kind == NX_UINT || static_cast<int64_t>(item.bits) < 0) {
    return malformed("a length that cannot be", at);
  }
  size = item.bits;
  return p;
}

// What follows the marker of a string; dict keys have no marker.
template <Dialect kDialect>
[[gnu::always_inline]] inline const uint8_t* Reader<kDialect>::text(const uint8_t* p, Item& item) {
  uint64_t size = 0;
  p = length(p, size);
  if (p == nullptr) return nullptr;
  if (size > left(p)) return malformed(kTruncated, p);
  if (!utf8_valid(p, size)) unfit_ = kBadText;
  item.kind = NX_STRING;
  item.body = p;
  item.size = size;
  return p + size;
}

template <Dialect kDialect>
const uint8_t* Reader<kDialect>::value(const uint8_t* p, uint8_t marker, Item& item) {
  switch (marker) {
    case 'Z':
      item.kind = NX_NULL;
      return p;
    case 'T':
    case 'F':
      item.kind = NX_BOOL;
      item.bits = marker == 'T' ? 1 : 0;
      return p;
    case 'i':
    case 'U':
    case 'I':
    case 'l':
    case 'L':
      return integer(p, marker, item);
    case 'B':
    case 'u':
    case 'm':
    case 'M':
      if (!kBjdata) break;
      return integer(p, marker, item);
    case 'S':
      return text(p, item);
    case 'C':
      if (p == end_) return malformed(kTruncated, p);
      if (*p > 127) unfit_ = kBadText;
      item.kind = NX_STRING;
      item.body = p;
      item.size = 1;
      return p + 1;
    case 'H': {
      const uint8_t* const at = p;
      p = text(p, item);
      if (p == nullptr) return nullptr;
      if (!read_decimal(item.body, item.size, item.kind, item.bits)) {
        return malformed("a high-precision number that is none", at);
      }
      return p;
    }
    case '[':
      return array(p, item);
    case '{':
      return container(p, NX_DICT, item);
    case 'd':
      if (left(p) < 4) return malformed(kTruncated, p);
      item.kind = NX_DOUBLE;
      item.bits = std::bit_cast<uint64_t>(
          static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(number(p, 4)))));
      return p + 4;
    case 'D':
      if (left(p) < 8) return malformed(kTruncated, p);
      item.kind = NX_DOUBLE;
      item.bits = number(p, 8);
      return p + 8;
    case 'h':
      if (!kBjdata) break;
      if (left(p) < 2) return malformed(kTruncated, p);
      item.kind = NX_DOUBLE;
      item.bits = std::bit_cast<uint64_t>(from_half(static_cast<uint16_t>(number(p, 2))));
      return p + 2;
    default:
      break;
  }
  return malformed("no value begins like this", p == begin_ ? p : p - 1);
}

// Behind a '[': a list, binary, or what only BJData has.
template <Dialect kDialect>
const uint8_t* Reader<kDialect>::array(const uint8_t* p, Item& item) {
  if (kBjdata && left(p) > 3 && p[0] == '$' && p[2] == '#' && p[3] == '[') {
    return dimensions(p + 4, p[1], item);
  }
  p = container(p, NX_LIST, item);
  if (p == nullptr || item.type != (kBjdata ? 'B' : 'U')) return p;
  item.kind = NX_BINARY;
  item.body = p;
  item.size = item.count;  // known to be there
  return p + item.count;
}

template <Dialect kDialect>
const uint8_t* Reader<kDialect>::container(const uint8_t* p, uint32_t kind, Item& item) {
  item.kind = kind;
  item.type = 0;
  item.count = NX_COUNT_UNKNOWN;
  if (p == end_ || (*p != '$' && *p != '#')) return p;
  const uint8_t* const at = p;
  if (*p == '$') {
    if (left(p) < 3) return malformed(kTruncated, p);
    item.type = p[1];
    if (!may_be_type(item.type)) return malformed("a type that entries cannot have", at);
    if (p[2] != '#') return malformed("a type of entries without their number", at);
    p += 2;
  }
  p = length(p + 1, item.count);
  if (p == nullptr) return nullptr;
  // What each entry takes at least: its key, its marker, its value.
  uint64_t least = item.type == 0 ? 1 : fixed_size(item.type);
  if (item.type == 'S' || item.type == 'H') least = 2;
  if (item.type == '[' || item.type == '{') least = 1;
  if (kind == NX_DICT) least += 2;
  if (least == 0) {
    return item.count <= kMaxEmptyEntries ? p
                                          : fail(NX_E_LIMIT, "too many entries without bytes", at);
  }
  return item.count <= left(p) / least ? p : malformed(kTruncated, p);
}

// An array of several dimensions: behind its "[$<type>#[". Its shape is no list of other formats.
template <Dialect kDialect>
const uint8_t* Reader<kDialect>::dimensions(const uint8_t* p, uint8_t type, Item& item) {
  const uint8_t* const at = p;
  uint64_t cells = fixed_size(type);
  if (cells == 0) return malformed("a type that entries cannot have", at);
  Item list;
  p = container(p, NX_LIST, list);
  if (p == nullptr) return nullptr;
  bool empty = false;
  for (uint64_t n = 0; n != list.count; ++n) {
    if (list.count == NX_COUNT_UNKNOWN) {
      p = skip_noops(p);
      if (p != end_ && *p == ']') {
        ++p;
        break;
      }
    }
    Item size;
    p = list.type == 0 ? this->item(p, size) : value(p, list.type, size);
    if (p == nullptr) return nullptr;
    if (size.kind != NX_INT || static_cast<int64_t>(size.bits) < 0) {
      return malformed("a length that cannot be", at);
    }
    if (size.bits == 0) empty = true;
    if (empty) continue;
    if (cells > left(at) / size.bits) return malformed(kTruncated, at);
    cells *= size.bits;
  }
  if (empty) cells = 0;
  if (cells > left(p)) return malformed(kTruncated, p);
  item.kind = NX_OTHER;
  return p + cells;
}

template <Dialect kDialect>
template <class Sink>
const uint8_t* Reader<kDialect>::entries(const uint8_t* p, Sink& sink, const Item& container,
                                         uint32_t depth, uint64_t* count) {
  Level outer[kMaxDepth];
  DeepStack deeper;
  uint64_t beyond = 0;  // levels on it
  const uint32_t base = depth;
  Level level = make_level(container);
  for (;;) {
    if (Sink::kSkips && level.type != 0 && !level.dict && level.type != 'C') {
      const uint64_t size = fixed_size(level.type);
      if (size != 0 || empty_type(level.type)) {
        p += level.left * size;  // known to be there; any bits are a number
        level.left = 0;
      }
    }
    if (level.type == 0) p = skip_noops(p);
    bool ended = level.left == 0;
    if (!level.counted) {
      if (p == end_) return malformed(kTruncated, p);
      ended = *p == (level.dict ? '}' : ']');
      if (ended) ++p;
    }
    if (ended) {
      if (!sink.close(*this, level.dict)) return nullptr;
      if (beyond != 0) {
        --beyond;
        level = unpack(deeper.pop());
        continue;
      }
      if (depth == base) {
        *count = level.counted ? container.count : UINT64_MAX - 1 - level.left;
        return p;
      }
      level = outer[--depth];
      continue;
    }
    --level.left;
    Item next;
    if (level.dict) {
      p = text(p, next);
      if (p == nullptr) return nullptr;
      if (!sink.key(*this, {reinterpret_cast<const char*>(next.body), next.size})) return nullptr;
      if (level.type == 0) p = skip_noops(p);
    }
    const uint8_t* const at = p;
    p = level.type == 0 ? item(p, next) : value(p, level.type, next);
    if (p == nullptr) return nullptr;
    if (next.kind != NX_LIST && next.kind != NX_DICT) {
      if (!sink.item(*this, next)) return nullptr;
      continue;
    }
    if (depth + beyond >= max_depth_) {
      if constexpr (!Sink::kSkips) return fail(NX_E_LIMIT, kTooDeep, at);
      unfit_ = kTooDeep;
    }
    if (!sink.open(*this, next)) return nullptr;
    if (depth < max_depth_) {
      outer[depth++] = level;
    } else {
      if (!deeper.push(pack(level))) return fail(NX_E_MEMORY, kNoMemory, at);
      ++beyond;
    }
    level = make_level(next);
  }
}

}  // namespace nexus::serializers::ubjson
