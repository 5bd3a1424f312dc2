// Clients behind a proxy that says where they are (X-Forwarded-For): they are what is counted.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kOneEach =
    R"({"transports":{"ws":{"trusted_proxies":["127.0.0.1"],"max_connections_per_address":1}}})";

std::unique_ptr<Peer> from(const RouterFixture& router, std::string_view address) {
  WireOptions options;
  options.headers = "X-Forwarded-For: " + std::string(address) + "\r\n";
  return std::make_unique<Peer>(router, Link{Carrier::websocket, Format::json}, options);
}

}  // namespace

TEST_CASE("V-05: a trusted proxy does not count against max_connections_per_address itself") {
  const RouterFixture router(2, kOneEach);
  auto one = from(router, "198.51.100.1");
  auto two = from(router, "198.51.100.2");
  auto three = from(router, "2001:db8::1");
  one->join();
  two->join();
  three->join();
  // Those whom it brings do.
  CHECK_THROWS_WITH(from(router, "198.51.100.1"), Catch::Contains("503"));
  CHECK_THROWS_WITH(from(router, "2001:db8::2"), Catch::Contains("503"));
}

}  // namespace nexus::test
