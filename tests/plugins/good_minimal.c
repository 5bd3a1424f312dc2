/* The smallest plugin that loads: an authenticator "minimal" that lets everybody in. */
#include "tiny.h"

TINY_PLUGIN("minimal", (void)0)
