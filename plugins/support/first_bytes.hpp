// What the first bytes of a connection tell about an HTTP request, for listeners that share their
// address with others (nx_stream_handler.recognize). [loop]
#pragma once

#include <cstdint>
#include <string_view>

namespace nexus::support {

struct RequestStart {
  // NX_RECOGNIZE_NO: no HTTP. MORE: the request's target has not come whole. WRONG: HTTP, but no
  // target that could be told. FITS: method and path are known.
  uint32_t answer;
  std::string_view method;
  std::string_view path;  // without the query
};

// Views into the bytes.
RequestStart look_at_request(const uint8_t* data, uint64_t size);

}  // namespace nexus::support
