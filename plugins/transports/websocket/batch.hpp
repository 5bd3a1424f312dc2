// Batched subprotocols: several WAMP messages in one WebSocket message. [loop]
//
// Text formats end each message with a record separator, binary ones begin it with its length as
// 32 bits, big-endian. The specification's separator is 0x1E; Autobahn, whose source has it in
// octal, uses 0x18. Neither occurs in JSON. The client speaks first: what ended its first message
// is what both sides use from then on.
#pragma once

#include <cstdint>

#include "nexus/nx_transport.h"
#include "plugins/transports/websocket/bytes.hpp"

namespace nexus::websocket {

// What a connection with such a subprotocol has beyond others.
struct Batching {
  static constexpr uint8_t kSeparator = 0x1e;
  static constexpr uint8_t kAutobahnSeparator = 0x18;
  static constexpr uint32_t kPrefixSize = 4;

  explicit Batching(bool is_text) : text(is_text) {}

  // What stands before or behind a message of that size; returns its length.
  uint32_t frame(uint64_t size, uint8_t (&out)[kPrefixSize]) const;
  // Frames a message behind those that wait. False when out of memory, or when `size` is not the
  // sum of its parts.
  bool add(const nx_message& message, uint64_t limit);

  // Cuts the next message from payload[at..) and moves `at`.
  enum class Cut { kMessage, kEnd, kBroken };
  Cut next(nx_bytes payload, nx_bytes* message, const char** error);

  Bytes pending;          // messages of this turn, framed
  uint64_t at = 0;        // of the batch that is being read, what the router has taken
  const bool text;        // separators, not lengths
  uint8_t separator = 0;  // 0 = the client has not spoken yet
};

}  // namespace nexus::websocket
