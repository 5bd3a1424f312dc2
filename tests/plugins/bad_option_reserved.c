/* An option by the name of a key that the router itself reads in the component's section. */
#include "tiny.h"

TINY_PLUGIN("option-reserved", options[1].name = (nx_str)NX_STR("type"))
