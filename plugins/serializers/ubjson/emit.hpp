// emit: writes UBJSON and BJData as Autobahn's libraries do: lists and dicts without counts, every
// integer and length in its shortest form, doubles in double precision. Any loop.
#pragma once

#include <charconv>
#include <cmath>
#include <string_view>

#include "plugins/serializers/common/binary_emitter.hpp"
#include "plugins/serializers/ubjson/ubjson.hpp"

namespace nexus::serializers::ubjson {

template <Dialect kDialect>
struct Format {
  static constexpr bool kBjdata = kDialect == Dialect::bjdata;

  // A marker and a number of `size` bytes; returns the length.
  static size_t put(uint8_t* out, char marker, uint64_t value, unsigned size) {
    out[0] = static_cast<uint8_t>(marker);
    for (unsigned i = 0; i < size; ++i) {
      out[1 + i] = static_cast<uint8_t>(value >> 8 * (kBjdata ? i : size - 1 - i));
    }
    return size_t{1} + size;
  }
  // An integer of at most 64 bits with sign, or, in BJData, without.
  static size_t put_integer(uint8_t* out, bool negative, uint64_t bits) {
    const auto value = static_cast<int64_t>(bits);
    if (!negative && bits <= UINT8_MAX) return put(out, 'U', bits, 1);
    if (kBjdata && !negative) {
      if (bits <= UINT16_MAX) return put(out, 'u', bits, 2);
      if (bits <= UINT32_MAX) return put(out, 'm', bits, 4);
      return put(out, 'M', bits, 8);
    }
    if (value >= INT8_MIN && value <= INT8_MAX) return put(out, 'i', bits, 1);
    if (value >= INT16_MIN && value <= INT16_MAX) return put(out, 'I', bits, 2);
    if (value >= INT32_MIN && value <= INT32_MAX) return put(out, 'l', bits, 4);
    return put(out, 'L', bits, 8);
  }

  static nx_status byte(nx_writer* out, char value) { return append(out, &value, 1); }
  // `prefix`, a length, and as many bytes.
  static nx_status sized(nx_writer* out, std::string_view prefix, const void* data, uint64_t size) {
    uint8_t head[16];
    std::memcpy(head, prefix.data(), prefix.size());
    const size_t used = prefix.size() + put_integer(head + prefix.size(), false, size);
    const nx_status status = append(out, head, used);
    return status == NX_OK ? append(out, data, size) : status;
  }

  static nx_status null(nx_writer* out) { return byte(out, 'Z'); }
  static nx_status boolean(nx_writer* out, bool value) { return byte(out, value ? 'T' : 'F'); }
  static nx_status integer(nx_writer* out, int64_t value) {
    uint8_t bytes[9];
    return append(out, bytes, put_integer(bytes, value < 0, static_cast<uint64_t>(value)));
  }
  static nx_status unsigned_integer(nx_writer* out, uint64_t value) {
    if (kBjdata || value <= INT64_MAX) {
      uint8_t bytes[9];
      return append(out, bytes, put_integer(bytes, false, value));
    }
    char digits[20];
    const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return sized(out, "H", digits, static_cast<uint64_t>(end - digits));
  }
  static nx_status real(nx_writer* out, double value) {
    // UBJSON, "Numeric Types": what is infinite or no number is written as null.
    if (!kBjdata && !std::isfinite(value)) return null(out);
    uint8_t bytes[9];
    return append(out, bytes, put(bytes, 'D', std::bit_cast<uint64_t>(value), 8));
  }
  static nx_status string(nx_writer* out, nx_str value) {
    if (value.size == 1) {  // valid UTF-8, so it is ASCII
      const char bytes[2] = {'C', value.data[0]};
      return append(out, bytes, sizeof bytes);
    }
    return sized(out, "S", value.data, value.size);
  }
  static nx_status key(nx_writer* out, nx_str value) {
    return sized(out, "", value.data, value.size);
  }
  static nx_status binary(nx_writer* out, nx_bytes value) {
    return sized(out, kBjdata ? "[$B#" : "[$U#", value.data, value.size);
  }
  static size_t head(uint8_t (&out)[9], bool dict, uint32_t) {
    out[0] = dict ? '{' : '[';
    return 1;
  }
  static nx_status end(nx_writer* out, bool dict) { return byte(out, dict ? '}' : ']'); }
};

template <Dialect kDialect>
using Emitter = BinaryEmitter<Format<kDialect>>;
static_assert(sizeof(Emitter<Dialect::ubjson>) <= NX_EMITTER_MAX);

}  // namespace nexus::serializers::ubjson
