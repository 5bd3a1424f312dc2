// libFuzzer: the RawSocket transport, handshake and frames. The first octet chooses the set-up,
// the rest is what a client sends.
#include "tests/fuzz/transport_run.hpp"

using namespace transports_test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const uint8_t mode = data[0];
  std::string wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  Plan plan;
  plan.limit = (mode & 1) != 0 ? 512 : (mode & 2) != 0 ? 1 << 24 : 65536;
  plan.json = R"({"listen":":0","min_peer_size":1024,"max_message_size":)" +
              std::to_string(plan.limit) + "}";
  plan.close_after = (mode & 8) != 0 ? 3 : 0;
  if ((mode & 0x10) != 0) wire.insert(0, std::string("\x7f\xf1\0\0", 4));  // past the handshake
  run_both_ways(nexus_plugin_entry_v1_nexus_transport_rawsocket(), plan, wire);
  return 0;
}
