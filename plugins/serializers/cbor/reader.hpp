// Reading CBOR (RFC 8949), once: split drives it to find where elements end, walk drives it to
// report values. Any loop.
//
// No recursion: an open list or dict is one Level. Tags are read past: what counts is the tagged
// item, except where the tag makes another thing of it (see Meaning). What application data may not
// have (text that is no UTF-8, nesting beyond the limit) is remembered and read past: see unfit().
#pragma once

#include <bit>

#include "plugins/serializers/cbor/number.hpp"
#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/common/deep_stack.hpp"
#include "plugins/serializers/common/half.hpp"
#include "plugins/serializers/common/utf8.hpp"

namespace nexus::serializers::cbor {

// One item; of a list or dict only the head. Which fields are set depends on the kind.
struct Item {
  uint32_t kind;
  bool chunked;         // NX_STRING, NX_BINARY: of indefinite length
  Meaning meaning;      // NX_LIST, NX_DICT: what its tags make of it
  uint64_t count;       // NX_LIST, NX_DICT: entries, or NX_COUNT_UNKNOWN
  uint64_t bits;        // NX_INT, NX_UINT, NX_BOOL and, as bits, NX_DOUBLE
  const uint8_t* body;  // NX_STRING, NX_BINARY: the bytes, or the chunks with their heads
  uint64_t size;        // NX_STRING, NX_BINARY: bytes, the chunks joined
};

class Reader {
 public:
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

  // Reads one item with the tags before it. Returns the position behind it, or null.
  const uint8_t* item(const uint8_t* p, Item& item);

  // Reads the entries of `container`, whose head has been read and which is `depth` deep itself.
  // *count is how many there were. Sink is a class with
  //   bool item(Reader&, const Item&, bool key)    what is reported neither as a list nor as a dict
  //   bool open(Reader&, bool dict, uint64_t count), bool close(Reader&, bool dict)
  //   static constexpr bool kSkips    only the end is looked for, however deep it goes
  // each of which answers whether to go on, and has called fail() if not; the container itself is
  // reported closed, not opened.
  template <class Sink>
  const uint8_t* entries(const uint8_t* p, Sink& sink, const Item& container, uint32_t depth,
                         uint64_t* count);

  // Reads past the entries of a container whose tags make something else of it than a list or dict,
  // and makes that of `item`: a number, or NX_OTHER.
  const uint8_t* special(const uint8_t* p, Item& item, uint32_t depth);

  // Why nobody is to get what has been read since forget_unfit(); null when there is no reason.
  const char* unfit() const { return unfit_; }
  void forget_unfit() { unfit_ = nullptr; }

 private:
  struct Level {
    // Items still to come, keys and values counted alike: in a dict a key is next when this is
    // even. With an indefinite length it starts near 2^64 and never gets to 0.
    uint64_t left;
    bool dict;
    bool indefinite;
  };
  static Level make_level(const Item& container) {
    const bool dict = container.kind == NX_DICT;
    const bool indefinite = container.count == NX_COUNT_UNKNOWN;
    if (indefinite) return {UINT64_MAX - 1, dict, true};
    return {dict ? container.count * 2 : container.count, dict, false};
  }
  // A level as a number, and back. What an indefinite length has left says only whether a key or a
  // value is next; how many entries there were is asked of the outermost container only.
  static uint64_t pack(const Level& level) {
    const uint64_t left = level.indefinite ? level.left & 1 : level.left;
    return left << 2 | (level.dict ? 2u : 0u) | (level.indefinite ? 1u : 0u);
  }
  static Level unpack(uint64_t packed) {
    const bool indefinite = (packed & 1) != 0;
    const uint64_t left = packed >> 2;
    return {indefinite ? UINT64_MAX - 1 - left : left, (packed & 2) != 0, indefinite};
  }

  const uint8_t* head(const uint8_t* p, uint8_t& first, uint64_t& value);
  const uint8_t* string(const uint8_t* p, uint8_t first, uint64_t size, Item& item);
  const uint8_t* chunks(const uint8_t* p, uint8_t major, Item& item);
  const uint8_t* simple(const uint8_t* p, uint8_t first, uint64_t value, Item& item);
  const uint8_t* untagged(const uint8_t* p, uint8_t first, uint64_t value, Item& item);
  static void take_meaning(Meaning meaning, Item& item);

