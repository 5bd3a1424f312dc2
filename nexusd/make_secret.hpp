// nexusd --make-secret METHOD: asks for a password and prints a user's entry, or
// a new key. [main]
#pragma once

#include "nexusd/command_line.hpp"

namespace nexusd {

// Prints the entry on standard output, everything else on standard error. Returns the exit status.
int make_secret(const CommandLine& command);

}  // namespace nexusd
