// The emitter of the binary formats. Any loop.
//
// msgpack and CBOR begin lists and dicts with a count. Where the count is not known, one byte is
// left for the head, and the contents move up if the head turns out to be longer: a list of few
// entries costs nothing, and the result is the same bytes as with a known count. The sink's calls
// are checked for order and number, so that whatever was answered with NX_OK is one complete value.
// UBJSON needs no counts: it ends lists and dicts with a byte.
//
// Format says how things are written:
//   static nx_status null(nx_writer*); boolean(nx_writer*, bool); integer(nx_writer*, int64_t);
//     unsigned_integer(nx_writer*, uint64_t); real(nx_writer*, double);
//     string(nx_writer*, nx_str); binary(nx_writer*, nx_bytes);
//   static size_t head(uint8_t (&out)[9], bool dict, uint32_t count);   // returns its length
// and, where they differ from the above,
//   static nx_status key(nx_writer*, nx_str);          // else string()
//   static nx_status end(nx_writer*, bool dict);       // else there is a count
#pragma once

#include "plugins/serializers/common/common.hpp"

namespace nexus::serializers {

// Appends `head` and the eight bytes of a double, the first one first.
inline nx_status put_double(nx_writer* out, uint8_t head, double value) {
  uint8_t bytes[9] = {head};
  const auto bits = std::bit_cast<uint64_t>(value);
  for (int i = 0; i < 8; ++i) bytes[1 + i] = static_cast<uint8_t>(bits >> 8 * (7 - i));
  return append(out, bytes, sizeof bytes);
}

template <class Format>
class BinaryEmitter {
 public:
  static void emit_begin(void*, void* state, nx_writer* out) {
    BinaryEmitter& e = of(state);
    e.out_ = out;
    e.base_ = out->size;
    e.depth_ = 0;
    e.done_ = 0;
  }

  static nx_status emit_raw(void* state, nx_bytes value) {
    if (value.size == 0) return NX_E_INVALID;
    return of(state).scalar([&](nx_writer* out) { return append(out, value.data, value.size); });
  }

  static const nx_value_sink kSink;

 private:
  // One open list or dict. Eight bytes, because the router clears the state for every message.
  struct Level {
    // Where the count is known, the count; else the place of the head, counted from base_.
    uint32_t count_or_place;
    uint32_t entries : 29;  // begun
    uint32_t dict : 1;
    uint32_t known : 1;
    uint32_t has_key : 1;  // a dict's key has been written, its value not yet
  };
  static constexpr uint32_t kMaxEntries = (1u << 29) - 1;

  static BinaryEmitter& of(void* state) { return *static_cast<BinaryEmitter*>(state); }

  static nx_status count_entry(Level& level) {
    if (level.known != 0 && level.entries == level.count_or_place) return NX_E_STATE;
    if (level.entries == kMaxEntries) return NX_E_LIMIT;
    ++level.entries;
    return NX_OK;
  }

  nx_status begin_value() {
    if (depth_ == 0) return done_ != 0 ? NX_E_STATE : NX_OK;
    Level& level = levels_[depth_ - 1];
    if (level.dict != 0) return level.has_key != 0 ? NX_OK : NX_E_STATE;
    return count_entry(level);
  }

  void end_value() {
    if (depth_ == 0) {
      done_ = 1;
    } else {
      levels_[depth_ - 1].has_key = 0;
    }
  }

  template <class Write>
  nx_status scalar(Write&& write) {
    nx_status status = begin_value();
    if (status == NX_OK) status = write(out_);
    if (status == NX_OK) end_value();
    return status;
  }

