// Values: dictionaries and the like over the service "nexus.values/1", counted by RAII. Reading is
// [any]; a builder belongs to one thread until done().
//
//   void f(ValueView details, const Values& values) {
//     std::string_view agent = details["agent"].as_string("unknown");
//     Value extra = values.dict().set("challenge", "…").set("iterations", 1000).done();
//   }
#ifndef NEXUS_CPP_VALUE_HPP
#define NEXUS_CPP_VALUE_HPP

#include <optional>

#include "nexus/cpp/base.hpp"

namespace nexus::sdk {

// A borrowed value: valid as long as what lent it. Empty (no value at all) reads as null.
class ValueView {
 public:
  ValueView() = default;
  ValueView(const nx_host_values_v1* table, const nx_value* value)
      : table_(table), value_(table == nullptr ? nullptr : value) {}

  explicit operator bool() const { return value_ != nullptr; }
  const nx_value* get() const { return value_; }
  const nx_host_values_v1* table() const { return table_; }

  uint32_t kind() const { return value_ == nullptr ? NX_NULL : table_->kind(value_); }
  bool is(uint32_t a_kind) const { return value_ != nullptr && kind() == a_kind; }
  bool is_string() const { return is(NX_STRING); }
  bool is_list() const { return is(NX_LIST); }
  bool is_dict() const { return is(NX_DICT); }

  // `fallback` where the value is of another kind. A double that is a whole number within 2^53 is
  // an integer too: JavaScript writes integers so in msgpack and CBOR. So do not ask is(NX_INT)
  // first, but whole(), where something else than an integer is a mistake.
  bool as_bool(bool fallback = false) const {
    return value_ == nullptr ? fallback : table_->as_bool(value_, fallback ? 1 : 0) != 0;
  }
  int64_t as_int(int64_t fallback = 0) const {
    return value_ == nullptr ? fallback : table_->as_int(value_, fallback);
  }
  uint64_t as_uint(uint64_t fallback = 0) const {
    return value_ == nullptr ? fallback : table_->as_uint(value_, fallback);
  }
  // The integer that this is, as as_int() has it; nothing for anything else, and for integers above
  // INT64_MAX.
  std::optional<int64_t> whole() const {
    const int64_t integer = as_int(0);
    if (integer == 0 && as_int(1) != 0) return std::nullopt;  // a fallback, and no zero
    return integer;
  }
  double as_double(double fallback = 0) const {
    return value_ == nullptr ? fallback : table_->as_double(value_, fallback);
  }
  std::string_view as_string(std::string_view fallback = {}) const {
    return is_string() ? view(table_->as_string(value_)) : fallback;
  }
  nx_bytes as_binary() const { return value_ == nullptr ? nx_bytes{} : table_->as_binary(value_); }

  // Entries of a list or dict, else 0.
  size_t size() const { return value_ == nullptr ? 0 : static_cast<size_t>(table_->size(value_)); }
  ValueView at(size_t index) const {
    return value_ == nullptr ? ValueView() : ValueView(table_, table_->at(value_, index));
  }
  std::string_view key_at(size_t index) const {
    return value_ == nullptr ? std::string_view() : view(table_->key_at(value_, index));
  }
  // The value under this key (the last one, if repeated); empty when there is none.
  ValueView operator[](std::string_view key) const {
    return value_ == nullptr ? ValueView() : ValueView(table_, table_->get(value_, to_nx(key)));
  }

  std::string to_json() const {
    std::string text;
    if (value_ == nullptr) return "null";
    const auto append = [](void* user, nx_str piece) {
      static_cast<std::string*>(user)->append(piece.data, static_cast<size_t>(piece.size));
    };
    table_->to_json(value_, append, &text);
    return text;
  }

