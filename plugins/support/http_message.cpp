#include "plugins/support/http_message.hpp"

#include <map>

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
    {417, "Expectation Failed"},
    {426, "Upgrade Required"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

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
