/* Two options of one name. */
#include "tiny.h"

TINY_PLUGIN("option-twice", options[1].name = options[0].name)
