// JSON strings and numbers, for whoever writes JSON line by line without building a Value. Any
// thread. Whole values: to_json() and from_json() in value.hpp.
#pragma once

#include <string>
#include <string_view>

namespace nexus {

// Appends `text` with its quotes. Control characters are escaped; bytes that are not UTF-8 become
// U+FFFD, so that the result is always valid.
void append_json_string(std::string& out, std::string_view text);

// Appends the shortest text that reads back as the same double, with a '.' or exponent in it. NaN
// and the infinities become null.
void append_json_double(std::string& out, double value);

}  // namespace nexus
