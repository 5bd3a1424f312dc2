/* A count of options, but no table. */
#include "tiny.h"

TINY_PLUGIN("null-options", component.options = NULL)
