#include "plugins/serializers/cbor/number.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "nexus/nx_value.h"

namespace nexus::serializers::cbor {
namespace {

constexpr Number kOther = {NX_OTHER, 0};

Number integer(uint64_t magnitude, bool negative) {
  if (!negative) return {magnitude > INT64_MAX ? NX_UINT : NX_INT, magnitude};
  return magnitude <= uint64_t{1} << 63 ? Number{NX_INT, ~magnitude + 1} : kOther;
}

Number real(double value) { return {NX_DOUBLE, std::bit_cast<uint64_t>(value)}; }

// A decimal number as its digits, without zeros at its end, and the power of ten behind them.
struct Digits {
  char text[24] = {};
  size_t size = 0;
  int64_t exponent = 0;

  bool operator==(const Digits& other) const {
    return size == other.size && exponent == other.exponent &&
           std::memcmp(text, other.text, size) == 0;
  }
};

// From what to_chars writes in scientific form: "1.25e-07".
Digits digits_of(const char* p, const char* end) {
  Digits out;
  int64_t fraction = 0;
  bool point = false;
  for (; p != end && *p != 'e'; ++p) {
    if (*p == '.') {
      point = true;
    } else if (*p != '-' && out.size < sizeof out.text) {
      out.text[out.size++] = *p;
      if (point) ++fraction;
    }
  }
  int exponent = 0;
  if (p != end) {
    ++p;
    if (p != end && *p == '+') ++p;
    std::from_chars(p, end, exponent);
  }
  out.exponent = exponent - fraction;
  while (out.size > 1 && out.text[out.size - 1] == '0') {
    --out.size;
    ++out.exponent;
  }
  return out;
}

}  // namespace

Meaning meaning_of(uint64_t tag) {
  switch (tag) {
    case 2:
      return Meaning::bignum;
    case 3:
      return Meaning::negative_bignum;
    case 4:
      return Meaning::decimal;
    case 5:
      return Meaning::bigfloat;
    case 25:   // the number of a string that was written before
    case 29:   // the number of a value that was written before
    case 30:   // a fraction of two integers
    case 40:   // an array of several dimensions: its shape, and its cells
    case 264:  // a decimal with a bignum for an exponent
    case 265:  // the same to the base of 2
    case 268:  // decimals, bigfloats and fractions with not-a-number and infinities
    case 269:
    case 270:
    case 1040:   // like 40
    case 43000:  // a complex number
    case 43001:
      return Meaning::foreign;
    default:
      return Meaning::plain;
  }
}

Number read_bignum(const uint8_t* p, uint64_t size, bool negative) {
  for (; size != 0 && *p == 0; --size) ++p;
  if (size > 8) return kOther;
  uint64_t value = 0;
  for (; size != 0; --size) value = value << 8 | *p++;
  if (!negative) return integer(value, false);
  return value <= INT64_MAX ? Number{NX_INT, ~value} : kOther;
}

Number read_decimal(int64_t exponent, uint64_t magnitude, bool negative) {
  if (magnitude == 0) return exponent < 0 ? real(negative ? -0.0 : 0.0) : integer(0, false);
  if (exponent >= 0) {
    uint64_t whole = magnitude;
    int64_t left = exponent;
    for (; left != 0 && whole <= UINT64_MAX / 10; --left) whole *= 10;
    if (left == 0) return integer(whole, negative);
  }
  if (exponent < -400 || exponent > 400) return kOther;
  char text[48];
  const int size = std::snprintf(text, sizeof text, "%llue%d",
                                 static_cast<unsigned long long>(magnitude), int(exponent));
  const char* const end = text + size;
  double value = 0;
  if (std::from_chars(text, end, value).ec != std::errc{}) return kOther;
  char shortest[32];
  const auto written =
      std::to_chars(shortest, shortest + sizeof shortest, value, std::chars_format::scientific);
  if (written.ec != std::errc{} || !(digits_of(shortest, written.ptr) == digits_of(text, end))) {
    return kOther;
  }
  return real(negative ? -value : value);
}

Number read_bigfloat(int64_t exponent, uint64_t magnitude, bool negative) {
  if (magnitude == 0) return exponent < 0 ? real(negative ? -0.0 : 0.0) : integer(0, false);
  if (exponent >= 0 && exponent <= std::countl_zero(magnitude)) {
    return integer(magnitude << exponent, negative);
  }
  if (exponent < -1200 || exponent > 1200) return kOther;
  const int zeros = std::countr_zero(magnitude);
  const uint64_t odd = magnitude >> zeros;
  if (odd >= uint64_t{1} << 53) return kOther;
  const double mantissa = static_cast<double>(odd);
  const int power = static_cast<int>(exponent) + zeros;
  const double value = std::ldexp(mantissa, power);
  if (!std::isfinite(value) || std::ldexp(value, -power) != mantissa) return kOther;
  return real(negative ? -value : value);
}

}  // namespace nexus::serializers::cbor
