// Services: the host's tables that a stream transport stands on, fetched once in create(). [main]
#pragma once

#include <string_view>

#include "nexus/nx_host.h"
#include "nexus/nx_plugin.h"
#include "nexus/nx_transport.h"
#include "plugins/support/text.hpp"

namespace nexus::support {

struct Services {
  nx_host* host = nullptr;
  const nx_host_log_v1* log = nullptr;
  const nx_host_values_v1* values = nullptr;
  const nx_host_config_v1* config = nullptr;
  const nx_host_streams_v1* streams = nullptr;
  const nx_host_sessions_v1* sessions = nullptr;

  // False when this router lacks one of them, which the router itself checks before create().
  bool fetch(nx_host* from) {
    host = from;
    log = static_cast<const nx_host_log_v1*>(nx_host_service(from, NX_HOST_LOG));
    values = static_cast<const nx_host_values_v1*>(nx_host_service(from, NX_HOST_VALUES));
    config = static_cast<const nx_host_config_v1*>(nx_host_service(from, NX_HOST_CONFIG));
    streams = static_cast<const nx_host_streams_v1*>(nx_host_service(from, NX_HOST_STREAMS));
    sessions = static_cast<const nx_host_sessions_v1*>(nx_host_service(from, NX_HOST_SESSIONS));
    return log != nullptr && values != nullptr && config != nullptr && streams != nullptr &&
           sessions != nullptr;
  }
  bool logs(uint32_t level) const { return log->enabled(host, level) != 0; }
  void write_log(uint32_t level, std::string_view text) const {
    log->write(host, level, to_str(text));
  }
  // For what clients can make happen over and over: see nx_host_log_v1.
  void limited_log(uint32_t level, std::string_view cause, std::string_view text) const {
    if (!NX_HAS(log, limited)) return write_log(level, text);
    log->limited(host, level, to_str(cause), to_str(text));
  }
};

// For nx_component.services.
inline constexpr nx_str kStreamTransportServices[] = {
    NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES), NX_STR(NX_HOST_CONFIG), NX_STR(NX_HOST_STREAMS),
    NX_STR(NX_HOST_SESSIONS)};

}  // namespace nexus::support
