// permessage-deflate (RFC 7692): the negotiation, and one message at a time through zlib.
//
// Whether a side may refer back to earlier messages (context takeover) is that side's choice. The
// router's own messages do only if the operator says so. A client's may, unless it offers not to:
// telling it not to is legal, but Apple's WebSocket does not listen. States that are kept belong to
// the connection, are made when they are first needed, and are paid for from the listener's
// MemoryBudget when they are agreed to; when that is used up, there is no compression. Everything
// else shares the states of its loop's thread: one inflater and, for each window size in use, one
// deflater.
#pragma once

#include <zlib.h>

#include <memory>
#include <string>
#include <string_view>

#include "nexus/nx_abi.h"
#include "plugins/transports/websocket/bytes.hpp"
#include "plugins/transports/websocket/memory_budget.hpp"

namespace nexus::websocket {

// What the operator allows.
struct DeflateOptions {
  bool enabled = false;
  bool context_takeover = false;  // of what the router sends
  uint8_t window_bits = 15;       // 9..15
  uint8_t level = 1;              // 1..9
  uint64_t min_size = 1024;       // smaller messages go out as they are
};

// What was agreed with one client.
struct DeflateAgreement {
  bool on = false;
  bool server_takeover = false;
  bool client_takeover = false;
  uint8_t server_bits = 15;
  uint8_t client_bits = 15;
  std::string response;          // the element for Sec-WebSocket-Extensions
  MemoryShare memory;            // for the states that are kept
  bool short_of_memory = false;  // an offer, or a part of one, was declined for that
};

// What zlib takes for the states of one connection, at the most.
constexpr uint64_t inflater_memory(uint8_t window_bits) { return (9 << 10) + (1u << window_bits); }
constexpr uint64_t deflater_memory(uint8_t window_bits) {
  return (8 << 10) + (4u << window_bits) + (128 << 10);
}

// Goes through the client's offers, in all Sec-WebSocket-Extensions headers joined with ',', and
// takes the first one that can be kept. `on` stays false when there is none. Sets *malformed when
// the header breaks its grammar, upon which the connection is to be refused.
DeflateAgreement negotiate_deflate(std::string_view offers, const DeflateOptions& options,
                                   MemoryBudget& budget, bool* malformed);

class Deflater {
 public:
  Deflater(uint8_t window_bits, uint8_t level);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Compresses one message into `out`, without the final 00 00 FF FF. False when out of memory.
  bool run(const nx_bytes* parts, uint32_t part_count, uint64_t size, bool keep_context,
           Bytes& out);

 private:
  z_stream stream_{};
  bool ready_;
};

enum class InflateResult { kOk, kCorrupt, kTooLarge, kNoMemory };

class Inflater {
 public:
  explicit Inflater(uint8_t window_bits);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Expands one message into `out`, which never holds more than `limit` bytes.
  InflateResult run(const uint8_t* data, uint64_t size, uint64_t limit, bool keep_context,
                    Bytes& out);

 private:
  InflateResult feed(const uint8_t* data, uint64_t size, uint64_t limit, Bytes& out);
  z_stream stream_{};
  bool ready_;
};

// The calling thread's own.
Deflater* shared_deflater(uint8_t window_bits, uint8_t level);  // null when out of memory
Inflater& shared_inflater();

// One connection's states, for context takeover.
struct DeflateContexts {
  MemoryShare memory;
  std::unique_ptr<Deflater> deflater;
  std::unique_ptr<Inflater> inflater;
};

}  // namespace nexus::websocket
