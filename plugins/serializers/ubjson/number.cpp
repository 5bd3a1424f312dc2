// Checks the grammar first, then makes an integer of what is nothing but digits.
#include "plugins/serializers/ubjson/number.hpp"

#include <charconv>

#include "nexus/nx_value.h"

namespace nexus::serializers::ubjson {
namespace {

const char* digits(const char* p, const char* end) {
  while (p != end && *p >= '0' && *p <= '9') ++p;
  return p;
}

}  // namespace

bool read_decimal(const uint8_t* p, uint64_t size, uint32_t& kind, uint64_t& bits) {
  const char* const begin = reinterpret_cast<const char*>(p);
  const char* const end = begin + size;
  const bool negative = size != 0 && *begin == '-';
  const char* const first = begin + (negative ? 1 : 0);
  const char* const whole = digits(first, end);
  if (whole == first || (*first == '0' && whole - first > 1)) return false;
  const char* at = whole;
  if (at != end && *at == '.') {
    const char* const fraction = at + 1;
    at = digits(fraction, end);
    if (at == fraction) return false;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    const char* exponent = at + 1;
    if (exponent != end && (*exponent == '+' || *exponent == '-')) ++exponent;
    at = digits(exponent, end);
    if (at == exponent) return false;
  }
  if (at != end) return false;
  kind = NX_OTHER;
  if (whole != end) return true;
  uint64_t value = 0;
  if (std::from_chars(first, end, value).ec != std::errc{}) return true;
  if (!negative) {
    kind = value > INT64_MAX ? NX_UINT : NX_INT;
    bits = value;
  } else if (value <= uint64_t{1} << 63) {
    kind = NX_INT;
    bits = ~value + 1;
  }
  return true;
}

}  // namespace nexus::serializers::ubjson
