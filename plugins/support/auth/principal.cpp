#include "plugins/support/auth/principal.hpp"

#include <algorithm>
#include <initializer_list>
#include <unordered_set>

#include "plugins/support/text.hpp"

namespace nexus::auth {
namespace {

using sdk::ConfigError;
using sdk::ValueView;

constexpr int64_t kMaxIterations = 10'000'000;
constexpr int64_t kMaxArgonIterations = 100'000;
constexpr int64_t kMaxArgonMemory = 1 << 18;  // KiB, so 256 MiB
constexpr size_t kMaxEntriesOfAuthid = 1024;

[[noreturn]] void refuse(const std::string& where, std::string_view why) {
  throw ConfigError(where + ": " + std::string(why));
}

// Names of keys may be shown: cut and printable, as the file may be anything.
void only_keys(ValueView dict, std::initializer_list<std::string_view> known,
               const std::string& where) {
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < dict.size(); ++i) {
    const std::string_view key = dict.key_at(i);
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      refuse(where + "." + support::printable(key), "there is no such key here");
    }
    if (!seen.insert(key).second) refuse(where + "." + std::string(key), "is given twice");
  }
}

std::string_view text_at(ValueView dict, std::string_view key, const std::string& where,
                         size_t max_size = kMaxSecretSize) {
  const ValueView value = dict[key];
  if (!value.is_string() || value.as_string().empty()) {
    refuse(where + "." + std::string(key), "must be a text that is not empty");
  }
  if (value.as_string().size() > max_size) {
    refuse(where + "." + std::string(key),
           "is longer than " + std::to_string(max_size) + " octets");
  }
  return value.as_string();
}

uint32_t number_at(ValueView dict, std::string_view key, int64_t min, int64_t max,
                   const std::string& where) {
  const std::optional<int64_t> number = dict[key].whole();
  if (!number || *number < min || *number > max) {
    refuse(where + "." + std::string(key),
           "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return static_cast<uint32_t>(*number);
}

std::string base64_at(ValueView dict, std::string_view key, const std::string& where) {
  std::optional<std::string> octets = from_base64(text_at(dict, key, where));
  if (!octets) refuse(where + "." + std::string(key), "must be base64");
  return *std::move(octets);
}

std::string hash_at(ValueView dict, std::string_view key, const std::string& where) {
  std::string octets = base64_at(dict, key, where);
  if (octets.size() != kHashSize) {
    refuse(where + "." + std::string(key), "must be 32 octets in base64");
  }
  return octets;
}

// `dialect` set: the name that Autobahn has for argon2id is allowed, and noted there.
Derivation derivation_in(ValueView dict, const std::string& where, bool* dialect = nullptr) {
  Derivation how;
  std::optional<Kdf> kdf = kdf_from_name(text_at(dict, "kdf", where));
  if (dialect != nullptr && dict["kdf"].as_string() == "argon2id-13") {
    kdf = Kdf::argon2id13;
    *dialect = true;
  }
  if (!kdf) refuse(where + ".kdf", "must be pbkdf2 or argon2id13");
  how.kdf = *kdf;
  how.salt = base64_at(dict, "salt", where);
  if (how.salt.size() < 8) refuse(where + ".salt", "must be at least 8 octets in base64");
  if (how.kdf == Kdf::pbkdf2) {
    how.iterations = number_at(dict, "iterations", 1, kMaxIterations, where);
    if (dict["memory"]) refuse(where + ".memory", "is for argon2id13 only");
  } else {
    how.iterations = number_at(dict, "iterations", 1, kMaxArgonIterations, where);
    how.memory = number_at(dict, "memory", 8, kMaxArgonMemory, where);
  }
  return how;
}

std::string_view plain_secret(ValueView value, const std::string& where) {
  const std::string_view text = value.as_string();
  if (text.empty()) refuse(where, "must not be empty");
  if (text.size() > kMaxSecretSize) {
    refuse(where, "is longer than " + std::to_string(kMaxSecretSize) + " octets");
  }
  return text;
}

TicketSecret ticket_in(ValueView value, const std::string& where) {
  TicketSecret ticket;
  if (value.is_string()) {
    ticket.key = Secret(plain_secret(value, where));
    return ticket;
  }
  if (!value.is_dict()) refuse(where, "must be a text, or a section with a derived key");
  only_keys(value, {"kdf", "salt", "iterations", "memory", "key"}, where);
  ticket.how = derivation_in(value, where);
  ticket.key = Secret(hash_at(value, "key", where));
  return ticket;
}

CraSecret cra_in(ValueView value, const std::string& where) {
  CraSecret cra;
  if (value.is_string()) {
    cra.key = Secret(plain_secret(value, where));
    return cra;
  }
  if (!value.is_dict()) refuse(where, "must be a text, or a section with a derived key");
  only_keys(value, {"key", "salt", "iterations", "keylen"}, where);
  cra.salt = text_at(value, "salt", where);  // N-22: the text itself is the salt
  cra.iterations = number_at(value, "iterations", 1, kMaxIterations, where);
  cra.keylen = value["keylen"] ? number_at(value, "keylen", 16, 64, where) : kHashSize;
  if (base64_at(value, "key", where).size() != cra.keylen) {
    refuse(where + ".key", "must be keylen octets in base64");
  }
  cra.key = Secret(value["key"].as_string());  // N-22: the text is the key
  return cra;
}

ScramSecret scram_in(ValueView value, const std::string& where) {
  if (!value.is_dict()) {
    refuse(where, "must be a section as nexusd --make-secret scram prints it");
  }
  only_keys(value, {"kdf", "salt", "iterations", "memory", "stored_key", "server_key"}, where);
  ScramSecret scram;
  scram.how = derivation_in(value, where, &scram.autobahn);
  scram.stored_key = Secret(hash_at(value, "stored_key", where));
  scram.server_key = Secret(hash_at(value, "server_key", where));
  return scram;
}

std::string key_in(ValueView value, const std::string& where) {
  std::optional<std::string> key = from_hex(value.as_string());
  if (!value.is_string() || !key || key->size() != kEd25519KeySize) {
    refuse(where, "must be a public key: 64 hexadecimal digits");
  }
  return *std::move(key);
}

std::vector<std::string> keys_in(ValueView value, const std::string& where) {
  if (value.is_string()) return {key_in(value, where)};
  if (!value.is_list()) refuse(where, "must be a public key or a list of them");
  if (value.size() > kMaxKeysOfPrincipal) {
    refuse(where, "has more than " + std::to_string(kMaxKeysOfPrincipal) + " keys");
  }
  std::vector<std::string> keys;
  for (size_t i = 0; i < value.size(); ++i) {
    keys.push_back(key_in(value.at(i), where + "[" + std::to_string(i) + "]"));
  }
  return keys;
}

std::vector<std::string> realms_in(ValueView value, const std::string& where) {
  if (!value.is_list() || value.size() == 0 || value.size() > kMaxRealmsOfPrincipal) {
    refuse(where, "must be a list of realm URIs, at least one and at most " +
                      std::to_string(kMaxRealmsOfPrincipal));
  }
  std::vector<std::string> realms;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value.at(i).as_string().empty()) refuse(where, "must be a list of realm URIs");
    realms.emplace_back(value.at(i).as_string());
  }
  return realms;
}

}  // namespace

