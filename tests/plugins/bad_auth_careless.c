/* Challenges, and then believes whatever it is answered: for nexus-plugin-check to find. */
#include "tiny.h"

static nx_status challenge(void* self, nx_op op, const nx_hello* hello, nx_auth_result* out) {
  (void)self, (void)op, (void)hello;
  out->decision = NX_AUTH_CHALLENGE;
  return NX_OK;
}
static nx_status believe(void* self, nx_op op, nx_str signature, const nx_value* extra,
                         nx_auth_result* out) {
  (void)self, (void)op, (void)signature, (void)extra;
  out->decision = NX_AUTH_ACCEPT;
  return NX_OK;
}

TINY_PLUGIN("careless", vtable.hello = challenge, vtable.authenticate = believe)
