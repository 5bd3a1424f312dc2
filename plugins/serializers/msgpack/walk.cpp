// walk: reports one msgpack value to a sink, read by msgpack-c. Any loop.
//
// msgpack::parse checks that the bytes are all there. What it leaves to its visitor is checked
// here: nesting, UTF-8, keys that are no strings, and that a count is not larger than what is left
// of the value.
#include <msgpack.hpp>
#include <new>

#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/common/utf8.hpp"
#include "plugins/serializers/msgpack/msgpack.hpp"

namespace nexus::serializers::mp {
namespace {

class Reporter : public ::msgpack::null_visitor {
 public:
  Reporter(nx_bytes value, uint32_t max_depth, const nx_value_sink* sink, void* user)
      : sink_(sink), user_(user), budget_(value.size), max_depth_(max_depth) {}

  const Failure& failure() const { return failure_; }
  bool fail(nx_status code, const char* what, uint64_t at = 0) {
    failure_ = {code, what, at};
    return false;
  }

  bool visit_nil() {
    return plain([&] { return sink_->on_null(user_); });
  }
  bool visit_boolean(bool v) {
    return plain([&] { return sink_->on_bool(user_, v ? 1 : 0); });
  }
  bool visit_positive_integer(uint64_t v) {
    return plain([&] {
      return v > INT64_MAX ? sink_->on_uint(user_, v)
                           : sink_->on_int(user_, static_cast<int64_t>(v));
    });
  }
  bool visit_negative_integer(int64_t v) {
    return plain([&] { return sink_->on_int(user_, v); });
  }
  bool visit_float32(float v) { return visit_float64(static_cast<double>(v)); }
  bool visit_float64(double v) {
    return plain([&] { return sink_->on_double(user_, v); });
  }
  bool visit_str(const char* v, uint32_t size) {
    if (!utf8_valid(reinterpret_cast<const uint8_t*>(v), size)) {
      return fail(NX_E_MALFORMED, kBadText);
    }
    if (inside_key_ != 0) return true;
    return go_on(key_ ? sink_->dict_key(user_, {v, size}) : sink_->on_string(user_, {v, size}));
  }
  bool visit_bin(const char* v, uint32_t size) {
    return plain([&] {
      return sink_->on_binary(user_, {reinterpret_cast<const uint8_t*>(v), size});
    });
  }
  bool visit_ext(const char* v, uint32_t size) {
    const bool undefined = is_undefined(reinterpret_cast<const uint8_t*>(v), size);
    if (key_ || inside_key_ != 0) {
      return plain([] { return NX_OK; });
    }
    return go_on(nx_sink_other(sink_, user_, undefined ? NX_OTHER_UNDEFINED : NX_OTHER_VALUE),
                 "an extension type");
  }

  bool start_array(uint32_t count) {
    return open(count, [&] { return sink_->list_begin(user_, count); });
  }
  bool end_array() {
    return close([&] { return sink_->list_end(user_); });
  }
  bool start_map(uint32_t count) {
    return open(uint64_t{count} * 2, [&] { return sink_->dict_begin(user_, count); });
  }
  bool start_map_key() {
    if (inside_key_ == 0) key_ = true;
    return true;
  }
  bool end_map_key() {
    if (inside_key_ == 0) key_ = false;
    return true;
  }
  bool end_map() {
    return close([&] { return sink_->dict_end(user_); });
  }

  void parse_error(size_t, size_t at) { fail(NX_E_MALFORMED, "0xc1 is never used", at); }
  void insufficient_bytes(size_t, size_t at) { fail(NX_E_MALFORMED, kTruncated, at); }

 private:
  bool go_on(nx_status status, const char* what = nullptr) {
    if (status == NX_OK) return true;
    const bool known = what != nullptr && status == NX_E_UNREPRESENTABLE;
    return fail(status, known ? what : stopped(status));
  }

  bool other_key() { return go_on(nx_sink_key_other(sink_, user_), kBadKey); }

  // A value that has nothing inside, unless it is a key: then all that matters is that it is none.
  template <class Report>
  bool plain(Report&& report) {
    if (inside_key_ != 0) return true;
    return key_ ? other_key() : go_on(report());
  }

  template <class Report>
  bool open(uint64_t items, Report&& report) {
    if (depth_ == max_depth_) return fail(NX_E_LIMIT, kTooDeep);
    ++depth_;
    // Each item of each list is a byte of its own: a sink that makes room for what it is told to
    // expect never makes more than the value's size in all.
    if (items > budget_) return fail(NX_E_MALFORMED, kTruncated);
    budget_ -= items;
    if (inside_key_ != 0) return ++inside_key_, true;
    if (!key_) return go_on(report());
    inside_key_ = 1;
    return other_key();
  }
  template <class Report>
  bool close(Report&& report) {
    --depth_;
    if (inside_key_ != 0) return --inside_key_, true;
    return go_on(report());
  }

  const nx_value_sink* const sink_;
  void* const user_;
  uint64_t budget_;
  const uint32_t max_depth_;
  uint32_t depth_ = 0;
  bool key_ = false;         // what comes next is a key
  uint32_t inside_key_ = 0;  // lists and dicts that are open inside of a key: nobody hears of them
  Failure failure_;
};

bool read_value(nx_bytes value, Reporter& reporter) {
  size_t offset = 0;
  const auto* const data = reinterpret_cast<const char*>(value.data);
  if (!::msgpack::parse(data, value.size, offset, reporter)) {
    if (reporter.failure().code == NX_OK) reporter.fail(NX_E_MALFORMED, kTruncated, offset);
    return false;
  }
  return offset == value.size || reporter.fail(NX_E_MALFORMED, kTrailing, offset);
}

}  // namespace

nx_status walk(void*, nx_bytes value, const nx_limits* limits, nx_writer*,
               const nx_value_sink* sink, void* user, nx_error* error) {
  Reporter reporter(value, depth_limit(limits), sink, user);
  try {
    if (read_value(value, reporter)) return NX_OK;
  } catch (const std::bad_alloc&) {
    reporter.fail(NX_E_MEMORY, "out of memory");
  } catch (...) {
    reporter.fail(NX_E_MALFORMED, "refused by msgpack-c");
  }
  return report(error, kFormat, reporter.failure());
}

}  // namespace nexus::serializers::mp
