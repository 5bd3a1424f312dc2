// permessage-deflate (RFC 7692): the negotiation, and one message at a time through zlib.
//
// Without context takeover, the default, no connection owns a zlib state: each loop's thread has
// one inflater and, for each window size in use, one deflater. With it, the two states (up to
// 300 KB) belong to the connection and are made when they are first needed.
#pragma once

#include <zlib.h>

#include <memory>
#include <string>
#include <string_view>

#include "nexus/nx_abi.h"
#include "plugins/transports/websocket/bytes.hpp"

namespace nexus::websocket {

// What the operator allows.
struct DeflateOptions {
  bool enabled = false;
  bool context_takeover = false;
  uint8_t window_bits = 15;  // 9..15
  uint8_t level = 1;         // 1..9
  uint64_t min_size = 1024;  // smaller messages go out as they are
};

// What was agreed with one client.
struct DeflateAgreement {
  bool on = false;
  bool server_takeover = false;
  bool client_takeover = false;
  uint8_t server_bits = 15;
  uint8_t client_bits = 15;
  std::string response;  // the element for Sec-WebSocket-Extensions
};

// Goes through the client's offers, in all Sec-WebSocket-Extensions headers joined with ',', and
// takes the first one that can be kept. `on` stays false when there is none. Sets *malformed when
// the header breaks its grammar, upon which the connection is to be refused.
DeflateAgreement negotiate_deflate(std::string_view offers, const DeflateOptions& options,
                                   bool* malformed);

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
  std::unique_ptr<Deflater> deflater;
  std::unique_ptr<Inflater> inflater;
};

}  // namespace nexus::websocket
