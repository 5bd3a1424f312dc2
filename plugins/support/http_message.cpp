#include "plugins/support/http_message.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "plugins/support/authority.hpp"
#include "plugins/support/text.hpp"
#include "plugins/support/utf8.hpp"

namespace nexus::support {
namespace {

struct Phrase {
  int status;
  const char* text;
};

constexpr Phrase kPhrases[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {426, "Upgrade Required"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

// The methods that a client may expect a server to know, and to refuse as such (RFC 9110, 9.1).
constexpr std::string_view kMethods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                         "CONNECT", "OPTIONS", "TRACE", "PATCH"};

// Values are UTF-8; header bytes that are not are taken for Latin-1, as HTTP once had it.
std::string to_utf8(std::string_view value) {
  if (valid_utf8(reinterpret_cast<const uint8_t*>(value.data()), value.size())) {
    return std::string(value);
  }
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

}  // namespace

HttpFault http_fault(const HttpRequest& request) {
  if (!request.supported()) {
    return {505, "HTTP/1.1 is spoken here, not " + printable(request.version)};
  }
  const uint32_t hosts = request.count("host");
  if (hosts > 1 || (hosts == 0 && !request.old())) {
    return {400, "exactly one Host header is needed"};
  }
  if (const std::string_view host = request.find("host"); !host.empty() && !is_authority(host)) {
    return {400, "Host is no host: " + printable(host)};
  }
  if (!request.authority.empty() && !is_authority(request.authority)) {
    return {400, "the request target has no host"};
  }
  if (std::find(std::begin(kMethods), std::end(kMethods), request.method) == std::end(kMethods)) {
    return {501, "the method " + printable(request.method) + " is not known here"};
  }
  if (request.path == "*" && request.method != "OPTIONS") {
    return {400, "only OPTIONS is about no path"};
  }
  return {};
}

const char* http_phrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Error";
}

void add_http_details(const HttpRequest& request, DictBuilder& details) {
  std::map<std::string, std::string> headers;
  for (const HttpHeader& header : request.headers) {
    std::string& value = headers[lowercase(header.name)];
    if (!value.empty()) value += equal_ignoring_case(header.name, "cookie") ? "; " : ", ";
    value += to_utf8(header.value);
  }
  DictBuilder received(details.values());
  for (const auto& [name, value] : headers) received.add_text(name, value);
  details.add("http_headers_received", received.take());
  details.add_text("http_request_path", to_utf8(request.path));
  details.add_text("http_request_query", to_utf8(request.query));
  if (const std::string_view origin = request.find("origin"); !origin.empty()) {
    details.add_text("origin", to_utf8(origin));
  }
}

}  // namespace nexus::support
