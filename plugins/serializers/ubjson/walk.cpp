// walk: reports one value of UBJSON or BJData to a sink. Any loop.
#include "plugins/serializers/ubjson/reader.hpp"

namespace nexus::serializers::ubjson {
namespace {

template <Dialect kDialect>
class Reporter {
 public:
  using Source = Reader<kDialect>;
  static constexpr bool kSkips = false;

  Reporter(uint64_t size, const nx_value_sink* sink, void* user)
      : sink_(sink), user_(user), budget_(size) {}

  bool key(Source& reader, nx_str text) {
    return fit(reader) && go_on(reader, sink_->dict_key(user_, text));
  }

  bool item(Source& reader, const Item& item) {
    if (!fit(reader)) return false;
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
      case NX_STRING:
        return go_on(
            reader, sink_->on_string(user_, {reinterpret_cast<const char*>(item.body), item.size}));
      case NX_BINARY:
        return go_on(reader, sink_->on_binary(user_, {item.body, item.size}));
      default:
        return go_on(reader, nx_sink_other(sink_, user_, NX_OTHER_VALUE),
                     "a high-precision number or an array of several dimensions");
    }
  }

  bool open(Source& reader, const Item& item) {
    const bool dict = item.kind == NX_DICT;
    if (item.count != NX_COUNT_UNKNOWN && !Source::empty_type(item.type)) {
      // Each entry has a byte of its own: a sink that makes room for what it is told to expect
      // never makes more than the value's size in all. Entries without bytes are few.
      if (item.count > budget_) return reader.malformed(kTruncated, nullptr);
      budget_ -= item.count;
    }
    return go_on(
        reader, dict ? sink_->dict_begin(user_, item.count) : sink_->list_begin(user_, item.count));
  }

  bool close(Source& reader, bool dict) {
    return go_on(reader, dict ? sink_->dict_end(user_) : sink_->list_end(user_));
  }

 private:
  static bool go_on(Source& reader, nx_status status, const char* what = nullptr) {
    if (status == NX_OK) return true;
    const bool known = what != nullptr && status == NX_E_UNREPRESENTABLE;
    return reader.fail(status, known ? what : stopped(status), nullptr);
  }
  static bool fit(Source& reader) {
    return reader.unfit() == nullptr || reader.malformed(reader.unfit(), nullptr);
  }

  const nx_value_sink* const sink_;
  void* const user_;
  uint64_t budget_;
};

template <Dialect kDialect>
bool read_value(Reader<kDialect>& reader, Reporter<kDialect>& reporter) {
  const uint8_t* const begin = reader.begin();
  Item item;
  const uint8_t* p = reader.item(begin, item);
  if (p == nullptr) return false;
  if (item.kind != NX_LIST && item.kind != NX_DICT) {
    if (!reporter.item(reader, item)) return false;
  } else {
    uint64_t count = 0;
    if (reader.max_depth() == 0) return reader.fail(NX_E_LIMIT, kTooDeep, begin);
    if (!reporter.open(reader, item)) return false;
    p = reader.entries(p, reporter, item, 1, &count);
    if (p == nullptr) return false;
  }
  return p == reader.end() || reader.malformed(kTrailing, p);
}

}  // namespace

template <Dialect kDialect>
nx_status walk(void*, nx_bytes value, const nx_limits* limits, nx_writer*,
               const nx_value_sink* sink, void* user, nx_error* error) {
  Reader<kDialect> reader(value, depth_limit(limits));
  Reporter<kDialect> reporter(value.size, sink, user);
  if (read_value(reader, reporter)) return NX_OK;
  return report(error, format_of(kDialect), reader.failure());
}

template nx_status walk<Dialect::ubjson>(void*, nx_bytes, const nx_limits*, nx_writer*,
                                         const nx_value_sink*, void*, nx_error*);
template nx_status walk<Dialect::bjdata>(void*, nx_bytes, const nx_limits*, nx_writer*,
                                         const nx_value_sink*, void*, nx_error*);

}  // namespace nexus::serializers::ubjson
