// Principal: who may come in, and by what they are recognized. Immutable once parsed; any thread.
//
// One entry serves all methods, so that one file of users can stand behind several authenticators:
//   "peter": {"role": "user", "realms": ["realm1"],
//             "ticket": "plain", or {"kdf", "salt", "iterations", "memory", "key"},
//             "wampcra": "plain", or {"key", "salt", "iterations", "keylen"},
//             "scram": {"kdf", "salt", "iterations", "memory", "stored_key", "server_key"},
//             "cryptosign": "<public key>", or a list of them}
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/cpp/value.hpp"
#include "plugins/support/auth/crypto.hpp"
#include "plugins/support/auth/secret.hpp"

namespace nexus::auth {

inline constexpr size_t kMaxAuthidSize = 256;   // octets; a longer one is nobody's
inline constexpr size_t kMaxSecretSize = 4096;  // octets of a ticket, a secret, a salt
inline constexpr size_t kMaxKeysOfPrincipal = 64;
inline constexpr size_t kMaxRealmsOfPrincipal = 1024;

struct TicketSecret {
  Derivation how;  // Kdf::none: `key` is the ticket itself
  Secret key;
};

// N-22: `key` is what the client computes its HMAC with: the plain secret, or the base64 text of
// the derived key, and then there is a salt.
struct CraSecret {
  Secret key;
  std::string salt;  // as text; empty = none
  uint32_t iterations = 0;
  uint32_t keylen = 0;
};

struct ScramSecret {
  Derivation how;
  bool autobahn = false;  // keys for that dialect; only with argon2id13 is there a difference
  Secret stored_key;
  Secret server_key;
};

struct Principal {
  std::string authid;
  std::string role;
  std::vector<std::string> realms;  // empty = every realm
  std::optional<TicketSecret> ticket;
  std::optional<CraSecret> wampcra;
  std::optional<ScramSecret> scram;
  std::vector<std::string> keys;  // Ed25519 public keys, 32 octets each

  bool in_realm(std::string_view realm) const;
};

using PrincipalPtr = std::shared_ptr<const Principal>;

// Reads one entry. `where` names it in errors ("users.peter"); `default_role` may be empty, and
// then the entry has to have one. Throws sdk::ConfigError, which names the key and never a value.
Principal parse_principal(std::string_view authid, sdk::ValueView entry,
                          std::string_view default_role, const std::string& where);

// Reads a dict of entries by authid; an entry may be a list of entries for different realms.
// Appends to `to`; throws sdk::ConfigError as above, and when there are more than `max_users`.
void parse_principals(sdk::ValueView users, std::string_view default_role, size_t max_users,
                      const std::string& where, std::vector<PrincipalPtr>& to);

}  // namespace nexus::auth
