/* Values: what a WAMP message is made of, in two shapes.
 *
 * - nx_value: an opaque, counted, immutable tree for what is not hot (HELLO details, authextra,
 *   configuration sections). Read and built through the service "nexus.values/1" (nx_host.h).
 * - nx_value_sink: a stream of events for what is hot. A serializer's `walk` feeds one, a
 *   serializer's `emit` is one, so that any format can be turned into any other without a tree.
 */
#ifndef NEXUS_NX_VALUE_H
#define NEXUS_NX_VALUE_H

#include "nexus/nx_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nx_value nx_value;

/* Kinds of a value. */
#define NX_NULL 1u
#define NX_BOOL 2u
#define NX_INT 3u  /* fits int64_t */
#define NX_UINT 4u /* above INT64_MAX, fits uint64_t */
#define NX_DOUBLE 5u
#define NX_STRING 6u /* valid UTF-8 */
#define NX_BINARY 7u
#define NX_LIST 8u
#define NX_DICT 9u /* string keys, in order of insertion, duplicates kept */
/* Valid in its own format only (a msgpack extension, a CBOR bignum, a JSON number beyond 64 bit);
 * can be passed on as bytes, not transcoded. */
#define NX_OTHER 10u
/* Only from a serializer's split: an element that is well-formed, but nested more deeply than the
 * limit, or with text in it that is not UTF-8. Nobody may be sent it. */
#define NX_UNFIT 11u

/* What on_other tells of. */
#define NX_OTHER_VALUE 1u     /* a value that only its own format has: see NX_OTHER */
#define NX_OTHER_UNDEFINED 2u /* what JavaScript writes for `undefined`: no value is meant */

/* Receives one value as a series of calls. Every function returns NX_OK to go on; anything else
 * stops the walk, which then returns that status. `count` is the number of entries to come, or
 * NX_COUNT_UNKNOWN. Text and bytes are borrowed for the call. [loop] */
#define NX_COUNT_UNKNOWN UINT64_MAX

typedef struct nx_value_sink {
  uint32_t struct_size;
  uint32_t reserved;
  nx_status (*on_null)(void* user);
  nx_status (*on_bool)(void* user, uint32_t value);
  nx_status (*on_int)(void* user, int64_t value);
  nx_status (*on_uint)(void* user, uint64_t value); /* only above INT64_MAX */
  nx_status (*on_double)(void* user, double value);
  nx_status (*on_string)(void* user, nx_str value);
  nx_status (*on_binary)(void* user, nx_bytes value);
  nx_status (*list_begin)(void* user, uint64_t count);
  nx_status (*list_end)(void* user);
  nx_status (*dict_begin)(void* user, uint64_t count);
  nx_status (*dict_key)(void* user, nx_str key);
  nx_status (*dict_end)(void* user);
  /* What the kinds above cannot say. A sink that has them (nx_sink_other, nx_sink_key_other below)
   * may answer NX_OK, and the walk goes on behind it: a reader of options passes over what it does
   * not need. Appended to 1.0; an emitter answers NX_E_UNREPRESENTABLE. [loop] */
  nx_status (*on_other)(void* user, uint32_t what); /* in place of a value; NX_OTHER_* */
  nx_status (*dict_key_other)(void* user);          /* a key that is no string; its value follows */
} nx_value_sink;

/* Growable output memory, owned by the router and lent for a call. A serializer appends at
 * data + size after making room with `grow`. `grow` makes capacity - size >= need (it may move
 * `data`), or answers NX_E_LIMIT or NX_E_MEMORY and changes nothing. [loop] */
typedef struct nx_writer {
  uint32_t struct_size;
  uint32_t reserved;
  uint8_t* data;
  uint64_t size;
  uint64_t capacity;
  nx_status (*grow)(struct nx_writer* writer, uint64_t need);
} nx_writer;

static inline nx_status nx_writer_reserve(nx_writer* w, uint64_t need) {
  return w->capacity - w->size >= need ? NX_OK : w->grow(w, need);
}

/* For serializers: a value, or a key, that the kinds of this header cannot say. What a sink does
 * not know how to take, it cannot have: NX_E_UNREPRESENTABLE. */
static inline nx_status nx_sink_other(const nx_value_sink* sink, void* user, uint32_t what) {
  return NX_HAS(sink, on_other) && sink->on_other != NULL ? sink->on_other(user, what)
                                                          : NX_E_UNREPRESENTABLE;
}
static inline nx_status nx_sink_key_other(const nx_value_sink* sink, void* user) {
  return NX_HAS(sink, dict_key_other) && sink->dict_key_other != NULL ? sink->dict_key_other(user)
                                                                      : NX_E_UNREPRESENTABLE;
}

#ifdef __cplusplus
}
#endif
#endif
