// Command line: what was asked for, and how options override the configuration file. [main]
#pragma once

#include <string>
#include <vector>

#include "nexusd/config_file.hpp"

namespace nexusd {

enum class Task { run, check, help, version, list_plugins, describe, describe_config, make_secret };

struct CommandLine {
  Task task = Task::run;
  std::string config;         // -c
  std::string describe;       // --describe NAME
  std::string websocket;      // --ws ADDR
  std::string tcp;            // --tcp ADDR
  std::string unix_path;      // --unix PATH
  std::string realm;          // --realm URI
  std::string log_level;      // --log-level
  std::string plugin_folder;  // --plugin-dir
  std::string make_secret;    // --make-secret METHOD
  std::string kdf;            // --kdf, --iterations, --memory: for it
  std::string iterations;
  std::string memory;
  bool verbose = false;  // --verbose: the same as --log-level debug

  bool names_listener() const { return !(websocket + tcp + unix_path).empty(); }
};

// The Go router takes its options with one dash or two; Poco takes "-ws" for "-w s". Rewrites
// exactly those that the Go router has.
std::vector<std::string> with_double_dashes(int argc, char** argv);

// Puts the options over the configuration. An address replaces the first transport of its kind, or
// adds one; --realm replaces the first realm's URI, or adds a realm that takes anonymous clients.
void apply_command_line(const CommandLine& command, ConfigFile& file);

}  // namespace nexusd
