/* A nexus plugin to copy: the authenticator "mine" lets in who knows the token.
 *
 * A client offers the method "mine", is challenged, and answers with the token. The operator writes
 *
 *     "authenticators": {"mine": {"type": "mine", "token": "let-me-in", "role": "guest"}}
 *
 * Everything that a plugin needs is in here: options, the life of an instance, two questions and
 * their answers, and the table at the end that the router reads. Rename, replace, done. */
#include <stdlib.h>
#include <string.h>

#include "nexus/nexus.h"

/* One instance: one section of the configuration. Nothing in it changes after configure(), so the
 * loops may ask it at the same time without a lock. */
struct mine {
  nx_host* host;
  const nx_host_log_v1* log;
  const nx_host_values_v1* values;
  nx_value* section; /* our options, counted up: valid until destroy() */
};

/* ---- small helpers ---------------------------------------------------------------------- */

static nx_str text(const char* words) {
  const nx_str made = {words, strlen(words)};
  return made;
}

static nx_status fail(nx_error* error, nx_status code, const char* words) {
  if (error != NULL) {
    error->code = code;
    strncpy(error->text, words, sizeof error->text - 1); /* zeroed by the router */
  }
  return code;
}

static nx_str option(const struct mine* mine, const char* name) {
  return mine->values->as_string(mine->values->get(mine->section, text(name)));
}

/* Compares in a time that does not tell how much of the token was right. */
static int same(nx_str secret, nx_str given) {
  unsigned differs = secret.size != given.size;
  for (uint64_t i = 0; i < secret.size; ++i) {
    differs |= (unsigned)(secret.data[i] ^ (i < given.size ? given.data[i] : 0));
  }
  return differs == 0;
}

/* ---- what the router asks --------------------------------------------------------------- */

static nx_status mine_method(void* self, uint32_t index, nx_str* out) {
  (void)self;
  if (index > 0) return NX_E_INVALID;
  *out = text("mine");
  return NX_OK;
}

static nx_status mine_hello(void* self, nx_op op, const nx_hello* hello, nx_auth_result* out) {
  (void)self, (void)op, (void)hello;
  out->decision = NX_AUTH_CHALLENGE; /* AUTHENTICATE follows */
  return NX_OK;
}

static nx_status mine_authenticate(void* self, nx_op op, nx_str signature, const nx_value* extra,
                                   nx_auth_result* out) {
  const struct mine* mine = self;
  (void)op, (void)extra;
  if (same(option(mine, "token"), signature)) {
    out->decision = NX_AUTH_ACCEPT;
    out->authrole = option(mine, "role"); /* copied by the router when this has returned */
    out->authprovider = text("template");
  } else {
    mine->log->write(mine->host, NX_LOG_INFO, text("wrong token"));
    out->decision = NX_AUTH_DENY;
    out->error_message = text("wrong token");
  }
  return NX_OK;
}

static void mine_cancel(void* self, nx_op op) {
  (void)self, (void)op; /* nothing is kept between CHALLENGE and AUTHENTICATE */
}

static const nx_authenticator_v1 mine_authenticator = {
    sizeof(nx_authenticator_v1), 0, mine_method, mine_hello, mine_authenticate, mine_cancel, NULL};

/* ---- the life of an instance ------------------------------------------------------------ */

static nx_status mine_create(nx_host* host, void** self, nx_error* error) {
  struct mine* mine = calloc(1, sizeof *mine);
  if (mine == NULL) return fail(error, NX_E_MEMORY, "out of memory");
  mine->host = host;
  mine->log = nx_host_service(host, NX_HOST_LOG); /* there: the table below requires them */
  mine->values = nx_host_service(host, NX_HOST_VALUES);
  *self = mine;
  return NX_OK;
}

static nx_status mine_configure(void* self, const nx_value* section, nx_error* error) {
  struct mine* mine = self;
  mine->section = mine->values->ref(section);
  if (option(mine, "token").size == 0) return fail(error, NX_E_CONFIG, "token must not be empty");
  return NX_OK;
}

static nx_status mine_start(void* self, nx_error* error) {
  (void)self, (void)error; /* open files and start threads here */
  return NX_OK;
}

static void mine_stop(void* self) { (void)self; /* and end them here */ }

static void mine_destroy(void* self) {
  struct mine* mine = self;
  if (mine->section != NULL) mine->values->unref(mine->section);
  free(mine);
}

static const void* mine_interface(void* self, const char* id) {
  (void)self;
  return strcmp(id, NX_AUTHENTICATOR_V1) == 0 ? &mine_authenticator : NULL;
}

/* ---- what the router reads -------------------------------------------------------------- */

static const nx_option mine_options[] = {
    {sizeof(nx_option), NX_OPTION_SECRET, NX_OPTION_REQUIRED, 0, NX_STR("token"), NX_STR(""),
     NX_STR(""), 0, 0, NX_STR("What clients must answer.")},
    {sizeof(nx_option), NX_OPTION_STRING, 0, 0, NX_STR("role"), NX_STR("user"), NX_STR(""), 0, 0,
     NX_STR("The authrole of who gets in.")},
};

static const nx_str mine_services[] = {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES)};

static const nx_component mine_component = {
    sizeof(nx_component),
    NX_KIND_AUTHENTICATOR,
    NX_STR("mine"),
    NX_STR("Lets in who knows the token."),
    mine_options,
    sizeof mine_options / sizeof mine_options[0],
    sizeof mine_services / sizeof mine_services[0],
    mine_services,
    mine_create,
    mine_configure,
    mine_start,
    mine_stop,
    mine_destroy,
    mine_interface,
};

static const nx_component* const components[] = {&mine_component};

static const nx_plugin_entry entry = {NX_PLUGIN_HEAD,
                                      NX_STR("authenticator-mine"),
                                      NX_STR("1.0.0"),
                                      NX_STR("me"),
                                      NX_STR("Apache-2.0"),
                                      NULL,
                                      components,
                                      1,
                                      0};

NX_PLUGIN_DEFINE(&entry)
