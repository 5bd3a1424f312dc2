// Telling the components of a realm that have nexus.watch/1 who has joined and who has left. [loop]
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/session/policy.hpp"

namespace nexus {

class Session;

// To be called last: a plugin may call procedures, and the session may be over when it returns.
void tell_joined(const Session& session, const RealmPolicy& policy);
// `how` is NX_LEFT_*, `uri` what was said. The session still has its info.
void tell_left(const Session& session, const RealmPolicy& policy, uint32_t how,
               std::string_view uri);

}  // namespace nexus