 protected:
  const nx_host_values_v1* table_ = nullptr;
  const nx_value* value_ = nullptr;
};

// A value with a count of its own.
class Value : public ValueView {
 public:
  Value() = default;
  // Keeps a borrowed value beyond the call.
  explicit Value(ValueView lent) : ValueView(lent) { retain(); }
  // Takes over a count that the caller holds.
  static Value adopt(const nx_host_values_v1* table, nx_value* value) {
    Value owned;
    owned.table_ = table;
    owned.value_ = value;
    return owned;
  }
  Value(const Value& other) : ValueView(other) { retain(); }
  Value(Value&& other) noexcept : ValueView(other) { other.value_ = nullptr; }
  Value& operator=(Value other) noexcept {
    std::swap(table_, other.table_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~Value() {
    if (value_ != nullptr) table_->unref(value_);
  }

 private:
  void retain() {
    if (value_ != nullptr) value_ = table_->ref(value_);
  }
};

class DictBuilder;
class ListBuilder;

// Makes values. Throws Error(NX_E_MEMORY), or NX_E_INVALID for text that is not UTF-8.
class Values {
 public:
  explicit Values(const nx_host_values_v1* table) : table_(table) {}
  const nx_host_values_v1* table() const { return table_; }

  Value null() const { return made(table_->new_null()); }
  Value boolean(bool value) const { return made(table_->new_bool(value ? 1 : 0)); }
  Value integer(int64_t value) const { return made(table_->new_int(value)); }
  Value unsigned_integer(uint64_t value) const { return made(table_->new_uint(value)); }
  Value real(double value) const { return made(table_->new_double(value)); }
  Value string(std::string_view value) const {
    nx_value* text = table_->new_string(to_nx(value));
    if (text == nullptr) throw Error(NX_E_INVALID, "a string is not UTF-8");
    return Value::adopt(table_, text);
  }
  Value binary(nx_bytes value) const { return made(table_->new_binary(value)); }
  // NX_E_MALFORMED, with the parser's text, becomes an Error.
  Value from_json(std::string_view text) const {
    nx_value* value = nullptr;
    nx_error error = make_error();
    const nx_status status = table_->from_json(to_nx(text), &value, &error);
    if (status < 0) throw Error(status, error.text);
    return Value::adopt(table_, value);
  }
  DictBuilder dict() const;
  ListBuilder list() const;

  // A value of any C++ type that has an obvious one. Views are counted up, not copied.
  template <typename T>
  Value of(const T& value) const {
    if constexpr (std::is_base_of_v<ValueView, T>) {
      return value ? Value(static_cast<ValueView>(value)) : null();
    } else if constexpr (std::is_same_v<T, bool>) {
      return boolean(value);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      return integer(value);
    } else if constexpr (std::is_integral_v<T>) {
      return unsigned_integer(value);
    } else if constexpr (std::is_floating_point_v<T>) {
      return real(static_cast<double>(value));
    } else {
      static_assert(std::is_convertible_v<const T&, std::string_view>, "no value for this type");
      return string(std::string_view(value));
    }
  }

 private:
  Value made(nx_value* value) const {
    if (value == nullptr) throw Error(NX_E_MEMORY, "out of memory");
    return Value::adopt(table_, value);
  }
  friend class DictBuilder;
  friend class ListBuilder;

  const nx_host_values_v1* table_;
};

namespace detail {
inline void must(nx_status status) {
  if (status < 0) throw Error(status, "a value cannot be built");
}
// A value under construction has one owner, so writing to it is allowed.
inline nx_value* writable(const Value& value) { return const_cast<nx_value*>(value.get()); }
}  // namespace detail

class DictBuilder {
 public:
  explicit DictBuilder(const Values& values)
      : values_(values), dict_(values.made(values.table()->new_dict())) {}
  template <typename T>
  DictBuilder& set(std::string_view key, const T& value) {
    const Value item = values_.of(value);
    detail::must(values_.table()->set(detail::writable(dict_), to_nx(key), item.get()));
    return *this;
  }
  // The finished dict; the builder is empty afterwards.
  Value done() { return std::move(dict_); }

 private:
  Values values_;
  Value dict_;
};

class ListBuilder {
 public:
  explicit ListBuilder(const Values& values)
      : values_(values), list_(values.made(values.table()->new_list())) {}
  template <typename T>
  ListBuilder& add(const T& value) {
    const Value item = values_.of(value);
    detail::must(values_.table()->append(detail::writable(list_), item.get()));
    return *this;
  }
  Value done() { return std::move(list_); }

 private:
  Values values_;
  Value list_;
};

inline DictBuilder Values::dict() const { return DictBuilder(*this); }
inline ListBuilder Values::list() const { return ListBuilder(*this); }

}  // namespace nexus::sdk

#endif
