// Asking the authorizers once more about what sessions hold, after rules or roles have changed
// (Z-08). [loop]
#pragma once

#include <vector>

#include "kernel/session/info.hpp"

namespace nexus {

class Shard;

// Goes through the subscriptions and registrations of these sessions of this loop, and revokes what
// is denied (P-40, R-69). A bounded number in each turn; sessions that leave meanwhile are skipped.
void recheck_sessions(Shard& shard, std::vector<SessionRef> sessions);

}  // namespace nexus
