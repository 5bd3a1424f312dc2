/* A choice that leaves no choice. */
#include "tiny.h"

TINY_PLUGIN("choice", options[0].type = NX_OPTION_CHOICE)
