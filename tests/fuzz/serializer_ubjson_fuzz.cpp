// libFuzzer: one message of UBJSON, and the same bytes as one of BJData.
#include "tests/fuzz/serializer_run.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nexus::test;
  const std::string_view message{reinterpret_cast<const char*>(data), size};
  fuzz_message(ubjson_codec(), message);
  fuzz_message(bjdata_codec(), message);
  return 0;
}
