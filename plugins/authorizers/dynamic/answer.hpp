// What an authorizing procedure answered, as an answer for the router. No state; any thread.
#pragma once

#include <string>

#include "nexus/cpp/authorizer.hpp"

namespace nexus::dynamic {

// Whom a remembered answer is remembered for.
enum class RememberBy { session, role };

// `result`: a bool, or a dict {allow, disclose, cache}, as Crossbar.io has it. allow: bool.
// disclose: bool, or "never", "request", "always". cache: bool, or milliseconds. validate: not to
// be had. With allow = false, for the client: error, a URI, and message, a text. Other keys are
// ignored. False, and `wrong` says why, when it is neither.
bool read_answer(sdk::ValueView result, RememberBy by, sdk::AuthzAnswer& out, std::string& wrong);

// What an ERROR of the procedure means: a denial in its own words, if `error` is a URI of the
// application or one with which WAMP says no; `args` may begin with a text for the client. False:
// it has failed, or there was nobody to ask, and what it says is not for clients.
bool read_error(std::string_view error, sdk::ValueView args, sdk::AuthzAnswer& out);

}  // namespace nexus::dynamic
