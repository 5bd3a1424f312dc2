// How messages are cut out of a stream: RawSocket and WebSocket, the client's side of each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/address.hpp"
#include "bench/buffer.hpp"
#include "bench/format.hpp"

namespace bench {

// What the client sends first; and the router's answer: how many bytes it takes, 0 = incomplete.
// Throws Failure if the answer is a refusal.
std::string make_opening(const Address& address, Format format);
size_t read_opening_answer(const Address& address, Format format, std::string_view data);

// Frames outgoing messages. WebSocket clients have to mask what they send; the key is real and
// not zero, so that the router has its unmasking to do, but the same for a whole connection.
class Framer {
 public:
  Framer(Carrier carrier, Format format, uint32_t mask);

  // Room for the `size` bytes of one message behind its frame header; finish() must follow once
  // they are written.
  uint8_t* begin(Buffer& out, size_t size);
  void finish(uint8_t* message, size_t size) const;

 private:
  Carrier carrier_;
  uint8_t opcode_;
  uint32_t mask_;
};

// One frame taken from the front of a stream.
struct Frame {
  enum Kind { kMessage, kPart, kPing, kPong, kClose };  // kPart: more of this message follows
  Kind kind = kMessage;
  bool first = true;  // not a continuation
  std::string_view content;
};

// Reads the frame at the front of `data`: answers the bytes it takes, or 0 if it is incomplete.
// Throws Failure for one that a router must not send.
size_t read_frame(Carrier carrier, std::string_view data, Frame& out);

// The answer to a ping.
void put_pong(Carrier carrier, Buffer& out, std::string_view content, uint32_t mask);

// XORs `size` bytes with the four bytes of `mask` (as they lie in memory), repeated.
void apply_mask(uint8_t* bytes, size_t size, uint32_t mask);

}  // namespace bench
