// The sections of the configuration that are the daemon's own: log, and which sections there are at
// all. Everything else is checked by the kernel. [main]
#pragma once

#include <vector>

#include "nexusd/config_file.hpp"

namespace nexusd {

nexus::ConfigSection log_section();

// Checks names of the top-level sections and the section log, which becomes `options`. Appends
// every mistake found. Opens nothing.
void check_own_settings(const ConfigFile& file, nexus::LogOptions& options,
                        std::vector<ConfigMistake>& mistakes);

// The areas of log.levels that name a component, as in transport.websocket: is it loaded?
void check_areas_of_components(const nexus::LogOptions& options, const nexus::Registry& registry,
                               std::vector<ConfigMistake>& mistakes);

}  // namespace nexusd
