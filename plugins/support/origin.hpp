// Which web pages may connect: the Origin header against a list of patterns. [loop]
#pragma once

#include <string>
#include <string_view>

namespace nexus::support {

// One entry of `origins`. Without any of *?[]^ it is compared as a whole; else it is a shell glob,
// in which `*` and `?` do not cross a '/'. Case does not matter. An entry with "://" is compared
// with the whole origin, one without with its host and port as they stand there. "*" is everything.
// What has no host is meant only by its own name: "null", which browsers send for pages without an
// origin of their own, and "file://".
class OriginPattern {
 public:
  // Null, or what is wrong with the pattern.
  static const char* check(std::string_view pattern);
  explicit OriginPattern(std::string_view checked_pattern);
  bool matches(std::string_view origin) const;

 private:
  std::string pattern_;  // in lower case
  bool glob_;
  bool whole_;
};

}  // namespace nexus::support
