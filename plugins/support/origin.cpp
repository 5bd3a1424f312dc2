// Origin patterns. Time is bounded by the length of pattern times origin: a star that fails is
// retried from the last star only.
#include "plugins/support/origin.hpp"

#include <algorithm>

#include "plugins/support/text.hpp"

namespace nexus::support {
namespace {

// One step of a glob: consumes one item of the pattern at `at` and says whether `c` fits. Items
// are '?', a class in brackets, an escaped character, or a character.
bool match_one(std::string_view pattern, size_t& at, char c) {
  const char item = pattern[at++];
  if (item == '?') return c != '/';
  if (item == '\\') return pattern[at++] == c;
  if (item != '[') return item == c;
  const bool negated = pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  do {
    if (pattern[at] == '\\') ++at;
    const char low = pattern[at++];
    char high = low;
    if (pattern[at] == '-') {
      ++at;
      if (pattern[at] == '\\') ++at;
      high = pattern[at++];
    }
    found = found || (low <= c && c <= high);
  } while (pattern[at] != ']');
  ++at;
  return found != negated;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // pattern position behind the last star
  size_t retry = 0;                      // where in the text that star ends next time
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = t;
      continue;
    }
    if (p < pattern.size() && t < text.size()) {
      size_t next = p;
      if (match_one(pattern, next, text[t])) {
        p = next;
        ++t;
        continue;
      }
    }
    if (star == std::string_view::npos || retry >= text.size() || text[retry] == '/') return false;
    p = star;
    t = ++retry;
  }
  return true;
}

// "https://host:port" -> "host:port"; "null" stays.
std::string_view host_of(std::string_view origin) {
  const size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

constexpr const char* kNoPath =
    "an origin is \"scheme://host:port\" and ends there; leave out what begins with the slash";
constexpr const char* kIpv6 = "brackets make a class; write an IPv6 address as \\[::1\\]";

// The characters that stand for themselves, wildcards included: those of hosts and ports, plus the
// "://" of a scheme. Browsers send nothing else.
const char* check_literal(std::string_view pattern, size_t at) {
  const char c = pattern[at];
  if (c == '/') {
    const size_t scheme = pattern.find("://");
    if (scheme == std::string_view::npos) return kNoPath;
    return at == scheme + 1 || at == scheme + 2 ? nullptr : kNoPath;
  }
  const bool letter_or_digit =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  if (letter_or_digit || std::string_view(".-_:*?+").find(c) != std::string_view::npos) {
    return nullptr;
  }
  return "no origin has such a character; write a host as browsers send it, in ASCII and without "
         "spaces";
}

}  // namespace

const char* OriginPattern::check(std::string_view pattern) {
  if (pattern.empty()) return "an empty pattern matches nothing";
  const size_t scheme = pattern.find("://");
  const std::string_view host =
      scheme == std::string_view::npos ? pattern : pattern.substr(scheme + 3);
  // Pages without a host: file://, and what wrappers around web views call theirs.
  const std::string_view name = pattern.substr(0, scheme);
  const bool web = equal_ignoring_case(name, "http") || equal_ignoring_case(name, "https");
  if ((host.empty() && web) || scheme == 0) return "write \"scheme://host\", or a host alone";
  if (host.empty()) {
    const bool is_scheme = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '+' || c == '-' || c == '.';
    });
    return is_scheme ? nullptr : "a scheme is letters and digits, as in \"file://\"";
  }
  if (host.front() == '[' && host.find("::") < host.find(']')) return kIpv6;
  // A member of a class, at `at`; false when there is none.
  size_t at = 0;
  const auto member = [&] {
    if (at < pattern.size() && pattern[at] == '\\') {
      at += 2;
      return at <= pattern.size();
    }
    return at < pattern.size() && pattern[at] != '-' && pattern[at++] != ']';
  };
  while (at < pattern.size()) {
    const char c = pattern[at++];
    if (c == '\\') {
      if (at++ == pattern.size()) return "nothing follows the last \\";
      continue;
    }
    if (c != '[') {
      if (const char* wrong = check_literal(pattern, at - 1)) return wrong;
      continue;
    }
    if (at < pattern.size() && pattern[at] == '^') ++at;
    do {
      if (!member()) return "a class [...] has a member missing";
      if (at < pattern.size() && pattern[at] == '-') {
        ++at;
        if (!member()) return "a range in [...] has no end";
      }
      if (at >= pattern.size()) return "a class [...] has no end";
    } while (pattern[at] != ']');
    ++at;
  }
  return nullptr;
}

OriginPattern::OriginPattern(std::string_view checked_pattern)
    : pattern_(lowercase(checked_pattern)),
      glob_(pattern_.find_first_of("*?[]^\\") != std::string::npos),
      whole_(pattern_.find("://") != std::string::npos) {}

bool OriginPattern::matches(std::string_view origin) const {
  if (pattern_ == "*") return true;
  // "null" is no host of that name.
  if (pattern_ == "null" || origin.find("://") == std::string_view::npos) {
    return equal_ignoring_case(pattern_, origin);
  }
  const std::string text = lowercase(whole_ ? origin : host_of(origin));
  return glob_ ? glob_match(pattern_, text) : pattern_ == text;
}

}  // namespace nexus::support