  nx_status open(bool dict, uint64_t count) {
    if (depth_ == kMaxDepth) return NX_E_LIMIT;
    nx_status status = begin_value();
    if (status != NX_OK) return status;
    const bool known = count != NX_COUNT_UNKNOWN;
    const uint64_t place = out_->size - base_;
    if (known ? count > kMaxEntries : place > UINT32_MAX) return NX_E_LIMIT;
    uint8_t head[9];
    const size_t size = Format::head(head, dict, known ? static_cast<uint32_t>(count) : 0);
    status = append(out_, head, size);
    if (status != NX_OK) return status;
    Level& level = levels_[depth_++];
    level.count_or_place = static_cast<uint32_t>(known ? count : place);
    level.entries = 0;
    level.dict = dict ? 1 : 0;
    level.known = known ? 1 : 0;
    level.has_key = 0;
    return NX_OK;
  }

  nx_status close(bool dict) {
    if (depth_ == 0) return NX_E_STATE;
    const Level& level = levels_[depth_ - 1];
    if ((level.dict != 0) != dict || level.has_key != 0) return NX_E_STATE;
    if (level.known != 0 && level.entries != level.count_or_place) return NX_E_STATE;
    if constexpr (requires { Format::end(out_, dict); }) {
      const nx_status status = Format::end(out_, dict);
      if (status != NX_OK) return status;
    } else if (level.known == 0) {
      uint8_t head[9];
      const size_t size = Format::head(head, dict, level.entries);
      const nx_status status = nx_writer_reserve(out_, size - 1);
      if (status != NX_OK) return status;
      uint8_t* const at = out_->data + base_ + level.count_or_place;
      if (size != 1) {
        std::memmove(at + size, at + 1, out_->data + out_->size - (at + 1));
        out_->size += size - 1;
      }
      std::memcpy(at, head, size);
    }
    --depth_;
    end_value();
    return NX_OK;
  }

  nx_status key(nx_str text) {
    if (depth_ == 0) return NX_E_STATE;
    Level& level = levels_[depth_ - 1];
    if (level.dict == 0 || level.has_key != 0) return NX_E_STATE;
    nx_status status = count_entry(level);
    if (status == NX_OK) status = write_key(text);
    if (status == NX_OK) level.has_key = 1;
    return status;
  }

  nx_status write_key(nx_str text) {
    if constexpr (requires { Format::key(out_, text); }) {
      return Format::key(out_, text);
    } else {
      return Format::string(out_, text);
    }
  }

  nx_writer* out_;
  uint64_t base_;  // where the value begins in the writer
  uint32_t depth_;
  uint32_t done_;
  Level levels_[kMaxDepth];
};

template <class Format>
const nx_value_sink BinaryEmitter<Format>::kSink = {
    .struct_size = sizeof(nx_value_sink),
    .reserved = 0,
    .on_null = [](void* state) { return of(state).scalar(&Format::null); },
    .on_bool =
        [](void* state, uint32_t value) {
          return of(state).scalar([&](nx_writer* w) { return Format::boolean(w, value != 0); });
        },
    .on_int =
        [](void* state, int64_t value) {
          return of(state).scalar([&](nx_writer* w) { return Format::integer(w, value); });
        },
    .on_uint =
        [](void* state, uint64_t value) {
          return of(state).scalar([&](nx_writer* w) { return Format::unsigned_integer(w, value); });
        },
    .on_double =
        [](void* state, double value) {
          return of(state).scalar([&](nx_writer* w) { return Format::real(w, value); });
        },
    .on_string =
        [](void* state, nx_str value) {
          return of(state).scalar([&](nx_writer* w) { return Format::string(w, value); });
        },
    .on_binary =
        [](void* state, nx_bytes value) {
          return of(state).scalar([&](nx_writer* w) { return Format::binary(w, value); });
        },
    .list_begin = [](void* state, uint64_t count) { return of(state).open(false, count); },
    .list_end = [](void* state) { return of(state).close(false); },
    .dict_begin = [](void* state, uint64_t count) { return of(state).open(true, count); },
    .dict_key = [](void* state, nx_str key) { return of(state).key(key); },
    .dict_end = [](void* state) { return of(state).close(true); },
    .on_other = [](void*, uint32_t) -> nx_status { return NX_E_UNREPRESENTABLE; },
    .dict_key_other = [](void*) -> nx_status { return NX_E_UNREPRESENTABLE; },
};

}  // namespace nexus::serializers
