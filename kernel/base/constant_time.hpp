// Comparing secrets in a time that tells nothing about where they differ. Any thread.
#pragma once

#include <openssl/crypto.h>

#include "kernel/base/bytes.hpp"

namespace nexus {

// The length is not a secret: different lengths differ at once.
inline bool equal_in_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

inline bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return equal_in_constant_time(as_bytes(a), as_bytes(b));
}

}  // namespace nexus
