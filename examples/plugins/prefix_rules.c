/* An authorizer in C: each role may use the URIs that begin with one of its prefixes, and no
 * others.
 *
 *     "authorizers": {"prefixes": {"type": "prefix-rules",
 *                                  "rules": {"backend": ["com.example.", "org."],
 *                                            "anonymous": ["com.example.public."]}}}
 *
 * A pattern subscription or registration is allowed only where every URI that it can match is. */
#include <stdlib.h>
#include <string.h>

#include "nexus/nexus.h"

struct prefix_rules {
  const nx_host_values_v1* values;
  nx_value* section;
};

static nx_str text(const char* words) {
  const nx_str made = {words, strlen(words)};
  return made;
}

/* How much of a URI is fixed: a wildcard pattern only up to its first empty component. */
static uint64_t fixed_part(const nx_authz_request* request) {
  const nx_str uri = request->uri;
  if (request->match != NX_MATCH_WILDCARD) return uri.size;
  for (uint64_t i = 0; i < uri.size; ++i) {
    const int begins = i == 0 || uri.data[i - 1] == '.';
    if (begins && uri.data[i] == '.') return i;
  }
  return uri.size;
}

static nx_status authorize(void* opaque, nx_op op, const nx_authz_request* request,
                           nx_authz_result* out) {
  const struct prefix_rules* self = opaque;
  const nx_host_values_v1* values = self->values;
  const nx_value* rules = values->get(self->section, text("rules"));
  const nx_value* prefixes = values->get(rules, request->authrole);
  const uint64_t fixed = fixed_part(request);
  (void)op;
  out->decision = NX_AUTHZ_DENY;
  out->remember = NX_REMEMBER_ROLE; /* the rules do not change: ask once for each role and URI */
  if (prefixes == NULL) return NX_OK;
  for (uint64_t i = 0; i < values->size(prefixes); ++i) {
    const nx_str prefix = values->as_string(values->at(prefixes, i));
    if (prefix.size > 0 && prefix.size <= fixed &&
        memcmp(prefix.data, request->uri.data, (size_t)prefix.size) == 0) {
      out->decision = NX_AUTHZ_ALLOW;
      break;
    }
  }
  return NX_OK;
}

static void cancel(void* self, nx_op op) { (void)self, (void)op; }

static const nx_authorizer_v1 table = {sizeof(nx_authorizer_v1), 0, authorize, cancel, NULL};

static nx_status create(nx_host* host, void** self, nx_error* error) {
  struct prefix_rules* made = calloc(1, sizeof *made);
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

/* The router vouches for "a dict"; what is in it is ours to check. */
static nx_status configure(void* opaque, const nx_value* section, nx_error* error) {
  struct prefix_rules* self = opaque;
  const nx_host_values_v1* values = self->values;
  const nx_value* rules = values->get(section, text("rules"));
  self->section = values->ref(section);
  for (uint64_t i = 0; i < values->size(rules); ++i) {
    const nx_value* prefixes = values->at(rules, i);
    uint32_t well = values->kind(prefixes) == NX_LIST;
    for (uint64_t j = 0; well && j < values->size(prefixes); ++j) {
      well = values->as_string(values->at(prefixes, j)).size > 0;
    }
    if (!well) return refuse(error, "rules: each role needs a list of prefixes, none empty");
  }
  return NX_OK;
}

static nx_status start(void* self, nx_error* error) {
  (void)self, (void)error;
  return NX_OK;
}

static void stop(void* self) { (void)self; }

static void destroy(void* opaque) {
  struct prefix_rules* self = opaque;
  if (self->section != NULL) self->values->unref(self->section);
  free(self);
}

static const void* interface(void* self, const char* id) {
  (void)self;
  return strcmp(id, NX_AUTHORIZER_V1) == 0 ? &table : NULL;
}

static const nx_option options[] = {
    {sizeof(nx_option), NX_OPTION_DICT, 0, 0, NX_STR("rules"), NX_STR("{}"), NX_STR(""), 0, 0,
     NX_STR("For each role the list of prefixes that it may use.")},
};
static const nx_str services[] = {NX_STR(NX_HOST_VALUES)};
static const nx_component component = {sizeof(nx_component),
                                       NX_KIND_AUTHORIZER,
                                       NX_STR("prefix-rules"),
                                       NX_STR("Each role may use URIs with certain prefixes."),
                                       options,
                                       1,
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
                                      NX_STR("example-prefix-rules"),
                                      NX_STR("1.0.0"),
                                      NX_STR("nexus"),
                                      NX_STR("Apache-2.0"),
                                      NULL,
                                      components,
                                      1,
                                      0};

NX_PLUGIN_DEFINE(&entry)
