// Asking the authorizers once more about what sessions hold, after rules or roles have changed
// (Z-08). [loop]
#pragma once

#include <vector>

#include "kernel/routing/effect.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

class Shard;

// Goes through the subscriptions and registrations of these sessions of this loop, and revokes what
// is denied (P-40, R-69). A bounded number in each turn; sessions that leave meanwhile are skipped.
void recheck_sessions(Shard& shard, std::vector<SessionRef> sessions);

// `effect` arrives when what has been begun so far on that loop is done, and what it revoked is
// gone. An authorizer that answers later is not waited for: it may be waiting for whoever waits
// here. [any]
void after_rechecks(Shard& shard, EffectPtr effect);

}  // namespace nexus
