// RFC 6455 frames: reading and checking a client's frame header, writing a server's. Any thread.
//
// Everything that the header alone can decide is decided here, before any payload is waited for.
#pragma once

#include <cstdint>
#include <cstring>

namespace nexus::websocket {

inline constexpr uint8_t kContinuation = 0x0;
inline constexpr uint8_t kText = 0x1;
inline constexpr uint8_t kBinary = 0x2;
inline constexpr uint8_t kClose = 0x8;
inline constexpr uint8_t kPing = 0x9;
inline constexpr uint8_t kPong = 0xa;

// Close codes of section 7.4.1.
inline constexpr uint16_t kCodeNormal = 1000;
inline constexpr uint16_t kCodeGoingAway = 1001;
inline constexpr uint16_t kCodeProtocolError = 1002;
inline constexpr uint16_t kCodeUnsupportedData = 1003;
inline constexpr uint16_t kCodeInvalidPayload = 1007;
inline constexpr uint16_t kCodeTooBig = 1009;
inline constexpr uint16_t kCodeInternalError = 1011;

inline constexpr uint32_t kMaxControlPayload = 125;
inline constexpr uint32_t kMaxServerHeader = 10;

struct FrameHeader {
  uint8_t opcode = 0;
  bool final = false;
  bool compressed = false;   // RSV1
  uint32_t header_size = 0;  // 6, 8 or 14
  uint32_t mask = 0;         // as it stands in the frame
  uint64_t payload_size = 0;

  bool is_control() const { return (opcode & 0x8) != 0; }
};

// What is wrong with a frame header, for the close frame's reason; null = nothing.
struct HeaderResult {
  enum State { kIncomplete, kComplete, kBroken } state;
  const char* error = nullptr;
};

// Reads the header at data[0..size). `may_compress`: permessage-deflate was negotiated. Whatever
// is broken is reported as soon as the bytes that show it are there.
inline HeaderResult read_header(const uint8_t* data, uint64_t size, bool may_compress,
                                FrameHeader& out) {
  if (size < 2) return {HeaderResult::kIncomplete};
  const uint8_t first = data[0];
  const uint8_t length = data[1] & 0x7f;
  out.opcode = first & 0x0f;
  out.final = (first & 0x80) != 0;
  out.compressed = (first & 0x40) != 0;
  if ((first & 0x30) != 0) return {HeaderResult::kBroken, "reserved bits are set"};
  if ((out.opcode & 0x7) > 2) return {HeaderResult::kBroken, "reserved opcode"};
  if (out.compressed && (!may_compress || out.is_control() || out.opcode == kContinuation)) {
    return {HeaderResult::kBroken, "RSV1 is set on a frame that may not have it"};
  }
  if ((data[1] & 0x80) == 0) return {HeaderResult::kBroken, "a client's frame is not masked"};
  if (out.is_control()) {
    if (!out.final) return {HeaderResult::kBroken, "fragmented control frame"};
    if (length > kMaxControlPayload)
      return {HeaderResult::kBroken, "control frame above 125 bytes"};
  }
  uint32_t at = 2;
  if (length < 126) {
    out.payload_size = length;
  } else {
    const uint32_t width = length == 126 ? 2 : 8;
    if (size < at + width) return {HeaderResult::kIncomplete};
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; ++i) value = (value << 8) | data[at + i];
    at += width;
    if (value < (width == 2 ? 126u : 65536u)) {
      return {HeaderResult::kBroken, "a length is not written in its shortest form"};
    }
    if ((value >> 63) != 0) return {HeaderResult::kBroken, "a length has its highest bit set"};
    out.payload_size = value;
  }
  out.header_size = at + 4;
  if (size < out.header_size) return {HeaderResult::kIncomplete};
  std::memcpy(&out.mask, data + at, 4);
  return {HeaderResult::kComplete};
}

// Makes the payload at data[0..) its own plain text for good: with a masking key of zero, a frame
// that comes again unmasks to itself.
inline void clear_mask(uint8_t* frame, uint32_t header_size) {
  std::memset(frame + header_size - 4, 0, 4);
}

// Writes the header of an unmasked final frame; answers its size.
inline uint32_t write_header(uint8_t* out, uint8_t opcode, bool compressed, uint64_t payload_size) {
  out[0] = static_cast<uint8_t>(0x80 | (compressed ? 0x40 : 0) | opcode);
  if (payload_size < 126) {
    out[1] = static_cast<uint8_t>(payload_size);
    return 2;
  }
  const uint32_t width = payload_size < 65536 ? 2 : 8;
  out[1] = width == 2 ? 126 : 127;
  for (uint32_t i = 0; i < width; ++i) {
    out[2 + i] = static_cast<uint8_t>(payload_size >> (8 * (width - 1 - i)));
  }
  return 2 + width;
}

// May a peer send this code in a close frame? 1004, 1005, 1006 and 1015 never travel; what is not
// assigned below 3000 is an error, 3000 to 4999 belongs to applications.
inline bool valid_close_code(uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace nexus::websocket
