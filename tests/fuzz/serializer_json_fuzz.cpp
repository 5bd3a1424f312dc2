// libFuzzer: one JSON message.
#include "tests/fuzz/serializer_run.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nexus::test;
  fuzz_message(json_codec(), {reinterpret_cast<const char*>(data), size});
  return 0;
}
