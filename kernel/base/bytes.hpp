// Views of text and bytes, and the way between C++'s and the ABI's. Header only, any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "nexus/nx_abi.h"

namespace nexus {

using Bytes = std::span<const uint8_t>;

inline nx_str to_nx(std::string_view text) { return {text.data(), text.size()}; }
inline nx_bytes to_nx(Bytes bytes) { return {bytes.data(), bytes.size()}; }

inline std::string_view to_view(nx_str text) { return {text.data, static_cast<size_t>(text.size)}; }
inline Bytes to_view(nx_bytes bytes) { return {bytes.data, static_cast<size_t>(bytes.size)}; }

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::string_view as_text(nx_bytes bytes) { return as_text(to_view(bytes)); }
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace nexus
