/* Provides one component twice. */
#include "tiny.h"

TINY_PLUGIN("twice", entry.component_count = 2)
