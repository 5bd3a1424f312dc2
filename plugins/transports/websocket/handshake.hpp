// The opening handshake of RFC 6455, section 4.2: from a parsed request to the answer. No socket
// and no state, so that every rule can be tested alone. [loop]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugins/support/http_request.hpp"
#include "plugins/support/stream_listener.hpp"
#include "plugins/support/value.hpp"
#include "plugins/transports/websocket/config.hpp"

namespace nexus::websocket {

using support::HttpRequest;

struct Verdict {
  // 101, or the status of a refusal whose `text` tells the person behind the client what to do.
  int status = 0;
  std::string text;
  std::string headers;  // further lines of a refusal, each with its CRLF

  const support::SerializerEntry* serializer = nullptr;
  bool batched = false;     // frames carry several messages
  std::string subprotocol;  // as it was offered
  std::string accept_key;
  DeflateAgreement deflate;
  std::string cookie;       // value of the tracking cookie, if there is one
  bool cookie_new = false;  // made here, to be set by the answer
};

// What a request does not say itself, for PageRules::refusal().
struct Place {
  bool loopback = false;
  bool trusted_proxy = false;
};

// Judges a request. `serializers` are all that are loaded; `budget` is for what is agreed to.
Verdict judge(const HttpRequest& request, const Config& config, Place place,
              const std::vector<support::SerializerEntry>& serializers, MemoryBudget& budget);

// The answer as it goes out. `secure`: over TLS.
// A client has brought a cookie that nobody can come in with: it gets a new one. False when there
// are no random numbers.
bool replace_cookie(Verdict& verdict);

std::string switching_protocols(const Verdict& verdict, const Config& config, bool secure);
// `head_only`: to a HEAD, which is answered with what GET would be, but for its body.
std::string refusal(int status, std::string_view text, std::string_view headers, bool head_only);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key; empty when the crypto library fails.
std::string accept_key(std::string_view key);

// Adds what authenticators may want to know about the request: http_headers_received (names in
// lower case), http_request_path, http_request_query, origin, cookie, websocket_protocol.
void add_details(const HttpRequest& request, const Verdict& verdict, support::DictBuilder& details);

}  // namespace nexus::websocket
