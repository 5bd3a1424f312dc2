/* A name that cannot stand in a configuration. */
#include "tiny.h"

TINY_PLUGIN("Not A Name", (void)0)
