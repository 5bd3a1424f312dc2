#include "plugins/authorizers/roles/pattern.hpp"

#include <algorithm>

namespace nexus::roles {
namespace {

// Takes the first component off `rest`. False when there is none left; an empty text has one.
struct Components {
  explicit Components(std::string_view text) : rest(text) {}
  bool next(std::string_view& out) {
    if (done) return false;
    const size_t dot = rest.find('.');
    out = rest.substr(0, dot);
    done = dot == std::string_view::npos;
    if (!done) rest.remove_prefix(dot + 1);
    return true;
  }
  std::string_view rest;
  bool done = false;
};

size_t count_of(std::string_view uri) {
  return static_cast<size_t>(std::count(uri.begin(), uri.end(), '.')) + 1;
}

bool has_open(std::string_view wildcard) {
  Components components(wildcard);
  for (std::string_view one; components.next(one);) {
    if (one.empty()) return true;
  }
  return false;
}

// What every URI of a wildcard begins with: up to its first open component.
std::string_view literal_head(std::string_view wildcard) {
  size_t at = 0;
  Components components(wildcard);
  for (std::string_view one; components.next(one);) {
    if (one.empty()) return wildcard.substr(0, at);
    at += one.size() + 1;
  }
  return wildcard;
}

bool wildcard_contains(std::string_view wildcard, std::string_view uri) {
  Components pattern(wildcard);
  Components concrete(uri);
  std::string_view want;
  std::string_view have;
  while (pattern.next(want)) {
    if (!concrete.next(have) || (!want.empty() && want != have)) return false;
  }
  return !concrete.next(have);
}

bool wildcard_covers(std::string_view whole, std::string_view part) {
  return wildcard_contains(whole, part);  // an open component of `part` needs one of `whole`
}

bool wildcards_overlap(std::string_view a, std::string_view b) {
  Components left(a);
  Components right(b);
  std::string_view x;
  std::string_view y;
  while (left.next(x)) {
    if (!right.next(y) || (!x.empty() && !y.empty() && x != y)) return false;
  }
  return !right.next(y);
}

// Can a URI of the wildcard begin with `prefix`?
bool prefix_meets_wildcard(std::string_view prefix, std::string_view wildcard) {
  if (prefix.empty()) return true;
  if (count_of(prefix) > count_of(wildcard)) return false;
  Components begun(prefix);
  Components pattern(wildcard);
  std::string_view want;
  std::string_view have;
  while (begun.next(want)) {
    pattern.next(have);
    if (have.empty()) continue;
    if (begun.done ? !have.starts_with(want) : have != want) return false;
  }
  return true;
}

int rank(uint32_t match) { return match == NX_MATCH_EXACT ? 0 : match == NX_MATCH_PREFIX ? 1 : 2; }

}  // namespace

const char* pattern_mistake(const Pattern& pattern) {
  if (pattern.uri.size() > kMaxUri) return "is longer than 1024 bytes";
  for (const char c : pattern.uri) {
    if (c == '#' || c == ' ' || (static_cast<unsigned char>(c) < 0x20) || c == 0x7f) {
      return "has a space, a # or a control character in it";
    }
  }
  if (pattern.match == NX_MATCH_WILDCARD) {
    return pattern.uri.empty() ? "is empty; to match everything use the prefix \"\"" : nullptr;
  }
  if (pattern.match == NX_MATCH_PREFIX && pattern.uri.empty()) return nullptr;
  Components components(pattern.uri);
  for (std::string_view one; components.next(one);) {
    const bool last = components.done;
    if (one.empty() && !(last && pattern.match == NX_MATCH_PREFIX)) {
      return "has an empty component; only a wildcard may";
    }
  }
  return nullptr;
}

bool contains_uri(const Pattern& pattern, std::string_view uri) {
  switch (pattern.match) {
    case NX_MATCH_EXACT:
      return pattern.uri == uri;
    case NX_MATCH_PREFIX:
      return uri.starts_with(pattern.uri);
    default:
      return wildcard_contains(pattern.uri, uri);
  }
}

bool covers(const Pattern& whole, const Pattern& part) {
  const bool single =
      part.match == NX_MATCH_EXACT || (part.match == NX_MATCH_WILDCARD && !has_open(part.uri));
  if (single) return contains_uri(whole, part.uri);
  switch (whole.match) {
    case NX_MATCH_EXACT:
      return false;
    case NX_MATCH_PREFIX:
      return part.match == NX_MATCH_PREFIX ? part.uri.starts_with(whole.uri)
                                           : literal_head(part.uri).starts_with(whole.uri);
    default:
      return part.match == NX_MATCH_WILDCARD && wildcard_covers(whole.uri, part.uri);
  }
}

bool overlap(const Pattern& a, const Pattern& b) {
  if (a.match == NX_MATCH_EXACT) return contains_uri(b, a.uri);
  if (b.match == NX_MATCH_EXACT) return contains_uri(a, b.uri);
  if (a.match == NX_MATCH_PREFIX && b.match == NX_MATCH_PREFIX) {
    return a.uri.starts_with(b.uri) || b.uri.starts_with(a.uri);
  }
  if (a.match == NX_MATCH_PREFIX) return prefix_meets_wildcard(a.uri, b.uri);
  if (b.match == NX_MATCH_PREFIX) return prefix_meets_wildcard(b.uri, a.uri);
  return wildcards_overlap(a.uri, b.uri);
}

bool more_specific(const Pattern& a, const Pattern& b) {
  if (a.match != b.match) return rank(a.match) < rank(b.match);
  if (a.match == NX_MATCH_EXACT) return false;
  if (a.match == NX_MATCH_PREFIX) return a.uri.size() > b.uri.size();
  Components left(a.uri);
  Components right(b.uri);
  std::string_view x;
  std::string_view y;
  while (left.next(x)) {
    if (!right.next(y)) return false;
    if (x.empty() != y.empty()) return y.empty();
  }
  return right.next(y);  // only for the sake of an order: no URI is in both
}

}  // namespace nexus::roles
