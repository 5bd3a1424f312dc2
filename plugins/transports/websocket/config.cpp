// Checks of the WebSocket transport's section that go beyond the type of each option. [main]
#include "plugins/transports/websocket/config.hpp"

#include "plugins/transports/websocket/http_request.hpp"

namespace nexus::websocket {

using support::fail;

nx_status Config::read(const support::Section& section, nx_error* error) {
  path = section.text("path");
  if (!path.empty() && (path.front() != '/' || path.find_first_of(" ?#") != std::string::npos)) {
    return fail(error, NX_E_CONFIG,
                "path = \"" + support::printable(path) + "\": write a path as in \"/ws\"");
  }
  origins.clear();
  for (uint64_t i = 0; i < section.list_size("origins"); ++i) {
    const std::string_view pattern = section.list_text("origins", i);
    if (const char* wrong = OriginPattern::check(pattern)) {
      return fail(error, NX_E_CONFIG, "origins: \"" + support::printable(pattern) + "\": " + wrong);
    }
    origins.emplace_back(pattern);
  }
  ping_interval_ms = static_cast<uint32_t>(section.integer("ping_interval", 30000));
  ping_timeout_ms = static_cast<uint32_t>(section.integer("ping_timeout", 30000));
  deflate.enabled = section.flag("compression");
  deflate.min_size = static_cast<uint64_t>(section.integer("compression_min_size", 1024));
  deflate.level = static_cast<uint8_t>(section.integer("compression_level", 1));
  deflate.window_bits = static_cast<uint8_t>(section.integer("compression_window_bits", 15));
  deflate.context_takeover = section.flag("compression_context_takeover");
  max_batch_size = static_cast<uint64_t>(section.integer("max_batch_size", 65536));
  max_header_size = static_cast<uint64_t>(section.integer("max_header_size", 8192));
  tracking_cookie = section.text("tracking_cookie");
  if (!tracking_cookie.empty() && !is_token(tracking_cookie)) {
    return fail(error, NX_E_CONFIG,
                "tracking_cookie = \"" + support::printable(tracking_cookie) +
                    "\": a cookie's name has letters, digits, - and _ only");
  }
  return NX_OK;
}

}  // namespace nexus::websocket
