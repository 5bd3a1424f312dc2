// JSON: the plugin against the kernel's reader of configuration, which shares no line with it, on
// messages that were damaged at random. Main thread.
#include <catch2/catch.hpp>

#include "kernel/base/value.hpp"
#include "tests/support/random_value.hpp"
#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string traced(const Value& value) {
  Tracer tracer;
  REQUIRE(value.walk(Tracer::sink(), &tracer) == NX_OK);
  REQUIRE(tracer.problem().empty());
  return tracer.text();
}

}  // namespace

TEST_CASE("JSON: the plugin and from_json agree about every text") {
  std::mt19937 random(17);
  size_t accepted = 0;
  size_t refused = 0;
  size_t beyond = 0;
  for (int round = 0; round < 4000; ++round) {
    const Node message = random_message(random);
    std::string text =
        json_codec()
            .emit([&](const nx_value_sink& s, void* u) { return feed(message, s, u, true); })
            .text;
    for (int damage = 0; damage < 6; ++damage) {
      const Outcome ours = json_codec().trace(text);
      const Result<Value> theirs = from_json(text);
      INFO(text);
      const bool out_of_range = theirs.status().text().find("out of range") != std::string::npos;
      if (ours.status == NX_E_UNREPRESENTABLE && told(json_codec(), text).starts_with("error")) {
        REQUIRE_FALSE(theirs.is_ok());  // not JSON behind something that other formats cannot have
        ++refused;
      } else if (ours.status == NX_E_UNREPRESENTABLE || out_of_range) {
        // Numbers beyond 64 bit, doubles below the smallest, half surrogate pairs, and binary that
        // is no base64: configuration sees them otherwise.
        ++beyond;
      } else {
        REQUIRE(ours.ok() == theirs.is_ok());
        ours.ok() ? ++accepted : ++refused;
        if (ours.ok()) REQUIRE(ours.text == traced(theirs.value()));
      }
      damage_bytes(text, random);
    }
  }
  CHECK(accepted > 4000);
  CHECK(refused > 4000);
  CHECK(beyond < 2500);
}
