/* The library has no name. */
#include "tiny.h"

TINY_PLUGIN("no-name", entry.name.size = 0)
