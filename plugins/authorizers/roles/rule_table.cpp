#include "plugins/authorizers/roles/rule_table.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace nexus::roles {
namespace {

using sdk::ConfigError;

constexpr size_t kMaxRoleName = 256;

// Without this a rule for everything, as administrators' roles have it, would let in by the back
// door: it was written with the application's URIs in mind.
constexpr std::string_view kPrivileged[] = {
    "wamp.session.kill",
    "wamp.session.modify_details",
    "wamp.registration.remove_callee",
    "wamp.subscription.remove_subscriber",
    "nexus.reload",
};

std::string_view first_component(std::string_view uri) { return uri.substr(0, uri.find('.')); }

bool speaks_for(const Rule& rule, uint32_t action, std::string_view uri) {
  if (action != NX_ACTION_CALL || !privileged(uri)) return true;
  const std::string_view head = first_component(uri);
  const std::string& own = rule.pattern.uri;
  return own.size() > head.size() && own.starts_with(head) && own[head.size()] == '.';
}

using Key = std::pair<uint32_t, std::string>;
Key key_of(const Rule& rule) { return {rule.pattern.match, rule.pattern.uri}; }

}  // namespace

bool privileged(std::string_view procedure) {
  return std::any_of(std::begin(kPrivileged), std::end(kPrivileged), [&](std::string_view one) {
    // kill_all and the other kinds of kill as well.
    return one == "wamp.session.kill" ? procedure.starts_with(one) : procedure == one;
  });
}

void RuleTable::read(sdk::ValueView roles, const std::string& where, uint64_t max_rules) {
  std::vector<std::string> mistakes;
  read(roles, where, max_rules, mistakes);
  if (!mistakes.empty()) throw ConfigError(mistakes.front());
}

void RuleTable::read(sdk::ValueView roles, const std::string& where, uint64_t max_rules,
                     std::vector<std::string>& mistakes) {
  if (!roles) return;
  if (!roles.is_dict()) {
    mistakes.push_back(where + ": must be an object: {\"role\": [rule, …], …}");
    return;
  }
  for (size_t i = 0; i < roles.size(); ++i) {
    const std::string name(roles.key_at(i));
    const std::string at = where + "." + name.substr(0, 80);
    const sdk::ValueView list = roles.at(i);
    if (name.empty() || name.size() > kMaxRoleName) {
      mistakes.push_back(where + ": a role's name has 1 to 256 bytes");
      continue;
    }
    if (!list.is_list()) {
      mistakes.push_back(at + ": must be a list of rules");
      continue;
    }
    Role& role = roles_[name];
    std::set<Key> seen;
    for (const Rule& rule : role.rules) seen.insert(key_of(rule));
    for (size_t j = 0; j < list.size(); ++j) {
      const std::string here = at + "[" + std::to_string(j) + "]";
      if (++count_ > max_rules) {
        mistakes.push_back(here + ": there are more than max_rules = " + std::to_string(max_rules) +
                           " rules");
        return;
      }
      try {
        Rule rule = read_rule(list.at(j), here);
        if (!seen.insert(key_of(rule)).second) {
          throw ConfigError(here + ".uri: the role has a rule for \"" + rule.pattern.uri +
                            "\" with this match already; put both into one");
        }
        role.rules.push_back(std::move(rule));
      } catch (const ConfigError& error) {
        mistakes.emplace_back(error.what());
      }
    }
  }
}

void RuleTable::finish() {
  const auto everybody = roles_.find("*");
  for (auto& [name, role] : roles_) {
    if (everybody != roles_.end() && name != "*") {
      // The role's own rule stands before the one for everybody of the same pattern.
      std::set<Key> own;
      for (const Rule& rule : role.rules) own.insert(key_of(rule));
      for (const Rule& rule : everybody->second.rules) {
        if (own.count(key_of(rule)) == 0) role.rules.push_back(rule);
      }
    }
  }
  for (auto& [name, role] : roles_) {
    std::stable_sort(role.rules.begin(), role.rules.end(), [](const Rule& a, const Rule& b) {
      return more_specific(a.pattern, b.pattern);
    });
    role.patterns_begin = 0;
    for (const Rule& rule : role.rules) {
      if (rule.pattern.match != NX_MATCH_EXACT) break;
      role.exact.emplace(rule.pattern.uri, &rule);
      ++role.patterns_begin;
    }
  }
  anybody_ = everybody == roles_.end() ? nullptr : &everybody->second;
}

const Rule* RuleTable::decide(std::string_view name, uint32_t action, const Pattern& request,
                              bool* allowed) const {
  *allowed = false;
  const auto at = roles_.find(name);
  const Role* const role = at == roles_.end() ? anybody_ : &at->second;
  if (role == nullptr) return nullptr;
  if (request.match != NX_MATCH_EXACT) return decide_pattern(*role, action, request, allowed);
  const Rule* const rule = decide_uri(*role, action, request.uri);
  *allowed = rule != nullptr && (rule->allowed & action_bit(action)) != 0;
  return rule;
}

const Rule* RuleTable::decide_uri(const Role& role, uint32_t action, std::string_view uri) const {
  const auto exact = role.exact.find(uri);
  if (exact != role.exact.end()) return exact->second;
  for (size_t i = role.patterns_begin; i < role.rules.size(); ++i) {
    const Rule& rule = role.rules[i];
    if (contains_uri(rule.pattern, uri) && speaks_for(rule, action, uri)) return &rule;
  }
  return nullptr;
}

// Whatever decides about a URI of the request is at least as specific as `rule` below, which
// matches all of them; and of those that are more specific none has denied.
const Rule* RuleTable::decide_pattern(const Role& role, uint32_t action, const Pattern& request,
                                      bool* allowed) const {
  const uint32_t bit = action_bit(action);
  const Rule* denied = nullptr;
  for (const Rule& rule : role.rules) {
    const bool allows = (rule.allowed & bit) != 0;
    if (!allows) {
      if (denied == nullptr && overlap(rule.pattern, request)) denied = &rule;
      if (denied != nullptr) return denied;
    } else if (covers(rule.pattern, request)) {
      *allowed = true;
      return &rule;
    }
  }
  return nullptr;
}

}  // namespace nexus::roles
