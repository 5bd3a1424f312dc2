// Reading the head and the tail of a message; see format.hpp.
//
// A router may spell a message in any legal way, so whitespace in JSON and integers of any width
// are understood; only what follows the first three elements is taken from the end.
#include <cstring>

#include "bench/format.hpp"

namespace bench {

namespace {

// A cursor over the beginning of a message. Each read_* answers false at the first thing that is
// not what it reads.
struct Cursor {
  const uint8_t* at;
  const uint8_t* end;

  bool big_endian(size_t width, uint64_t& out) {
    if (static_cast<size_t>(end - at) < width) return false;
    out = 0;
    while (width--) out = out << 8 | *at++;
    return true;
  }
};

void skip_space(Cursor& c) {
  while (c.at < c.end && (*c.at == ' ' || *c.at == '\n' || *c.at == '\r' || *c.at == '\t')) ++c.at;
}

bool read_json_number(Cursor& c, uint64_t& out) {
  skip_space(c);
  const uint8_t* from = c.at;
  out = 0;
  while (c.at < c.end && *c.at >= '0' && *c.at <= '9') out = out * 10 + (*c.at++ - '0');
  return c.at != from;
}

bool read_json_comma(Cursor& c) {
  skip_space(c);
  if (c.at == c.end || *c.at != ',') return false;
  ++c.at;
  return true;
}

bool read_msgpack_number(Cursor& c, uint64_t& out) {
  if (c.at == c.end) return false;
  const uint8_t lead = *c.at;
  if (lead < 0x80) {
    out = *c.at++;
    return true;
  }
  // Unsigned, or signed and (for an id) not negative.
  if ((lead < 0xcc || lead > 0xd3)) return false;
  ++c.at;
  return c.big_endian(size_t{1} << ((lead - 0xcc) & 3), out);
}

bool read_cbor_number(Cursor& c, uint64_t& out) {
  if (c.at == c.end) return false;
  const uint8_t lead = *c.at;
  if (lead > 0x1b) return false;
  ++c.at;
  if (lead < 0x18) {
    out = lead;
    return true;
  }
  return c.big_endian(size_t{1} << (lead - 0x18), out);
}

// The head of an array of up to 23 elements, which every WAMP message is.
bool read_array(Format format, Cursor& c) {
  if (format == Format::kJson) skip_space(c);
  if (c.at == c.end) return false;
  const uint8_t lead = *c.at++;
  uint64_t count = 0;
  switch (format) {
    case Format::kJson:
      return lead == '[';
    case Format::kMsgpack:
      return (lead & 0xf0) == 0x90 || (lead == 0xdc && c.big_endian(2, count));
    default:
      return (lead >= 0x80 && lead < 0x98) || lead == 0x9f ||
             (lead == 0x98 && c.big_endian(1, count));
  }
}

}  // namespace

bool read_head(Format format, std::string_view message, Head& out) {
  const uint8_t* data = reinterpret_cast<const uint8_t*>(message.data());
  Cursor c = {data, data + message.size()};
  out = {};
  if (!read_array(format, c)) return false;
  // The second and third element are integers in some types only: a failure there ends the head.
  switch (format) {
    case Format::kJson:
      if (!read_json_number(c, out.type)) return false;
      if (read_json_comma(c) && read_json_number(c, out.first) && read_json_comma(c))
        read_json_number(c, out.second);
      return true;
    case Format::kMsgpack:
      if (!read_msgpack_number(c, out.type)) return false;
      if (read_msgpack_number(c, out.first)) read_msgpack_number(c, out.second);
      return true;
    default:
      if (!read_cbor_number(c, out.type)) return false;
      if (read_cbor_number(c, out.first)) read_cbor_number(c, out.second);
      return true;
  }
}

std::string_view trailing_text(Format format, std::string_view message, size_t size) {
  const std::string_view tail = format == Format::kJson ? "\"]]" : "";
  if (message.size() < size + tail.size() || !message.ends_with(tail)) return {};
  return message.substr(message.size() - tail.size() - size, size);
}

}  // namespace bench
