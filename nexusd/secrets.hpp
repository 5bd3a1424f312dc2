// Secrets that stand in the configuration file itself, and who can read it. [main]
#pragma once

#include <vector>

#include "nexusd/config_file.hpp"

namespace nexusd {

// Warns when the file holds secrets (options of that type, and users' entries) and everybody on the
// machine can read or write it. Only a warning, because that may be meant: to try something.
void check_secrets(const ConfigFile& file, const nexus::Registry& registry,
                   std::vector<ConfigMistake>& warnings);

}  // namespace nexusd
