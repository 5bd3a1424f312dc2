// What a JSON number stands for. Any loop.
#pragma once

#include "plugins/serializers/json/parser.hpp"

namespace nexus::serializers::json {

// A decoded number: kind is NX_INT, NX_UINT, NX_DOUBLE, or NX_OTHER for what is beyond 64 bit or
// beyond a double.
struct Decoded {
  uint32_t kind = NX_OTHER;
  int64_t i = 0;
  uint64_t u = 0;
  double d = 0;
};

Decoded decode(const Number& number);

}  // namespace nexus::serializers::json
