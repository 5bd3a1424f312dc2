// msgpack: split against msgpack-c's own parser, on messages that were damaged at random.
// docs/decisions/0005-msgpack-split.md rests on this. Main thread.
#include <catch2/catch.hpp>

#include "tests/support/msgpack_oracle.hpp"
#include "tests/support/random_value.hpp"
#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("msgpack: split and msgpack::parse agree about every message") {
  std::mt19937 random(7);
  size_t accepted = 0;
  size_t refused = 0;
  for (int round = 0; round < 4000; ++round) {
    const Node message = random_message(random);
    std::string bytes = msgpack_codec()
                            .emit([&](const nx_value_sink& s, void* u) {
                              return feed(message, s, u, random() % 2 == 0);
                            })
                            .text;
    for (int damage = 0; damage < 6; ++damage) {
      const std::vector<char> exact(bytes.begin(), bytes.end());
      const std::string_view view(exact.data(), exact.size());
      Writer scratch(0);
      const SplitOutcome ours = msgpack_codec().split(view, scratch, 8, 32);
      const MsgpackOracle theirs(view, 8, 32);
      INFO(hex(bytes));
      REQUIRE(ours.ok() == theirs.accepts());
      ours.ok() ? ++accepted : ++refused;
      if (ours.ok()) {
        REQUIRE(ours.elements.size() == theirs.spans().size());
        for (size_t i = 0; i < ours.elements.size(); ++i) {
          REQUIRE(as_text(ours.elements[i].span) == theirs.spans()[i]);
          REQUIRE((ours.elements[i].kind == NX_UNFIT) == theirs.unfit()[i]);
        }
      }
      damage_bytes(bytes, random);
    }
  }
  CHECK(accepted > 4000);
  CHECK(refused > 4000);
}
