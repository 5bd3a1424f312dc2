// What tags make of the item behind them: numbers that CBOR writes in other ways than as an integer
// or a float (RFC 8949, sections 3.4.3 and 3.4.4), and things that are not what they look like. Any
// loop.
//
// Whoever speaks another format gets a number as that number or not at all, and never as the list
// or the bytes that it is written with.
#pragma once

#include <cstdint>

namespace nexus::serializers::cbor {

enum class Meaning : uint8_t {
  plain,            // the item itself counts
  bignum,           // tag 2: bytes, big-endian
  negative_bignum,  // tag 3: -1 minus that
  decimal,          // tag 4: [exponent, mantissa], to the base of 10
  bigfloat,         // tag 5: the same to the base of 2
  foreign,          // something else that no other format has: NX_OTHER
};

Meaning meaning_of(uint64_t tag);

// Of two tags in a row.
inline Meaning combine(Meaning outer, Meaning inner) {
  if (outer == Meaning::plain) return inner;
  return inner == Meaning::plain ? outer : Meaning::foreign;
}

// NX_INT or NX_UINT with the value in `bits`, NX_DOUBLE with its bits, or NX_OTHER for what no
// other format here can say without changing it.
struct Number {
  uint32_t kind;
  uint64_t bits;
};

Number read_bignum(const uint8_t* p, uint64_t size, bool negative);

// mantissa * 10^exponent, where the mantissa is `magnitude` or its negative. A double stands for it
// if the shortest decimal that is read as this double is this very number, as it is for everything
// of at most 15 digits.
Number read_decimal(int64_t exponent, uint64_t magnitude, bool negative);

// mantissa * 2^exponent; a double stands for it if it is exactly that.
Number read_bigfloat(int64_t exponent, uint64_t magnitude, bool negative);

}  // namespace nexus::serializers::cbor
