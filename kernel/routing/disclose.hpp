// Disclosure of callers and publishers (Z-10, P-25, R-65): policy, authorizer and request in one
// decision. Any thread.
#pragma once

#include "kernel/session/ports.hpp"

namespace nexus {

enum class Disclosed : uint8_t { no = 1, yes, refused };

inline Disclosed decide_disclosure(Disclose realm, const Grant& grant, bool requested) {
  Disclose policy = realm;
  if (grant.disclose == NX_DISCLOSE_NEVER) policy = Disclose::never;
  if (grant.disclose == NX_DISCLOSE_REQUEST) policy = Disclose::request;
  if (grant.disclose == NX_DISCLOSE_ALWAYS) policy = Disclose::always;
  switch (policy) {
    case Disclose::never:
      return requested ? Disclosed::refused : Disclosed::no;
    case Disclose::always:
      return Disclosed::yes;
    default:
      return requested ? Disclosed::yes : Disclosed::no;
  }
}

}  // namespace nexus
