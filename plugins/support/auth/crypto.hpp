// The cryptography of the authenticators, over OpenSSL and libargon2. Any thread; no state.
//
// Octets are held in strings. Whatever cannot be done (out of memory, a library without the
// algorithm) throws std::runtime_error; what a peer can cause is an empty optional or false.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::auth {

inline constexpr size_t kHashSize = 32;        // SHA-256
inline constexpr size_t kEd25519KeySize = 32;  // seed and public key alike
inline constexpr size_t kEd25519SignatureSize = 64;

std::string sha256(std::string_view octets);
std::string hmac_sha256(std::string_view key, std::string_view message);

enum class Kdf { none, pbkdf2, argon2id13 };

// "pbkdf2", "argon2id13"; nullopt for any other word.
std::optional<Kdf> kdf_from_name(std::string_view name);
std::string_view kdf_name(Kdf kdf);

// How a key comes of a password. `memory` is in KiB and for argon2id13 only.
struct Derivation {
  Kdf kdf = Kdf::none;
  std::string salt;  // octets
  uint32_t iterations = 0;
  uint32_t memory = 0;
};

// Takes milliseconds to seconds: never on a loop. With Kdf::none the key is the password.
std::string derive(const Derivation& how, std::string_view password, size_t size = kHashSize);

// From the system's random generator.
std::string random_octets(size_t size);

// Equal in a time that does not depend on the content. Different sizes are different at once.
bool same_octets(std::string_view a, std::string_view b);

std::string to_hex(std::string_view octets);  // small letters
// Both cases. nullopt for an odd number of digits or anything that is none.
std::optional<std::string> from_hex(std::string_view text);

std::string to_base64(std::string_view octets);  // RFC 4648 section 4, padded
// Exactly what to_base64() writes, so that a value has one spelling.
std::optional<std::string> from_base64(std::string_view text);

std::string xor_octets(std::string_view a, std::string_view b);  // as long as the shorter one

std::string ed25519_public_key(std::string_view seed);
std::string ed25519_sign(std::string_view seed, std::string_view message);
bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature);

}  // namespace nexus::auth
