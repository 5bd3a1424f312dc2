// The three formats, as far as a load generator needs them: an emitter for any message, templates
// that make the frequent ones a few memcpys, and a reader for the head of a message.
//
// Deliberately written by hand and apart from the router's serializers: a mistake made there
// cannot be made here in the same way, and nothing is decoded that nobody looks at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

enum class Format { kJson, kMsgpack, kCbor };

// "json", "msgpack", "cbor".
std::string_view name_of(Format format);
// The WebSocket subprotocol, and the RawSocket serializer number.
std::string_view subprotocol_of(Format format);
uint8_t rawsocket_id_of(Format format);

// Writes an unsigned integer in its shortest form to `to` (20 bytes suffice); answers its length.
size_t put_uint(Format format, uint8_t* to, uint64_t value);

// Writes one value after the other. For JSON it sets commas, colons and brackets; text must not
// need escapes there.
class Emitter {
 public:
  explicit Emitter(Format format) : format_(format) {}

  Emitter& array(size_t count) { return open(count, false); }
  Emitter& map(size_t count) { return open(count, true); }
  Emitter& end();  // of the innermost array or map
  Emitter& text(std::string_view value);
  Emitter& number(uint64_t value);
  Emitter& boolean(bool value);

  // A place for a value that somebody else writes: answers the offset where it goes.
  size_t gap();
  // A text of `size` bytes that somebody else writes: answers the offset where they go.
  size_t text_gap(size_t size);

  const std::string& bytes() const { return bytes_; }

 private:
  struct Level {
    bool map;
    size_t values;
  };
  Emitter& open(size_t count, bool map);
  void separate();
  void head(uint8_t fix, size_t fix_limit, uint8_t wide, uint8_t cbor, size_t count);

  Format format_;
  std::string bytes_;
  std::vector<Level> levels_;
};

// A message in which only one integer (the request) and one text of fixed size change.
struct Template {
  std::string head, middle, tail;
  size_t payload_size = 0;
};

// How the options of a message are spelled: one flag that is true, or none.
// call: [48, request, {options}, procedure, [payload]], publish: 16, yield: 70 without a URI.
Template make_template(Format format, uint32_t type, std::string_view uri, size_t payload_size,
                       std::string_view option = {});

// HELLO with the roles and features of an ordinary client.
std::string make_hello(Format format, std::string_view realm);
// [type, request, {match}, uri]: SUBSCRIBE (32) or REGISTER (64); `match` empty = exact.
std::string make_request(Format format, uint32_t type, uint64_t request, std::string_view uri,
                         std::string_view match = {});

// The integers at the beginning of a message; absent ones are 0.
struct Head {
  uint64_t type = 0, first = 0, second = 0;
};

// Reads the head of one whole message. False if it does not begin as a WAMP message does.
bool read_head(Format format, std::string_view message, Head& out);

// The text of `size` bytes that ends a message such as EVENT or RESULT, or empty if the message
// does not end in one.
std::string_view trailing_text(Format format, std::string_view message, size_t size);

}  // namespace bench
