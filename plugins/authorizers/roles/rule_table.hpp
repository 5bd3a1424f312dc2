// RuleTable: all rules of all roles, and the answer to whether something is allowed. Built on
// [main], then constant and read by every loop.
//
// Of the rules that match a URI the most specific decides, and none is a denial (Z-04). A pattern
// is allowed only if a rule that covers all of it allows, and no rule that is more specific than
// that one denies any part of it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugins/authorizers/roles/rule.hpp"

namespace nexus::roles {

class RuleTable {
 public:
  RuleTable() = default;
  RuleTable(const RuleTable&) = delete;  // it points into itself
  RuleTable& operator=(const RuleTable&) = delete;

  // Reads {"role": [rule, …], …} beside what is there; a role "*" is added to every other one.
  // A pattern that stands twice in a role is a mistake. Throws sdk::ConfigError; `where` is the
  // option or file for its text.
  void read(sdk::ValueView roles, const std::string& where, uint64_t max_rules);
  // The same without throwing: appends a text for each rule and role that is wrong, and goes on
  // with the next.
  void read(sdk::ValueView roles, const std::string& where, uint64_t max_rules,
            std::vector<std::string>& mistakes);
  // After the last read(): sorts. Nothing can be read any more.
  void finish();

  // The rule that decides, or null when none matches. `allowed` is the answer.
  const Rule* decide(std::string_view role, uint32_t action, const Pattern& request,
                     bool* allowed) const;
  size_t size() const { return count_; }

 private:
  struct Role {
    std::vector<Rule> rules;  // after finish(): the most specific first
    std::unordered_map<std::string_view, const Rule*> exact;
    size_t patterns_begin = 0;  // where the rules that are not exact begin
  };
  const Rule* decide_uri(const Role& role, uint32_t action, std::string_view uri) const;
  const Rule* decide_pattern(const Role& role, uint32_t action, const Pattern& request,
                             bool* allowed) const;

  std::map<std::string, Role, std::less<>> roles_;
  const Role* anybody_ = nullptr;  // "*", for roles that have no rules of their own
  uint64_t count_ = 0;
};

// A procedure of the router's that ends, revokes or changes what is others': only a rule whose own
// URI begins with its first component ("wamp", "nexus") speaks for it.
bool privileged(std::string_view procedure);

}  // namespace nexus::roles
