// emit: writes msgpack with msgpack-c's packer, every integer and length in its shortest form.
// Any loop.
#pragma once

#include <msgpack/pack.hpp>

#include "plugins/serializers/common/binary_emitter.hpp"

namespace nexus::serializers::mp {

struct Format {
  // What the packer writes to; it cannot say that there is no room, so it remembers.
  struct Stream {
    nx_writer* out;
    nx_status status = NX_OK;
    void write(const char* bytes, size_t size) {
      if (status == NX_OK) status = append(out, bytes, size);
    }
  };
  // Room for at most nine bytes, for heads.
  struct Head {
    uint8_t* at;
    size_t size = 0;
    void write(const char* bytes, size_t count) {
      std::memcpy(at + size, bytes, count);
      size += count;
    }
  };

  template <class Write>
  static nx_status pack(nx_writer* out, Write&& write) {
    Stream stream{out};
    ::msgpack::packer<Stream> packer(stream);
    write(packer);
    return stream.status;
  }

  static nx_status null(nx_writer* out) {
    return pack(out, [](auto& packer) { packer.pack_nil(); });
  }
  static nx_status boolean(nx_writer* out, bool value) {
    return pack(out, [&](auto& packer) { value ? packer.pack_true() : packer.pack_false(); });
  }
  static nx_status integer(nx_writer* out, int64_t value) {
    return pack(out, [&](auto& packer) { packer.pack_int64(value); });
  }
  static nx_status unsigned_integer(nx_writer* out, uint64_t value) {
    return pack(out, [&](auto& packer) { packer.pack_uint64(value); });
  }
  // Not with the packer: it writes a double without a fraction as an integer, and 1.0 is to stay
  // one for whoever reads it.
  static nx_status real(nx_writer* out, double value) { return put_double(out, 0xcb, value); }
  static nx_status string(nx_writer* out, nx_str value) {
    if (value.size > UINT32_MAX) return NX_E_UNREPRESENTABLE;
    const auto size = static_cast<uint32_t>(value.size);
    return pack(out, [&](auto& packer) { packer.pack_str(size).pack_str_body(value.data, size); });
  }
  static nx_status binary(nx_writer* out, nx_bytes value) {
    if (value.size > UINT32_MAX) return NX_E_UNREPRESENTABLE;
    const auto size = static_cast<uint32_t>(value.size);
    const auto* const data = reinterpret_cast<const char*>(value.data);
    return pack(out, [&](auto& packer) { packer.pack_bin(size).pack_bin_body(data, size); });
  }
  static size_t head(uint8_t (&out)[9], bool dict, uint32_t count) {
    Head stream{out};
    ::msgpack::packer<Head> packer(stream);
    dict ? packer.pack_map(count) : packer.pack_array(count);
    return stream.size;
  }
};

using Emitter = BinaryEmitter<Format>;
static_assert(sizeof(Emitter) <= NX_EMITTER_MAX);

}  // namespace nexus::serializers::mp
