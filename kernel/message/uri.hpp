// URI rules, loose and strict (U-10 … U-16), written by hand: no regular expressions. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "kernel/message/code.hpp"

namespace nexus {

enum class UriCheck : uint8_t { loose = 1, strict };

constexpr size_t kMaxUri = 1024;  // U-12

// May `uri` be used with this match? Exact: no empty component; prefix: the last one may be empty;
// wildcard: any may be. The empty prefix is legal (it matches everything), other empty URIs are
// not.
bool valid_uri(std::string_view uri, UriCheck check, Match match = Match::exact);

// Where an error or a log line shows a URI that a client chose: at most this many bytes of it.
constexpr size_t kShownUri = 120;

// Which URI it is and which rule it breaks, for whoever wrote it: "\"com..a\" has an empty
// component, …". For URIs that are valid UTF-8 and that valid_uri() refuses; shows a bounded part
// of a long one.
std::string uri_mistake(std::string_view uri, UriCheck check, Match match = Match::exact);

// The first component is "wamp" (U-14).
bool reserved_uri(std::string_view uri);

// The same for one that clients may not publish to, register or describe: it is reserved.
std::string reserved_mistake(std::string_view uri);

// Does a concrete URI fall under a pattern? (P-16, P-17)
bool uri_matches(std::string_view uri, std::string_view pattern, Match match);

}  // namespace nexus
