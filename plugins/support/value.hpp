// Owning handles for nx_value, so that building a dict cannot leak a count. Any thread.
#pragma once

#include <string_view>
#include <utility>

#include "nexus/nx_host.h"
#include "plugins/support/text.hpp"

namespace nexus::support {

// One count of a value; may hold none (out of memory, or a text that is not UTF-8).
class ValueRef {
 public:
  ValueRef(const nx_host_values_v1* values, nx_value* adopted) : values_(values), value_(adopted) {}
  ValueRef(ValueRef&& other) noexcept
      : values_(other.values_), value_(std::exchange(other.value_, nullptr)) {}
  ValueRef& operator=(ValueRef&& other) noexcept {
    std::swap(values_, other.values_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~ValueRef() {
    if (value_ != nullptr) values_->unref(value_);
  }
  nx_value* get() const { return value_; }
  explicit operator bool() const { return value_ != nullptr; }

 private:
  const nx_host_values_v1* values_;
  nx_value* value_;
};

// A dict under construction. What cannot be made is left out: details are never worth a refused
// connection.
class DictBuilder {
 public:
  explicit DictBuilder(const nx_host_values_v1* values)
      : values_(values), dict_(values, values->new_dict()) {}

  void add(std::string_view key, const ValueRef& item) {
    if (dict_ && item) values_->set(dict_.get(), to_str(key), item.get());
  }
  void add_text(std::string_view key, std::string_view text) {
    add(key, ValueRef(values_, values_->new_string(to_str(text))));
  }
  void add_true(std::string_view key) { add(key, ValueRef(values_, values_->new_bool(1))); }
  void add_binary(std::string_view key, std::string_view bytes) {
    add(key, ValueRef(values_, values_->new_binary(to_bytes(bytes))));
  }
  ValueRef take() { return std::move(dict_); }
  const nx_host_values_v1* values() const { return values_; }

 private:
  const nx_host_values_v1* values_;
  ValueRef dict_;
};

}  // namespace nexus::support
