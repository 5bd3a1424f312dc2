// router.max_connections and a transport with its own kind of I/O: what has no socket counts too.
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "tests/model/memory_transport.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/router_fixture.hpp"

namespace nexus::test {
namespace {

constexpr std::string_view kPatch =
    R"({"router": {"max_connections": 3}, "transports": {"memory": {"type": "memory"}}})";

// Whether the router refused it; if so, the link has been told by now.
bool refused(ClientLink& link, Bell& bell) {
  link.send(R"([1, "realm1", {"roles": {"caller": {}}}])");
  std::vector<std::string> got;
  while (got.empty()) {
    if (!link.take(got)) return true;
    if (got.empty()) bell.wait(std::chrono::milliseconds(10));
  }
  CHECK(got[0].starts_with("[2,"));
  return false;
}

}  // namespace

TEST_CASE("max_connections counts what transports with their own I/O have, and they hear of it") {
  RouterFixture router(2, kPatch, {memory_transport()});
  Bell bell;
  std::vector<std::unique_ptr<ClientLink>> links;
  for (uint32_t i = 0; i < 2; ++i) {
    links.push_back(memory_link(i, Format::json, bell));
    CHECK_FALSE(refused(*links.back(), bell));
  }
  auto peer = Peer::joined(router, {Carrier::raw_tcp, Format::json});
  // Three there are: of either kind no more.
  const auto one_more = memory_link(0, Format::json, bell);
  CHECK(refused(*one_more, bell));
  CHECK_THROWS(Peer::joined(router, {Carrier::raw_tcp, Format::json}));
  CHECK(router.log_count("transport.memory connection refused, the router has 3 already; raise "
                         "router.max_connections") == 1);
  // Who leaves makes room, which is known as soon as the loop has heard of it.
  links.pop_back();
  while (true) {
    const auto again = memory_link(1, Format::json, bell);
    if (!refused(*again, bell)) break;
    std::this_thread::yield();
  }
  peer->sync();
}

}  // namespace nexus::test
