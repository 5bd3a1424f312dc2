/* Does not serve the interface of its kind. Loads, but cannot be created. */
#include "tiny.h"

static const void* no_interface(void* self, const char* id) {
  (void)self, (void)id;
  return NULL;
}
TINY_PLUGIN("no-interface", component.interface = no_interface)
