/* Provides what good_minimal provides already. */
#include "tiny.h"

TINY_PLUGIN("minimal", (void)0)
