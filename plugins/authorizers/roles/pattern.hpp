// Pattern: a URI with a match, as a set of URIs: what is in it, what of another pattern it has, and
// which of two is the more specific. No state; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nexus/nx_authorizer.h"

namespace nexus::roles {

constexpr size_t kMaxUri = 1024;

struct Pattern {
  uint32_t match = NX_MATCH_EXACT;  // NX_MATCH_*
  std::string uri;
};

// What is wrong with it as a pattern of a rule; null: nothing. Exact: no component may be empty;
// prefix: the last one may; wildcard: any may. The empty prefix is everything.
const char* pattern_mistake(const Pattern& pattern);

// Is this URI, a concrete one, in the set?
bool contains_uri(const Pattern& pattern, std::string_view uri);

// Is every URI of `part` in `whole`?
bool covers(const Pattern& whole, const Pattern& part);

// May there be a URI that is in both? Never false when there is one.
bool overlap(const Pattern& a, const Pattern& b);

// Where both match: exact before prefix before wildcard; a longer prefix before a shorter one; of
// wildcards the one that names the leftmost component that the other leaves open. A strict order.
bool more_specific(const Pattern& a, const Pattern& b);

}  // namespace nexus::roles
