/* A vtable that ends before ABI 1.0's does. Loads, but cannot be created. */
#include "tiny.h"

TINY_PLUGIN("short-vtable", vtable.struct_size = 8)
