// libFuzzer: the PROXY protocol's header. However the bytes are cut, the answer is the same; and an
// address that is accepted is one.
#include <algorithm>
#include <cstdlib>

#include "kernel/loop/ip_ranges.hpp"
#include "kernel/loop/proxy_header.hpp"

using namespace nexus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ProxyHeader whole = parse_proxy_header({data, size});
  if (whole.state == ProxyHeader::State::complete) {
    if (whole.size > size || whole.size > kMaxProxyHeader) std::abort();
    if (!whole.address.empty() && !parse_ip(whole.address)) std::abort();
  }
  for (size_t part = 0; part <= std::min<size_t>(size, 300); ++part) {
    const ProxyHeader header = parse_proxy_header({data, part});
    if (header.state == ProxyHeader::State::incomplete) continue;
    if (header.state != whole.state || header.size != whole.size) std::abort();
    break;
  }
  parse_ip({reinterpret_cast<const char*>(data), size});
  (void)IpRanges::parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
