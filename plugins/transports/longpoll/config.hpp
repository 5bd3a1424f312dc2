// The long-poll transport's own options, as rows and as a checked struct. [main]
#pragma once

#include <array>
#include <string>
#include <vector>

#include "plugins/support/listen_options.hpp"
#include "plugins/support/pages.hpp"

namespace nexus::longpoll {

inline constexpr std::array kOwnOptions = {
    support::option(NX_OPTION_STRING, "path", "/lp",
                    "What the requests' paths begin with: clients POST to <path>/open."),
    support::kOriginsOption,
    support::kHostsOption,
    support::option(NX_OPTION_INT, "max_sessions", "10000",
                    "Largest number of sessions of this listener; 0 = no limit.", {0, 100'000'000}),
    support::option(NX_OPTION_DURATION, "poll_timeout", "10s",
                    "Longest time that a request for messages waits for one; clients have "
                    "deadlines of their own, Autobahn's is 12s.",
                    {1, support::kHourMs}),
    support::option(NX_OPTION_DURATION, "session_timeout", "30s",
                    "Time without any request, and without one waiting for messages, after which "
                    "a session ends.",
                    {1, support::kHourMs}),
    support::option(
        NX_OPTION_DURATION, "request_timeout", "10s",
        "Time for a request to arrive whole, and for its answer to be taken; progress at "
        "the router's min_rate puts it off.",
        {1, support::kHourMs}),
    support::option(NX_OPTION_DURATION, "http_keepalive", "60s",
                    "Time that a connection without a request stays open for the next one.",
                    {1, support::kHourMs}),
    support::option(NX_OPTION_SIZE, "max_header_size", "8K",
                    "Largest head of an HTTP request, and largest body of one to open a session.",
                    {1024, 65536}),
    support::option(NX_OPTION_INT, "max_waiting_sends", "16",
                    "Requests with messages that may wait in one session while the router takes "
                    "none from it; one more is answered 503.",
                    {1, 1024}),
    support::option(NX_OPTION_INT, "send_status", "204",
                    "Status of a request that brought messages: 204, which every client accepts, "
                    "or 202 as the specification has it.",
                    {202, 204}),
    support::option(NX_OPTION_BOOL, "bind_address", "false",
                    "Whether a session's requests must come from the address that opened it."),
};

inline constexpr auto kOptions = support::join(support::kListenOptions, kOwnOptions);

struct Config {
  std::string path;  // without a '/' at its end; may be empty
  support::PageRules pages;
  uint32_t max_sessions = 0;
  uint32_t poll_timeout_ms = 0;
  uint32_t session_timeout_ms = 0;
  uint32_t request_timeout_ms = 0;
  uint32_t http_keepalive_ms = 0;
  uint64_t max_header_size = 8192;
  uint32_t max_waiting_sends = 16;
  int send_status = 204;
  bool bind_address = false;

  // Tells the section of every mistake.
  void read(const support::Section& section);
};

}  // namespace nexus::longpoll
