// Value: the counted, immutable tree behind the ABI's nx_value. Reading is safe on any thread;
// building (append, set) only before a second handle exists.
//
// For what is not hot: HELLO details, authextra, configuration, results of meta procedures.
// Payloads of messages are never turned into one.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/bytes.hpp"
#include "kernel/base/status.hpp"
#include "nexus/nx_value.h"

namespace nexus {

// Levels of nesting that a Value can have at all; what would be deeper is refused.
inline constexpr uint32_t kMaxValueDepth = 256;

class Value {
 public:
  Value() = default;  // no value at all; differs from null()
  static Value null();
  static Value boolean(bool value);
  static Value integer(int64_t value);
  static Value unsigned_integer(uint64_t value);  // NX_INT when it fits, else NX_UINT
  static Value real(double value);
  static Value string(std::string_view value);  // the caller vouches for UTF-8
  static Value binary(Bytes value);
  static Value list();
  static Value dict();
  // Stands for what only the sender's format has (NX_OTHER): no format can be asked to write it.
  static Value other();
  // Counts up / takes over the caller's count.
  static Value share(const nx_value* value);
  static Value adopt(nx_value* value) { return Value(value); }

  Value(const Value& other);
  Value(Value&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  Value& operator=(Value other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Value();

  explicit operator bool() const { return value_ != nullptr; }
  const nx_value* get() const { return value_; }
  nx_value* release() { return std::exchange(value_, nullptr); }

  uint32_t kind() const;  // NX_NULL for no value
  bool is(uint32_t kind) const { return value_ != nullptr && this->kind() == kind; }
  bool as_bool(bool fallback = false) const;
  int64_t as_int(int64_t fallback = 0) const;
  uint64_t as_uint(uint64_t fallback = 0) const;  // fallback for negative ones
  // The integer that this is, or that this double is (U-01, whole_number.hpp); nothing for anything
  // else, and for integers above INT64_MAX.
  std::optional<int64_t> whole() const;
  double as_double(double fallback = 0) const;
  std::string_view as_string(std::string_view fallback = {}) const;
  Bytes as_binary() const;

  uint32_t depth() const;        // 0 for a scalar, 1 for an empty container
  size_t size() const;           // entries of a list or dict
  Value at(size_t index) const;  // no value when out of range
  std::string_view key_at(size_t index) const;
  Value find(std::string_view key) const;  // last one wins; no value when absent

  // The same without any other(): such entries of dicts are left out, such items of lists are null.
  Value without_others() const;

  // Only on a list or dict with one handle; `item` must be a value. False, and nothing changed,
  // when that does not hold or the result would be nested deeper than kMaxValueDepth.
  bool append(Value item);
  bool append(std::string_view key, Value item);  // a new entry, even if the key is there: O(1)
  bool set(std::string_view key, Value item);     // replaces an entry of that key: O(size)

  nx_status walk(const nx_value_sink& sink, void* user) const;
  // Deep. 1 and 1.0 differ; the order of a dict's keys does not matter; no value equals only
  // itself.
  friend bool operator==(const Value& a, const Value& b);

 private:
  explicit Value(nx_value* value) : value_(value) {}
  nx_value* value_ = nullptr;
};

// What a ValueBuilder makes of what no Value can be: extensions, dict keys that are no strings.
enum class Others : uint8_t {
  refuse,  // nothing is built: NX_E_UNREPRESENTABLE
  keep,    // a value becomes Value::other()
  drop,    // the entry of a dict is left out, in a list it becomes null
};

struct ValueBuilderPolicy {
  // With keep and drop, `undefined` as the value of a key is as if the key were not there, and so
  // is an entry below the first level whose key is no string. A key of the first level has to be
  // one.
  Others others = Others::refuse;
  bool whole_numbers = false;  // doubles that are integers become integers
};

// Builds a Value from sink calls, for example a serializer's walk. Refuses text that is not UTF-8
// with NX_E_MALFORMED, and more than `max_depth`
// levels or `max_values` values with NX_E_LIMIT: a value costs some 80 bytes, however few the peer
// sent for it. Calls out of order answer NX_E_STATE.
class ValueBuilder {
 public:
  using Policy = ValueBuilderPolicy;
  explicit ValueBuilder(uint32_t max_depth = 64, uint64_t max_values = 100000, Policy policy = {});
  static const nx_value_sink& sink();  // user = the ValueBuilder
  Value take();                        // what was built; no value if incomplete
  bool met_others() const { return met_others_; }

 private:
  friend struct ValueBuilderSink;
  struct Level {
    Value container;
    std::string key;
    bool has_key = false;
    bool leave_out = false;  // has_key, but of an entry that is not kept
  };
  nx_status other(uint32_t what);
  nx_status other_key();
  nx_status admit();
  nx_status add(Value item);
  nx_status open(Value container);
  nx_status close(uint32_t kind);
  nx_status set_key(std::string_view key);
  void place(Value item);

  uint32_t max_depth_;
  uint64_t values_left_;
  Policy policy_;
  bool met_others_ = false;
  std::vector<Level> levels_;
  Value root_;
};

// JSON text, for configuration, logs and tools; binary as the spec's "\0" + base64. NaN and the
// infinities, which JSON cannot say, become null.
std::string to_json(const Value& value);
// The whole text must be one JSON value of at most kMaxValueDepth levels. Integers are exact up to
// 64 bits, larger ones become doubles; duplicate keys are kept. NX_E_MALFORMED with "line 3,
// column 7: ..." otherwise.
Result<Value> from_json(std::string_view text);

}  // namespace nexus
