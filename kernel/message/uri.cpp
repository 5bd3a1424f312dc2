#include "kernel/message/uri.hpp"

#include <algorithm>
#include <array>

#include "kernel/base/utf8.hpp"

namespace nexus {
namespace {

// Which bytes may stand in a component: loose is everything but white space, '#' and '.'.
// Bytes above 0x7f are parts of UTF-8 sequences, which the serializer has checked.
constexpr auto kLoose = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) table[c] = c > 0x20 && c != 0x7f;
  table['#'] = table['.'] = false;
  return table;
}();

constexpr auto kStrict = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  table['_'] = true;
  return table;
}();

}  // namespace

bool valid_uri(std::string_view uri, UriCheck check, Match match) {
  if (uri.size() > kMaxUri) return false;
  if (uri.empty()) return match == Match::prefix;
  const auto& allowed = check == UriCheck::strict ? kStrict : kLoose;
  bool empty_component = true;
  for (const char c : uri) {
    if (c == '.') {
      if (empty_component && match != Match::wildcard) return false;
      empty_component = true;
    } else if (allowed[static_cast<uint8_t>(c)]) {
      empty_component = false;
    } else {
      return false;
    }
  }
  return !empty_component || match != Match::exact;
}

std::string uri_mistake(std::string_view uri, UriCheck check, Match match) {
  if (uri.empty()) return "a URI must not be empty";
  const std::string it = "\"" + excerpt(uri, kShownUri) + "\" ";
  if (uri.size() > kMaxUri) {
    return it + "has " + std::to_string(uri.size()) + " bytes, a URI has at most " +
           std::to_string(kMaxUri);
  }
  const auto& allowed = check == UriCheck::strict ? kStrict : kLoose;
  for (size_t at = 0; at < uri.size(); ++at) {
    const char c = uri[at];
    if (c == '.' || allowed[static_cast<uint8_t>(c)]) continue;
    const std::string where = " (byte " + std::to_string(at) + ")";
    if (c == ' ') return it + "has a space in it" + where;
    if (c == '#') return it + "has a # in it" + where;
    if (!kLoose[static_cast<uint8_t>(c)]) {
      return it + "has white space or a control character in it" + where;
    }
    const std::string shown(uri.substr(at, std::max<size_t>(1, utf8_sequence(uri.substr(at)))));
    return it + "has \"" + shown + "\" in it" + where +
           "; this realm takes lower-case letters, digits, _ and dots only";
  }
  return it + "has an empty component, which " +
         (match == Match::prefix ? "with match prefix only the last one may be"
                                 : "only a pattern with match wildcard may have");
}

bool reserved_uri(std::string_view uri) {
  return uri.starts_with("wamp") && (uri.size() == 4 || uri[4] == '.');
}

std::string reserved_mistake(std::string_view uri) {
  return "\"" + excerpt(uri, kShownUri) + "\" is reserved, as all URIs that begin with wamp";
}

bool uri_matches(std::string_view uri, std::string_view pattern, Match match) {
  if (match == Match::exact) return uri == pattern;
  if (match == Match::prefix) return uri.starts_with(pattern);
  size_t u = 0;
  size_t p = 0;
  while (true) {
    const size_t u_end = std::min(uri.find('.', u), uri.size());
    const size_t p_end = std::min(pattern.find('.', p), pattern.size());
    if (p_end != p && uri.substr(u, u_end - u) != pattern.substr(p, p_end - p)) return false;
    const bool u_last = u_end == uri.size();
    const bool p_last = p_end == pattern.size();
    if (u_last || p_last) return u_last && p_last;
    u = u_end + 1;
    p = p_end + 1;
  }
}

}  // namespace nexus
