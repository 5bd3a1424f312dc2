// SCRAM as WAMP has it: the computations of the client and of the router. Any thread; no state.
//
// N-33. Of the two dialects there are, "wamp-scram" is the specification's, "scram" is what
// Autobahn and Crossbar do: no escapes, another text for the channel binding, and argon2's hash in
// base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plugins/support/auth/crypto.hpp"
#include "plugins/support/auth/secret.hpp"

namespace nexus::auth {

struct ScramKeys {
  Secret stored_key;
  Secret server_key;
};

// SASLprep (RFC 4013) of a name or a password; nullopt for what it prohibits, or no UTF-8.
std::optional<std::string> saslprep(std::string_view text);

// What a router stores for a password that went through saslprep(). `autobahn`: for the dialect,
// which matters for argon2id13 only. Takes as long as derive().
ScramKeys scram_keys(const Derivation& how, std::string_view password, bool autobahn);

// The client's side: ClientKey of a password.
std::string scram_client_key(const Derivation& how, std::string_view password, bool autobahn);

struct ScramExchange {
  std::string authid;
  std::string client_nonce;
  std::string full_nonce;  // client's and router's
  std::string salt;        // base64, as in CHALLENGE
  uint32_t iterations = 0;
  std::string binding;  // "", "tls-unique", "tls-exporter"
  std::string channel;  // its octets
  bool autobahn = false;
};

// What both sides sign.
std::string scram_auth_message(const ScramExchange& exchange);
// What the client sends, not yet in base64.
std::string scram_proof(std::string_view client_key, std::string_view auth_message);
// True when the proof was made by somebody who knows the password.
bool scram_verify(std::string_view stored_key, std::string_view auth_message,
                  std::string_view proof);
// What shows the client that the router knows it too, in base64.
std::string scram_verifier(std::string_view server_key, std::string_view auth_message);

}  // namespace nexus::auth
