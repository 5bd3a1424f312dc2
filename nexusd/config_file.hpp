// Configuration file: JSON or INI text becomes one dict with the same keys. [main]
//
// Nothing here knows what the keys mean: that is checked by whoever owns a section. What is found
// here is what only the file can tell: text that does not parse, keys that are given twice, and
// where a key stands, so that a mistake can be shown with its line.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/nexus.hpp"

namespace nexusd {

using nexus::ConfigMistake;
using nexus::Value;

struct ConfigFile {
  std::string path;          // as the operator wrote it, for messages
  std::string folder;        // absolute; relative paths in the file start here
  Value value;               // a dict; never "no value" after a successful load
  bool text_values = false;  // INI: every value is a string
  bool from_go = false;      // translated from a Go nexus.json, which runs as it is
  // What the operator should hear about although nothing is wrong. One line each.
  std::vector<std::string> notices;
  // Key path -> where it was said: "line 12"; the key of a translated format, with ", line 12"
  // behind it; or an option of the command line.
  std::map<std::string, std::string, std::less<>> origins;
  std::map<std::string, std::string, std::less<>> go_places;  // of a Go file's keys, in lower case
};

// Reads and parses; a nexus.json of the Go router is translated (go_config.hpp). False when there
// are mistakes, and then all of the file's that could be found are appended.
bool load_config_file(const std::string& path, ConfigFile& out,
                      std::vector<ConfigMistake>& mistakes);

// INI text to a dict. [a.b] and dots in keys nest; comments begin a line with ; or #.
bool parse_ini(std::string text, ConfigFile& out, std::vector<ConfigMistake>& mistakes);

// "file: key (line 12): text", the one form in which nexusd shows a mistake.
std::string show_mistake(const ConfigFile& file, const ConfigMistake& mistake);

// A copy of `root` in which `path` is `leaf`; dicts on the way are made when they are missing.
Value with_path(const Value& root, const std::vector<std::string>& path, const Value& leaf);
// The entry at a path of keys, or no value.
Value at_path(const Value& root, const std::vector<std::string>& path);

}  // namespace nexusd
