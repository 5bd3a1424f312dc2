/* A plugin library: its one entry point, its components, and their lives.
 *
 * A library exports exactly one symbol, nexus_plugin_entry_v1(), and everything hangs on what it
 * returns. The router reads the first 16 bytes of that struct, and nothing else before these have
 * passed: right magic, plausible size, same ABI major, targeted minor not newer than its own.
 *
 * Life of a component: create -> configure -> start -> stop -> destroy, all [main].
 * create may be called several times: one instance for each section of the configuration.
 * configure has no side effects, so that `nexusd --check` can call it. stop joins whatever start
 * started. Libraries are never unloaded.
 */
#ifndef NEXUS_NX_PLUGIN_H
#define NEXUS_NX_PLUGIN_H

#include "nexus/nx_value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NX_PLUGIN_MAGIC 0x5355584eu /* "NXUS" in memory */
#define NX_PLUGIN_SYMBOL "nexus_plugin_entry_v1"

/* Component kinds. */
#define NX_KIND_SERIALIZER 1u
#define NX_KIND_TRANSPORT 2u
#define NX_KIND_AUTHENTICATOR 3u
#define NX_KIND_AUTHORIZER 4u

/* Types of an option in a component's section of the configuration. Beside each: what a JSON file
 * may hold, what an INI file may hold, and what configure() gets to see. Units of a duration are
 * ms, s, m and h, of a size K, M and G; a bare number is milliseconds, or bytes. */
#define NX_OPTION_STRING 1u   /* "text";         text;           NX_STRING */
#define NX_OPTION_INT 2u      /* 12;             12;             NX_INT within min..max */
#define NX_OPTION_BOOL 3u     /* true;           true|yes|on|1;  NX_BOOL */
#define NX_OPTION_DOUBLE 4u   /* 0.5;            0.5;            NX_DOUBLE within min..max */
#define NX_OPTION_DURATION 5u /* "5s" or 5000;   5s;             NX_INT, milliseconds */
#define NX_OPTION_SIZE 6u     /* "16M" or 4096;  16M;            NX_INT, bytes */
#define NX_OPTION_LIST 7u     /* ["a","b"];      a, b;           NX_LIST of NX_STRING */
#define NX_OPTION_CHOICE 8u   /* as STRING, one of the words in `choices` */
#define NX_OPTION_SECRET 9u   /* as STRING; never printed or logged */
#define NX_OPTION_PATH 10u    /* as STRING; relative ones are taken from the file's folder */
#define NX_OPTION_DICT 11u    /* any JSON object; JSON text;     NX_DICT, unchecked */

#define NX_OPTION_REQUIRED 1u
/* NX_OPTION_DURATION of an authenticator or authorizer: it has to be less than
 * router.decision_timeout, or an answer that takes that long comes too late. Checked with the
 * section, and for the default, too. */
#define NX_OPTION_WITHIN_DECISION 2u
/* NX_OPTION_STRING that names a realm: where the configuration has no realm of that name, and no
 * template to make one from, it is a mistake. */
#define NX_OPTION_REALM 4u

typedef struct nx_option {
  uint32_t struct_size;
  uint32_t type;  /* NX_OPTION_* */
  uint32_t flags; /* NX_OPTION_REQUIRED, NX_OPTION_WITHIN_DECISION, NX_OPTION_REALM */
  uint32_t reserved;
  nx_str name;      /* "tls.certificate": dots nest; each part as a component's name. Not
                       "type", which names the component itself */
  nx_str fallback;  /* default, as an INI file would say it; empty = absent */
  nx_str choices;   /* NX_OPTION_CHOICE: words separated by '|' */
  int64_t min, max; /* NX_OPTION_INT, DOUBLE, DURATION (ms), SIZE (bytes); both 0 = any */
  nx_str help;      /* one sentence for `nexusd --describe` and the reference */
} nx_option;

