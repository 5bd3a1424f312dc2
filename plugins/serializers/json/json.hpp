// The JSON serializer's verbs, as plugin.cpp puts them into its table. Any loop; see
// nexus/nx_serializer.h for what each one promises.
#pragma once

#include "plugins/serializers/common/common.hpp"

namespace nexus::serializers::json {

nx_status split(void* self, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error);

nx_status walk(void* self, nx_bytes value, const nx_limits* limits, nx_writer* scratch,
               const nx_value_sink* sink, void* user, nx_error* error);

// The state behind emit_begin; its fields are emit.cpp's.
struct Emitter {
  // What may come next.
  enum class Next : uint8_t { value, first_item, item, first_key, key, dict_value, nothing };

  nx_writer* out;
  uint32_t depth;
  Next next;
  uint8_t dict[kMaxDepth];  // for each open level: 1 if it is a dict
};
static_assert(sizeof(Emitter) <= NX_EMITTER_MAX);

void emit_begin(void* self, void* state, nx_writer* out);
nx_status emit_raw(void* state, nx_bytes value);
extern const nx_value_sink kEmit;

}  // namespace nexus::serializers::json
