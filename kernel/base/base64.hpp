// Base64, RFC 4648: the plain alphabet with padding, and the url-safe one without. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/bytes.hpp"

namespace nexus {

std::string base64_encode(Bytes bytes);      // A-Z a-z 0-9 + /, padded with '='
std::string base64_url_encode(Bytes bytes);  // A-Z a-z 0-9 - _, not padded

// Strict: only the plain alphabet, correctly padded, unused bits zero, no white space.
std::optional<std::vector<uint8_t>> base64_decode(std::string_view text);

}  // namespace nexus
