// Loader: from a path to a library's checked entry point. [main]
//
// Libraries are bound at once, see no symbols of each other, and stay loaded until the process
// ends: threads and callbacks of a plugin may outlive any moment at which it would seem unused.
#pragma once

#include <string>

#include "kernel/base/status.hpp"
#include "kernel/plugin/file_check.hpp"
#include "nexus/nx_plugin.h"

namespace nexus {

// Loads a file that passed check_plugin_file(), through its descriptor, and finds its entry point.
// `subject` begins the text of a failure: "plugin '/path/x.so'".
Result<nx_plugin_entry_fn> open_library(PluginFile file, const std::string& subject);

}  // namespace nexus
