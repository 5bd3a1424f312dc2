// Text between C++ and the ABI: views both ways, error texts, and text that came from a peer made
// fit for a log line. No state; any thread.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "nexus/nx_abi.h"

namespace nexus::support {

inline std::string_view to_view(nx_str text) {
  return text.size == 0 ? std::string_view{} : std::string_view{text.data, text.size};
}
// Lends: valid as long as what `text` points at.
inline nx_str to_str(std::string_view text) { return {text.data(), text.size()}; }

inline nx_bytes to_bytes(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

// Fills `error` (which may be null) and returns `code`, so that a failing function ends in
// `return fail(error, NX_E_CONFIG, "...")`. A text that is too long is cut.
inline nx_status fail(nx_error* error, nx_status code, std::string_view text) {
  if (error != nullptr) {
    error->code = code;
    const size_t size = std::min<size_t>(text.size(), NX_ERROR_TEXT_MAX - 1);
    std::memcpy(error->text, text.data(), size);
    error->text[size] = '\0';
  }
  return code;
}

// Bytes of a peer as one short, printable ASCII word: everything else becomes '?', and what is
// longer than `limit` is cut with "...".
inline std::string printable(std::string_view bytes, size_t limit = 80) {
  std::string out(bytes.substr(0, limit));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (bytes.size() > limit) out += "...";
  return out;
}

// What somebody wrote, in quotes, for an error text.
inline std::string quoted(std::string_view text) { return "\"" + printable(text) + "\""; }

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// ASCII case folding, as header names, hosts and tokens are compared.
inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

inline std::string lowercase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

}  // namespace nexus::support
