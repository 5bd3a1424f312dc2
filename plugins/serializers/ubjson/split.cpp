// split: validates a whole message and returns its top-level elements. Any loop. `scratch` is
// written only for a message that says the type of its elements once for all of them.
#include "plugins/serializers/ubjson/reader.hpp"

namespace nexus::serializers::ubjson {
namespace {

struct Skip {
  static constexpr bool kSkips = true;
  template <class R>
  bool key(R&, nx_str) {
    return true;
  }
  template <class R>
  bool item(R&, const Item&) {
    return true;
  }
  template <class R>
  bool open(R&, const Item&) {
    return true;
  }
  template <class R>
  bool close(R&, bool) {
    return true;
  }
};

template <Dialect kDialect>
class Splitter {
 public:
  Splitter(Reader<kDialect>& reader, nx_writer* scratch) : reader_(reader), scratch_(scratch) {}

  bool message(nx_element* out, uint32_t capacity, uint32_t* count) {
    const uint8_t* const begin = reader_.begin();
    Item list;
    const uint8_t* p = reader_.message(begin, list);
    if (p == nullptr) return false;
    if (reader_.max_depth() == 0) return reader_.fail(NX_E_LIMIT, kTooDeep, begin);
    const bool counted = list.count != NX_COUNT_UNKNOWN;
    if (counted && list.count > capacity) return reader_.malformed(kTooMany, p);
    if (list.type != 0 && !make_room(list.count)) return false;
    uint32_t n = 0;
    for (;;) {
      if (list.type == 0) p = reader_.skip_noops(p);
      if (!counted && p != reader_.end() && *p == ']') {
        ++p;
        break;
      }
      if (counted && n == list.count) break;
      if (n == capacity) return reader_.malformed(kTooMany, p);
      p = element(p, list.type, out[n]);
      if (p == nullptr) return false;
      ++n;
    }
    if (p != reader_.end()) return reader_.malformed(kTrailing, p);
    *count = n;
    return true;
  }

 private:
  const uint8_t* element(const uint8_t* p, uint8_t type, nx_element& element) {
    const uint8_t* const begin = p;
    Item item;
    reader_.forget_unfit();
    p = type == 0 ? reader_.item(p, item) : reader_.value(p, type, item);
    if (p == nullptr) return nullptr;
    element = nx_element{};
    element.kind = item.kind;
    switch (item.kind) {
      case NX_LIST:
      case NX_DICT: {
        if (reader_.max_depth() < 2) return reader_.fail(NX_E_LIMIT, kTooDeep, begin);
        Skip skip;
        uint64_t count = 0;
        p = reader_.entries(p, skip, item, 2, &count);
        if (p == nullptr) return nullptr;
        if (count > UINT32_MAX) return reader_.fail(NX_E_LIMIT, kTooMany, begin);
        element.count = static_cast<uint32_t>(count);
        break;
      }
      case NX_DOUBLE:
        element.number.d = std::bit_cast<double>(item.bits);
        break;
      case NX_STRING:
      case NX_BINARY:
        element.text = {item.body, item.size};
        break;
      case NX_INT:
      case NX_UINT:
      case NX_BOOL:
        element.number.u = item.bits;
        break;
      default:
        break;
    }
    if (reader_.unfit() != nullptr) make_unfit(element, reader_.unfit());
    const auto size = static_cast<uint64_t>(p - begin);
    element.span = type == 0 ? nx_bytes{begin, size} : with_marker(type, begin, size);
    return p;
  }

  // Elements that have no marker get a copy with one, since a span is to be a value of its own.
  bool make_room(uint64_t count) {
    const nx_status status = nx_writer_reserve(scratch_, reader_.size() + count);
    return status == NX_OK || reader_.fail(status, kNoRoom, nullptr);
  }
  nx_bytes with_marker(uint8_t type, const uint8_t* data, uint64_t size) {
    uint8_t* const out = scratch_->data + scratch_->size;
    out[0] = type;
    if (size != 0) std::memcpy(out + 1, data, size);
    scratch_->size += 1 + size;
    return {out, 1 + size};
  }

  Reader<kDialect>& reader_;
  nx_writer* const scratch_;
};

}  // namespace

template <Dialect kDialect>
nx_status split(void*, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error) {
  *count = 0;
  Reader<kDialect> reader(message, depth_limit(limits));
  if (Splitter<kDialect>(reader, scratch).message(out, capacity, count)) return NX_OK;
  return report(error, format_of(kDialect), reader.failure());
}

template nx_status split<Dialect::ubjson>(void*, nx_bytes, const nx_limits*, nx_writer*,
                                          nx_element*, uint32_t, uint32_t*, nx_error*);
template nx_status split<Dialect::bjdata>(void*, nx_bytes, const nx_limits*, nx_writer*,
                                          nx_element*, uint32_t, uint32_t*, nx_error*);

}  // namespace nexus::serializers::ubjson
