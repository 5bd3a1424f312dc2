/* Serializer "clash", of which one thing is what another one has: the CMake file says which. What
 * it does with messages is of no interest, for it must not get that far. */
#include "nexus/nexus.h"

#ifndef FORMAT
#define FORMAT "clash"
#endif
#ifndef SUBPROTOCOL
#define SUBPROTOCOL "wamp.2.clash"
#endif
#ifndef RAWSOCKET_ID
#define RAWSOCKET_ID 14
#endif

static nx_status create(nx_host* host, void** self, nx_error* error) {
  (void)host, (void)error;
  *self = NULL;
  return NX_OK;
}
static nx_status configure(void* self, const nx_value* section, nx_error* error) {
  (void)self, (void)section, (void)error;
  return NX_OK;
}
static nx_status start(void* self, nx_error* error) {
  (void)self, (void)error;
  return NX_OK;
}
static void nothing(void* self) { (void)self; }

static nx_status split(void* self, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                       nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error) {
  (void)self, (void)message, (void)limits, (void)scratch, (void)out, (void)capacity, (void)count;
  (void)error;
  return NX_E_MALFORMED;
}
static nx_status walk(void* self, nx_bytes value, const nx_limits* limits, nx_writer* scratch,
                      const nx_value_sink* sink, void* user, nx_error* error) {
  (void)self, (void)value, (void)limits, (void)scratch, (void)sink, (void)user, (void)error;
  return NX_E_MALFORMED;
}
static void emit_begin(void* self, void* state, nx_writer* out) {
  (void)self, (void)state, (void)out;
}
static nx_status emit_raw(void* state, nx_bytes value) {
  (void)state, (void)value;
  return NX_E_UNREPRESENTABLE;
}

static nx_status on_nothing(void* user) {
  (void)user;
  return NX_E_UNREPRESENTABLE;
}
static nx_status on_bool(void* user, uint32_t value) {
  (void)user, (void)value;
  return NX_E_UNREPRESENTABLE;
}
static nx_status on_int(void* user, int64_t value) {
  (void)user, (void)value;
  return NX_E_UNREPRESENTABLE;
}
static nx_status on_uint(void* user, uint64_t value) {
  (void)user, (void)value;
  return NX_E_UNREPRESENTABLE;
}
static nx_status on_double(void* user, double value) {
  (void)user, (void)value;
  return NX_E_UNREPRESENTABLE;
}
static nx_status on_text(void* user, nx_str value) {
  (void)user, (void)value;
  return NX_E_UNREPRESENTABLE;
}
static nx_status on_binary(void* user, nx_bytes value) {
  (void)user, (void)value;
  return NX_E_UNREPRESENTABLE;
}

static const nx_value_sink emit = {sizeof(nx_value_sink),
                                   0,
                                   on_nothing,
                                   on_bool,
                                   on_int,
                                   on_uint,
                                   on_double,
                                   on_text,
                                   on_binary,
                                   on_uint,
                                   on_nothing,
                                   on_uint,
                                   on_text,
                                   on_nothing};

static const nx_serializer_v1 vtable = {sizeof(nx_serializer_v1),
                                        0,
                                        RAWSOCKET_ID,
                                        16,
                                        NX_STR(FORMAT),
                                        NX_STR(SUBPROTOCOL),
                                        split,
                                        walk,
                                        emit_begin,
                                        emit_raw,
                                        &emit};

static const void* interface(void* self, const char* id) {
  const char* mine = NX_SERIALIZER_V1;
  (void)self;
  while (*id != 0 && *id == *mine) ++id, ++mine;
  return *id == *mine ? &vtable : NULL;
}

static const nx_component component = {sizeof(nx_component),
                                       NX_KIND_SERIALIZER,
                                       NX_STR("clash"),
                                       NX_STR("For tests."),
                                       NULL,
                                       0,
                                       0,
                                       NULL,
                                       create,
                                       configure,
                                       start,
                                       nothing,
                                       nothing,
                                       interface};
static const nx_component* const components[] = {&component};
static const nx_plugin_entry entry = {NX_PLUGIN_HEAD,
                                      NX_STR("test-serializer-clash"),
                                      NX_STR("1.0.0"),
                                      NX_STR("nexus tests"),
                                      NX_STR("Apache-2.0"),
                                      NULL,
                                      components,
                                      1,
                                      0};
NX_PLUGIN_DEFINE(&entry)
