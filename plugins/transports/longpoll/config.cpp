// Checks of the long-poll transport's section that go beyond the type of each option. [main]
#include "plugins/transports/longpoll/config.hpp"

namespace nexus::longpoll {

using support::quoted;

void Config::read(const support::Section& section) {
  path = section.text("path");
  if (path.empty() || path.front() != '/' || path.find_first_of(" ?#%") != std::string::npos) {
    section.mistake("path", quoted(path) + ": write a path as in \"/lp\"");
  }
  while (!path.empty() && path.back() == '/') path.pop_back();
  pages.read(section);
  const auto number = [&](std::string_view name, int64_t fallback) {
    return static_cast<uint32_t>(section.integer(name, fallback));
  };
  max_sessions = number("max_sessions", 10000);
  poll_timeout_ms = number("poll_timeout", 10000);
  session_timeout_ms = number("session_timeout", 30000);
  request_timeout_ms = number("request_timeout", 10000);
  http_keepalive_ms = number("http_keepalive", 60000);
  max_header_size = number("max_header_size", 8192);
  max_waiting_sends = number("max_waiting_sends", 16);
  send_status = static_cast<int>(number("send_status", 204));
  bind_address = section.flag("bind_address");
  if (send_status == 203) section.mistake("send_status", "write 202 or 204");
}

}  // namespace nexus::longpoll
