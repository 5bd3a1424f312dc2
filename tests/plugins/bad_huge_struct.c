/* The size of the entry struct is no size. */
#include "tiny.h"

TINY_PLUGIN("huge-struct", entry.struct_size = 0x7fffffffu)
