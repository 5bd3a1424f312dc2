// Makes the entries that users have in a configuration, a file or a database, and the key of the
// authenticator cookie: for nexusd --make-secret. Any thread; takes as long as the derivation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/support/auth/crypto.hpp"
#include "plugins/support/auth/secret.hpp"

namespace nexus::auth {

inline constexpr size_t kSaltSize = 16;  // octets
// What is made unless somebody asks for something else.
inline constexpr uint32_t kTicketIterations = 100'000;
inline constexpr uint32_t kCraIterations = 10'000;
inline constexpr uint32_t kScramIterations = 100'000;
inline constexpr uint32_t kArgonIterations = 3;
inline constexpr uint32_t kArgonMemory = 65'536;  // KiB

enum class SecretKind { ticket, wampcra, scram, cryptosign, cookie };

std::optional<SecretKind> secret_kind(std::string_view name);

// Empty and zero: the kind's default. `kdf` as in an entry, "argon2id-13" too.
struct SecretOptions {
  std::string kdf;
  uint32_t iterations = 0;
  uint32_t memory = 0;
};

// One JSON object to put into a user's entry: {"ticket": {…}}. For cryptosign `input` is the
// private key in hexadecimal, for the others the password. For cookie there is no input: it is a
// new key for the authenticator's own section, {"key": "…"}. Throws std::invalid_argument with what
// is wrong with the options or the input; the text never has the input in it.
std::string make_secret(SecretKind kind, const SecretOptions& options, std::string_view input);

// A new private key for cryptosign, in hexadecimal.
Secret new_private_key();

}  // namespace nexus::auth
