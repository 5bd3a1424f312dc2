#include "plugins/support/auth/crypto.hpp"

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace nexus::auth {
namespace {

const uint8_t* data_of(std::string_view octets) {
  return reinterpret_cast<const uint8_t*>(octets.data());
}
uint8_t* data_of(std::string& octets) { return reinterpret_cast<uint8_t*>(octets.data()); }

[[noreturn]] void failed(const char* what) {
  throw std::runtime_error(std::string(what) + " failed in the cryptographic library");
}

struct PkeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyDeleter>;
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

Pkey private_key(std::string_view seed) {
  Pkey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, data_of(seed), seed.size()));
  if (key == nullptr) failed("Ed25519");
  return key;
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string sha256(std::string_view octets) {
  std::string hash(kHashSize, '\0');
  if (EVP_Digest(octets.data(), octets.size(), data_of(hash), nullptr, EVP_sha256(), nullptr) !=
      1) {
    failed("SHA-256");
  }
  return hash;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::string code(kHashSize, '\0');
  // HMAC() takes a null key for "the one before".
  if (HMAC(EVP_sha256(), key.empty() ? "" : key.data(), static_cast<int>(key.size()),
           data_of(message), message.size(), data_of(code), nullptr) == nullptr) {
    failed("HMAC");
  }
  return code;
}

std::optional<Kdf> kdf_from_name(std::string_view name) {
  if (name == "pbkdf2") return Kdf::pbkdf2;
  if (name == "argon2id13") return Kdf::argon2id13;
  return std::nullopt;
}

std::string_view kdf_name(Kdf kdf) {
  switch (kdf) {
    case Kdf::pbkdf2:
      return "pbkdf2";
    case Kdf::argon2id13:
      return "argon2id13";
    case Kdf::none:
      break;
  }
  return "none";
}

std::string derive(const Derivation& how, std::string_view password, size_t size) {
  if (how.kdf == Kdf::none) return std::string(password);
  std::string key(size, '\0');
  if (how.kdf == Kdf::pbkdf2) {
    if (PKCS5_PBKDF2_HMAC(password.empty() ? "" : password.data(),
                          static_cast<int>(password.size()), data_of(how.salt),
                          static_cast<int>(how.salt.size()), static_cast<int>(how.iterations),
                          EVP_sha256(), static_cast<int>(size), data_of(key)) != 1) {
      failed("PBKDF2");
    }
  } else if (argon2id_hash_raw(how.iterations, how.memory, 1, password.data(), password.size(),
                               how.salt.data(), how.salt.size(), key.data(),
                               key.size()) != ARGON2_OK) {
    failed("argon2id");
  }
  return key;
}

std::string random_octets(size_t size) {
  std::string octets(size, '\0');
  if (RAND_bytes(data_of(octets), static_cast<int>(size)) != 1) failed("the random generator");
  return octets;
}

bool same_octets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(std::string_view octets) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * 2);
  for (const char c : octets) {
    text.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    text.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string octets;
  octets.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_value(text[i]);
    const int low = digit_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    octets.push_back(static_cast<char>(high * 16 + low));
  }
  return octets;
}

std::string to_base64(std::string_view octets) {
  std::string text((octets.size() + 2) / 3 * 4, '\0');
  if (!text.empty()) {
    // Writes a terminating zero where the string keeps its own.
    EVP_EncodeBlock(data_of(text), data_of(octets), static_cast<int>(octets.size()));
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string();
  std::string octets(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(data_of(octets), data_of(text), static_cast<int>(text.size())) < 0) {
    return std::nullopt;
  }
  const size_t padding = text[text.size() - 1] != '=' ? 0 : text[text.size() - 2] != '=' ? 1 : 2;
  octets.erase(octets.size() - padding);
  // The library is lenient about white space and about bits that do not count.
  if (to_base64(octets) != text) return std::nullopt;
  return octets;
}

std::string xor_octets(std::string_view a, std::string_view b) {
  std::string result(a.substr(0, std::min(a.size(), b.size())));
  for (size_t i = 0; i < result.size(); ++i) result[i] = static_cast<char>(result[i] ^ b[i]);
  return result;
}

std::string ed25519_public_key(std::string_view seed) {
  std::string key(kEd25519KeySize, '\0');
  size_t size = key.size();
  if (EVP_PKEY_get_raw_public_key(private_key(seed).get(), data_of(key), &size) != 1) {
    failed("Ed25519");
  }
  return key;
}

std::string ed25519_sign(std::string_view seed, std::string_view message) {
  const Pkey key = private_key(seed);
  const Context context(EVP_MD_CTX_new());
  std::string signature(kEd25519SignatureSize, '\0');
  size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), data_of(signature), &size, data_of(message), message.size()) !=
          1) {
    failed("Ed25519");
  }
  return signature;
}

bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature) {
  if (public_key.size() != kEd25519KeySize || signature.size() != kEd25519SignatureSize) {
    return false;
  }
  const Pkey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(public_key),
                                             public_key.size()));
  const Context context(EVP_MD_CTX_new());
  if (key == nullptr || context == nullptr) return false;
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(message),
                          message.size()) == 1;
}

}  // namespace nexus::auth
