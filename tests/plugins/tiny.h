/* The smallest plugin there can be, and a way to spoil one thing of it.
 *
 * TINY_PLUGIN(name, statements) is a library with one authenticator of that name, which lets
 * everybody in. The statements run when the router asks for the entry, and may change `entry`,
 * `component`, `options` and `vtable`. Each file of this folder is one way to be wrong. */
#ifndef NEXUS_TESTS_PLUGINS_TINY_H
#define NEXUS_TESTS_PLUGINS_TINY_H

#include "nexus/nexus.h"

static inline nx_status tiny_create(nx_host* host, void** self, nx_error* error) {
  (void)host, (void)error;
  *self = NULL;
  return NX_OK;
}
static inline nx_status tiny_configure(void* self, const nx_value* section, nx_error* error) {
  (void)self, (void)section, (void)error;
  return NX_OK;
}
static inline nx_status tiny_start(void* self, nx_error* error) {
  (void)self, (void)error;
  return NX_OK;
}
static inline void tiny_stop(void* self) { (void)self; }
static inline void tiny_destroy(void* self) { (void)self; }

static inline nx_status tiny_method(void* self, uint32_t index, nx_str* out) {
  const nx_str name = NX_STR("tiny");
  (void)self;
  if (index > 0) return NX_E_INVALID;
  *out = name;
  return NX_OK;
}
static inline nx_status tiny_hello(void* self, nx_op op, const nx_hello* hello,
                                   nx_auth_result* out) {
  (void)self, (void)op, (void)hello;
  out->decision = NX_AUTH_ACCEPT;
  return NX_OK;
}
static inline nx_status tiny_authenticate(void* self, nx_op op, nx_str signature,
                                          const nx_value* extra, nx_auth_result* out) {
  (void)self, (void)op, (void)signature, (void)extra;
  out->decision = NX_AUTH_DENY;
  return NX_OK;
}
static inline void tiny_cancel(void* self, nx_op op) { (void)self, (void)op; }

static nx_authenticator_v1 vtable = {
    sizeof(nx_authenticator_v1), 0, tiny_method, tiny_hello, tiny_authenticate, tiny_cancel};
static inline const void* tiny_interface(void* self, const char* id) {
  const char* mine = NX_AUTHENTICATOR_V1;
  (void)self;
  while (*id != 0 && *id == *mine) ++id, ++mine;
  return *id == *mine ? &vtable : NULL;
}

#define TINY_OPTION(name)                                                                  \
  {                                                                                        \
    sizeof(nx_option), NX_OPTION_STRING, 0, 0, NX_STR(name), NX_STR(""), NX_STR(""), 0, 0, \
        NX_STR("An option.")                                                               \
  }
#define TINY_COMPONENT(name)                                                                      \
  {                                                                                               \
    sizeof(nx_component), NX_KIND_AUTHENTICATOR, NX_STR(name), NX_STR("For tests."), options, 2,  \
        0, NULL, tiny_create, tiny_configure, tiny_start, tiny_stop, tiny_destroy, tiny_interface \
  }
#define TINY_ENTRY(list, count)                                                    \
  {                                                                                \
    NX_PLUGIN_HEAD, NX_STR("test-plugin"), NX_STR("1.0.0"), NX_STR("nexus tests"), \
        NX_STR("Apache-2.0"), NULL, (list), (count), 0                             \
  }

#define TINY_PLUGIN(name, ...)                                            \
  static nx_option options[2] = {TINY_OPTION("one"), TINY_OPTION("two")}; \
  static nx_component component = TINY_COMPONENT(name);                   \
  static const nx_component* components[2] = {&component, &component};    \
  static nx_plugin_entry entry = TINY_ENTRY(components, 1);               \
  static const nx_plugin_entry* spoiled(void) {                           \
    __VA_ARGS__;                                                          \
    (void)components;                                                     \
    return &entry;                                                        \
  }                                                                       \
  NX_PLUGIN_DEFINE(spoiled())

#endif
