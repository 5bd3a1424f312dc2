/* Serializer: three verbs (split, walk, emit) and no WAMP in it.
 *
 * A serializer does not know what a CALL is. It cuts one message into its top-level elements,
 * reports a value to a sink, and writes values. Interface id: "nexus.serializer/1".
 *
 * All functions may run on several loops at once, on different messages: an instance has no
 * state that changes after start(). Input is hostile: every byte sequence ends in NX_OK or an
 * error, in time and memory bounded by its length.
 */
#ifndef NEXUS_NX_SERIALIZER_H
#define NEXUS_NX_SERIALIZER_H

#include "nexus/nx_value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NX_SERIALIZER_V1 "nexus.serializer/1"

/* One element of a message's top-level list. Frozen: comes in arrays, so it never grows. */
typedef struct nx_element {
  uint32_t kind;  /* NX_NULL … NX_UNFIT */
  uint32_t count; /* entries, for NX_LIST and NX_DICT */
  nx_bytes span;  /* the element as encoded, inside the message */
  union {
    int64_t i;  /* NX_INT; NX_BOOL as 0 or 1 */
    uint64_t u; /* NX_UINT */
    double d;   /* NX_DOUBLE */
  } number;
  nx_bytes text; /* NX_STRING: the decoded UTF-8. NX_BINARY: the decoded bytes. Points into the
                    message, or into the scratch writer where the encoding has escapes.
                    NX_UNFIT: why, as a text that lives as long as the library */
} nx_element;

typedef struct nx_limits {
  uint32_t struct_size;
  uint32_t max_depth; /* lists and dicts inside each other, the message itself being the first */
} nx_limits;

#define NX_SERIALIZER_TEXT 1u /* messages are UTF-8 text: WebSocket sends them as text frames */

/* Largest emitter state a serializer may ask for. */
#define NX_EMITTER_MAX 4096u

typedef struct nx_serializer_v1 {
  uint32_t struct_size;
  uint32_t flags;        /* NX_SERIALIZER_* */
  uint32_t rawsocket_id; /* RawSocket handshake nibble 1..15; 0 = not on RawSocket */
  uint32_t emitter_size; /* bytes of state an emitter needs, at most NX_EMITTER_MAX */
  nx_str name;           /* "json": what configuration and ppt_serializer call it */
  nx_str subprotocol;    /* "wamp.2.json": WebSocket subprotocol; empty = not on WebSocket */

  /* Validates one whole message (its structure, nesting, UTF-8, no trailing bytes) and returns its
   * top-level list: *count elements in out[0..capacity). More than `capacity` elements, or a
   * message that is not a list, is NX_E_MALFORMED. `scratch` receives decoded text where the
   * encoding has escapes; room for all of it is made once, so that earlier views stay valid.
   *
   * An error ends the sender's session, so it is for bytes that are no message. Application data
   * that this format can hold and others cannot (a dict key that is no string, half a surrogate
   * pair, a number without end) is left to `walk`: it may go on to receivers of this format. Data
   * that nobody is to get (nested more deeply than the limit, text that is not UTF-8) makes its
   * element NX_UNFIT, and the router refuses that one request. A serializer that answers an error
   * for these is safe, and stricter than it has to be. [loop] */
  nx_status (*split)(void* self, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                     nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error);

  /* Reports the one value in `value` (a span from split, or any single encoded value) to `sink`.
   * Validates as it goes, so it is safe on bytes that no split has seen. What the kinds of
   * nx_value.h cannot say goes to the sink's on_other and dict_key_other, and ends in
   * NX_E_UNREPRESENTABLE where the sink has none. Counts are reported when the encoding knows them.
   * [loop] */
  nx_status (*walk)(void* self, nx_bytes value, const nx_limits* limits, nx_writer* scratch,
                    const nx_value_sink* sink, void* user, nx_error* error);

  /* Starts writing one value to `out`; `state` is emitter_size zeroed bytes, aligned to 16, that
   * live until the value is complete. `emit` below is then called with user = state. What the
   * format cannot say is NX_E_UNREPRESENTABLE. [loop] */
  void (*emit_begin)(void* self, void* state, nx_writer* out);

  /* Appends a value that is already encoded in this very format. [loop] */
  nx_status (*emit_raw)(void* state, nx_bytes value);

  const nx_value_sink* emit;
} nx_serializer_v1;

#ifdef __cplusplus
}
#endif
#endif
