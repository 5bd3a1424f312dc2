/* A component without one of its functions; built once for each, as MISSING. */
#include "tiny.h"

TINY_PLUGIN("missing-function", component.MISSING = NULL)
