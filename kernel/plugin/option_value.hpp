// One value of the configuration, checked against one nx_option and turned into what a component
// gets to see. [main]
#pragma once

#include <string>
#include <string_view>

#include "kernel/base/value.hpp"
#include "nexus/nx_plugin.h"

namespace nexus {

struct OptionValue {
  Value value;          // of use if there is no mistake
  std::string mistake;  // "must be between 1 and 65535, found 0"; empty if all is well
};

// `text`: a string is to be read as an INI file would say it. Relative paths start at base_folder.
OptionValue check_option(const nx_option& option, const Value& given, bool text,
                         const std::string& base_folder);

// How the configuration would say it: 90000 is "90s", 65536 is "64K".
std::string duration_text(int64_t ms);
std::string size_text(int64_t bytes);

// "duration from 1s to 1h", "one of json|msgpack": type and range for people.
std::string option_type_text(const nx_option& option);

}  // namespace nexus
