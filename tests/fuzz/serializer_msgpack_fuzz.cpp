// libFuzzer: one msgpack message, and whether msgpack-c reads it the same way.
#include "tests/fuzz/serializer_run.hpp"
#include "tests/support/msgpack_oracle.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nexus;
  using namespace nexus::test;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const SplitOutcome ours = fuzz_message(msgpack_codec(), message);
  const MsgpackOracle theirs(message, 16, 32);
  require(ours.ok() == theirs.accepts(), "msgpack::parse disagrees", msgpack_codec());
  if (!ours.ok()) return 0;
  require(ours.elements.size() == theirs.spans().size(), "other elements", msgpack_codec());
  for (size_t i = 0; i < ours.elements.size(); ++i) {
    require(as_text(ours.elements[i].span) == theirs.spans()[i], "other spans", msgpack_codec());
    require((ours.elements[i].kind == NX_UNFIT) == theirs.unfit()[i], "unfit", msgpack_codec());
  }
  return 0;
}
