// Section: a component's checked section of the configuration, read by name, and what is wrong with
// it beyond the type of each option. [main]
//
// The router has checked types and filled in defaults; an option without a default that nobody set
// is absent, one that the router called wrong is null, and then the fallback given here holds.
#pragma once

#include <cstdint>
#include <string_view>

#include <string>

#include "nexus/nx_host.h"
#include "plugins/support/services.hpp"
#include "plugins/support/text.hpp"

namespace nexus::support {

class Section {
 public:
  Section(const nx_host_values_v1* values, const nx_value* dict) : values_(values), dict_(dict) {}

  // With everything that a transport has: then mistake() names every one and not only the first.
  Section(const Services& services, const nx_value* dict)
      : values_(services.values), dict_(dict), services_(&services) {}

  // Remembers that `option` is wrong, for a check that goes on: `text` says what to do.
  void mistake(std::string_view option, std::string_view text) const {
    if (services_ != nullptr) {
      services_->config->mistake(services_->host, to_str(option), to_str(text));
    }
    if (first_mistake_.empty()) first_mistake_ = std::string(option) + ": " + std::string(text);
  }
  // Tells of what is doubtful and no reason not to start.
  void warning(std::string_view option, std::string_view text) const {
    if (services_ != nullptr && NX_HAS(services_->config, warning)) {
      services_->config->warning(services_->host, to_str(option), to_str(text));
    }
  }
  // What a configure() answers once everything has been looked at: NX_E_CONFIG after a mistake.
  nx_status verdict(nx_error* error) const {
    return first_mistake_.empty() ? NX_OK : fail(error, NX_E_CONFIG, first_mistake_);
  }

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
  const Services* services_ = nullptr;
  mutable std::string first_mistake_;
};

}  // namespace nexus::support
