// WELCOME.Details, as far as they do not depend on the realm that is entered. [loop]
#pragma once

#include "kernel/base/value.hpp"
#include "kernel/session/info.hpp"
#include "kernel/session/policy.hpp"

namespace nexus {

Value welcome_details(const SessionInfo& info, const Value& roles, const RouterPolicy& policy);

}  // namespace nexus
