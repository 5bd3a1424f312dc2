// What an authorizing procedure answered, as an answer for the router. No state; any thread.
#pragma once

#include <string>

#include "nexus/cpp/authorizer.hpp"

namespace nexus::dynamic {

// Whom a remembered answer is remembered for.
enum class RememberBy { session, role };

// `result`: a bool, or a dict {allow, disclose, cache}, as Crossbar.io has it. allow: bool.
// disclose: bool, or "never", "request", "always". cache: bool, or milliseconds. validate: not to
// be had. Other keys are ignored. False, and `wrong` says why, when it is neither.
bool read_answer(sdk::ValueView result, RememberBy by, sdk::AuthzAnswer& out, std::string& wrong);

}  // namespace nexus::dynamic