bool Principal::in_realm(std::string_view realm) const {
  return realms.empty() || std::find(realms.begin(), realms.end(), realm) != realms.end();
}

Principal parse_principal(std::string_view authid, ValueView entry, std::string_view default_role,
                          const std::string& where) {
  if (authid.empty() || authid.size() > kMaxAuthidSize) {
    refuse(where, "an authid has 1 to " + std::to_string(kMaxAuthidSize) + " octets");
  }
  if (!entry.is_dict()) refuse(where, "must be a section");
  only_keys(entry, {"role", "realms", "ticket", "wampcra", "scram", "cryptosign"}, where);
  Principal principal;
  principal.authid = authid;
  if (entry["role"]) {
    principal.role = text_at(entry, "role", where, kMaxAuthidSize);
  } else if (default_role.empty()) {
    refuse(where, "has no role, and the authenticator has no option role for all");
  } else {
    principal.role = default_role;
  }
  if (entry["realms"]) principal.realms = realms_in(entry["realms"], where + ".realms");
  if (entry["ticket"]) principal.ticket = ticket_in(entry["ticket"], where + ".ticket");
  if (entry["wampcra"]) principal.wampcra = cra_in(entry["wampcra"], where + ".wampcra");
  if (entry["scram"]) principal.scram = scram_in(entry["scram"], where + ".scram");
  if (entry["cryptosign"]) principal.keys = keys_in(entry["cryptosign"], where + ".cryptosign");
  return principal;
}

void parse_principals(ValueView users, std::string_view default_role, size_t max_users,
                      const std::string& where, std::vector<PrincipalPtr>& to) {
  if (!users.is_dict()) refuse(where, "must be a section with an entry for each authid");
  for (size_t i = 0; i < users.size(); ++i) {
    const std::string_view authid = users.key_at(i);
    const std::string at = where + "." + support::printable(authid);
    const ValueView value = users.at(i);
    const size_t count = value.is_list() ? value.size() : 1;
    if (count == 0 || count > kMaxEntriesOfAuthid) {
      refuse(at, "a list has 1 to " + std::to_string(kMaxEntriesOfAuthid) + " entries");
    }
    for (size_t j = 0; j < count; ++j) {
      if (to.size() >= max_users) {
        refuse(where, "has more than max_users = " + std::to_string(max_users) + " entries");
      }
      const bool listed = value.is_list();
      to.push_back(std::make_shared<const Principal>(
          parse_principal(authid, listed ? value.at(j) : value, default_role,
                          listed ? at + "[" + std::to_string(j) + "]" : at)));
    }
  }
}

}  // namespace nexus::auth
