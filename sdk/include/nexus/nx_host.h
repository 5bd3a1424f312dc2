/* Host services: what a component may ask of the router.
 *
 * Each service is a table fetched by a versioned id with nx_host_service(). An id that this
 * router does not know answers NULL; a slot of a table is never NULL: one that this router cannot
 * serve answers NX_E_UNSUPPORTED. Tables are static and may be kept. A component lists the ids it
 * cannot do without in nx_component.services, and the router checks them before create().
 *
 * This header holds log, values, config, buffers, loop, metrics, work and realm. The services that
 * belong to one kind of component stand in that kind's header (nx_transport.h, nx_authenticator.h,
 * …).
 */
#ifndef NEXUS_NX_HOST_H
#define NEXUS_NX_HOST_H

#include "nexus/nx_value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frozen: the first fields of every host handle. The rest of the object is the router's. */
struct nx_host {
  uint32_t struct_size;
  uint32_t abi_minor;                                    /* of the running router */
  const void* (*service)(nx_host* host, const char* id); /* [any] */
};

static inline const void* nx_host_service(nx_host* host, const char* id) {
  return host->service(host, id);
}

/* ---- log ------------------------------------------------------------------------------- */
#define NX_HOST_LOG "nexus.log/1"

#define NX_LOG_TRACE 1u
#define NX_LOG_DEBUG 2u
#define NX_LOG_INFO 3u
#define NX_LOG_WARNING 4u
#define NX_LOG_ERROR 5u

typedef struct nx_host_log_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Writes one line under the component's name. Never blocks: when the log falls behind, lines
   * are counted and dropped. Never pass a secret. [any] */
  void (*write)(nx_host* host, uint32_t level, nx_str text);
  /* 1 if lines of this level are written at all; ask before formatting something costly. [any] */
  uint32_t (*enabled)(nx_host* host, uint32_t level);
  /* For what a client, or a shortage, can make happen over and over: as write() for the first line
   * of a cause; of those that follow, one a minute, with their number. `cause` tells them apart. It
   * may hold what a client chose: very many causes are counted together. [any] */
  void (*limited)(nx_host* host, uint32_t level, nx_str cause, nx_str text);
} nx_host_log_v1;

/* ---- values ---------------------------------------------------------------------------- */
#define NX_HOST_VALUES "nexus.values/1"

/* Values are immutable once somebody else has seen them, and counted. A function that makes one
 * returns it with a count of one, to be given back with `unref`; NULL means out of memory or a
 * wrong argument. Accessors lend. All of it is [any]; one value may be read on many threads. */
typedef struct nx_host_values_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  nx_value* (*ref)(const nx_value* value);
  void (*unref)(const nx_value* value);
  uint32_t (*kind)(const nx_value* value); /* NX_NULL … NX_DICT; NX_NULL for NULL */
  /* Each answers `fallback` (or an empty view) where the value is of another kind. An NX_DOUBLE
   * that is a whole number from -2^53 to 2^53 counts as that integer in as_int and as_uint:
   * JavaScript writes integers so in msgpack and CBOR. kind() says what was written. */
  uint32_t (*as_bool)(const nx_value* value, uint32_t fallback);
  int64_t (*as_int)(const nx_value* value, int64_t fallback);
  uint64_t (*as_uint)(const nx_value* value, uint64_t fallback);
  double (*as_double)(const nx_value* value, double fallback); /* integers too */
  nx_str (*as_string)(const nx_value* value);
  nx_bytes (*as_binary)(const nx_value* value);
  uint64_t (*size)(const nx_value* value); /* entries of a list or dict, else 0 */
  const nx_value* (*at)(const nx_value* value, uint64_t index); /* list item or dict value */
  nx_str (*key_at)(const nx_value* value, uint64_t index);
  /* The last value under this key (duplicates: last wins), or NULL. */
  const nx_value* (*get)(const nx_value* dict, nx_str key);

  nx_value* (*new_null)(void);
  nx_value* (*new_bool)(uint32_t value);
  nx_value* (*new_int)(int64_t value);
  nx_value* (*new_uint)(uint64_t value);
  nx_value* (*new_double)(double value);
  nx_value* (*new_string)(nx_str value); /* NULL if not UTF-8 */
  nx_value* (*new_binary)(nx_bytes value);
  nx_value* (*new_list)(void);
  nx_value* (*new_dict)(void);
  /* Append or replace; only on a list or dict that its maker has not shown to anybody. `item`
   * is counted up, so the caller still gives back its own. */
  nx_status (*append)(nx_value* list, const nx_value* item);
  nx_status (*set)(nx_value* dict, nx_str key, const nx_value* item);

  /* JSON text, without any size limit but memory: for configuration and logs, not for traffic.
   * to_json calls `out` with pieces; from_json fails with NX_E_MALFORMED. */
  nx_status (*to_json)(const nx_value* value, void (*out)(void* user, nx_str piece), void* user);
  nx_status (*from_json)(nx_str text, nx_value** out, nx_error* error);
  /* Feeds a value to a sink, for example a serializer's emitter. */
  nx_status (*walk)(const nx_value* value, const nx_value_sink* sink, void* user);
} nx_host_values_v1;

