/* Its entry point returns NULL. */
#include "nexus/nexus.h"

NX_PLUGIN_DEFINE(NULL)
