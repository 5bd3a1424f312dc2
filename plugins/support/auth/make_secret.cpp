#include "plugins/support/auth/make_secret.hpp"

#include <stdexcept>

#include "plugins/support/auth/scram.hpp"

namespace nexus::auth {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// With a salt that nobody has had before.
Derivation derivation(const SecretOptions& options, uint32_t default_iterations) {
  Derivation how;
  if (options.kdf.empty() || options.kdf == "pbkdf2") {
    how.kdf = Kdf::pbkdf2;
  } else if (options.kdf == "argon2id13" || options.kdf == "argon2id-13") {
    how.kdf = Kdf::argon2id13;
  } else {
    throw std::invalid_argument("kdf must be pbkdf2, argon2id13 or argon2id-13 (for Autobahn)");
  }
  const bool argon = how.kdf == Kdf::argon2id13;
  how.iterations = options.iterations != 0 ? options.iterations
                   : argon                 ? kArgonIterations
                                           : default_iterations;
  if (argon) {
    how.memory = options.memory != 0 ? options.memory : kArgonMemory;
  } else if (options.memory != 0) {
    throw std::invalid_argument("memory is for argon2id13 only");
  }
  if (how.iterations > (argon ? 100'000U : 10'000'000U)) {
    throw std::invalid_argument("there are too many iterations");
  }
  if (argon && (how.memory < 8 || how.memory > (1U << 18))) {
    throw std::invalid_argument("memory must be from 8 to 262144 KiB");
  }
  how.salt = random_octets(kSaltSize);
  return how;
}

std::string fields(const Derivation& how, std::string_view kdf) {
  std::string text = "\"kdf\": " + quoted(kdf) + ", \"salt\": " + quoted(to_base64(how.salt)) +
                     ", \"iterations\": " + std::to_string(how.iterations);
  if (how.kdf == Kdf::argon2id13) text += ", \"memory\": " + std::to_string(how.memory);
  return text;
}

std::string ticket(const SecretOptions& options, std::string_view password) {
  const Derivation how = derivation(options, kTicketIterations);
  if (options.kdf == "argon2id-13") throw std::invalid_argument("argon2id-13 is for scram only");
  return "{\"ticket\": {" + fields(how, kdf_name(how.kdf)) +
         ", \"key\": " + quoted(to_base64(derive(how, password))) + "}}";
}

std::string wampcra(const SecretOptions& options, std::string_view password) {
  Derivation how = derivation(options, kCraIterations);
  if (how.kdf != Kdf::pbkdf2) throw std::invalid_argument("wampcra knows pbkdf2 only");
  how.salt = to_base64(how.salt);  // N-22: the text itself is the salt
  return "{\"wampcra\": {\"key\": " + quoted(to_base64(derive(how, password))) +
         ", \"salt\": " + quoted(how.salt) + ", \"iterations\": " + std::to_string(how.iterations) +
         ", \"keylen\": " + std::to_string(kHashSize) + "}}";
}

std::string scram(const SecretOptions& options, std::string_view password) {
  const Derivation how = derivation(options, kScramIterations);
  std::optional<std::string> prepared = saslprep(password);
  if (!prepared || prepared->empty()) {
    throw std::invalid_argument("the password has characters that SCRAM does not allow (RFC 4013)");
  }
  const Secret normal(*std::move(prepared));
  const bool autobahn = options.kdf == "argon2id-13";
  const ScramKeys keys = scram_keys(how, normal.view(), autobahn);
  return "{\"scram\": {" + fields(how, autobahn ? "argon2id-13" : kdf_name(how.kdf)) +
         ", \"stored_key\": " + quoted(to_base64(keys.stored_key.view())) +
         ", \"server_key\": " + quoted(to_base64(keys.server_key.view())) + "}}";
}

}  // namespace

std::optional<SecretKind> secret_kind(std::string_view name) {
  if (name == "ticket") return SecretKind::ticket;
  if (name == "wampcra") return SecretKind::wampcra;
  if (name == "scram" || name == "wamp-scram") return SecretKind::scram;
  if (name == "cryptosign") return SecretKind::cryptosign;
  if (name == "cookie") return SecretKind::cookie;
  return std::nullopt;
}

std::string make_secret(SecretKind kind, const SecretOptions& options, std::string_view input) {
  if (kind == SecretKind::cryptosign) {
    std::optional<std::string> octets = from_hex(input);
    if (!octets || octets->size() != kEd25519KeySize) {
      throw std::invalid_argument("a private key has 64 hexadecimal digits");
    }
    const Secret seed(*std::move(octets));
    return "{\"cryptosign\": [" + quoted(to_hex(ed25519_public_key(seed.view()))) + "]}";
  }
  if (kind == SecretKind::cookie) {
    const Secret key(random_octets(kHashSize));
    return "{\"key\": " + quoted(to_hex(key.view())) + "}";
  }
  if (input.empty()) throw std::invalid_argument("the password is empty");
  if (input.size() > 4096) throw std::invalid_argument("the password is longer than 4096 octets");
  if (kind == SecretKind::ticket) return ticket(options, input);
  return kind == SecretKind::wampcra ? wampcra(options, input) : scram(options, input);
}

Secret new_private_key() {
  const Secret seed(random_octets(kEd25519KeySize));
  return Secret(to_hex(seed.view()));
}

}  // namespace nexus::auth
