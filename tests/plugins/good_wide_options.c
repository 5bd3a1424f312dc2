/* Compiled against a later minor's header, which has appended fields to nx_option: the router has
 * to step through the table with the size that each entry says it has. */
#include "tiny.h"

typedef struct wide_option {
  nx_option known;
  uint64_t appended[2];
} wide_option;

#define WIDE_OPTION(name)                                                \
  {                                                                      \
    {sizeof(wide_option), NX_OPTION_STRING, 0, 0, NX_STR(name),          \
     NX_STR(""),          NX_STR(""),       0, 0, NX_STR("An option.")}, \
    {                                                                    \
      ~0ull, ~0ull                                                       \
    }                                                                    \
  }

static const wide_option wide_options[] = {WIDE_OPTION("first"), WIDE_OPTION("second"),
                                           WIDE_OPTION("third")};

TINY_PLUGIN("wide-options", component.options = &wide_options[0].known, component.option_count = 3)
