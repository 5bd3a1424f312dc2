// A component's section as the router would make it: defaults of the option table, overridden by
// what a test gives. [main]
//
// Only what is needed to feed configure(); the router's own checker also finds misspelled keys and
// reports every mistake at once.
#ifndef NEXUS_CPP_FAKE_CONFIG_HPP
#define NEXUS_CPP_FAKE_CONFIG_HPP

#include "nexus/cpp/fake_values.hpp"

namespace nexus::sdk::fake {

// An entry of an option table; each is as long as it says.
inline const nx_option& option_at(const nx_component& component, uint32_t index) {
  const auto* at = reinterpret_cast<const uint8_t*>(component.options);
  for (uint32_t i = 0; i < index; ++i) at += reinterpret_cast<const nx_option*>(at)->struct_size;
  return *reinterpret_cast<const nx_option*>(at);
}

namespace detail {

inline std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

[[noreturn]] inline void refuse(const nx_option& option, std::string_view text, const char* want) {
  throw ConfigError("option '" + std::string(view(option.name)) + "': '" + std::string(text) +
                    "' is not " + want);
}

inline void check_range(const nx_option& option, double value, std::string_view text) {
  if (option.min == 0 && option.max == 0) return;
  if (value < static_cast<double>(option.min) || value > static_cast<double>(option.max)) {
    refuse(option, text, "within its range");
  }
}

// "16M" with units "KMG" of 1024, or "5s" with those of a duration.
inline int64_t number_with_unit(const nx_option& option, std::string_view text) {
  const std::string digits(text.substr(0, text.find_first_not_of("-0123456789")));
  const std::string_view unit = trim(text.substr(digits.size()));
  int64_t factor = 0;
  if (option.type == NX_OPTION_DURATION) {
    factor = unit.empty() || unit == "ms" ? 1
             : unit == "s"                ? 1000
             : unit == "m"                ? 60000
             : unit == "h"                ? 3600000
                                          : 0;
  } else if (option.type == NX_OPTION_SIZE) {
    factor = unit.empty()  ? 1
             : unit == "K" ? 1024
             : unit == "M" ? 1048576
             : unit == "G" ? 1073741824
                           : 0;
  } else {
    factor = unit.empty() ? 1 : 0;
  }
  errno = 0;
  char* end = nullptr;
  const int64_t number = std::strtoll(digits.c_str(), &end, 10);
  if (digits.empty() || *end != '\0' || errno != 0 || factor == 0 ||
      (number > 0 && number > INT64_MAX / factor)) {
    refuse(option, text, "a number of its kind");
  }
  check_range(option, static_cast<double>(number * factor), text);
  return number * factor;
}

inline bool one_of(std::string_view word, std::string_view choices) {
  for (;;) {
    const size_t bar = choices.find('|');
    if (choices.substr(0, bar) == word) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

}  // namespace detail

// The value of an option given as an INI file would give it. Throws ConfigError.
inline Value option_value(const nx_option& option, std::string_view raw) {
  const std::string_view text = detail::trim(raw);
  switch (option.type) {
    case NX_OPTION_INT:
    case NX_OPTION_DURATION:
    case NX_OPTION_SIZE:
      return values().integer(detail::number_with_unit(option, text));
    case NX_OPTION_BOOL:
      if (detail::one_of(text, "true|yes|on|1")) return values().boolean(true);
      if (detail::one_of(text, "false|no|off|0")) return values().boolean(false);
      detail::refuse(option, text, "true or false");
    case NX_OPTION_DOUBLE: {
      const std::string number(text);
      char* end = nullptr;
      const double value = std::strtod(number.c_str(), &end);
      if (number.empty() || *end != '\0') detail::refuse(option, text, "a number");
      detail::check_range(option, value, text);
      return values().real(value);
    }
    case NX_OPTION_LIST: {
      ListBuilder list = values().list();
      for (std::string_view rest = text; !rest.empty();) {
        const size_t comma = rest.find(',');
        list.add(detail::trim(rest.substr(0, comma)));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      }
      return list.done();
    }
    case NX_OPTION_DICT: {
      Value dict = values().from_json(text);
      if (!dict.is_dict()) detail::refuse(option, text, "a JSON object");
      return dict;
    }
    case NX_OPTION_CHOICE:
      if (!detail::one_of(text, view(option.choices))) detail::refuse(option, text, "a choice");
      return values().string(text);
    default:
      return values().string(raw);
  }
}

// Defaults overridden by `given` (JSON; keys as the table names them, values as configure() is to
// see them). A missing required option throws ConfigError, as does a key that no option has.
inline Value section_for(const nx_component& component, std::string_view given = "{}") {
  const Value overrides = values().from_json(given);
  DictBuilder section = values().dict();
  size_t used = 0;
  for (uint32_t i = 0; i < component.option_count; ++i) {
    const nx_option& option = option_at(component, i);
    const std::string_view name = view(option.name);
    if (const ValueView value = overrides[name]) {
      ++used;
      section.set(name, value);
    } else if (option.fallback.size > 0) {
      section.set(name, option_value(option, view(option.fallback)));
    } else if ((option.flags & NX_OPTION_REQUIRED) != 0) {
      throw ConfigError("option '" + std::string(name) + "' is required");
    }
  }
  if (used != overrides.size())
    throw ConfigError("an option is given that the table does not have");
  return section.done();
}

}  // namespace nexus::sdk::fake

#endif
