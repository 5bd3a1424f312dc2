// IEEE 754 half precision numbers, which CBOR and BJData have. Any loop.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace nexus::serializers {

// The double that a half precision number stands for.
inline double from_half(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 0x3ff;
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else if (exponent != 31) {
    value = std::ldexp(fraction + 1024, exponent - 25);
  } else {
    value = fraction == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  }
  return (half & 0x8000) != 0 ? -value : value;
}

}  // namespace nexus::serializers