  uint64_t left(const uint8_t* p) const { return static_cast<uint64_t>(end_ - p); }

  const uint8_t* const begin_;
  const uint8_t* const end_;
  const uint32_t max_depth_;
  Failure failure_;
  const char* unfit_ = nullptr;
};

// The sink of whoever looks for the end only.
struct Skip {
  static constexpr bool kSkips = true;
  bool item(Reader&, const Item&, bool) { return true; }
  bool open(Reader&, bool, uint64_t) { return true; }
  bool close(Reader&, bool) { return true; }
};

inline constexpr uint8_t kIndefinite = 31;  // in the low five bits of a first byte
inline constexpr uint8_t kBreak = 0xff;

// Copies the chunks of `item` to `out`, which has room for item.size bytes.
void join(const Item& item, uint8_t* out);

// A first byte and its argument; none (0) for an indefinite length.
[[gnu::always_inline]] inline const uint8_t* Reader::head(const uint8_t* p, uint8_t& first,
                                                          uint64_t& value) {
  if (p == end_) return malformed(kTruncated, p);
  first = *p++;
  const uint8_t info = first & 31;
  if (info < 24) {
    value = info;
    return p;
  }
  if (info > 27) {
    if (info != kIndefinite) return malformed("reserved additional information", p - 1);
    value = 0;
    return p;
  }
  const unsigned size = 1u << (info - 24);
  if (size > left(p)) return malformed(kTruncated, p);
  value = big_endian(p, size);
  return p + size;
}

[[gnu::always_inline]] inline const uint8_t* Reader::string(const uint8_t* p, uint8_t first,
                                                            uint64_t size, Item& item) {
  const uint8_t major = first >> 5;
  item.kind = major == 3 ? NX_STRING : NX_BINARY;
  if ((first & 31) == kIndefinite) return chunks(p, major, item);
  if (size > left(p)) return malformed(kTruncated, p);
  if (major == 3 && !utf8_valid(p, size)) unfit_ = kBadText;
  item.chunked = false;
  item.body = p;
  item.size = size;
  return p + size;
}

[[gnu::always_inline]] inline const uint8_t* Reader::item(const uint8_t* p, Item& item) {
  if (p == end_) return malformed(kTruncated, p);
  uint8_t first = *p;
  uint64_t value = first & 31;
  // Most of what is sent: short text and small numbers.
  if (first >= 0x60 && first < 0x78) return string(p + 1, first, value, item);
  if (first < 0x18) {
    item.kind = NX_INT;
    item.bits = value;
    return p + 1;
  }
  Meaning meaning = Meaning::plain;
  for (;;) {
    p = head(p, first, value);
    if (p == nullptr) return nullptr;
    if (first >> 5 != 6) break;
    if ((first & 31) == kIndefinite) return malformed("a tag without a number", p - 1);
    meaning = combine(meaning, meaning_of(value));
  }
  const uint8_t major = first >> 5;
  item.meaning = meaning;
  if (meaning != Meaning::plain && major != 4 && major != 5) {
    p = untagged(p, first, value, item);
    if (p != nullptr) take_meaning(meaning, item);
    return p;
  }
  return untagged(p, first, value, item);
}

// What follows a first byte and its argument that are no tag.
[[gnu::always_inline]] inline const uint8_t* Reader::untagged(const uint8_t* p, uint8_t first,
                                                              uint64_t value, Item& item) {
  const bool indefinite = (first & 31) == kIndefinite;
  const uint8_t major = first >> 5;
  switch (major) {
    case 0:
      if (indefinite) return malformed("an integer without a value", p - 1);
      item.kind = value > INT64_MAX ? NX_UINT : NX_INT;
      item.bits = value;
      return p;
    case 1:
      if (indefinite) return malformed("an integer without a value", p - 1);
      item.kind = value > INT64_MAX ? NX_OTHER : NX_INT;
      item.bits = ~value;
      return p;
    case 2:
    case 3:
      return string(p, first, value, item);
    case 4:
    case 5:
      item.kind = major == 4 ? NX_LIST : NX_DICT;
      if (indefinite) {
        item.count = NX_COUNT_UNKNOWN;
        return p;
      }
      // Each entry takes at least a byte, each pair two.
      if (value > (major == 4 ? left(p) : left(p) / 2)) return malformed(kTruncated, p);
      item.count = value;
      return p;
    default:
      return simple(p, first, value, item);
  }
}

// Major type 7: false, true, null, floats.
inline const uint8_t* Reader::simple(const uint8_t* p, uint8_t first, uint64_t value, Item& item) {
  switch (first & 31) {
    case 20:
    case 21:
      item.kind = NX_BOOL;
      item.bits = first & 1;
      return p;
    case 22:  // null
    case 23:  // undefined
      item.kind = NX_NULL;
      return p;
    case 24:
      if (value < 32) return malformed("a simple value in too long a form", p - 1);
      item.kind = NX_OTHER;
      return p;
    case 25:
      item.kind = NX_DOUBLE;
      item.bits = std::bit_cast<uint64_t>(from_half(static_cast<uint16_t>(value)));
      return p;
    case 26:
      item.kind = NX_DOUBLE;
      item.bits = std::bit_cast<uint64_t>(
          static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(value))));
      return p;
    case 27:
      item.kind = NX_DOUBLE;
      item.bits = value;
      return p;
    case kIndefinite:
      return malformed("a break where a value should be", p - 1);
    default:  // unassigned
      item.kind = NX_OTHER;
      return p;
  }
}

