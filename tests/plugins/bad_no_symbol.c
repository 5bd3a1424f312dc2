/* A shared library, but no plugin: it exports another name. */
#include "nexus/nexus.h"

NX_EXPORT int some_other_function(void);
NX_EXPORT int some_other_function(void) { return 42; }
