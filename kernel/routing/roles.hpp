// WELCOME.Details.roles: what this router announces. Any thread.
#pragma once

#include "kernel/base/value.hpp"

namespace nexus {

Value make_roles(bool meta_api);

}  // namespace nexus
