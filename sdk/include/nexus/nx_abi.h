/* The alphabet of the ABI: statuses, views, errors, and the macros that every other header uses.
 *
 * Rules that hold for every header of the SDK:
 * - Every struct that is passed by pointer begins with `struct_size`, is zeroed by who makes it,
 *   and grows only at its end. nx_str, nx_bytes and nx_element are frozen instead.
 * - Integers have fixed widths; there are no enums or bools in structs, and 0 is never a valid
 *   choice, so that a forgotten field shows.
 * - A pointer + length is borrowed for the duration of the call, unless its comment says more.
 * - Nobody frees what somebody else allocated.
 * - Each function's comment ends with where it may be called:
 *     [main]   the thread that starts and stops the router
 *     [loop]   the loop thread that owns the object in question
 *     [any]    any thread, at any time between create() and destroy()
 */
#ifndef NEXUS_NX_ABI_H
#define NEXUS_NX_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "nexus/nx_version.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define NX_EXPORT __declspec(dllexport)
#else
#define NX_EXPORT __attribute__((visibility("default")))
#endif

/* What a function answers. Errors are negative. */
typedef int32_t nx_status;

#define NX_OK 0
#define NX_PENDING 1 /* the answer comes later, through the operation's handle */

#define NX_E_UNSUPPORTED (-1)     /* this router or plugin does not do that */
#define NX_E_INVALID (-2)         /* an argument makes no sense */
#define NX_E_CONFIG (-3)          /* the operator has to change the configuration */
#define NX_E_LIMIT (-4)           /* a configured limit was reached */
#define NX_E_MALFORMED (-5)       /* bytes from the network break their format */
#define NX_E_UNREPRESENTABLE (-6) /* this value cannot be said in that format */
#define NX_E_CLOSED (-7)          /* the thing is already closed or gone */
#define NX_E_MEMORY (-8)          /* allocation failed */
#define NX_E_IO (-9)              /* the operating system said no */
#define NX_E_STATE (-10)          /* not now: called in the wrong order */
#define NX_E_INTERNAL (-11)       /* a bug; also what an exception becomes */
#define NX_E_TIMEOUT (-12)        /* the deadline passed */

/* UTF-8 text (checked where it is taken) and raw bytes: borrowed, not terminated. Frozen. */
typedef struct nx_str {
  const char* data;
  uint64_t size;
} nx_str;

typedef struct nx_bytes {
  const uint8_t* data;
  uint64_t size;
} nx_bytes;

#define NX_ERROR_TEXT_MAX 512
#define NX_ERROR_URI_MAX 128

/* Filled by the callee of a failing function; the memory is the caller's, and it may be NULL.
 * `text` is for a human who can act on it; `uri` is the WAMP error URI where a client is to see
 * one, else empty. */
typedef struct nx_error {
  uint32_t struct_size;
  nx_status code;
  char text[NX_ERROR_TEXT_MAX];
  char uri[NX_ERROR_URI_MAX];
} nx_error;

/* True if the struct behind `p`, as its maker compiled it, reaches past `field`. */
#define NX_HAS(p, field) \
  ((p) != NULL && (p)->struct_size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

/* A counted, immutable run of bytes made by the router (service "nexus.buffers/1"). */
typedef struct nx_buffer nx_buffer;

/* The router, as one component sees it. Every host function takes it first. */
typedef struct nx_host nx_host;

/* Handle of an operation that may be answered later. Never 0. It carries a generation: an answer
 * to an operation that has ended already is ignored. */
typedef uint64_t nx_op;

#ifdef __cplusplus
}
#endif
#endif
