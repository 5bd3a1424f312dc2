/* Made for a newer minor version than the router's. */
#include "tiny.h"

TINY_PLUGIN("newer-minor", entry.abi_minor = 7)
