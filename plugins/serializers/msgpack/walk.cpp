// walk: reports one msgpack value to a sink, read by msgpack-c. Any loop.
//
// msgpack::parse checks that the bytes are all there. What it leaves to its visitor is checked
// here: nesting, UTF-8, string keys, and that a count is not larger than what is left of the value.
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

  bool visit_nil() { return value() && go_on(sink_->on_null(user_)); }
  bool visit_boolean(bool v) { return value() && go_on(sink_->on_bool(user_, v ? 1 : 0)); }
  bool visit_positive_integer(uint64_t v) {
    if (!value()) return false;
    return go_on(v > INT64_MAX ? sink_->on_uint(user_, v)
                               : sink_->on_int(user_, static_cast<int64_t>(v)));
  }
  bool visit_negative_integer(int64_t v) { return value() && go_on(sink_->on_int(user_, v)); }
  bool visit_float32(float v) { return visit_float64(static_cast<double>(v)); }
  bool visit_float64(double v) { return value() && go_on(sink_->on_double(user_, v)); }
  bool visit_str(const char* v, uint32_t size) {
    if (!utf8_valid(reinterpret_cast<const uint8_t*>(v), size)) {
      return fail(NX_E_MALFORMED, kBadText);
    }
    return go_on(key_ ? sink_->dict_key(user_, {v, size}) : sink_->on_string(user_, {v, size}));
  }
  bool visit_bin(const char* v, uint32_t size) {
    return value() && go_on(sink_->on_binary(user_, {reinterpret_cast<const uint8_t*>(v), size}));
  }
  bool visit_ext(const char*, uint32_t) {
    return value() && fail(NX_E_UNREPRESENTABLE, "an extension type");
  }

  bool start_array(uint32_t count) {
    return value() && open(count) && go_on(sink_->list_begin(user_, count));
  }
  bool end_array() {
    --depth_;
    return go_on(sink_->list_end(user_));
  }
  bool start_map(uint32_t count) {
    return value() && open(uint64_t{count} * 2) && go_on(sink_->dict_begin(user_, count));
  }
  bool start_map_key() {
    key_ = true;
    return true;
  }
  bool end_map_key() {
    key_ = false;
    return true;
  }
  bool end_map() {
    --depth_;
    return go_on(sink_->dict_end(user_));
  }

  void parse_error(size_t, size_t at) { fail(NX_E_MALFORMED, "0xc1 is never used", at); }
  void insufficient_bytes(size_t, size_t at) { fail(NX_E_MALFORMED, kTruncated, at); }

 private:
  bool go_on(nx_status status) { return status == NX_OK || fail(status, kStopped); }

  // Whatever begins now is not a string: that cannot be a key.
  bool value() { return !key_ || fail(NX_E_MALFORMED, kBadKey); }

  bool open(uint64_t items) {
    if (depth_ == max_depth_) return fail(NX_E_LIMIT, kTooDeep);
    ++depth_;
    // Each item of each list is a byte of its own: a sink that makes room for what it is told to
    // expect never makes more than the value's size in all.
    if (items > budget_) return fail(NX_E_MALFORMED, kTruncated);
    budget_ -= items;
    return true;
  }

  const nx_value_sink* const sink_;
  void* const user_;
  uint64_t budget_;
  const uint32_t max_depth_;
  uint32_t depth_ = 0;
  bool key_ = false;
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
