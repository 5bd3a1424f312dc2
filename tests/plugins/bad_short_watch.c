/* A component with a second interface, nexus.watch/1, that ends before ABI 1.0's does. */
#include <string.h>

#include "tiny.h"

static nx_watch_v1 watch = {8, 0, NULL, NULL};

static const void* two_interfaces(void* self, const char* id) {
  return strcmp(id, NX_WATCH_V1) == 0 ? &watch : tiny_interface(self, id);
}

TINY_PLUGIN("short-watch", component.interface = two_interfaces)