/* ---- config ---------------------------------------------------------------------------- */
#define NX_HOST_CONFIG "nexus.config/1"

/* Lets configure() name every mistake of its section and not only the first.
 *
 * A component that lists this service in nx_component.services is configured even when the router
 * has found mistakes in its section, so that all are named at once. In such a section an option
 * that is wrong is NX_NULL, and a required one that is missing is absent. */
typedef struct nx_host_config_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Names one mistake: `option` as in the component's table ("tls.key"; empty = the section as a
   * whole), `text` says what is wrong and what to do, and no secret. It counts whatever
   * configure() answers; the error text that configure() answers is then not shown. Mistakes of an
   * option that the router has called wrong already are dropped. From inside configure() only,
   * elsewhere ignored. [main] */
  void (*mistake)(nx_host* host, nx_str option, nx_str text);
  /* Names what the operator should hear of although the router can start with it (a certificate
   * that has expired): `--check` shows it as a warning, the start logs it. As mistake() otherwise.
   * [main] */
  void (*warning)(nx_host* host, nx_str option, nx_str text);
} nx_host_config_v1;

/* ---- buffers --------------------------------------------------------------------------- */
#define NX_HOST_BUFFERS "nexus.buffers/1"

typedef struct nx_host_buffers_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  nx_buffer* (*copy_of)(nx_bytes bytes);      /* count of one; NULL when out of memory [any] */
  nx_buffer* (*ref)(nx_buffer* buffer);       /* [any] */
  void (*unref)(nx_buffer* buffer);           /* [any] */
  nx_bytes (*bytes)(const nx_buffer* buffer); /* valid while counted [any] */
} nx_host_buffers_v1;

/* ---- loop ------------------------------------------------------------------------------ */
#define NX_HOST_LOOP "nexus.loop/1"

#define NX_LOOP_NONE UINT32_MAX

#define NX_FD_READ 1u
#define NX_FD_WRITE 2u
#define NX_FD_ERROR 4u /* reported only */

