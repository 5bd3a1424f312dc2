// What the serializers share: the depth ceiling, failures, appending to a writer, and the
// component around a serializer's table. Any loop.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "nexus/nx_plugin.h"
#include "nexus/nx_serializer.h"

namespace nexus::serializers {

// No serializer follows lists and dicts deeper than this, whatever nx_limits allows: it bounds the
// stack of a parser and the state of an emitter.
inline constexpr uint32_t kMaxDepth = 128;

inline uint32_t depth_limit(const nx_limits* limits) {
  return limits->max_depth < kMaxDepth ? limits->max_depth : kMaxDepth;
}

// Texts that more than one of them needs.
inline constexpr const char* kStopped = "stopped by the receiver of the values";
inline constexpr const char* kTooDeep = "nested too deeply";
inline constexpr const char* kTruncated = "the message ends inside a value";
inline constexpr const char* kBadText = "text that is not UTF-8";
inline constexpr const char* kBadKey = "a dict key that is no string";
inline constexpr const char* kNotHere = "a value that the receiver's format does not have";
inline constexpr const char* kNoMemory = "out of memory";
inline constexpr const char* kNotList = "a message must be a list";
inline constexpr const char* kTooMany = "too many elements";
inline constexpr const char* kTrailing = "bytes behind the end";
inline constexpr const char* kNoRoom = "no room for decoded text";

// What went wrong while reading, and at which byte. `code` is NX_OK as long as nothing did; it is
// what walk's sink answered, good or bad, when that is what ended the reading.
struct Failure {
  nx_status code = NX_OK;
  const char* what = "";
  uint64_t at = 0;
};

// Fills `error` (null is fine) with "<format>: <what> at byte <n>" and returns the code.
inline nx_status report(nx_error* error, const char* format, const Failure& failure) {
  if (error != nullptr) {
    error->code = failure.code;
    error->uri[0] = 0;
    std::snprintf(error->text, sizeof error->text, "%s: %s at byte %llu", format, failure.what,
                  static_cast<unsigned long long>(failure.at));
  }
  return failure.code;
}

// What a walk says when its sink has answered anything but NX_OK.
inline const char* stopped(nx_status status) {
  return status == NX_E_UNREPRESENTABLE ? kNotHere : kStopped;
}

// Makes an element one that nobody is to get. `why` is one of the texts above.
inline void make_unfit(nx_element& element, const char* why) {
  element.kind = NX_UNFIT;
  element.count = 0;
  element.number.u = 0;
  element.text = {reinterpret_cast<const uint8_t*>(why), std::strlen(why)};
}

// Appends to `out`; NX_E_LIMIT or NX_E_MEMORY when there is no room, and then nothing is written.
inline nx_status append(nx_writer* out, const void* bytes, uint64_t size) {
  const nx_status status = nx_writer_reserve(out, size);
  if (status != NX_OK) return status;
  if (size != 0) std::memcpy(out->data + out->size, bytes, size);
  out->size += size;
  return NX_OK;
}

// The big-endian number of 1, 2, 4 or 8 bytes at p.
inline uint64_t big_endian(const uint8_t* p, unsigned size) {
  const auto load = [p](auto value) {
    std::memcpy(&value, p, sizeof value);
    return value;
  };
  if constexpr (std::endian::native == std::endian::little) {
    switch (size) {
      case 1:
        return *p;
      case 2:
        return __builtin_bswap16(load(uint16_t{}));
      case 4:
        return __builtin_bswap32(load(uint32_t{}));
      default:
        return __builtin_bswap64(load(uint64_t{}));
    }
  }
  uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i) value = value << 8 | p[i];
  return value;
}

// A component whose instance has no state and no options: everything is in kTable.
template <const nx_serializer_v1& kTable>
struct StatelessComponent {
  static nx_status create(nx_host*, void** self, nx_error*) {
    static char instance;
    *self = &instance;
    return NX_OK;
  }
  static nx_status configure(void*, const nx_value*, nx_error*) { return NX_OK; }
  static nx_status start(void*, nx_error*) { return NX_OK; }
  static void stop(void*) {}
  static void destroy(void*) {}
  static const void* interface(void*, const char* id) {
    return std::strcmp(id, NX_SERIALIZER_V1) == 0 ? &kTable : nullptr;
  }

  static constexpr nx_component make(nx_str name, nx_str help) {
    nx_component component{};
    component.struct_size = sizeof component;
    component.kind = NX_KIND_SERIALIZER;
    component.name = name;
    component.help = help;
    component.create = &create;
    component.configure = &configure;
    component.start = &start;
    component.stop = &stop;
    component.destroy = &destroy;
    component.interface = &interface;
    return component;
  }
};

}  // namespace nexus::serializers
