// Where plugins come from when the configuration does not say it. [main]
#pragma once

#include <string>
#include <vector>

#include "kernel/nexus.hpp"

namespace nexusd {

// The plugins that are linked into this binary; none unless built with NEXUS_STATIC_PLUGINS.
std::vector<nexus::StaticPlugin> builtin_plugins();

// lib/nexus/plugins beside the bin/ that this program runs from, so that an installed tree may be
// moved; else where it was to be installed. Empty when the plugins are built in.
std::string default_plugin_folder();

// The folder that holds this program, or empty.
std::string program_folder();

// An environment with the above, for files in `base_folder`.
nexus::RouterEnvironment router_environment(nexus::Log& log, const std::string& base_folder,
                                            bool text_values);

}  // namespace nexusd
