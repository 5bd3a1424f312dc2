/* A vtable with a hole. Loads, but cannot be created. */
#include "tiny.h"

TINY_PLUGIN("missing-slot", vtable.authenticate = NULL)
