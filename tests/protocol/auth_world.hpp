// What the tests of the authenticators with users share: realm1 with one of them beside anonymous,
// and clients that claim to be somebody. [main]
#pragma once

#include <string>
#include <string_view>

#include "tests/protocol/world.hpp"

namespace nexus::test {

// A patch: realm1 has this authenticator too. `section` is JSON, without the type.
inline std::string with_authenticator(std::string_view type, std::string_view section,
                                      std::string_view router = "{}") {
  const Value tested = merged(json(section), dict({{"type", type}}));
  const Value realm = dict({{"authenticators", dict({{"tested", tested}})}});
  return to_json(dict({{"router", json(router)}, {"realms", dict({{"one", realm}})}}));
}

// HELLO.Details of somebody who claims to be `authid`.
inline Value claiming(std::string_view method, std::string_view authid,
                      const Value& authextra = {}) {
  Value details = merged(client_details(), dict({{"authmethods", list(method)}}));
  if (!authid.empty()) details = merged(details, dict({{"authid", authid}}));
  if (authextra) details = merged(details, dict({{"authextra", authextra}}));
  return details;
}

// The details of the ABORT that comes now; checks that it denies, and that the connection ends.
inline std::string denial(Peer& peer) {
  const Message abort = peer.expect(kAbort);
  CHECK(abort.uri() == "wamp.error.authentication_denied");
  peer.expect_closed();
  return std::string(abort.details().find("message").as_string());
}

}  // namespace nexus::test
