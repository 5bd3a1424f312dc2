// World: what nearly every protocol test starts with: a router, and peers that all use one link.
// [main]
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/support/peer.hpp"
#include "tests/support/router_fixture.hpp"

namespace nexus::test {

class World {
 public:
  explicit World(const Setup& setup, std::string_view patch = "{}")
      : router(setup.loops, patch), link_(setup.link) {}

  // A peer that is connected and has not said HELLO; it lives as long as the world.
  Peer& connect() {
    peers_.push_back(std::make_unique<Peer>(router, link_));
    return *peers_.back();
  }
  // A peer in realm1 with all features but these (see client_details).
  Peer& join(std::initializer_list<std::string_view> without = {}) {
    Peer& peer = connect();
    peer.join("realm1", client_details(without));
    return peer;
  }
  Peer& join_realm(std::string_view realm, const Value& details = client_details()) {
    Peer& peer = connect();
    peer.join(realm, details);
    return peer;
  }

  RouterFixture router;

 private:
  Link link_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

// Tries until it is true; each try must make a round trip itself. For what happens some time after
// an event that nobody confirms, like the loss of a connection.
template <typename Try>
bool eventually(Try attempt) {
  const auto deadline = Clock::now() + patience();
  while (!attempt()) {
    if (Clock::now() >= deadline) return false;
  }
  return true;
}

// True if the call is answered with no_such_procedure; a RESULT counts as "still there".
inline bool nobody_has(Peer& caller, std::string_view procedure) {
  const uint64_t request = caller.call(procedure);
  const Message reply = caller.receive();
  if (reply.request() != request) throw PeerError("unexpected " + reply.text());
  return reply.type() == kError && reply.uri() == "wamp.error.no_such_procedure";
}

}  // namespace nexus::test