/* One thing that a library provides. All memory is the library's and static. */
typedef struct nx_component {
  uint32_t struct_size;
  uint32_t kind;            /* NX_KIND_* */
  nx_str name;              /* "ticket": unique within its kind; a-z 0-9 _ -, at most 64 */
  nx_str help;              /* one sentence */
  const nx_option* options; /* array of option_count; each entry's struct_size is its stride */
  uint32_t option_count;
  uint32_t service_count;
  const nx_str* services; /* host services it cannot do without; checked at load */

  /* Makes an instance. [main] */
  nx_status (*create)(nx_host* host, void** self, nx_error* error);
  /* Takes the checked section: every option is there or has no default, types are right. Without
   * side effects: no sockets, no files created, no threads; it may read files and look up names.
   * To name several mistakes, and in sections that have some already: "nexus.config/1". [main] */
  nx_status (*configure)(void* self, const nx_value* section, nx_error* error);
  /* Begins its work; called once, after configure. Failing, it takes back what it began: destroy
   * follows, and not stop. [main] */
  nx_status (*start)(void* self, nx_error* error);
  /* Ends its work and joins its threads. Before it is called the loops have ended what they owed
   * the component, in the same way whether the router stops or only its realm was removed: letters
   * have run, calls have been answered, timers and watches are over, jobs have run. New ones have
   * been refused since, with NX_E_CLOSED; so no callback runs any more. [main] */
  void (*stop)(void* self);
  /* Frees the instance. [main] */
  void (*destroy)(void* self);
  /* The vtable for an interface id (NX_SERIALIZER_V1, …), or NULL. Static memory. [any] */
  const void* (*interface)(void* self, const char* id);
} nx_component;

/* Reading data again while the router runs: an interface that any component may have beside its
 * kind's. The router asks for it on SIGHUP and when somebody calls nexus.reload. Called between
 * start and stop, never twice at once, while the component goes on serving on its loops. What is
 * read is the component's business: the files that its section names, not the section. All or
 * nothing: on an error status what was there before stays in force, and the router tells the text
 * to the log and to whoever asked. */
#define NX_RELOAD_V1 "nexus.reload/1"

typedef struct nx_reload_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  nx_status (*reload)(void* self, nx_error* error); /* [main] */
} nx_reload_v1;

typedef struct nx_plugin_entry {
  /* These 16 bytes never change, in any version. */
  uint32_t magic;       /* NX_PLUGIN_MAGIC */
  uint32_t struct_size; /* of this struct, as the plugin compiled it */
  uint32_t abi_major;
  uint32_t abi_minor; /* the minor that the plugin targets */

  nx_str name;    /* "nexus-auth-ticket" */
  nx_str version; /* the plugin's own version */
  nx_str vendor;
  nx_str license;

  /* Called once, before any component is created; may be NULL. [main] */
  nx_status (*init)(nx_error* error);
  const nx_component* const* components;
  uint32_t component_count;
  uint32_t reserved;
} nx_plugin_entry;

/* Returns static data. [main] */
typedef const nx_plugin_entry* (*nx_plugin_entry_fn)(void);

/* A literal as an nx_str, in static initializers of C and C++ alike. */
#define NX_STR(literal) \
  { (literal), sizeof(literal) - 1 }

/* The frozen head, written by the header that the plugin was compiled with. */
#define NX_PLUGIN_HEAD NX_PLUGIN_MAGIC, sizeof(nx_plugin_entry), NX_ABI_MAJOR, NX_TARGET_MINOR

/* Defines the library's entry point: NX_PLUGIN_DEFINE(&entry). Linked statically into a program,
 * the same source compiles with NX_STATIC_PLUGIN=name, which keeps the symbols apart. */
#ifdef NX_STATIC_PLUGIN
#define NX_PASTE2(a, b) a##b
#define NX_PASTE(a, b) NX_PASTE2(a, b)
#define NX_PLUGIN_FUNCTION NX_PASTE(nexus_plugin_entry_v1_, NX_STATIC_PLUGIN)
#else
#define NX_PLUGIN_FUNCTION nexus_plugin_entry_v1
#endif

#ifdef __cplusplus
#define NX_PLUGIN_LINKAGE extern "C"
#else
#define NX_PLUGIN_LINKAGE
#endif

#define NX_PLUGIN_DEFINE(entry_pointer)                                         \
  NX_PLUGIN_LINKAGE NX_EXPORT const nx_plugin_entry* NX_PLUGIN_FUNCTION(void);  \
  NX_PLUGIN_LINKAGE NX_EXPORT const nx_plugin_entry* NX_PLUGIN_FUNCTION(void) { \
    return (entry_pointer);                                                     \
  }

#ifdef __cplusplus
}
#endif
#endif
