// JSON with the place of each entry: for files that people write, whose mistakes are shown with a
// line. Any thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "kernel/base/value.hpp"

namespace nexus {

// "realms.main.uri", "rules.user[2].allow" -> the line of its key, from 1; of a key that is there
// twice, the last one's. A key with a dot in it looks like two.
using JsonPlaces = std::map<std::string, size_t, std::less<>>;

// As from_json() of value.hpp; fills `places`, as far as the text can be read.
Result<Value> from_json(std::string_view text, JsonPlaces& places);

}  // namespace nexus
