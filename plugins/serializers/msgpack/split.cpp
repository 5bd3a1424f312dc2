// split: validates a whole message and returns its top-level elements. Any loop. Nothing is ever
// written to `scratch`: msgpack has no escapes.
#include "plugins/serializers/msgpack/item.hpp"
#include "plugins/serializers/msgpack/msgpack.hpp"

namespace nexus::serializers::mp {
namespace {

const uint8_t* read_element(const uint8_t* p, Reader& reader, nx_element& element) {
  const uint8_t* const begin = p;
  Item item;
  reader.forget_unfit();
  p = reader.item(p, item);
  if (p == nullptr) return nullptr;
  element = nx_element{};
  element.kind = item.kind;
  switch (item.kind) {
    case NX_LIST:
    case NX_DICT:
      if (reader.max_depth() < 2) return reader.fail(NX_E_LIMIT, kTooDeep, begin);
      p = reader.skip_entries(p, item.kind == NX_DICT, item.count, 2);
      if (p == nullptr) return nullptr;
      element.count = item.count;
      break;
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
    case NX_OTHER:
      if (is_undefined(item.body, item.size)) element.kind = NX_NULL;  // as good as left out
      break;
    default:
      break;
  }
  if (reader.unfit() != nullptr) make_unfit(element, reader.unfit());
  element.span = {begin, static_cast<uint64_t>(p - begin)};
  return p;
}

bool read_message(Reader& reader, nx_element* out, uint32_t capacity, uint32_t* count) {
  const uint8_t* const begin = reader.begin();
  Item list;
  const uint8_t* p = reader.item(begin, list);
  if (p == nullptr) return false;
  if (list.kind != NX_LIST) return reader.malformed(kNotList, begin);
  if (reader.max_depth() == 0) return reader.fail(NX_E_LIMIT, kTooDeep, begin);
  if (list.count > capacity) return reader.malformed(kTooMany, begin);
  for (uint32_t n = 0; n < list.count; ++n) {
    p = read_element(p, reader, out[n]);
    if (p == nullptr) return false;
  }
  if (p != reader.end()) return reader.malformed(kTrailing, p);
  *count = list.count;
  return true;
}

}  // namespace

nx_status split(void*, nx_bytes message, const nx_limits* limits, nx_writer*, nx_element* out,
                uint32_t capacity, uint32_t* count, nx_error* error) {
  *count = 0;
  Reader reader(message, depth_limit(limits));
  if (read_message(reader, out, capacity, count)) return NX_OK;
  return report(error, kFormat, reader.failure());
}

}  // namespace nexus::serializers::mp
