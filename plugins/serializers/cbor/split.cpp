// split: validates a whole message and returns its top-level elements. Any loop. `scratch` is
// written only for strings that come in chunks.
#include "plugins/serializers/cbor/cbor.hpp"
#include "plugins/serializers/cbor/reader.hpp"

namespace nexus::serializers::cbor {
namespace {

class Splitter {
 public:
  Splitter(Reader& reader, nx_writer* scratch) : reader_(reader), scratch_(scratch) {}

  bool message(nx_element* out, uint32_t capacity, uint32_t* count) {
    const uint8_t* const begin = reader_.begin();
    Item list;
    const uint8_t* p = reader_.item(begin, list);
    if (p == nullptr) return false;
    if (list.kind != NX_LIST || list.meaning != Meaning::plain) {
      return reader_.malformed(kNotList, begin);
    }
    if (reader_.max_depth() == 0) return reader_.fail(NX_E_LIMIT, kTooDeep, begin);
    const bool indefinite = list.count == NX_COUNT_UNKNOWN;
    uint32_t n = 0;
    for (;;) {
      if (indefinite && p != reader_.end() && *p == kBreak) {
        ++p;
        break;
      }
      if (!indefinite && n == list.count) break;
      if (n == capacity) return reader_.malformed(kTooMany, p);
      p = element(p, out[n]);
      if (p == nullptr) return false;
      ++n;
    }
    if (p != reader_.end()) return reader_.malformed(kTrailing, p);
    *count = n;
    return true;
  }

 private:
  const uint8_t* element(const uint8_t* p, nx_element& element) {
    const uint8_t* const begin = p;
    Item item;
    reader_.forget_unfit();
    p = reader_.item(p, item);
    if (p == nullptr) return nullptr;
    if ((item.kind == NX_LIST || item.kind == NX_DICT) && item.meaning != Meaning::plain) {
      if (reader_.max_depth() < 2) return reader_.fail(NX_E_LIMIT, kTooDeep, begin);
      p = reader_.special(p, item, 2);
      if (p == nullptr) return nullptr;
    }
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
        if (item.chunked) {
          if (!join_chunks(item, element)) return nullptr;
        } else {
          element.text = {item.body, item.size};
        }
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
    element.span = {begin, static_cast<uint64_t>(p - begin)};
    return p;
  }

  // Room for the whole message is made the first time, so that nothing moves afterwards.
  bool join_chunks(const Item& item, nx_element& element) {
    if (!reserved_) {
      const nx_status status = nx_writer_reserve(scratch_, reader_.size());
      if (status != NX_OK) return reader_.fail(status, kNoRoom, item.body);
      reserved_ = true;
    }
    uint8_t* const out = scratch_->data + scratch_->size;
    join(item, out);
    scratch_->size += item.size;
    element.text = {out, item.size};
    return true;
  }

  Reader& reader_;
  nx_writer* const scratch_;
  bool reserved_ = false;
};

}  // namespace

nx_status split(void*, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error) {
  *count = 0;
  Reader reader(message, depth_limit(limits));
  if (Splitter(reader, scratch).message(out, capacity, count)) return NX_OK;
  return report(error, kFormat, reader.failure());
}

}  // namespace nexus::serializers::cbor
