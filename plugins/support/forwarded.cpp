#include "plugins/support/forwarded.hpp"

#include <algorithm>

namespace nexus::support {

bool looks_like_address(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' ||
           c == ':' || c == '[' || c == ']';
  });
}

}  // namespace nexus::support
