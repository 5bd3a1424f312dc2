/* The library provides nothing. */
#include "tiny.h"

TINY_PLUGIN("no-components", entry.component_count = 0)
