/* The entry struct ends before ABI 1.0's does. */
#include "tiny.h"

TINY_PLUGIN("short-struct", entry.struct_size = 40)
