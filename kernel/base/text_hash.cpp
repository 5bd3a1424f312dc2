// The secret of TextHash, and xxHash with it (docs/decisions/0010-hash-of-texts.md).
#include "kernel/base/text_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kernel/base/random.hpp"

namespace nexus {
namespace {

// As long as xxHash's own. Drawn once, before main().
struct Secret {
  Secret() { secure_random(bytes); }
  uint8_t bytes[XXH_SECRET_DEFAULT_SIZE];
};
const Secret secret;

}  // namespace

size_t TextHash::operator()(std::string_view text) const {
  return XXH3_64bits_withSecret(text.data(), text.size(), secret.bytes, sizeof secret.bytes);
}

}  // namespace nexus
