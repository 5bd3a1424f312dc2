/* init() says no, in two lines, to see that the log gets one. */
#include "tiny.h"

static nx_status failing_init(nx_error* error) {
  const char* text = "the licence\nhas expired";
  for (size_t i = 0; text[i] != 0; ++i) error->text[i] = text[i];
  return NX_E_CONFIG;
}
TINY_PLUGIN("init-fails", entry.init = failing_init)
