/* The library has no version. */
#include "tiny.h"

TINY_PLUGIN("no-version", entry.version.data = NULL)
