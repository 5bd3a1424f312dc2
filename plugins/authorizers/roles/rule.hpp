// Rule: one line of what a role may do, read from the configuration or a file. Written on [main],
// constant from then on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nexus/cpp/authorizer.hpp"
#include "plugins/authorizers/roles/pattern.hpp"

namespace nexus::roles {

// Bits, one for each NX_ACTION_*.
constexpr uint32_t action_bit(uint32_t action) { return 1u << action; }

struct Rule {
  Pattern pattern;
  uint32_t allowed = 0;  // action_bit()s; a rule that matches and does not allow denies
  uint32_t disclose_caller = NX_DISCLOSE_REALM;
  uint32_t disclose_publisher = NX_DISCLOSE_REALM;
  bool remember = true;
  uint32_t remember_ms = 0;  // 0 = until the rules change
};

// Reads {"uri", "match", "allow": {"call", …}, "disclose": {"caller", "publisher"}, "remember"}.
// Throws sdk::ConfigError naming `where` ("rules.user[3]") and what is wrong.
Rule read_rule(sdk::ValueView value, const std::string& where);

}  // namespace nexus::roles
