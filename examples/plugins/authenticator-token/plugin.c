/* A nexus plugin: the authenticator "token" lets in who shows a token, and knows whose it is.
 *
 * It is the SDK's template with another hello(): nobody is challenged, since the token comes with
 * HELLO, in authextra, or with the WebSocket request, in a header that a proxy or a program may
 * set: "authorization: Bearer <token>". The operator writes
 *
 *     "authenticators": {"api": {"type": "token", "role": "partner",
 *                                "tokens": {"joe": "…", "ann": "…"}}}
 *
 * A token is a password that crosses the wire, so hello() takes it over TLS and on the same machine
 * only. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nexus/nexus.h"

/* One instance: one section of the configuration. Nothing in it changes after configure(), so the
 * loops may ask it at the same time without a lock. */
struct token {
  nx_host* host;
  const nx_host_log_v1* log;
  const nx_host_values_v1* values;
  nx_value* section; /* our options, counted up: valid until destroy() */
};

#define MIN_TOKEN 16 /* characters; shorter ones can be guessed */

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

static nx_str option(const struct token* token, const char* name) {
  return token->values->as_string(token->values->get(token->section, text(name)));
}

/* Compares in a time that does not tell how much of the token was right. */
static int same(nx_str secret, nx_str given) {
  unsigned differs = secret.size != given.size;
  for (uint64_t i = 0; i < secret.size; ++i) {
    differs |= (unsigned)(secret.data[i] ^ (i < given.size ? given.data[i] : 0));
  }
  return differs == 0;
}

static int begins_with(nx_str whole, const char* words) {
  const size_t size = strlen(words);
  return whole.size >= size && strncasecmp(whole.data, words, size) == 0;
}

/* ---- what the router asks --------------------------------------------------------------- */

static nx_status token_method(void* self, uint32_t index, nx_str* out) {
  (void)self;
  if (index > 0) return NX_E_INVALID;
  *out = text("token");
  return NX_OK;
}

/* What the client shows: HELLO.Details.authextra.token, or else the header. Empty: nothing. */
static nx_str shown(const struct token* token, const nx_hello* hello) {
  const nx_host_values_v1* values = token->values;
  nx_str given = {NULL, 0};
  if (hello->authextra != NULL) {
    given = values->as_string(values->get(hello->authextra, text("token")));
  }
  if (given.size > 0 || hello->peer == NULL || hello->peer->details == NULL) return given;
  const nx_value* headers = values->get(hello->peer->details, text("http_headers_received"));
  if (headers == NULL) return given; /* a RawSocket has none */
  given = values->as_string(values->get(headers, option(token, "header")));
  if (!begins_with(given, "Bearer ")) return text("");
  given.data += strlen("Bearer ");
  given.size -= strlen("Bearer ");
  return given;
}

/* Nobody else can have listened; a proxy in front of the router is on the same machine. */
static int confidential(const nx_peer* peer) {
  if (peer == NULL) return 0;
  return (peer->flags & (NX_PEER_TLS | NX_PEER_LOCAL)) != 0 || begins_with(peer->address, "127.") ||
         begins_with(peer->address, "[::1]");
}

static nx_status token_hello(void* self, nx_op op, const nx_hello* hello, nx_auth_result* out) {
  const struct token* token = self;
  const nx_host_values_v1* values = token->values;
  const nx_str given = shown(token, hello);
  (void)op;
  if (given.size == 0 || !confidential(hello->peer)) {
    out->decision = NX_AUTH_NOT_MINE; /* the realm's next authenticator is asked */
    return NX_OK;
  }
  const nx_value* tokens = values->get(token->section, text("tokens"));
  nx_str authid = {NULL, 0};
  for (uint64_t i = 0; i < values->size(tokens); ++i) { /* all of them, always */
    if (same(values->as_string(values->at(tokens, i)), given)) authid = values->key_at(tokens, i);
  }
  if (authid.size == 0) {
    token->log->write(token->host, NX_LOG_INFO, text("wrong token"));
    out->decision = NX_AUTH_DENY;
    out->error_message = text("wrong token");
    return NX_OK;
  }
  out->decision = NX_AUTH_ACCEPT;
  out->authid = authid; /* whose token it is, whatever the client claims in hello->authid */
  out->authrole = option(token, "role"); /* all copied by the router when this has returned */
  out->authprovider = text("token");
  return NX_OK;
}

