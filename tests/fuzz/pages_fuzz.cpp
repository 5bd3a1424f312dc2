// libFuzzer: Host, Origin and the patterns for them. The first line is a pattern of `origins`, the
// second an origin, the third a host.
#include <cstdlib>
#include <string>

#include "plugins/support/authority.hpp"
#include "plugins/support/origin.hpp"
#include "plugins/support/pages.hpp"

using namespace nexus::support;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

std::string_view next_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view pattern = next_line(text);
  const std::string_view origin = next_line(text);
  const std::string_view host = next_line(text);
  if (OriginPattern::check(pattern) == nullptr) OriginPattern(pattern).matches(origin);
  if (const auto asked = parse_authority(host)) {
    // What was read is in its one spelling, and reads as itself.
    const bool v6 = asked->host.find(':') != std::string::npos;
    const auto again = parse_authority((v6 ? "[" + asked->host + "]" : asked->host) + ":1");
    demand(again && again->ip == asked->ip && again->loopback == asked->loopback);
    demand(same_host(*again, *asked) && (asked->ip || again->host == asked->host));
    on_loopback(host, origin);
  }
  // By default a page gets in only if it names, as its host, one that the request asks for.
  HttpRequest request;
  request.headers = {{"Host", host}, {"Origin", origin}};
  if (!PageRules().refusal(request, true, false).empty()) return 0;
  const size_t scheme = origin.find("://");
  demand(scheme != std::string_view::npos);
  const auto page = parse_authority(origin.substr(scheme + 3));
  const auto asked = parse_authority(host);
  demand(page && asked && same_host(*page, *asked) && (asked->ip || asked->loopback));
  return 0;
}
