/* A kind that this router has never heard of. */
#include "tiny.h"

TINY_PLUGIN("unknown-kind", component.kind = 99)