static nx_status token_authenticate(void* self, nx_op op, nx_str signature, const nx_value* extra,
                                    nx_auth_result* out) {
  (void)self, (void)op, (void)signature, (void)extra;
  out->decision = NX_AUTH_DENY; /* nobody was challenged */
  return NX_OK;
}

static void token_cancel(void* self, nx_op op) { (void)self, (void)op; /* nothing is kept */ }

static const nx_authenticator_v1 token_authenticator = {sizeof(nx_authenticator_v1),
                                                        0,
                                                        token_method,
                                                        token_hello,
                                                        token_authenticate,
                                                        token_cancel,
                                                        NULL};

/* ---- the life of an instance ------------------------------------------------------------ */

static nx_status token_create(nx_host* host, void** self, nx_error* error) {
  struct token* token = calloc(1, sizeof *token);
  if (token == NULL) return fail(error, NX_E_MEMORY, "out of memory");
  token->host = host;
  token->log = nx_host_service(host, NX_HOST_LOG); /* there: the table below requires them */
  token->values = nx_host_service(host, NX_HOST_VALUES);
  *self = token;
  return NX_OK;
}

static nx_status token_configure(void* self, const nx_value* section, nx_error* error) {
  struct token* token = self;
  const nx_host_values_v1* values = token->values;
  const nx_value* tokens = values->get(section, text("tokens"));
  token->section = values->ref(section);
  for (uint64_t i = 0; i < values->size(tokens); ++i) {
    if (values->key_at(tokens, i).size == 0) {
      return fail(error, NX_E_CONFIG, "tokens: an authid must not be empty");
    }
    if (values->as_string(values->at(tokens, i)).size < MIN_TOKEN) {
      return fail(error, NX_E_CONFIG, "tokens: each must be a text of 16 characters or more");
    }
  }
  return NX_OK;
}

static nx_status token_start(void* self, nx_error* error) {
  (void)self, (void)error;
  return NX_OK;
}

static void token_stop(void* self) { (void)self; }

static void token_destroy(void* self) {
  struct token* token = self;
  if (token->section != NULL) token->values->unref(token->section);
  free(token);
}

static const void* token_interface(void* self, const char* id) {
  (void)self;
  return strcmp(id, NX_AUTHENTICATOR_V1) == 0 ? &token_authenticator : NULL;
}

/* ---- what the router reads -------------------------------------------------------------- */

static const nx_option token_options[] = {
    {sizeof(nx_option), NX_OPTION_DICT, NX_OPTION_REQUIRED, 0, NX_STR("tokens"), NX_STR(""),
     NX_STR(""), 0, 0, NX_STR("The token of each authid.")},
    {sizeof(nx_option), NX_OPTION_STRING, 0, 0, NX_STR("header"), NX_STR("authorization"),
     NX_STR(""), 0, 0, NX_STR("The header with Bearer and the token, in lower case.")},
    {sizeof(nx_option), NX_OPTION_STRING, 0, 0, NX_STR("role"), NX_STR("user"), NX_STR(""), 0, 0,
     NX_STR("The authrole of who gets in.")},
};

static const nx_str token_services[] = {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES)};

static const nx_component token_component = {
    sizeof(nx_component),
    NX_KIND_AUTHENTICATOR,
    NX_STR("token"),
    NX_STR("Lets in who shows a token, and knows whose it is."),
    token_options,
    sizeof token_options / sizeof token_options[0],
    sizeof token_services / sizeof token_services[0],
    token_services,
    token_create,
    token_configure,
    token_start,
    token_stop,
    token_destroy,
    token_interface,
};

static const nx_component* const components[] = {&token_component};

static const nx_plugin_entry entry = {NX_PLUGIN_HEAD,
                                      NX_STR("authenticator-token"),
                                      NX_STR("1.0.0"),
                                      NX_STR("me"),
                                      NX_STR("Apache-2.0"),
                                      NULL,
                                      components,
                                      1,
                                      0};

NX_PLUGIN_DEFINE(&entry)
