// emit: writes CBOR, every integer and length in its shortest form, lengths definite, doubles in
// double precision. Any loop.
#pragma once

#include "plugins/serializers/common/binary_emitter.hpp"

namespace nexus::serializers::cbor {

struct Format {
  // A first byte and its argument; returns the length.
  static size_t head(uint8_t (&out)[9], uint8_t major, uint64_t value) {
    const auto first = static_cast<uint8_t>(major << 5);
    const auto put = [&](uint8_t info, unsigned size) {
      out[0] = first | info;
      for (unsigned i = 0; i < size; ++i) {
        out[1 + i] = static_cast<uint8_t>(value >> 8 * (size - 1 - i));
      }
      return size_t{1} + size;
    };
    if (value < 24) return put(static_cast<uint8_t>(value), 0);
    if (value <= UINT8_MAX) return put(24, 1);
    if (value <= UINT16_MAX) return put(25, 2);
    if (value <= UINT32_MAX) return put(26, 4);
    return put(27, 8);
  }
  static size_t head(uint8_t (&out)[9], bool dict, uint32_t count) {
    return head(out, static_cast<uint8_t>(dict ? 5 : 4), uint64_t{count});
  }

  static nx_status number(nx_writer* out, uint8_t major, uint64_t value) {
    uint8_t bytes[9];
    return append(out, bytes, head(bytes, major, value));
  }
  static nx_status byte(nx_writer* out, uint8_t value) { return append(out, &value, 1); }
  static nx_status sized(nx_writer* out, uint8_t major, const void* data, uint64_t size) {
    const nx_status status = number(out, major, size);
    return status == NX_OK ? append(out, data, size) : status;
  }

  static nx_status null(nx_writer* out) { return byte(out, 0xf6); }
  static nx_status boolean(nx_writer* out, bool value) { return byte(out, value ? 0xf5 : 0xf4); }
  static nx_status integer(nx_writer* out, int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    return value < 0 ? number(out, 1, ~bits) : number(out, 0, bits);
  }
  static nx_status unsigned_integer(nx_writer* out, uint64_t value) {
    return number(out, 0, value);
  }
  static nx_status real(nx_writer* out, double value) { return put_double(out, 0xfb, value); }
  static nx_status string(nx_writer* out, nx_str value) {
    return sized(out, 3, value.data, value.size);
  }
  static nx_status binary(nx_writer* out, nx_bytes value) {
    return sized(out, 2, value.data, value.size);
  }
};

using Emitter = BinaryEmitter<Format>;
static_assert(sizeof(Emitter) <= NX_EMITTER_MAX);

}  // namespace nexus::serializers::cbor
