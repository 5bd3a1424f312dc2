// The WebSocket transport's own options, as rows and as a checked struct. [main]
#pragma once

#include <array>
#include <string>
#include <vector>

#include "plugins/support/listen_options.hpp"
#include "plugins/support/pages.hpp"
#include "plugins/transports/websocket/deflate.hpp"

namespace nexus::websocket {

inline constexpr std::array kOwnOptions = {
    support::option(NX_OPTION_STRING, "path", "",
                    "The only request path that is served, as in \"/ws\"; default: any."),
    support::kOriginsOption,
    support::kHostsOption,
    support::option(NX_OPTION_DURATION, "ping_interval", "30s",
                    "Time between pings to the peer; 0 = none.", {0, 24 * support::kHourMs}),
    support::option(NX_OPTION_DURATION, "ping_timeout", "30s",
                    "Time after a ping in which the answer, a message, or progress at the router's "
                    "min_rate must come, or the connection ends.",
                    {1, support::kHourMs}),
    support::option(NX_OPTION_BOOL, "compression", "false",
                    "Whether to agree to permessage-deflate when a client offers it."),
    support::option(NX_OPTION_SIZE, "compression_min_size", "1K",
                    "Messages below this size are sent uncompressed.", {0, int64_t{1} << 30}),
    support::option(NX_OPTION_INT, "compression_level", "1",
                    "zlib's level: 1 is fastest, 9 is smallest.", {1, 9}),
    support::option(NX_OPTION_INT, "compression_window_bits", "15",
                    "Logarithm of the largest compression window, which bounds memory.", {9, 15}),
    support::option(NX_OPTION_BOOL, "compression_context_takeover", "false",
                    "Whether what the router sends may refer back to earlier messages: smaller "
                    "messages, for up to 270 KB of memory in each connection."),
    support::option(NX_OPTION_SIZE, "compression_memory", "128M",
                    "Memory for what all connections together keep of earlier messages to "
                    "compress by, up to 41 KB for each client that does so; when it is used up, "
                    "new connections go without compression.",
                    {0, int64_t{1} << 40}),
    support::option(NX_OPTION_SIZE, "max_batch_size", "64K",
                    "Largest frame into which messages for a batched subprotocol are gathered; "
                    "0 = no batched subprotocols.",
                    {0, int64_t{16} << 20}),
    support::option(NX_OPTION_SIZE, "max_header_size", "8K",
                    "Largest HTTP request head that opens a connection.", {1024, 65536}),
    support::option(NX_OPTION_STRING, "tracking_cookie", "",
                    "Name of a cookie with a random value that a client without one is given, "
                    "for authenticators; empty = none."),
    support::option(NX_OPTION_DURATION, "tracking_cookie_max_age", "0",
                    "How long browsers keep that cookie; 0 = until they are closed.",
                    {0, 31'622'400'000}),
};

inline constexpr auto kOptions = support::join(support::kListenOptions, kOwnOptions);

struct Config {
  std::string path;  // empty = any
  support::PageRules pages;
  uint32_t ping_interval_ms = 0;
  uint32_t ping_timeout_ms = 0;
  DeflateOptions deflate;
  uint64_t compression_memory = 0;
  uint64_t max_batch_size = 65536;  // 0 = no batched subprotocols
  uint64_t max_header_size = 8192;
  std::string tracking_cookie;
  uint64_t tracking_cookie_max_age_ms = 0;  // 0 = until the browser is closed

  // Names its mistakes in the section.
  void read(const support::Section& section);
  // Warns of a name for the tracking cookie that does not go with this listener.
  void check_cookie_name(const support::Section& section, bool tls) const;
};

}  // namespace nexus::websocket
