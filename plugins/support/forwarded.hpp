// X-Forwarded-For: where the client is, as the proxies in between have written it down. No state;
// any thread.
#pragma once

#include <string_view>

#include "plugins/support/http_request.hpp"

namespace nexus::support {

// Digits, hexadecimal ones, '.', ':' and brackets; at most 64 bytes. Whether it is one says the
// router.
bool looks_like_address(std::string_view text);

// Each proxy appends the address that it was connected from, so the list is believed from its end
// on, as far as addresses are trusted (is_trusted(address)): the first that is not is the client.
// A client can write what it likes in front of that. Empty when the request says nothing of use:
// no such header, or something that is no address where one is needed.
template <typename IsTrusted>
std::string_view forwarded_client(const HttpRequest& request, IsTrusted is_trusted) {
  constexpr std::string_view kName = "x-forwarded-for";
  std::string_view client;
  for (size_t i = request.headers.size(); i-- > 0;) {
    if (!same_header(request.headers[i].name, kName)) continue;
    for (std::string_view rest = request.headers[i].value; !rest.empty();) {
      const size_t comma = rest.rfind(',');
      const bool last = comma == std::string_view::npos;
      const std::string_view one = trim(last ? rest : rest.substr(comma + 1));
      rest = last ? std::string_view() : rest.substr(0, comma);
      if (!looks_like_address(one)) return client;  // nobody vouches for what stands before it
      client = one;
      if (!is_trusted(one)) return client;
    }
  }
  return client;
}

}  // namespace nexus::support
