/* An option whose name cannot stand in a configuration. */
#include "tiny.h"

TINY_PLUGIN("option-name", options[1].name = (nx_str)NX_STR("tls..key"))
