// Section: a component's checked section of the configuration, read by name. [main]
//
// The router has checked types and filled in defaults; an option without a default that nobody set
// is absent, and then the fallback given here holds.
#pragma once

#include <cstdint>
#include <string_view>

#include "nexus/nx_host.h"
#include "plugins/support/text.hpp"

namespace nexus::support {

class Section {
 public:
  Section(const nx_host_values_v1* values, const nx_value* dict) : values_(values), dict_(dict) {}

  const nx_value* find(std::string_view name) const { return values_->get(dict_, to_str(name)); }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Lent by the section.
  std::string_view text(std::string_view name) const {
    const nx_value* value = find(name);
    return value == nullptr ? std::string_view{} : to_view(values_->as_string(value));
  }
  int64_t integer(std::string_view name, int64_t fallback = 0) const {
    const nx_value* value = find(name);
    return value == nullptr ? fallback : values_->as_int(value, fallback);
  }
  bool flag(std::string_view name, bool fallback = false) const {
    const nx_value* value = find(name);
    return value == nullptr ? fallback : values_->as_bool(value, fallback ? 1 : 0) != 0;
  }
  uint64_t list_size(std::string_view name) const {
    const nx_value* value = find(name);
    return value == nullptr ? 0 : values_->size(value);
  }
  std::string_view list_text(std::string_view name, uint64_t index) const {
    return to_view(values_->as_string(values_->at(find(name), index)));
  }

 private:
  const nx_host_values_v1* values_;
  const nx_value* dict_;
};

}  // namespace nexus::support
