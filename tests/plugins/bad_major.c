/* Made for another major version of the ABI. */
#include "tiny.h"

TINY_PLUGIN("major", entry.abi_major = 2)
