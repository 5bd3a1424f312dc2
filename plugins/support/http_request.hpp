// The head of an HTTP/1 request: a scanner that finds its end and a parser, both strict. What is
// let through here ends up in front of authenticators. [loop]
//
// The scanner looks at each byte once, however the bytes arrive, so that cutting the request
// elsewhere cannot change the answer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nexus::support {

// How many of these bytes are empty lines, CRLF each: in front of a request they are passed over,
// since some clients send one behind a body (RFC 9112, 2.2).
uint64_t empty_lines(const uint8_t* data, uint64_t size);

// Where the scan of a request's head has come to. Empty lines in front of it are passed over first.
struct HeadScan {
  enum State { kIncomplete, kComplete, kBroken, kTooLarge };

  // Looks at data[0..size), which begins with the same bytes as last time. kComplete sets `at` to
  // the size of the head with its empty line; kBroken sets `error`.
  State scan(const uint8_t* data, uint64_t size, uint64_t limit);
  // The status for kTooLarge: 501 for a method, 414 for a target, 431 for headers without end.
  int too_large_status(const uint8_t* data) const;

  uint64_t at = 0;
  uint64_t line_start = 0;
  const char* error = nullptr;
};

struct HttpHeader {
  std::string_view name;   // as sent
  std::string_view value;  // without surrounding white space
};

// Views into the bytes that were parsed.
struct HttpRequest {
  // Parses a head that scan() has found complete. Null, or what is wrong, for an answer with
  // `error_status`.
  const char* parse(std::string_view head);
  // Requests of HTTP/1.0; and of any HTTP/1, whose later minor versions are read as 1.1.
  bool old() const { return version == "HTTP/1.0"; }
  bool supported() const { return version.substr(0, 7) == "HTTP/1."; }
  // Whom the client asked for, "host:port" as it wrote it: in the target's absolute form that is
  // what counts, else the Host header (RFC 9112, 3.2.2). Empty when it does not say.
  std::string_view host() const { return authority.empty() ? find("host") : authority; }

  uint32_t count(std::string_view name) const;
  // The first header of this name; empty when there is none.
  std::string_view find(std::string_view name) const;
  // Is `token` an element of this comma-separated header, upper and lower case being equal?
  bool has_token(std::string_view name, std::string_view token) const;
  // Calls fn(element) for every non-empty element of every header of this name, in order, until
  // it returns true. Elements in quotes are not understood: for lists of tokens.
  template <typename Fn>
  bool any_element(std::string_view name, Fn fn) const;
  // The value of a cookie; empty when there is none.
  std::string_view cookie(std::string_view name) const;

  std::string_view method;
  std::string_view version;    // "HTTP/1.1"
  std::string_view authority;  // of "http://host:port/ws", or CONNECT's target; else empty
  std::string_view path;       // "/ws"; "*" in OPTIONS *; empty with CONNECT
  std::string_view query;      // what follows '?', or empty
  std::vector<HttpHeader> headers;
  int error_status = 400;
};

bool is_token(std::string_view text);          // RFC 9110 token
std::string_view trim(std::string_view text);  // spaces and tabs

// Takes the next element off a comma-separated list.
inline std::string_view next_element(std::string_view& list) {
  const size_t comma = list.find(',');
  const std::string_view element = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return element;
}

bool same_header(std::string_view a, std::string_view b);

template <typename Fn>
bool HttpRequest::any_element(std::string_view name, Fn fn) const {
  for (const HttpHeader& header : headers) {
    if (!same_header(header.name, name)) continue;
    for (std::string_view list = header.value; !list.empty();) {
      const std::string_view element = next_element(list);
      if (!element.empty() && fn(element)) return true;
    }
  }
  return false;
}

}  // namespace nexus::support
