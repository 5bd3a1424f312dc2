// The plugins that a single-binary nexusd contains (CMake option NEXUS_STATIC_PLUGINS). [main]
//
// They are the same sources as the .so files and go through the same registry; only the entry
// points have names of their own here, because all of them are in one program.
#include "nexusd/plugins.hpp"

// NEXUSD_BUILTIN_PLUGINS(X) is written by CMake: X(symbol, "name") for each plugin.
#ifdef NEXUS_STATIC_PLUGINS
#include <nexusd_builtin_plugins.inc>  // generated, so no file of this tree
#else
#define NEXUSD_BUILTIN_PLUGINS(X)
#endif

#define NEXUSD_DECLARE(symbol, name) const nx_plugin_entry* nexus_plugin_entry_v1_##symbol(void);
extern "C" {
NEXUSD_BUILTIN_PLUGINS(NEXUSD_DECLARE)
}

namespace nexusd {

std::vector<nexus::StaticPlugin> builtin_plugins() {
#define NEXUSD_ENTRY(symbol, name) {&nexus_plugin_entry_v1_##symbol, name},
  return {NEXUSD_BUILTIN_PLUGINS(NEXUSD_ENTRY)};
}

}  // namespace nexusd
