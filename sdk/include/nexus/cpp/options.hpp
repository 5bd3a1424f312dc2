// Option tables as constants, and the section of the configuration that comes of them.
//
//   static constexpr nx_option kOptions[] = {
//       option::text("role", "anonymous", "The authrole of every session."),
//       option::required(option::secret("token", "", "What clients must send.")),
//       option::integer("limit", "10", "Attempts per minute.", 1, 1000),
//   };
//
// The router checks a section against the table before configure() sees it, so that Section's
// readers need no error path: an option is there with its right type, or it has no default and was
// not given.
#ifndef NEXUS_CPP_OPTIONS_HPP
#define NEXUS_CPP_OPTIONS_HPP

#include <chrono>
#include <vector>

#include "nexus/cpp/value.hpp"

namespace nexus::sdk {

namespace option {

constexpr nx_option make(uint32_t type, std::string_view name, std::string_view fallback,
                         std::string_view help, int64_t min = 0, int64_t max = 0,
                         std::string_view choices = {}) {
  nx_option made{};
  made.struct_size = sizeof(nx_option);
  made.type = type;
  made.name = to_nx(name);
  made.fallback = to_nx(fallback);
  made.choices = to_nx(choices);
  made.min = min;
  made.max = max;
  made.help = to_nx(help);
  return made;
}

// `fallback` is what an INI file would say; empty = the option is absent unless given.
constexpr nx_option text(std::string_view name, std::string_view fallback, std::string_view help) {
  return make(NX_OPTION_STRING, name, fallback, help);
}
constexpr nx_option secret(std::string_view name, std::string_view fallback,
                           std::string_view help) {
  return make(NX_OPTION_SECRET, name, fallback, help);
}
constexpr nx_option path(std::string_view name, std::string_view fallback, std::string_view help) {
  return make(NX_OPTION_PATH, name, fallback, help);
}
constexpr nx_option boolean(std::string_view name, std::string_view fallback,
                            std::string_view help) {
  return make(NX_OPTION_BOOL, name, fallback, help);
}
constexpr nx_option integer(std::string_view name, std::string_view fallback, std::string_view help,
                            int64_t min = 0, int64_t max = 0) {
  return make(NX_OPTION_INT, name, fallback, help, min, max);
}
constexpr nx_option real(std::string_view name, std::string_view fallback, std::string_view help,
                         int64_t min = 0, int64_t max = 0) {
  return make(NX_OPTION_DOUBLE, name, fallback, help, min, max);
}
// Bounds in milliseconds.
constexpr nx_option duration(std::string_view name, std::string_view fallback,
                             std::string_view help, int64_t min = 0, int64_t max = 0) {
  return make(NX_OPTION_DURATION, name, fallback, help, min, max);
}
// A text that is the URI of a realm, which has to be there.
constexpr nx_option names_realm(nx_option made) {
  made.flags |= NX_OPTION_REALM;
  return made;
}
// A duration that has to be less than router.decision_timeout, because the answer waits for it.
constexpr nx_option within_decision(nx_option made) {
  made.flags |= NX_OPTION_WITHIN_DECISION;
  return made;
}
// Bounds in bytes.
constexpr nx_option size(std::string_view name, std::string_view fallback, std::string_view help,
                         int64_t min = 0, int64_t max = 0) {
  return make(NX_OPTION_SIZE, name, fallback, help, min, max);
}
constexpr nx_option list(std::string_view name, std::string_view fallback, std::string_view help) {
  return make(NX_OPTION_LIST, name, fallback, help);
}
constexpr nx_option dict(std::string_view name, std::string_view fallback, std::string_view help) {
  return make(NX_OPTION_DICT, name, fallback, help);
}
// `choices` are separated by '|': choice("mode", "a", "a|b", "…").
constexpr nx_option choice(std::string_view name, std::string_view fallback,
                           std::string_view choices, std::string_view help) {
  return make(NX_OPTION_CHOICE, name, fallback, help, 0, 0, choices);
}
// The operator must give it; a default is dropped.
constexpr nx_option required(nx_option made) {
  made.flags |= NX_OPTION_REQUIRED;
  made.fallback = {};
  return made;
}

}  // namespace option

// A component's checked section. Lent to configure(); copy what must live longer. [main]
class Section {
 public:
  explicit Section(ValueView values) : values_(values) {}

  bool has(std::string_view name) const { return static_cast<bool>(values_[name]); }
  std::string string(std::string_view name, std::string_view fallback = {}) const {
    return std::string(values_[name].as_string(fallback));
  }
  int64_t integer(std::string_view name, int64_t fallback = 0) const {
    return values_[name].as_int(fallback);
  }
  bool boolean(std::string_view name, bool fallback = false) const {
    return values_[name].as_bool(fallback);
  }
  double real(std::string_view name, double fallback = 0) const {
    return values_[name].as_double(fallback);
  }
  std::chrono::milliseconds duration(
      std::string_view name,
      std::chrono::milliseconds fallback = std::chrono::milliseconds(0)) const {
    return std::chrono::milliseconds(values_[name].as_int(fallback.count()));
  }
  // In bytes.
  uint64_t size(std::string_view name, uint64_t fallback = 0) const {
    return values_[name].as_uint(fallback);
  }
  std::vector<std::string> list(std::string_view name) const {
    std::vector<std::string> items;
    const ValueView value = values_[name];
    for (size_t i = 0; i < value.size(); ++i) items.emplace_back(value.at(i).as_string());
    return items;
  }
  // Unchecked content: the component's own to validate. Throw ConfigError for what is wrong.
  ValueView dict(std::string_view name) const { return values_[name]; }
  ValueView all() const { return values_; }

 private:
  ValueView values_;
};

}  // namespace nexus::sdk

#endif
