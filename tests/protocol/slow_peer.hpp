// A peer whose slowness is felt soon.
#pragma once

#include <memory>

#include "tests/protocol/world.hpp"

namespace nexus::test {

// A joined peer with a small receive buffer, so that not reading is felt soon. Not smaller than one
// segment of the loopback device: below it, TCP waits for its probe timer between any two of them.
inline std::unique_ptr<Peer> slow_peer(const RouterFixture& router, Link link) {
  WireOptions options;
  options.receive_buffer = 128 << 10;
  auto peer = std::make_unique<Peer>(router, link, options);
  peer->join();
  return peer;
}

}  // namespace nexus::test
