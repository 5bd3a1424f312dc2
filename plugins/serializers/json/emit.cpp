// emit: writes one JSON value, compact, with the fewest escapes. Any loop.
//
// The sink's calls are checked for order (a key before each value of a dict, one value in all), so
// that whatever was answered with NX_OK is JSON.
#include <charconv>
#include <cmath>

#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/json/json.hpp"
#include "plugins/serializers/json/scan.hpp"
#include "plugins/serializers/json/text.hpp"

namespace nexus::serializers::json {

namespace {

using Next = Emitter::Next;

constexpr char kHex[] = "0123456789abcdef";

Emitter& emitter(void* state) { return *static_cast<Emitter*>(state); }

// Makes room for a value of at most `size` bytes and the comma before it, which it writes.
// The value must then be put in any case.
nx_status begin_value(Emitter& e, uint64_t size) {
  if (e.next == Next::first_key || e.next == Next::key || e.next == Next::nothing) {
    return NX_E_STATE;
  }
  const nx_status status = nx_writer_reserve(e.out, size + 1);
  if (status != NX_OK) return status;
  if (e.next == Next::item) e.out->data[e.out->size++] = ',';
  return NX_OK;
}

void end_value(Emitter& e) {
  if (e.depth == 0) {
    e.next = Next::nothing;
  } else {
    e.next = e.dict[e.depth - 1] != 0 ? Next::key : Next::item;
  }
}

// Copies without a check: there is room.
void put(nx_writer* out, const void* bytes, size_t size) {
  std::memcpy(out->data + out->size, bytes, size);
  out->size += size;
}

nx_status put_word(Emitter& e, const char* word, size_t size) {
  const nx_status status = begin_value(e, size);
  if (status != NX_OK) return status;
  put(e.out, word, size);
  end_value(e);
  return NX_OK;
}

template <typename Integer>
nx_status put_integer(Emitter& e, Integer value) {
  constexpr size_t kDigits = 20;  // of the longest, with its sign
  const nx_status status = begin_value(e, kDigits);
  if (status != NX_OK) return status;
  char* const at = reinterpret_cast<char*>(e.out->data + e.out->size);
  e.out->size += static_cast<uint64_t>(std::to_chars(at, at + kDigits, value).ptr - at);
  end_value(e);
  return NX_OK;
}

// The escape for a byte that find_special stops at; returns its length.
size_t make_escape(uint8_t c, char (&escape)[6]) {
  escape[0] = '\\';
  const auto two = [&escape](char letter) {
    escape[1] = letter;
    return size_t{2};
  };
  switch (c) {
    case '"':
    case '\\':
      return two(static_cast<char>(c));
    case '\b':
      return two('b');
    case '\f':
      return two('f');
    case '\n':
      return two('n');
    case '\r':
      return two('r');
    case '\t':
      return two('t');
    default:
      escape[1] = 'u';
      escape[2] = '0';
      escape[3] = '0';
      escape[4] = kHex[c >> 4];
      escape[5] = kHex[c & 15];
      return 6;
  }
}

// Text in quotes. There is room for it if it has no escapes; makes more where it has.
nx_status put_text(nx_writer* out, nx_str text) {
  const auto* const begin = reinterpret_cast<const uint8_t*>(text.data);
  const uint8_t* const end = begin + text.size;
  out->data[out->size++] = '"';
  if (text.size < 16 && copy_short(out->data + out->size, begin, text.size)) {
    out->size += text.size;
    out->data[out->size++] = '"';
    return NX_OK;
  }
  for (const uint8_t* p = begin;;) {
    uint32_t high = 0;
    const uint8_t* const stop = find_special(p, end, begin, high);
    put(out, p, static_cast<size_t>(stop - p));
    if (stop == end) break;
    char escape[6];
    const size_t size = make_escape(*stop, escape);
    p = stop + 1;
    const nx_status status = nx_writer_reserve(out, size + static_cast<uint64_t>(end - p) + 2);
    if (status != NX_OK) return status;
    put(out, escape, size);
  }
  out->data[out->size++] = '"';
  return NX_OK;
}

nx_status on_null(void* state) { return put_word(emitter(state), "null", 4); }

nx_status on_bool(void* state, uint32_t value) {
  return value != 0 ? put_word(emitter(state), "true", 4) : put_word(emitter(state), "false", 5);
}

nx_status on_int(void* state, int64_t value) { return put_integer(emitter(state), value); }

nx_status on_uint(void* state, uint64_t value) { return put_integer(emitter(state), value); }

// The shortest form that reads back as the same double, and never like an integer.
nx_status on_double(void* state, double value) {
  if (!std::isfinite(value)) return NX_E_UNREPRESENTABLE;
  constexpr size_t kLongest = 32;  // "-2.2250738585072014e-308" is 24
  Emitter& e = emitter(state);
  const nx_status status = begin_value(e, kLongest);
  if (status != NX_OK) return status;
  char* const at = reinterpret_cast<char*>(e.out->data + e.out->size);
  char* end = std::to_chars(at, at + kLongest - 2, value).ptr;
  bool integral = true;
  for (const char* p = at; p != end; ++p) {
    if (*p == '.' || *p == 'e') integral = false;
  }
  if (integral) {
    *end++ = '.';
    *end++ = '0';
  }
  e.out->size += static_cast<uint64_t>(end - at);
  end_value(e);
  return NX_OK;
}

nx_status on_string(void* state, nx_str text) {
  // A reader would take this for binary.
  if (text.size != 0 && text.data[0] == 0) return NX_E_UNREPRESENTABLE;
  Emitter& e = emitter(state);
  nx_status status = begin_value(e, text.size + 2);
  if (status == NX_OK) status = put_text(e.out, text);
  if (status == NX_OK) end_value(e);
  return status;
}

nx_status on_binary(void* state, nx_bytes bytes) {
  Emitter& e = emitter(state);
  const nx_status status = begin_value(e, base64_size(bytes.size) + 8);
  if (status != NX_OK) return status;
  put(e.out, "\"\\u0000", 7);
  e.out->size = static_cast<uint64_t>(
      encode_base64(bytes.data, bytes.size, e.out->data + e.out->size) - e.out->data);
  e.out->data[e.out->size++] = '"';
  end_value(e);
  return NX_OK;
}

nx_status open(Emitter& e, bool dict) {
  if (e.depth == kMaxDepth) return NX_E_LIMIT;
  const nx_status status = begin_value(e, 1);
  if (status != NX_OK) return status;
  e.out->data[e.out->size++] = dict ? '{' : '[';
  e.dict[e.depth++] = dict ? 1 : 0;
  e.next = dict ? Next::first_key : Next::first_item;
  return NX_OK;
}

nx_status list_begin(void* state, uint64_t) { return open(emitter(state), false); }

nx_status dict_begin(void* state, uint64_t) { return open(emitter(state), true); }

nx_status list_end(void* state) {
  Emitter& e = emitter(state);
  if (e.next != Next::first_item && e.next != Next::item) return NX_E_STATE;
  const nx_status status = append(e.out, "]", 1);
  if (status != NX_OK) return status;
  --e.depth;
  end_value(e);
  return NX_OK;
}

nx_status dict_end(void* state) {
  Emitter& e = emitter(state);
  if (e.next != Next::first_key && e.next != Next::key) return NX_E_STATE;
  const nx_status status = append(e.out, "}", 1);
  if (status != NX_OK) return status;
  --e.depth;
  end_value(e);
  return NX_OK;
}

nx_status dict_key(void* state, nx_str key) {
  Emitter& e = emitter(state);
  if (e.next != Next::first_key && e.next != Next::key) return NX_E_STATE;
  nx_status status = nx_writer_reserve(e.out, key.size + 4);
  if (status != NX_OK) return status;
  if (e.next == Next::key) e.out->data[e.out->size++] = ',';
  status = put_text(e.out, key);
  if (status == NX_OK) status = append(e.out, ":", 1);
  if (status == NX_OK) e.next = Next::dict_value;
  return status;
}

}  // namespace

void emit_begin(void*, void* state, nx_writer* out) {
  Emitter& e = emitter(state);
  e.out = out;
  e.depth = 0;
  e.next = Next::value;
}

nx_status emit_raw(void* state, nx_bytes value) {
  if (value.size == 0) return NX_E_INVALID;
  Emitter& e = emitter(state);
  const nx_status status = begin_value(e, value.size);
  if (status != NX_OK) return status;
  put(e.out, value.data, value.size);
  end_value(e);
  return NX_OK;
}

const nx_value_sink kEmit = {
    .struct_size = sizeof(nx_value_sink),
    .reserved = 0,
    .on_null = &on_null,
    .on_bool = &on_bool,
    .on_int = &on_int,
    .on_uint = &on_uint,
    .on_double = &on_double,
    .on_string = &on_string,
    .on_binary = &on_binary,
    .list_begin = &list_begin,
    .list_end = &list_end,
    .dict_begin = &dict_begin,
    .dict_key = &dict_key,
    .dict_end = &dict_end,
    .on_other = [](void*, uint32_t) -> nx_status { return NX_E_UNREPRESENTABLE; },
    .dict_key_other = [](void*) -> nx_status { return NX_E_UNREPRESENTABLE; },
};

}  // namespace nexus::serializers::json