typedef struct nx_host_loop_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  uint32_t (*count)(nx_host* host);   /* loops, numbered from 0 [any] */
  uint32_t (*current)(nx_host* host); /* the calling thread's loop, or NX_LOOP_NONE [any] */
  /* Runs fn(user) on that loop, in the order of posting. Never runs it at once. NX_E_CLOSED, and
   * fn is never called, after the loops have stopped, or when the component is about to be: what
   * was accepted before that runs before stop() is called. [any] */
  nx_status (*post)(nx_host* host, uint32_t loop, void (*fn)(void* user), void* user);
  /* Calls fn(user) once on the current loop, not before delay_ms, unless the component is stopped
   * before. The id is never 0. NX_E_CLOSED as for post(). [loop] */
  nx_status (*timer_start)(nx_host* host, uint64_t delay_ms, void (*fn)(void* user), void* user,
                           uint64_t* timer);
  /* After this, fn is not called any more. An id that has fired is ignored. [loop] */
  void (*timer_cancel)(nx_host* host, uint64_t timer);
  /* Watches a descriptor of the component's on the current loop, level triggered; events = 0
   * ends it, and so does the end of the component. fn may be called until the turn in which the
   * watch ended. The descriptor stays the component's. NX_E_CLOSED as for post(). [loop] */
  nx_status (*watch)(nx_host* host, int32_t fd, uint32_t events,
                     void (*fn)(void* user, int32_t fd, uint32_t events), void* user);
  uint64_t (*now_ms)(nx_host* host); /* monotonic, cached once per turn [any] */
} nx_host_loop_v1;

/* ---- metrics --------------------------------------------------------------------------- */
#define NX_HOST_METRICS "nexus.metrics/1"

typedef struct nx_counter nx_counter;

typedef struct nx_host_metrics_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Finds or makes the component's counter of this name ([a-z0-9_]+). It lives as long as the
   * router. NULL when the table of counters is full, or a text is none. [main] */
  nx_counter* (*counter)(nx_host* host, nx_str name, nx_str help);
  /* Adds without locks or contention. NULL is ignored. [any] */
  void (*add)(nx_counter* counter, uint64_t amount);
} nx_host_metrics_v1;

/* ---- work ------------------------------------------------------------------------------ */
#define NX_HOST_WORK "nexus.work/1"

typedef struct nx_host_work_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Runs fn(user) on a small pool of threads, where it may block (an LDAP look-up, a slow hash).
   * A component has a share of the threads and a queue of its own there (router.work_threads,
   * router.work_share, router.work_queue), so that it cannot keep others from theirs; one that has
   * nothing running is served at once. Every accepted job runs exactly once, before the component's
   * stop() is called. When the router stops and a job does not return within
   * router.shutdown_timeout, the component is left as it is: jobs that have not begun never run,
   * and stop() and destroy() are not called before those that have begun are over. NX_E_LIMIT when
   * the component's queue is full, NX_E_CLOSED while stopping, NX_E_MEMORY when the system has no
   * thread; fn is not called then, and whoever waits for it is to be told at once. [any] */
  nx_status (*run)(nx_host* host, void (*fn)(void* user), void* user);
} nx_host_work_v1;

/* ---- realm ----------------------------------------------------------------------------- */
#define NX_HOST_REALM "nexus.realm/1"

/* Called exactly once for each accepted call, on the loop that made it and before the component's
 * stop(): a call that is open when it is to be stopped, as its realm was removed, is canceled and
 * ends with wamp.error.canceled. On success `error_uri` is empty; `args` (a list) and `kwargs` (a
 * dict) may be NULL and are lent. [loop] */
typedef void (*nx_call_done)(void* user, nx_str error_uri, const nx_value* args,
                             const nx_value* kwargs);

typedef struct nx_host_realm_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Calls a procedure as the router itself (authrole "trusted"). timeout_ms 0 = the realm's
   * default. NX_E_INVALID for an unknown realm or a URI that is none, NX_E_CLOSED when the
   * component is about to be stopped. [loop] */
  nx_status (*call)(nx_host* host, nx_str realm, nx_str procedure, const nx_value* args,
                    const nx_value* kwargs, uint64_t timeout_ms, nx_call_done done, void* user);
  /* Publishes as the router itself. options as in PUBLISH.Options, or NULL. [loop] */
  nx_status (*publish)(nx_host* host, nx_str realm, nx_str topic, const nx_value* options,
                       const nx_value* args, const nx_value* kwargs);
} nx_host_realm_v1;

#ifdef __cplusplus
}
#endif
#endif
