/* An authenticator in C: lets in whoever's WebSocket request carries the right header, as a proxy
 * in front of the router may set it. Method "header-token"; no challenge.
 *
 *     "authenticators": {"proxy": {"type": "header-token", "header": "x-proxy-token",
 *                                  "token": "let-me-in", "role": "backend"}} */
#include <stdlib.h>
#include <string.h>

#include "nexus/nexus.h"

struct header_token {
  const nx_host_values_v1* values;
  nx_value* section; /* kept: the options are read where they are needed */
};

static nx_str text(const char* words) {
  const nx_str made = {words, strlen(words)};
  return made;
}

static nx_str option(const struct header_token* self, const char* name) {
  return self->values->as_string(self->values->get(self->section, text(name)));
}

/* In a time that does not tell how much was right. */
static int same(nx_str secret, nx_str given) {
  unsigned differs = secret.size != given.size;
  for (uint64_t i = 0; i < secret.size; ++i) {
    differs |= (unsigned)(secret.data[i] ^ (i < given.size ? given.data[i] : 0));
  }
  return differs == 0;
}

static nx_status method(void* self, uint32_t index, nx_str* out) {
  (void)self;
  *out = text("header-token");
  return index == 0 ? NX_OK : NX_E_INVALID;
}

static nx_status hello(void* opaque, nx_op op, const nx_hello* hello, nx_auth_result* out) {
  const struct header_token* self = opaque;
  const nx_value* details = hello->peer == NULL ? NULL : hello->peer->details;
  (void)op;
  out->decision = NX_AUTH_DENY;
  if (details == NULL) return NX_OK; /* not a connection that has headers */
  const nx_value* headers = self->values->get(details, text("http_headers_received"));
  if (headers == NULL) return NX_OK;
  const nx_str given = self->values->as_string(self->values->get(headers, option(self, "header")));
  if (!same(option(self, "token"), given)) return NX_OK;
  out->decision = NX_AUTH_ACCEPT;
  out->authrole = option(self, "role");
  out->authprovider = text("static");
  return NX_OK;
}

static nx_status authenticate(void* self, nx_op op, nx_str signature, const nx_value* extra,
                              nx_auth_result* out) {
  (void)self, (void)op, (void)signature, (void)extra;
  out->decision = NX_AUTH_DENY; /* nobody was challenged */
  return NX_OK;
}

static void cancel(void* self, nx_op op) { (void)self, (void)op; }

static const nx_authenticator_v1 table = {
    sizeof(nx_authenticator_v1), 0, method, hello, authenticate, cancel, NULL};

static nx_status create(nx_host* host, void** self, nx_error* error) {
  struct header_token* made = calloc(1, sizeof *made);
  (void)error;
  if (made == NULL) return NX_E_MEMORY;
  made->values = nx_host_service(host, NX_HOST_VALUES);
  *self = made;
  return NX_OK;
}

static nx_status refuse(nx_error* error, const char* words) {
  if (error != NULL) strncpy(error->text, words, sizeof error->text - 1);
  return NX_E_CONFIG;
}

static nx_status configure(void* opaque, const nx_value* section, nx_error* error) {
  struct header_token* self = opaque;
  self->section = self->values->ref(section);
  if (option(self, "token").size > 0) return NX_OK;
  return refuse(error, "token must not be empty");
}

static nx_status start(void* self, nx_error* error) {
  (void)self, (void)error;
  return NX_OK;
}

static void stop(void* self) { (void)self; }

static void destroy(void* opaque) {
  struct header_token* self = opaque;
  if (self->section != NULL) self->values->unref(self->section);
  free(self);
}

static const void* interface(void* self, const char* id) {
  (void)self;
  return strcmp(id, NX_AUTHENTICATOR_V1) == 0 ? &table : NULL;
}

static const nx_option options[] = {
    {sizeof(nx_option), NX_OPTION_STRING, 0, 0, NX_STR("header"), NX_STR("x-nexus-token"),
     NX_STR(""), 0, 0, NX_STR("The header's name, in lower case.")},
    {sizeof(nx_option), NX_OPTION_SECRET, NX_OPTION_REQUIRED, 0, NX_STR("token"), NX_STR(""),
     NX_STR(""), 0, 0, NX_STR("What the header must say.")},
    {sizeof(nx_option), NX_OPTION_STRING, 0, 0, NX_STR("role"), NX_STR("user"), NX_STR(""), 0, 0,
     NX_STR("The authrole of who gets in.")},
};
static const nx_str services[] = {NX_STR(NX_HOST_VALUES)};
static const nx_component component = {sizeof(nx_component),
                                       NX_KIND_AUTHENTICATOR,
                                       NX_STR("header-token"),
                                       NX_STR("Lets in whose request carries the right header."),
                                       options,
                                       3,
                                       1,
                                       services,
                                       create,
                                       configure,
                                       start,
                                       stop,
                                       destroy,
                                       interface};
static const nx_component* const components[] = {&component};
static const nx_plugin_entry entry = {NX_PLUGIN_HEAD,
                                      NX_STR("example-header-token"),
                                      NX_STR("1.0.0"),
                                      NX_STR("nexus"),
                                      NX_STR("Apache-2.0"),
                                      NULL,
                                      components,
                                      1,
                                      0};

NX_PLUGIN_DEFINE(&entry)
