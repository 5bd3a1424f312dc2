/* An option ends before ABI 1.0's does. */
#include "tiny.h"

TINY_PLUGIN("short-option", options[1].struct_size = 16)
