// What is said of and about HTTP messages by every transport that speaks HTTP. No state; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "plugins/support/http_request.hpp"
#include "plugins/support/value.hpp"

namespace nexus::support {

// "Not Found" for 404; "Error" for what is not used here.
const char* http_phrase(int status);

// Adds what authenticators may want to know about a request: http_headers_received (names in lower
// case, values of one name joined), http_request_path, http_request_query, and origin if it has
// one.
void add_http_details(const HttpRequest& request, DictBuilder& details);

}  // namespace nexus::support
