// The formats, as a test peer uses them: whole messages to bytes and back, through the
// serializer plugins that are linked into the test program. Any thread.
//
// A peer that shares the router's serializers cannot see a mistake that both ends make, so tests
// of what exactly is on the wire compare bytes written out by hand.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "kernel/base/value.hpp"

namespace nexus::test {

// bjdata has the names of ubjson on the wire: it needs a listener that is told to speak it.
enum class Format { json, msgpack, cbor, ubjson, bjdata };

// Those that a listener speaks of itself.
inline constexpr std::array kFormats = {Format::json, Format::msgpack, Format::cbor,
                                        Format::ubjson};

std::string_view format_name(Format format);         // "json"
std::string_view format_subprotocol(Format format);  // "wamp.2.json"
unsigned format_rawsocket_id(Format format);         // 1, 2, 3, 4
inline bool is_text(Format format) { return format == Format::json; }

// Throws std::runtime_error for what the format cannot say.
std::string encode(Format format, const Value& message);
// Throws std::runtime_error for bytes that are not one value of the format.
Value decode(Format format, std::string_view bytes);

// Bytes from "82 a1 61"; spaces are ignored.
std::string from_hex(std::string_view hex);
std::string to_hex(std::string_view bytes);

}  // namespace nexus::test
