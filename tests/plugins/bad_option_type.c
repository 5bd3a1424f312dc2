/* An option of a type that this router does not know. */
#include "tiny.h"

TINY_PLUGIN("option-type", options[0].type = 99)
