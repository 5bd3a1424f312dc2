// What is said of and about HTTP messages by every transport that speaks HTTP. No state; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "plugins/support/http_request.hpp"
#include "plugins/support/value.hpp"

namespace nexus::support {

// What HTTP itself finds fault with in a request, whoever it is for: `status` 0 = nothing. 505 for
// another version than 1.x, 400 for a Host that is missing, there twice, or none, 501 for a method
// that HTTP does not have.
struct HttpFault {
  int status = 0;
  std::string text;
};
HttpFault http_fault(const HttpRequest& request);

// "Not Found" for 404; "Error" for what is not used here.
const char* http_phrase(int status);

// Adds what authenticators may want to know about a request: http_headers_received (names in lower
// case, values of one name joined), http_request_path, http_request_query, and origin if it has
// one.
void add_http_details(const HttpRequest& request, DictBuilder& details);

}  // namespace nexus::support
