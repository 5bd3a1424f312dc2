// Text that a plugin hands over is checked once, at the door: what is behind it may rely on UTF-8.
// Any thread.
//
// Sessions, meta events and logs pass on what an authenticator or a transport says, and every
// serializer writes text as it finds it. So each service and each caller of a plugin asks here
// first; what is no text is refused, and the log says whose it was.
#pragma once

#include <string>
#include <string_view>

#include "kernel/base/bytes.hpp"
#include "nexus/nx_host.h"

namespace nexus {

// What keeps it from being text: "is NULL with a length" or "is not UTF-8"; null: nothing.
const char* text_mistake(nx_str text);

// Whether it is text. If not, one line in the log under the component's name: "<what> is not UTF-8;
// refused". `what` names call and argument ("publish(): topic").
bool accept_text(nx_host* host, std::string_view what, nx_str text);

// For logs and people, who are to see something whatever it is: stray bytes become U+FFFD.
std::string shown_text(nx_str text);

// One line in the log under the component's name, at level error: it has done what no component
// may, and only its author can mend that.
void log_fault(nx_host* host, std::string_view text);

}  // namespace nexus
