// What has changed in the configuration file since it was read: a reload does not read it, and
// whoever edited it should hear that. [main]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nexusd/command_line.hpp"
#include "nexusd/config_file.hpp"

namespace nexusd {

struct ConfigChanges {
  // "unchanged", "changed, needs a restart", "cannot be read", "not compared": no regular file, or
  // no file at all.
  std::string_view verdict;
  std::vector<std::string> lines;  // one for each key that differs, or for what is wrong
};

// Reads the file again and compares it with what runs; no value is ever shown.
ConfigChanges compare_with_disk(const CommandLine& command, const ConfigFile& running);

// The paths of the entries in which two configurations differ, sorted. Lists are one entry.
std::vector<std::string> differing_keys(const Value& before, const Value& after);

}  // namespace nexusd
