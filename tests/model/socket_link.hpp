// A ClientLink over a real connection: a thread reads, the test's thread writes. [any]
#pragma once

#include "tests/model/memory_transport.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/router_fixture.hpp"

namespace nexus::test {

std::unique_ptr<ClientLink> socket_link(const RouterFixture& router, Link link, Bell& bell);

}  // namespace nexus::test
