/* Follows a pointer that leads nowhere when somebody says HELLO: for nexus-plugin-check to survive.
 */
#include "tiny.h"

static nx_status crash(void* self, nx_op op, const nx_hello* hello, nx_auth_result* out) {
  volatile uint32_t* nowhere = NULL;
  (void)self, (void)op, (void)hello;
  out->decision = *nowhere;
  return NX_OK;
}

TINY_PLUGIN("crash", vtable.hello = crash)
