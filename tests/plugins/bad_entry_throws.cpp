// Its entry point throws, and not even a std::exception.
#include "nexus/nexus.h"

static const nx_plugin_entry* throwing() { throw 42; }

NX_PLUGIN_DEFINE(throwing())
