// The PROXY protocol, versions 1 and 2: what a proxy says about the connection that it passes on,
// before anything else. A pure parser; any thread.
#pragma once

#include <string>

#include "kernel/base/bytes.hpp"

namespace nexus {

struct ProxyHeader {
  enum class State { incomplete, complete, broken };

  State state = State::incomplete;
  size_t size = 0;              // complete: of the header; what follows is the connection's
  const char* wrong = nullptr;  // broken
  // complete: the client, "192.0.2.1:5123"; empty when the proxy speaks for itself, or does not
  // say.
  std::string address;
};

// Longest header that is read: addresses and a few extensions of version 2.
constexpr size_t kMaxProxyHeader = 2048;

// Looks at what has come so far. While it is incomplete all of it belongs to the header.
ProxyHeader parse_proxy_header(Bytes bytes);

}  // namespace nexus
