// Integers that arrive as floats. Any thread.
//
// JavaScript has one kind of number, and its encoders of MessagePack and CBOR write what is above
// 2^32 as a float64: session ids practically always are. Within 2^53 such a float is exactly one
// integer, so it is taken for that integer wherever one is expected (U-01).
#pragma once

#include <cmath>
#include <cstdint>

namespace nexus {

// True, with the integer in *out, if `value` is a whole number from -2^53 to 2^53.
inline bool whole_number(double value, int64_t* out) {
  constexpr double kMost = 9007199254740992.0;
  if (!(value >= -kMost && value <= kMost) || value != std::trunc(value)) return false;
  *out = static_cast<int64_t>(value);
  return true;
}

}  // namespace nexus
