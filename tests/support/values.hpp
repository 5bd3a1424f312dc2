// Values and messages as tests write and read them: literals for nexus::Value, and a view of a
// received message by the layout of its type. Any thread.
//
//   list(kCall, 1, dict({}), "com.example.sum", list(1, 2))
#pragma once

#include <concepts>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "kernel/base/value.hpp"

namespace nexus {

// For failure messages.
inline std::ostream& operator<<(std::ostream& out, const Value& value) {
  return out << (value ? to_json(value) : "(no value)");
}

}  // namespace nexus

namespace nexus::test {

// Message codes, as tests spell them; on purpose not the kernel's table.
enum MessageType : uint64_t {
  kHello = 1,
  kWelcome = 2,
  kAbort = 3,
  kChallenge = 4,
  kAuthenticate = 5,
  kGoodbye = 6,
  kError = 8,
  kPublish = 16,
  kPublished = 17,
  kSubscribe = 32,
  kSubscribed = 33,
  kUnsubscribe = 34,
  kUnsubscribed = 35,
  kEvent = 36,
  kCall = 48,
  kCancel = 49,
  kResult = 50,
  kRegister = 64,
  kRegistered = 65,
  kUnregister = 66,
  kUnregistered = 67,
  kInvocation = 68,
  kInterrupt = 69,
  kYield = 70,
};

// "CALL"; "type 99" for codes that are none.
std::string type_name(uint64_t type);

// One entry of a literal: converts from what C++ has for it.
struct V {
  V(std::nullptr_t) : value(Value::null()) {}                                 // NOLINT: implicit
  V(MessageType type) : value(Value::integer(static_cast<int64_t>(type))) {}  // NOLINT: implicit
  V(double v) : value(Value::real(v)) {}                                      // NOLINT: implicit
  V(const char* text) : value(Value::string(text)) {}                         // NOLINT: implicit
  V(std::string_view text) : value(Value::string(text)) {}                    // NOLINT: implicit
  V(const std::string& text) : value(Value::string(text)) {}                  // NOLINT: implicit
  V(Value v) : value(std::move(v)) {}                                         // NOLINT: implicit
  template <std::integral T>
  V(T v) : value(number(v)) {}  // NOLINT: implicit

  Value value;

 private:
  template <typename T>
  static Value number(T v) {
    if constexpr (std::is_same_v<T, bool>) {
      return Value::boolean(v);
    } else if constexpr (std::is_unsigned_v<T>) {
      return Value::unsigned_integer(v);
    } else {
      return Value::integer(v);
    }
  }
};

template <typename... Items>
Value list(Items&&... items) {
  Value out = Value::list();
  (out.append(V(std::forward<Items>(items)).value), ...);
  return out;
}

Value dict(std::initializer_list<std::pair<std::string_view, V>> entries = {});
Value binary(std::string_view bytes);
// Parses JSON; throws std::runtime_error on a mistake in the test.
Value json(std::string_view text);
// `base` with the entries of `patch` put over it, dict by dict; a null in `patch` removes.
Value merged(const Value& base, const Value& patch);
// The list `base` with `item` at its end.
Value appended(const Value& base, V item);

// A message that arrived. Accessors throw std::runtime_error with the whole message in the text
// when it does not have the shape that its type asks for.
class Message {
 public:
  Message() = default;
  explicit Message(Value value);

  const Value& value() const { return value_; }
  uint64_t type() const { return type_; }
  size_t size() const { return value_.size(); }
  Value at(size_t index) const;
  uint64_t id(size_t index) const;  // an integer in 1..2^53 (U-01), or 0 in a revocation
  uint64_t request() const;         // the mirrored or invocation request id
  Value details() const;            // Details or Options; throws if the type has none
  std::string uri() const;          // of ERROR, ABORT, GOODBYE
  Value args() const;               // empty list when absent (U-23)
  Value kwargs() const;             // empty dict when absent
  std::string text() const;         // "RESULT [50,1,{},[3]]"

 private:
  size_t payload_index() const;
  [[noreturn]] void fail(std::string_view what) const;

  Value value_;
  uint64_t type_ = 0;
};

}  // namespace nexus::test
