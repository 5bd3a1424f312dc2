/* Right: it needs a library that lies in a folder beside it ($ORIGIN). */
#include "tiny.h"

int beside_answer(void);

TINY_PLUGIN("beside", if (beside_answer() != 42) entry.magic = 0)
