// The WebSocket component's instance: one listener with its configuration. Connections read it
// from every loop; it does not change after listen().
#pragma once

#include "plugins/support/stream_listener.hpp"
#include "plugins/transports/websocket/config.hpp"

namespace nexus::websocket {

class Listener : public support::StreamListener {
 public:
  using StreamListener::StreamListener;

  nx_status configure(const nx_value* section, nx_error* error);  // [main]
  std::string takes() const;                                      // for nx_listen_options.shares_as
  nx_status listen(nx_error* error);                              // [main]

  // nx_stream_handler.recognize. [loop]
  uint32_t recognize(const uint8_t* data, uint64_t size) const;

  Config config;
  mutable MemoryBudget compression;  // shared by the connections
};

}  // namespace nexus::websocket
