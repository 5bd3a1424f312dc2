#include "plugins/authorizers/roles/rule.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <vector>

#include "nexus/cpp/nearest_word.hpp"

namespace nexus::roles {
namespace {

using sdk::ConfigError;
using sdk::ValueView;

struct Word {
  std::string_view name;
  uint32_t value;
};

constexpr Word kActions[] = {{"publish", NX_ACTION_PUBLISH},
                             {"subscribe", NX_ACTION_SUBSCRIBE},
                             {"call", NX_ACTION_CALL},
                             {"register", NX_ACTION_REGISTER}};
constexpr Word kMatches[] = {
    {"exact", NX_MATCH_EXACT}, {"prefix", NX_MATCH_PREFIX}, {"wildcard", NX_MATCH_WILDCARD}};
constexpr Word kDisclosures[] = {
    {"never", NX_DISCLOSE_NEVER}, {"request", NX_DISCLOSE_REQUEST}, {"always", NX_DISCLOSE_ALWAYS}};
constexpr int64_t kMaxRememberMs = 24 * 3600 * 1000;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 80)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out + "\"";
}

template <size_t N>
std::string one_of(const Word (&words)[N]) {
  std::string out;
  for (size_t i = 0; i < N; ++i) {
    out += (i == 0 ? "" : i + 1 == N ? " or " : ", ") + std::string(words[i].name);
  }
  return out;
}

// "; did you mean call?", where a word is near enough.
std::string guess(std::string_view word, const std::vector<std::string>& words) {
  const std::string near = sdk::nearest_word(word, words);
  return near.empty() ? "" : "; did you mean " + near + "?";
}

template <size_t N>
std::string guess(std::string_view word, const Word (&words)[N]) {
  std::vector<std::string> names;
  for (const Word& one : words) names.emplace_back(one.name);
  return guess(word, names);
}

template <size_t N>
uint32_t find_word(const Word (&words)[N], std::string_view text) {
  const auto at = std::find_if(std::begin(words), std::end(words),
                               [&](const Word& w) { return w.name == text; });
  return at == std::end(words) ? 0 : at->value;
}

template <size_t N>
void check_keys(ValueView dict, const std::string_view (&known)[N], const std::string& where) {
  for (size_t i = 0; i < dict.size(); ++i) {
    const std::string_view key = dict.key_at(i);
    if (std::find(std::begin(known), std::end(known), key) != std::end(known)) continue;
    throw ConfigError(where + ": there is no key " + quoted(key) +
                      guess(key, {std::begin(known), std::end(known)}));
  }
}

void read_allow(ValueView value, Rule& rule, const std::string& where) {
  if (!value) return;  // nothing is allowed: a rule that forbids
  if (!value.is_dict()) {
    throw ConfigError(where + ".allow: write {\"call\": true, \"publish\": true, …}");
  }
  for (size_t i = 0; i < value.size(); ++i) {
    const uint32_t action = find_word(kActions, value.key_at(i));
    const std::string at = where + ".allow." + std::string(value.key_at(i).substr(0, 40));
    if (action == 0) {
      throw ConfigError(at + ": an action is " + one_of(kActions) +
                        guess(value.key_at(i), kActions));
    }
    if (!value.at(i).is(NX_BOOL)) throw ConfigError(at + ": must be true or false");
    const uint32_t bit = action_bit(action);
    rule.allowed = value.at(i).as_bool() ? rule.allowed | bit : rule.allowed & ~bit;
  }
}

uint32_t read_disclosure(ValueView value, const std::string& where) {
  if (!value) return NX_DISCLOSE_REALM;
  if (value.is(NX_BOOL)) return value.as_bool() ? NX_DISCLOSE_ALWAYS : NX_DISCLOSE_NEVER;
  const uint32_t found = find_word(kDisclosures, value.as_string());
  if (found == 0) {
    throw ConfigError(where + ": must be " + one_of(kDisclosures) +
                      guess(value.as_string(), kDisclosures));
  }
  return found;
}

void read_disclose(ValueView value, Rule& rule, const std::string& where) {
  if (!value) return;
  if (!value.is_dict()) {
    throw ConfigError(where +
                      ".disclose: write {\"caller\": \"request\", \"publisher\": \"never\"}");
  }
  static constexpr std::string_view kKeys[] = {"caller", "publisher"};
  check_keys(value, kKeys, where + ".disclose");
  rule.disclose_caller = read_disclosure(value["caller"], where + ".disclose.caller");
  rule.disclose_publisher = read_disclosure(value["publisher"], where + ".disclose.publisher");
}

// true, false, milliseconds, or "5s".
void read_remember(ValueView value, Rule& rule, const std::string& where) {
  if (!value) return;
  if (value.is(NX_BOOL)) {
    rule.remember = value.as_bool();
    return;
  }
  int64_t ms = value.whole().value_or(-1);
  if (value.is_string()) {
    const std::string_view text = value.as_string();
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), ms);
    const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    const int64_t factor = unit == "ms"  ? 1
                           : unit == "s" ? 1000
                           : unit == "m" ? 60000
                           : unit == "h" ? 3600000
                                         : 0;
    ms = code != std::errc{} || factor == 0 || ms < 0 || ms > kMaxRememberMs ? -1 : ms * factor;
  }
  if (ms < 0 || ms > kMaxRememberMs) {
    throw ConfigError(where + ": must be true, false or a time up to 24h, as in \"30s\"");
  }
  rule.remember = ms > 0;
  rule.remember_ms = static_cast<uint32_t>(ms);
}

}  // namespace

Rule read_rule(ValueView value, const std::string& where) {
  if (!value.is_dict()) throw ConfigError(where + ": a rule is an object with uri and allow");
  static constexpr std::string_view kKeys[] = {"uri",      "match",    "allow",
                                               "disclose", "remember", "cache"};
  check_keys(value, kKeys, where);
  Rule rule;
  const ValueView uri = value["uri"];
  if (!uri.is_string()) throw ConfigError(where + ".uri: is missing, or no text");
  rule.pattern.uri = uri.as_string();
  if (const ValueView match = value["match"]) {
    rule.pattern.match = find_word(kMatches, match.as_string());
    if (rule.pattern.match == 0) {
      throw ConfigError(where + ".match: must be " + one_of(kMatches) +
                        guess(match.as_string(), kMatches));
    }
  }
  if (const char* wrong = pattern_mistake(rule.pattern)) {
    throw ConfigError(where + ".uri: " + quoted(rule.pattern.uri) + " " + wrong);
  }
  read_allow(value["allow"], rule, where);
  read_disclose(value["disclose"], rule, where);
  if (value["remember"] && value["cache"]) {
    throw ConfigError(where + ".cache: is another word for remember; write only one of them");
  }
  read_remember(value["remember"], rule, where + ".remember");
  read_remember(value["cache"], rule, where + ".cache");
  return rule;
}

}  // namespace nexus::roles
