/* Needs a function that nobody has, which the linker finds at once. */
#include "tiny.h"

int a_function_that_nobody_has(void);
TINY_PLUGIN("undefined", entry.reserved = (uint32_t)a_function_that_nobody_has())
