// walk: reports one CBOR value to a sink. Any loop.
#include "plugins/serializers/cbor/cbor.hpp"
#include "plugins/serializers/cbor/reader.hpp"

namespace nexus::serializers::cbor {
namespace {

class Reporter {
 public:
  static constexpr bool kSkips = false;

  Reporter(uint64_t size, const nx_value_sink* sink, void* user, nx_writer* scratch)
      : sink_(sink), user_(user), scratch_(scratch), budget_(size) {}

  bool item(Reader& reader, const Item& item, bool key) {
    if (reader.unfit() != nullptr) return reader.malformed(reader.unfit(), nullptr);
    if (key && item.kind != NX_STRING) {
      return go_on(reader, nx_sink_key_other(sink_, user_), kBadKey);
    }
    switch (item.kind) {
      case NX_NULL:
        return go_on(reader, sink_->on_null(user_));
      case NX_BOOL:
        return go_on(reader, sink_->on_bool(user_, static_cast<uint32_t>(item.bits)));
      case NX_INT:
        return go_on(reader, sink_->on_int(user_, static_cast<int64_t>(item.bits)));
      case NX_UINT:
        return go_on(reader, sink_->on_uint(user_, item.bits));
      case NX_DOUBLE:
        return go_on(reader, sink_->on_double(user_, std::bit_cast<double>(item.bits)));
      case NX_STRING: {
        nx_bytes body;
        if (!whole(reader, item, body)) return false;
        const nx_str text = {reinterpret_cast<const char*>(body.data), body.size};
        return go_on(reader, key ? sink_->dict_key(user_, text) : sink_->on_string(user_, text));
      }
      case NX_BINARY: {
        nx_bytes body;
        return whole(reader, item, body) && go_on(reader, sink_->on_binary(user_, body));
      }
      default:
        return go_on(reader, nx_sink_other(sink_, user_, NX_OTHER_VALUE),
                     "a number or simple value of CBOR only");
    }
  }

  bool open(Reader& reader, bool dict, uint64_t count) {
    if (count != NX_COUNT_UNKNOWN) {
      // Each item of each list is a byte of its own: a sink that makes room for what it is told to
      // expect never makes more than the value's size in all.
      const uint64_t items = dict ? count * 2 : count;
      if (items > budget_) return reader.malformed(kTruncated, nullptr);
      budget_ -= items;
    }
    return go_on(reader, dict ? sink_->dict_begin(user_, count) : sink_->list_begin(user_, count));
  }

  bool close(Reader& reader, bool dict) {
    return go_on(reader, dict ? sink_->dict_end(user_) : sink_->list_end(user_));
  }

 private:
  static bool go_on(Reader& reader, nx_status status, const char* what = nullptr) {
    if (status == NX_OK) return true;
    const bool known = what != nullptr && status == NX_E_UNREPRESENTABLE;
    return reader.fail(status, known ? what : stopped(status), nullptr);
  }

  // The string in one piece: joined, where it comes in chunks, behind what is in the scratch
  // writer. That room is free again after the sink's call: size does not move.
  bool whole(Reader& reader, const Item& item, nx_bytes& body) {
    if (!item.chunked) {
      body = {item.body, item.size};
      return true;
    }
    const nx_status status = nx_writer_reserve(scratch_, item.size);
    if (status != NX_OK) return reader.fail(status, kNoRoom, item.body);
    uint8_t* const out = scratch_->data + scratch_->size;
    join(item, out);
    body = {out, item.size};
    return true;
  }

  const nx_value_sink* const sink_;
  void* const user_;
  nx_writer* const scratch_;
  uint64_t budget_;
};

bool read_value(Reader& reader, Reporter& reporter) {
  const uint8_t* const begin = reader.begin();
  Item item;
  const uint8_t* p = reader.item(begin, item);
  if (p == nullptr) return false;
  if ((item.kind == NX_LIST || item.kind == NX_DICT) && item.meaning != Meaning::plain) {
    if (reader.max_depth() == 0) return reader.fail(NX_E_LIMIT, kTooDeep, begin);
    p = reader.special(p, item, 1);
    if (p == nullptr) return false;
  }
  if (item.kind != NX_LIST && item.kind != NX_DICT) {
    if (!reporter.item(reader, item, false)) return false;
  } else {
    uint64_t count = 0;
    if (reader.max_depth() == 0) return reader.fail(NX_E_LIMIT, kTooDeep, begin);
    if (!reporter.open(reader, item.kind == NX_DICT, item.count)) return false;
    p = reader.entries(p, reporter, item, 1, &count);
    if (p == nullptr) return false;
  }
  return p == reader.end() || reader.malformed(kTrailing, p);
}

}  // namespace

nx_status walk(void*, nx_bytes value, const nx_limits* limits, nx_writer* scratch,
               const nx_value_sink* sink, void* user, nx_error* error) {
  Reader reader(value, depth_limit(limits));
  Reporter reporter(value.size, sink, user, scratch);
  if (read_value(reader, reporter)) return NX_OK;
  return report(error, kFormat, reader.failure());
}

}  // namespace nexus::serializers::cbor
