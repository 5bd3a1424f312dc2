/* The list of components has a hole. */
#include "tiny.h"

TINY_PLUGIN("null-component", components[0] = NULL)
