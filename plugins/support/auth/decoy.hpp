// Decoys: somebody who is not there, and looks as if. Any thread.
//
// N-03, N-24, N-48: an authid that nobody has is challenged like any other and then denied, so that
// names cannot be probed. For the same authid a decoy is always the same: salt, iterations, role.
// It takes the shape of a real user's secret, so that it costs as much to verify.
#pragma once

#include <string>
#include <string_view>

#include "plugins/support/auth/principals.hpp"

namespace nexus::auth {

class Decoys {
 public:
  // `key` decides what they look like. Empty: one is derived from this machine's id, which nobody
  // far away knows, so that salts outlive a restart; without an id it is a random one.
  void set_key(std::string_view key);
  // Nobody knows the secret of what this returns. Never null.
  PrincipalPtr make(const Principals& principals, Method method, std::string_view realm,
                    std::string_view authid) const;

 private:
  std::string key_ = "unset";
};

}  // namespace nexus::auth
