// Which serializers a listener speaks: its option `serializers`, and the two dialects that share
// the names of UBJSON. Main thread.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("E-06: both dialects of UBJSON meet in one realm, each on a listener of its own") {
  RouterFixture router(2, R"({"transports": {"ws": {"serializers": ["json", "bjdata"]}}})");
  auto little = Peer::joined(router, {Carrier::websocket, Format::bjdata});
  auto big = Peer::joined(router, {Carrier::raw_tcp, Format::ubjson});
  auto text = Peer::joined(router, {Carrier::websocket, Format::json});
  const Value args = list(1, 1000, -1000, 100000, int64_t{1} << 40, UINT64_MAX, 1.5, "text",
                          binary(std::string("\0\1\xff", 3)), list(), dict({{"k", Value::null()}}));
  for (Peer* to : {little.get(), big.get(), text.get()}) {
    const uint64_t subscription = to->subscribe("com.example.topic");
    for (Peer* from : {little.get(), big.get(), text.get()}) {
      if (from == to) continue;
      from->publish_acknowledged("com.example.topic", dict(), args);
      CHECK(to->expect_event(subscription).args() == args);
    }
    to->unsubscribe(subscription);
  }
}

TEST_CASE("The option serializers: what it does not name is not spoken there") {
  RouterFixture router(1, R"({"transports": {"ws": {"serializers": ["cbor"]},
                                             "raw": {"serializers": ["ubjson"]}}})");
  CHECK_NOTHROW(Peer::joined(router, {Carrier::websocket, Format::cbor}));
  CHECK_THROWS_AS(Peer(router, {Carrier::websocket, Format::json}), WireError);
  CHECK_NOTHROW(Peer::joined(router, {Carrier::raw_tcp, Format::ubjson}));
  CHECK_THROWS_AS(Peer(router, {Carrier::raw_tcp, Format::cbor}), WireError);
  CHECK_NOTHROW(Peer::joined(router, {Carrier::raw_unix, Format::json}));
  CHECK_THROWS_WITH(
      RouterFixture(1, R"({"transports": {"ws": {"serializers": ["jsn"]}}})"),
      Catch::Contains("serializers: \"jsn\" is not loaded") && Catch::Contains("json"));
}

}  // namespace
}  // namespace nexus::test
