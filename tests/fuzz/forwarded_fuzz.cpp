// libFuzzer: X-Forwarded-For. The first octet chooses whom to trust; the rest is the header's
// value, with '\n' between headers.
#include <cstdlib>
#include <string>

#include "plugins/support/forwarded.hpp"

using namespace nexus::support;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const uint8_t trust = data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  HttpRequest request;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    request.headers.push_back({"X-Forwarded-For", text.substr(0, end)});
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  const std::string_view client = forwarded_client(
      request, [&](std::string_view address) { return (address.size() & 7) < (trust & 7); });
  if (!client.empty() && !looks_like_address(client)) std::abort();
  return 0;
}
