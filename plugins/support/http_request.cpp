// RFC 9112 for one request head: nothing that two implementations could read differently passes.
#include "plugins/support/http_request.hpp"

#include <algorithm>

#include "plugins/support/text.hpp"

namespace nexus::support {
namespace {

// Each header costs a few lookups, so their number is bounded apart from their bytes.
constexpr size_t kMaxHeaders = 100;

bool is_token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr const char* kProxy =
    "this looks like a PROXY header; set proxy_protocol, and trusted_proxies to who sends it";

const char* first_byte_error(uint8_t byte) {
  if (byte == 0x16) return "this looks like TLS, and this port speaks plain HTTP";
  if (byte == 0x7f) return "this looks like RawSocket, and this port speaks HTTP";
  if (byte == 0) return kProxy;  // version 2 begins with two empty lines
  return "a request begins with a method in capitals";
}

}  // namespace

uint64_t empty_lines(const uint8_t* data, uint64_t size) {
  uint64_t at = 0;
  while (size - at >= 2 && data[at] == '\r' && data[at + 1] == '\n') at += 2;
  return at;
}

int HeadScan::too_large_status(const uint8_t* data) const {
  if (line_start != 0) return 431;
  return std::find(data, data + at, uint8_t{' '}) == data + at ? 501 : 414;
}

HeadScan::State HeadScan::scan(const uint8_t* data, uint64_t size, uint64_t limit) {
  while (at < size) {
    if (at >= limit) return kTooLarge;
    const uint8_t byte = data[at];
    if (at == 0 && (byte < 'A' || byte > 'Z') && byte != '\r') {
      error = first_byte_error(byte);
      return kBroken;
    }
    if (byte != '\r') {
      if (byte == '\n') error = "a line ends in a bare LF";
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
        if (error == nullptr) error = "control character";
        return kBroken;
      }
      ++at;
      continue;
    }
    if (at + 1 >= limit) return kTooLarge;
    if (at + 1 >= size) return kIncomplete;
    if (data[at + 1] != '\n') {
      error = "CR without LF";
      return kBroken;
    }
    const bool empty_line = at == line_start;
    at += 2;
    line_start = at;
    if (empty_line) return kComplete;
  }
  return kIncomplete;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool same_header(std::string_view a, std::string_view b) { return equal_ignoring_case(a, b); }

namespace {

std::string_view next_line(std::string_view& head) {
  const size_t end = head.find("\r\n");  // there: the scanner has seen the empty line
  const std::string_view line = head.substr(0, end);
  head.remove_prefix(end + 2);
  return line;
}

// "/path?query", "http://host/path?query", "*", or CONNECT's "host:port".
const char* parse_target(std::string_view target, HttpRequest& out) {
  if (out.method == "CONNECT") {
    out.authority = target;
    return target.empty() ? "CONNECT names a host" : nullptr;
  }
  if (target == "*") {
    out.path = target;
    return nullptr;
  }
  if (target.find('#') != std::string_view::npos) return "a request target has no fragment";
  if (!target.empty() && target.front() != '/') {
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return "the request target is no path";
    const size_t path = target.find_first_of("/?", scheme + 3);
    out.authority = target.substr(scheme + 3, path - (scheme + 3));
    if (out.authority.empty()) return "the request target has no host";
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  if (target.empty()) return "the request target is no path";
  const size_t question = target.find('?');
  out.path = question == 0 ? std::string_view("/") : target.substr(0, question);
  out.query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  return nullptr;
}

const char* parse_request_line(std::string_view line, HttpRequest& out) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "the request line has three parts";
  out.method = line.substr(0, first);
  out.version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (out.method == "PROXY") return kProxy;
  if (!is_token(out.method)) return "the method is no token";
  if (target.find_first_of(" \t") != std::string_view::npos) return "white space in the target";
  const std::string_view v = out.version;
  if (v.size() != 8 || v.substr(0, 5) != "HTTP/" || v[6] != '.' || v[5] < '0' || v[5] > '9' ||
      v[7] < '0' || v[7] > '9') {
    return "the request line ends in the HTTP version";
  }
  return parse_target(target, out);
}

}  // namespace

const char* HttpRequest::parse(std::string_view head) {
  if (const char* error = parse_request_line(next_line(head), *this)) return error;
  for (std::string_view line = next_line(head); !line.empty(); line = next_line(head)) {
    if (line.front() == ' ' || line.front() == '\t') return "folded header line";
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return "header line without a colon";
    const std::string_view name = line.substr(0, colon);
    if (!is_token(name)) return "a header's name is no token";
    if (headers.size() == kMaxHeaders) {
      error_status = 431;
      return "more than 100 headers";
    }
    headers.push_back({name, trim(line.substr(colon + 1))});
  }
  return nullptr;
}

uint32_t HttpRequest::count(std::string_view name) const {
  return static_cast<uint32_t>(
      std::count_if(headers.begin(), headers.end(),
                    [&](const HttpHeader& h) { return same_header(h.name, name); }));
}

std::string_view HttpRequest::find(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (same_header(header.name, name)) return header.value;
  }
  return {};
}

bool HttpRequest::has_token(std::string_view name, std::string_view token) const {
  return any_element(name, [&](std::string_view element) { return same_header(element, token); });
}

std::string_view HttpRequest::cookie(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (!same_header(header.name, "cookie")) continue;
    for (std::string_view rest = header.value; !rest.empty();) {
      const size_t semicolon = rest.find(';');
      const std::string_view pair = trim(rest.substr(0, semicolon));
      rest = semicolon == std::string_view::npos ? std::string_view{} : rest.substr(semicolon + 1);
      const size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
        return pair.substr(equals + 1);
      }
    }
  }
  return {};
}

}  // namespace nexus::support
