// The msgpack serializer's reading verbs, as plugin.cpp puts them into its table. Any loop; see
// nexus/nx_serializer.h for what each one promises. (The namespace is mp: `msgpack` is msgpack-c.)
#pragma once

#include "nexus/nx_serializer.h"

namespace nexus::serializers::mp {

inline constexpr const char* kFormat = "msgpack";

// Is this extension, its type and then its bytes, what JavaScript's encoders write for `undefined`?
inline bool is_undefined(const uint8_t* body, uint64_t size) {
  return size == 2 && body[0] == 0 && body[1] == 0;
}

nx_status split(void* self, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error);

nx_status walk(void* self, nx_bytes value, const nx_limits* limits, nx_writer* scratch,
               const nx_value_sink* sink, void* user, nx_error* error);

}  // namespace nexus::serializers::mp
