// RawSocket's two headers, four octets each: the handshake and the frame. Any thread.
#pragma once

#include <cstdint>

namespace nexus::rawsocket {

inline constexpr uint8_t kMagic = 0x7f;
inline constexpr uint32_t kHeaderSize = 4;

// Length exponents: L stands for 2^(9+L) octets.
inline constexpr uint32_t kMinLimit = 512;
inline constexpr uint32_t kMaxLimit = 1u << 24;
inline constexpr uint8_t kMaxExponent = 15;
// 2^24 octets take the 25th length bit, which many clients do not know, so it is never sent.
inline constexpr uint32_t kMaxSend = kMaxLimit - 1;

// Errors that the router answers a handshake with.
inline constexpr uint8_t kErrorSerializer = 1;
inline constexpr uint8_t kErrorLength = 2;
inline constexpr uint8_t kErrorReserved = 3;
inline constexpr uint8_t kErrorConnections = 4;

inline constexpr uint8_t kMessage = 0;
inline constexpr uint8_t kPing = 1;
inline constexpr uint8_t kPong = 2;

constexpr uint32_t limit_of(uint8_t exponent) { return kMinLimit << exponent; }

// The smallest exponent whose limit is at least `size`, and 15 for whatever is larger.
constexpr uint8_t exponent_for(uint64_t size) {
  uint8_t exponent = 0;
  while (exponent < kMaxExponent && limit_of(exponent) < size) ++exponent;
  return exponent;
}

struct FrameHeader {
  uint8_t type = 0;
  uint32_t size = 0;  // up to 2^24
};

// Reads data[0..4). Null, or what is wrong with it for a receiver that advertised `exponent`.
// *too_large tells a frame above the limit from a broken one.
inline const char* read_header(const uint8_t* data, uint8_t exponent, FrameHeader& out,
                               bool* too_large) {
  *too_large = false;
  if ((data[0] & 0xf0) != 0) return "reserved bits of a frame header are set";
  out.type = data[0] & 0x07;
  if (out.type > kPong) return "reserved frame type";
  out.size = (uint32_t{data[1]} << 16) | (uint32_t{data[2]} << 8) | data[3];
  if ((data[0] & 0x08) != 0) {
    if (exponent != kMaxExponent) return "the 25th length bit is set, and 2^24 octets not allowed";
    if (out.size != 0) return "the 25th length bit is set beside other length bits";
    out.size = kMaxLimit;
  }
  *too_large = out.size > limit_of(exponent);
  return *too_large ? "frame above the length that was advertised" : nullptr;
}

// Writes the header of a frame of at most kMaxSend octets.
inline void write_header(uint8_t* out, uint8_t type, uint32_t size) {
  out[0] = type;
  out[1] = static_cast<uint8_t>(size >> 16);
  out[2] = static_cast<uint8_t>(size >> 8);
  out[3] = static_cast<uint8_t>(size);
}

}  // namespace nexus::rawsocket
