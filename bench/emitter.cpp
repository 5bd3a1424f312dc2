// Writing messages; see format.hpp.
#include <charconv>
#include <cstring>

#include "bench/format.hpp"

namespace bench {

std::string_view name_of(Format format) {
  switch (format) {
    case Format::kJson:
      return "json";
    case Format::kMsgpack:
      return "msgpack";
    default:
      return "cbor";
  }
}

std::string_view subprotocol_of(Format format) {
  switch (format) {
    case Format::kJson:
      return "wamp.2.json";
    case Format::kMsgpack:
      return "wamp.2.msgpack";
    default:
      return "wamp.2.cbor";
  }
}

uint8_t rawsocket_id_of(Format format) { return static_cast<uint8_t>(format) + 1; }

namespace {

size_t put_big_endian(uint8_t* to, uint8_t lead, uint64_t value, size_t width) {
  to[0] = lead;
  for (size_t i = 0; i < width; ++i) to[1 + i] = static_cast<uint8_t>(value >> 8 * (width - 1 - i));
  return 1 + width;
}

// An integer after a lead byte: 1, 2, 4 or 8 bytes wide, for which msgpack's 0xcc … 0xcf and
// CBOR's 0x18 … 0x1b count up alike.
size_t put_wide(uint8_t* to, uint8_t lead8, uint64_t value) {
  if (value <= UINT8_MAX) return put_big_endian(to, lead8, value, 1);
  if (value <= UINT16_MAX) return put_big_endian(to, lead8 + 1, value, 2);
  if (value <= UINT32_MAX) return put_big_endian(to, lead8 + 2, value, 4);
  return put_big_endian(to, lead8 + 3, value, 8);
}

}  // namespace

size_t put_uint(Format format, uint8_t* to, uint64_t value) {
  if (format == Format::kJson) {
    char* text = reinterpret_cast<char*>(to);
    return static_cast<size_t>(std::to_chars(text, text + 20, value).ptr - text);
  }
  if (value < (format == Format::kMsgpack ? 128u : 24u)) {
    to[0] = static_cast<uint8_t>(value);
    return 1;
  }
  return put_wide(to, format == Format::kMsgpack ? 0xcc : 0x18, value);
}

void Emitter::separate() {
  if (levels_.empty()) return;
  Level& level = levels_.back();
  if (format_ == Format::kJson && level.values) bytes_ += level.map && level.values % 2 ? ':' : ',';
  ++level.values;
}

// The head of a text, array or map in a binary format. msgpack: `fix` | count below `fix_limit`,
// else `wide` with 16 bits (wide + 1: 32). CBOR: major type `cbor`.
void Emitter::head(uint8_t fix, size_t fix_limit, uint8_t wide, uint8_t cbor, size_t count) {
  uint8_t to[9];
  size_t size = 1;
  if (format_ == Format::kMsgpack) {
    if (count < fix_limit) {
      to[0] = static_cast<uint8_t>(fix | count);
    } else if (wide == 0xda && count <= UINT8_MAX) {
      size = put_big_endian(to, 0xd9, count, 1);  // only text has an 8-bit form
    } else {
      const bool small = count <= UINT16_MAX;
      size = put_big_endian(to, small ? wide : wide + 1, count, small ? 2 : 4);
    }
  } else if (count < 24) {
    to[0] = static_cast<uint8_t>(cbor << 5 | count);
  } else {
    size = put_wide(to, static_cast<uint8_t>(cbor << 5 | 0x18), count);
  }
  bytes_.append(reinterpret_cast<char*>(to), size);
}

Emitter& Emitter::open(size_t count, bool map) {
  separate();
  if (format_ == Format::kJson)
    bytes_ += map ? '{' : '[';
  else if (map)
    head(0x80, 16, 0xde, 5, count);
  else
    head(0x90, 16, 0xdc, 4, count);
  levels_.push_back({map, 0});
  return *this;
}

Emitter& Emitter::end() {
  if (format_ == Format::kJson) bytes_ += levels_.back().map ? '}' : ']';
  levels_.pop_back();
  return *this;
}

size_t Emitter::gap() {
  separate();
  return bytes_.size();
}

size_t Emitter::text_gap(size_t size) {
  separate();
  if (format_ != Format::kJson) {
    head(0xa0, 32, 0xda, 3, size);
    return bytes_.size();
  }
  bytes_ += "\"\"";
  return bytes_.size() - 1;
}

Emitter& Emitter::text(std::string_view value) {
  bytes_.insert(text_gap(value.size()), value);
  return *this;
}

Emitter& Emitter::number(uint64_t value) {
  uint8_t to[20];
  separate();
  bytes_.append(reinterpret_cast<char*>(to), put_uint(format_, to, value));
  return *this;
}

Emitter& Emitter::boolean(bool value) {
  separate();
  if (format_ == Format::kJson)
    bytes_ += value ? "true" : "false";
  else if (format_ == Format::kMsgpack)
    bytes_ += static_cast<char>(value ? 0xc3 : 0xc2);
  else
    bytes_ += static_cast<char>(value ? 0xf5 : 0xf4);
  return *this;
}

Template make_template(Format format, uint32_t type, std::string_view uri, size_t payload_size,
                       std::string_view option) {
  Emitter e(format);
  e.array(uri.empty() ? 4 : 5).number(type);
  const size_t request = e.gap();
  e.map(option.empty() ? 0 : 1);
  if (!option.empty()) e.text(option).boolean(true);
  e.end();
  if (!uri.empty()) e.text(uri);
  e.array(1);
  const size_t payload = e.text_gap(payload_size);
  e.end().end();
  const std::string& all = e.bytes();
  return {all.substr(0, request), all.substr(request, payload - request), all.substr(payload),
          payload_size};
}

std::string make_hello(Format format, std::string_view realm) {
  Emitter e(format);
  e.array(3).number(1).text(realm).map(2);
  e.text("agent").text("nexus-bench").text("roles").map(4);
  const auto role = [&](std::string_view name, std::initializer_list<std::string_view> features) {
    e.text(name).map(1).text("features").map(features.size());
    for (const std::string_view feature : features) e.text(feature).boolean(true);
    e.end().end();
  };
  role("publisher", {"publisher_exclusion"});
  role("subscriber", {"pattern_based_subscription"});
  role("caller", {"progressive_call_results", "call_canceling"});
  role("callee", {"progressive_call_results", "call_canceling", "shared_registration"});
  e.end().end().end();
  return e.bytes();
}

std::string make_request(Format format, uint32_t type, uint64_t request, std::string_view uri,
                         std::string_view match) {
  Emitter e(format);
  e.array(4).number(type).number(request).map(match.empty() ? 0 : 1);
  if (!match.empty()) e.text("match").text(match);
  e.end().text(uri).end();
  return e.bytes();
}

}  // namespace bench
