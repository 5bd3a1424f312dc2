// High-precision numbers (marker H): decimal digits as text. Any loop.
#pragma once

#include <cstdint>

namespace nexus::serializers::ubjson {

// Reads the number that is all of [p, p + size). False if it is none by the rules of JSON. `kind`
// is NX_INT or NX_UINT, with the value in `bits`, for an integer of at most 64 bits; any other
// number, which no other format could say without changing it, is NX_OTHER.
bool read_decimal(const uint8_t* p, uint64_t size, uint32_t& kind, uint64_t& bits);

}  // namespace nexus::serializers::ubjson
