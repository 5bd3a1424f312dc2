/* A component ends before ABI 1.0's does. */
#include "tiny.h"

TINY_PLUGIN("short-component", component.struct_size = 8)
