#include "plugins/support/auth/scram.hpp"

#include <stringprep.h>

#include <cstdlib>

namespace nexus::auth {
namespace {

// RFC 5802: '=' first, or it would escape its own escapes.
std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '=') {
      text += "=3D";
    } else if (c == ',') {
      text += "=2C";
    } else {
      text += c;
    }
  }
  return text;
}

Secret salted_password(const Derivation& how, std::string_view password, bool autobahn) {
  std::string key = derive(how, password);
  if (autobahn && how.kdf == Kdf::argon2id13) {
    // That dialect goes on with the hash as it stands in argon2's encoded form: without padding.
    key = to_base64(key);
    while (!key.empty() && key.back() == '=') key.pop_back();
  }
  return Secret(std::move(key));
}

}  // namespace

std::optional<std::string> saslprep(std::string_view text) {
  const std::string input(text);
  if (input.find('\0') != std::string::npos) return std::nullopt;
  char* output = nullptr;
  if (stringprep_profile(input.c_str(), &output, "SASLprep",
                         static_cast<Stringprep_profile_flags>(0)) != STRINGPREP_OK) {
    return std::nullopt;
  }
  std::string result(output);
  OPENSSL_cleanse(output, result.size());
  std::free(output);
  return result;
}

std::string scram_client_key(const Derivation& how, std::string_view password, bool autobahn) {
  return hmac_sha256(salted_password(how, password, autobahn).view(), "Client Key");
}

ScramKeys scram_keys(const Derivation& how, std::string_view password, bool autobahn) {
  const Secret salted = salted_password(how, password, autobahn);
  ScramKeys keys;
  keys.stored_key = Secret(sha256(hmac_sha256(salted.view(), "Client Key")));
  keys.server_key = Secret(hmac_sha256(salted.view(), "Server Key"));
  return keys;
}

std::string scram_auth_message(const ScramExchange& exchange) {
  const std::string name = exchange.autobahn ? exchange.authid : escaped(exchange.authid);
  std::string bound;
  if (!exchange.autobahn) {
    bound = to_base64((exchange.binding.empty() ? "n,," : "p=" + exchange.binding + ",,") +
                      exchange.channel);
  }
  return "n=" + name + ",r=" + exchange.client_nonce + ",r=" + exchange.full_nonce +
         ",s=" + exchange.salt + ",i=" + std::to_string(exchange.iterations) + ",c=" + bound +
         ",r=" + exchange.full_nonce;
}

std::string scram_proof(std::string_view client_key, std::string_view auth_message) {
  return xor_octets(client_key, hmac_sha256(sha256(client_key), auth_message));
}

bool scram_verify(std::string_view stored_key, std::string_view auth_message,
                  std::string_view proof) {
  if (proof.size() != kHashSize) return false;
  const std::string client_key = xor_octets(proof, hmac_sha256(stored_key, auth_message));
  return same_octets(sha256(client_key), stored_key);
}

std::string scram_verifier(std::string_view server_key, std::string_view auth_message) {
  return to_base64(hmac_sha256(server_key, auth_message));
}

}  // namespace nexus::auth
