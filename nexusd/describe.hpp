// --list-plugins, --describe and --describe-config: what can be configured, from the same tables
// that the checker uses. Text goes to standard output. [main]
#pragma once

#include "nexusd/command_line.hpp"

namespace nexusd {

// Each answers an exit status; plugins that do not load are named on standard error.
int list_plugins(const CommandLine& command);
int describe(const CommandLine& command);
int describe_config(const CommandLine& command);

}  // namespace nexusd
