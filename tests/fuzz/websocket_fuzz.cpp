// libFuzzer: the WebSocket transport, handshake and frames. The first octet chooses the set-up,
// the rest is what a client sends.
#include "tests/fuzz/transport_run.hpp"

using namespace transports_test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const uint8_t mode = data[0];
  std::string wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  Plan plan;
  plan.limit = (mode & 1) != 0 ? 600 : 100000;
  plan.json =
      R"({"listen":":0","origins":["*.example","[a-c]?","self"],"hosts":["h","*.x"],"max_message_size":)" +
      std::to_string(plan.limit);
  plan.json += (mode & 2) != 0 ? R"(,"compression":true)" : "";
  plan.json += (mode & 4) != 0 ? R"(,"compression_context_takeover":true)" : "";
  plan.json += "}";
  plan.close_after = (mode & 8) != 0 ? 3 : 0;
  if ((mode & 0x30) != 0) {  // past the handshake, with a text or a binary serializer
    std::string head =
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: ";
    head += (mode & 0x10) != 0 ? "wamp.2.json" : "wamp.2.cbor";
    if ((mode & 0x40) != 0) head += ".batched";
    wire.insert(0, head + "\r\n\r\n");
  }
  run_both_ways(nexus_plugin_entry_v1_nexus_transport_websocket(), plan, wire);
  return 0;
}
