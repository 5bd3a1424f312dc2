// Serializer: a typed, non-owning handle on a serializer plugin's vtable. Any loop.
//
// The table and the instance behind it live as long as the router. `index` is the serializer's
// place in the router's table and stands for "the same format" in comparisons on the hot path.
#pragma once

#include <string>
#include <string_view>

#include "kernel/base/bytes.hpp"
#include "kernel/base/value.hpp"
#include "kernel/base/writer.hpp"
#include "nexus/nx_serializer.h"

namespace nexus {

struct Serializer {
  const nx_serializer_v1* table = nullptr;
  void* self = nullptr;
  uint32_t index = 0;
  nx_limits limits{sizeof(nx_limits), 64};

  std::string_view name() const { return to_view(table->name); }
  bool is_text() const { return (table->flags & NX_SERIALIZER_TEXT) != 0; }

  nx_status split(Bytes message, Writer& scratch, nx_element* out, uint32_t capacity,
                  uint32_t* count, nx_error* error) const {
    return table->split(self, to_nx(message), &limits, &scratch, out, capacity, count, error);
  }
  nx_status walk(Bytes value, Writer& scratch, const nx_value_sink& sink, void* user,
                 nx_error* error = nullptr) const {
    return table->walk(self, to_nx(value), &limits, &scratch, &sink, user, error);
  }
  // The span as a tree; no value when it cannot be one. `why`, if given, then says the reason.
  Value to_value(Bytes value, Writer& scratch, ValueBuilder::Policy policy = {},
                 std::string* why = nullptr) const;
  // Options and Details as a tree: what the router and its plugins read. What nobody can read there
  // is as if it were not there, or Value::other() with Others::keep; integers are integers, however
  // they were written.
  Value to_details(Bytes value, Writer& scratch, Others others = Others::drop) const {
    return to_value(value, scratch, {.others = others, .whole_numbers = true});
  }
};

}  // namespace nexus
