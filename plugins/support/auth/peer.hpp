// What a connection says about itself, as far as authenticators want to know. Any thread.
#pragma once

#include "nexus/nx_transport.h"
#include "plugins/support/auth/throttle.hpp"

namespace nexus::auth {

// True where nobody can listen: TLS, a Unix socket, this machine's loopback.
inline bool confidential(const nx_peer* peer) {
  if (peer == nullptr) return false;
  if ((peer->flags & (NX_PEER_TLS | NX_PEER_LOCAL)) != 0) return true;
  const std::string address = throttle_address(sdk::view(peer->address));
  return address.compare(0, 4, "127.") == 0 || address == "::/64";
}

// As throttles count it; empty for who is not limited by address.
inline std::string counted_address(const nx_peer* peer) {
  if (peer == nullptr || (peer->flags & NX_PEER_LOCAL) != 0) return {};
  return throttle_address(sdk::view(peer->address));
}

}  // namespace nexus::auth
