// --check, and running: from a configuration to a router that serves until a signal. [main]
#pragma once

#include "nexusd/command_line.hpp"

namespace nexusd {

// Names every mistake on standard error; opens no socket and no file for writing.
int check(const CommandLine& command);

// Runs until SIGTERM or SIGINT. No other thread may exist yet: it blocks signals for all to come.
int serve(const CommandLine& command);

}  // namespace nexusd
