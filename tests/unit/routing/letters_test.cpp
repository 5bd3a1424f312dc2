// What letters carry is whole, or says that it is not.
#include "kernel/routing/letters.hpp"

#include <catch2/catch.hpp>

using namespace nexus;

namespace {

Payload payload_of(std::string_view args, std::string_view kwargs) {
  Payload payload;
  payload.args = as_bytes(args);
  payload.kwargs = as_bytes(kwargs);
  return payload;
}

}  // namespace

TEST_CASE("OwnedPayload copies what it is given") {
  std::string args = "[1]";
  std::string kwargs = "{}";
  const OwnedPayload owned(payload_of(args, kwargs));
  args = kwargs = "gone";
  REQUIRE(owned);
  CHECK(as_text(owned.get().args) == "[1]");
  CHECK(as_text(owned.get().kwargs) == "{}");
  CHECK(OwnedPayload(Payload{}));  // nothing at all is whole, too
}

#ifndef NEXUS_SANITIZED  // there an allocation of this size ends the program
TEST_CASE("OwnedPayload without memory is not mistaken for an empty one") {
  Payload payload = payload_of("[1]", "");
  volatile size_t huge = size_t{1} << 60;  // hidden from the compiler's bounds check
  payload.args = {payload.args.data(), huge};
  CHECK_FALSE(OwnedPayload(payload));
  Invocation call;
  call.payload = payload;
  CHECK_FALSE(OwnedInvocation(call).complete());
  call.payload = {};
  CHECK(OwnedInvocation(call).complete());
}
#endif
