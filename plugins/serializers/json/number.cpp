#include "plugins/serializers/json/number.hpp"

#include <charconv>
#include <system_error>

namespace nexus::serializers::json {
namespace {

// True if `text`, which from_chars found to be out of range, is too small rather than too large:
// then the nearest double is zero. The decimal exponent of the first digit that is not 0 decides.
bool underflows(const char* p, const char* end) {
  if (*p == '-') ++p;
  int64_t exponent = 0;
  bool point = false;
  bool found = false;
  for (; p != end && (*p | 0x20) != 'e'; ++p) {
    if (*p == '.') {
      point = true;
    } else if (!found) {
      found = *p != '0';
      if (point) --exponent;
    } else if (!point) {
      ++exponent;
    }
  }
  if (p == end) return exponent < 0;
  ++p;
  const bool negative = *p == '-';
  if (*p == '-' || *p == '+') ++p;
  int64_t stated = 0;
  for (; p != end && stated < INT64_C(1) << 40; ++p) stated = stated * 10 + (*p - '0');
  return exponent + (negative ? -stated : stated) < 0;
}

}  // namespace

Decoded decode(const Number& number) {
  Decoded decoded;
  const auto* begin = reinterpret_cast<const char*>(number.begin);
  const auto* end = reinterpret_cast<const char*>(number.end);
  const bool negative = *begin == '-';
  if (number.real) {
    const auto [stop, error] = std::from_chars(begin, end, decoded.d);
    if (error == std::errc::result_out_of_range && underflows(begin, end)) {
      decoded.d = negative ? -0.0 : 0.0;
    } else if (error != std::errc{} || decoded.d - decoded.d != 0) {
      return decoded;  // beyond a double
    }
    decoded.kind = NX_DOUBLE;
    return decoded;
  }
  if (negative) {
    if (std::from_chars(begin, end, decoded.i).ec == std::errc{}) decoded.kind = NX_INT;
    return decoded;
  }
  if (std::from_chars(begin, end, decoded.u).ec != std::errc{}) return decoded;
  decoded.kind = decoded.u > INT64_MAX ? NX_UINT : NX_INT;
  decoded.i = static_cast<int64_t>(decoded.u);
  return decoded;
}

}  // namespace nexus::serializers::json
