// PageRules: which web pages may connect to a listener that speaks HTTP, by the options `origins`
// and `hosts`. Read on [main]; constant afterwards, and asked on any [loop].
//
// A browser tells of itself with the Origin header; a request without one comes from no page, and
// passes. Without `origins`, pages of the router's own host may connect. What "own" means, the page
// says with its name; so where nothing but this machine can connect (a listener on loopback), a
// page that has its own name point to 127.0.0.1 (DNS rebinding) must not get by with it: there Host
// has to be a name that no stranger can have.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/support/http_request.hpp"
#include "plugins/support/options.hpp"
#include "plugins/support/origin.hpp"
#include "plugins/support/section.hpp"

namespace nexus::support {

inline constexpr nx_option kOriginsOption =
    option(NX_OPTION_LIST, "origins", "",
           "Web pages that may connect: \"self\" for those of the router's own host, hosts or "
           "globs such as \"*.example.com\", or whole origins; default: self.");
inline constexpr nx_option kHostsOption =
    option(NX_OPTION_LIST, "hosts", "",
           "Names that pages may call this router by, besides IP addresses and localhost; globs "
           "too; default: on loopback none, else any.");

class PageRules {
 public:
  // Names its mistakes in the section.
  void read(const Section& section);

  // Why the page behind this request may not connect, for an answer of 403; empty when it may, or
  // when there is no page. `loopback`: the listener is on_loopback(). `trusted`: the connection
  // comes from one of trusted_proxies, whose X-Forwarded-Host is what the client asked for.
  std::string refusal(const HttpRequest& request, bool loopback, bool trusted) const;

 private:
  std::string check_host(std::string_view host, bool loopback) const;

  std::vector<OriginPattern> origins_;
  std::vector<OriginPattern> hosts_;  // to be matched with "host://" in front
  bool self_ = true;                  // pages of the host that was asked for
  bool anybody_ = false;              // "*" is in `origins`
};

// Can only this machine reach a listener with this `listen` option, over a connection that came in
// at `local_address`? A socket for every interface is not on loopback, nor is a Unix socket.
bool on_loopback(std::string_view listen, std::string_view local_address);

}  // namespace nexus::support