// What the tags before a scalar make of it: a bignum that fits is a number, anything else is not
// for others.
inline void Reader::take_meaning(Meaning meaning, Item& item) {
  if (meaning == Meaning::bignum && item.kind == NX_BINARY && !item.chunked) {
    const Number number = read_bignum(item.body, item.size, false);
    item.kind = number.kind;
    item.bits = number.bits;
  } else if (meaning == Meaning::negative_bignum && item.kind == NX_BINARY && !item.chunked) {
    const Number number = read_bignum(item.body, item.size, true);
    item.kind = number.kind;
    item.bits = number.bits;
  } else {
    item.kind = NX_OTHER;
  }
}

template <class Sink>
const uint8_t* Reader::entries(const uint8_t* p, Sink& sink, const Item& container, uint32_t depth,
                               uint64_t* count) {
  Level outer[kMaxDepth];
  DeepStack deeper;
  uint64_t beyond = 0;  // levels on it
  const uint32_t base = depth;
  Level level = make_level(container);
  for (;;) {
    bool ended = level.left == 0;
    if (level.indefinite && p != end_ && *p == kBreak) {
      if (level.dict && level.left % 2 != 0) return malformed("a dict key without a value", p);
      ++p;
      ended = true;
    }
    if (ended) {
      if (!sink.close(*this, level.dict)) return nullptr;
      if (beyond != 0) {
        --beyond;
        level = unpack(deeper.pop());
        continue;
      }
      if (depth == base) {
        *count = container.count;
        if (level.indefinite) *count = (UINT64_MAX - 1 - level.left) / (level.dict ? 2 : 1);
        return p;
      }
      level = outer[--depth];
      continue;
    }
    const bool key = level.dict && level.left % 2 == 0;
    const uint8_t* const at = p;
    Item next;
    p = item(p, next);
    if (p == nullptr) return nullptr;
    --level.left;
    if constexpr (!Sink::kSkips) {
      // One that is a key, or that stands for something else, has nothing inside that is reported.
      if ((next.kind == NX_LIST || next.kind == NX_DICT) &&
          (key || next.meaning != Meaning::plain)) {
        if (depth >= max_depth_) return fail(NX_E_LIMIT, kTooDeep, at);
        p = special(p, next, depth + 1);
        if (p == nullptr) return nullptr;
      }
    }
    if (next.kind != NX_LIST && next.kind != NX_DICT) {
      if (!sink.item(*this, next, key)) return nullptr;
      continue;
    }
    if (depth + beyond >= max_depth_) {
      if constexpr (!Sink::kSkips) return fail(NX_E_LIMIT, kTooDeep, at);
      unfit_ = kTooDeep;
    }
    if (!sink.open(*this, next.kind == NX_DICT, next.count)) return nullptr;
    if (depth < max_depth_) {
      outer[depth++] = level;
    } else {
      if (!deeper.push(pack(level))) return fail(NX_E_MEMORY, kNoMemory, at);
      ++beyond;
    }
    level = make_level(next);
  }
}

}  // namespace nexus::serializers::cbor
