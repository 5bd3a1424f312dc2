/* init() says no without a word. */
#include "tiny.h"

static nx_status failing_init(nx_error* error) {
  (void)error;
  return NX_E_IO;
}
TINY_PLUGIN("init-silent", entry.init = failing_init)
