// The RawSocket component's instance: one listener with its configuration. Connections read it
// from every loop; it does not change after listen().
#pragma once

#include <array>

#include "plugins/support/listen_options.hpp"
#include "plugins/support/stream_listener.hpp"

namespace nexus::rawsocket {

inline constexpr std::array kOwnOptions = {
    support::option(NX_OPTION_SIZE, "min_peer_size", "512",
                    "Refuse clients that do not accept messages of at least this size.",
                    {512, 1 << 24}),
    support::option(NX_OPTION_DURATION, "ping_interval", "0",
                    "Time between pings to the peer; 0 = none, since some clients drop the "
                    "connection at a ping.",
                    {0, 24 * support::kHourMs}),
    support::option(NX_OPTION_DURATION, "ping_timeout", "30s",
                    "Time after a ping in which the answer, a message, or progress at the router's "
                    "min_rate must come, or the connection ends.",
                    {1, support::kHourMs}),
};

inline constexpr auto kOptions = support::join(support::kListenOptions, kOwnOptions);

class Listener : public support::StreamListener {
 public:
  using StreamListener::StreamListener;

  nx_status configure(const nx_value* section, nx_error* error);  // [main]
  nx_status listen(nx_error* error);                              // [main]

  // nx_stream_handler.recognize. [loop]
  uint32_t recognize(const uint8_t* data, uint64_t size) const;

  uint64_t min_peer_size = 0;
  uint8_t exponent = 0;  // what is advertised; from listen() on
};

}  // namespace nexus::rawsocket
