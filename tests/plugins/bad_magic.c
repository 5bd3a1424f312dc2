/* The first word is not the magic number. */
#include "tiny.h"

TINY_PLUGIN("magic", entry.magic = 0x12345678u)
