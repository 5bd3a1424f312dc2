// Tells the service manager how far the daemon is, as systemd's Type=notify wants it. [main]
//
// The protocol is one datagram to the socket named in $NOTIFY_SOCKET; no library is needed.
#pragma once

#include <string_view>

namespace nexusd {

// "READY=1", "STOPPING=1". False when nobody listens, which is no error.
bool notify_service_manager(std::string_view state);

}  // namespace nexusd
