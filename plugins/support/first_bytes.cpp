#include "plugins/support/first_bytes.hpp"

#include <algorithm>

#include "nexus/nx_transport.h"
#include "plugins/support/http_request.hpp"

namespace nexus::support {
namespace {

constexpr size_t kLongestMethod = 16;
// No path that is configured comes near it; a longer target is somebody's mistake.
constexpr size_t kLongestTarget = 2048;

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

RequestStart look_at_request(const uint8_t* data, uint64_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bytes.remove_prefix(empty_lines(data, size));
  if (bytes.empty() || bytes == "\r") return {NX_RECOGNIZE_MORE, {}, {}};
  if (!is_capital(bytes.front())) return {NX_RECOGNIZE_NO, {}, {}};
  const size_t space =
      static_cast<size_t>(std::find_if_not(bytes.begin(), bytes.end(), is_capital) - bytes.begin());
  if (space > kLongestMethod) return {NX_RECOGNIZE_WRONG, {}, {}};
  if (space == bytes.size()) return {NX_RECOGNIZE_MORE, {}, {}};
  if (bytes[space] != ' ') return {NX_RECOGNIZE_WRONG, {}, {}};

  std::string_view target = bytes.substr(space + 1);
  const size_t end = target.find_first_of(" \r\n");
  if (std::min(end, target.size()) > kLongestTarget) return {NX_RECOGNIZE_WRONG, {}, {}};
  if (end == std::string_view::npos) return {NX_RECOGNIZE_MORE, {}, {}};
  target = target.substr(0, end);
  if (!target.empty() && target.front() != '/') {  // "http://host/path", or "*"
    const size_t scheme = target.find("://");
    const size_t path = scheme == std::string_view::npos ? scheme : target.find('/', scheme + 3);
    if (path == std::string_view::npos) return {NX_RECOGNIZE_WRONG, {}, {}};
    target.remove_prefix(path);
  }
  return {NX_RECOGNIZE_FITS, bytes.substr(0, space), target.substr(0, target.find('?'))};
}

}  // namespace nexus::support
