// The UBJSON serializer's two dialects, and its reading verbs as plugin.cpp puts them into its
// tables. Any loop; see nexus/nx_serializer.h for what each verb promises.
//
// The dialects share most markers and differ in the order of the bytes of a number, so that a
// message does not tell which one it is in: they are two components, and a listener is told which
// one its peers speak.
#pragma once

#include "nexus/nx_serializer.h"

namespace nexus::serializers::ubjson {

enum class Dialect {
  ubjson,  // UBJSON Draft 12: numbers big-endian
  bjdata,  // BJData Draft 3: little-endian, with unsigned and half precision numbers
};

constexpr const char* format_of(Dialect dialect) {
  return dialect == Dialect::ubjson ? "UBJSON" : "BJData";
}

template <Dialect kDialect>
nx_status split(void* self, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error);

template <Dialect kDialect>
nx_status walk(void* self, nx_bytes value, const nx_limits* limits, nx_writer* scratch,
               const nx_value_sink* sink, void* user, nx_error* error);

}  // namespace nexus::serializers::ubjson
