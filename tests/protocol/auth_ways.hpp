// The methods that challenge, as an honest client of each talks: what the tests of all of them
// share. [main]
#pragma once

#include <functional>

#include "plugins/support/auth/scram.hpp"
#include "tests/protocol/auth_world.hpp"

namespace nexus::test {
using namespace nexus::auth;

inline const std::string kSeed(32, 's');
inline const std::string kNonce = "MTIzNDU2Nzg5MDEyMzQ1Ng==";
inline const Derivation kScram{Kdf::argon2id13, "saltsalt", 1, 64};

// One method: how an honest client of it talks.
struct Way {
  std::string type, method;
  std::string secret;     // the user's entry, without the role
  std::string router;     // further options
  std::string authextra;  // JSON
  // AUTHENTICATE for this CHALLENGE.
  std::function<Value(const Message&)> answer;
};

inline std::string text_of(const Value& value) { return std::string(value.as_string()); }

inline Value cra_answer(const std::string& key, const Message& challenge) {
  return list(kAuthenticate,
              to_base64(hmac_sha256(key, challenge.details().find("challenge").as_string())),
              dict());
}

inline Value sign_answer(const Message& challenge) {
  const std::string question =
      nexus::auth::from_hex(challenge.details().find("challenge").as_string()).value();
  return list(kAuthenticate, to_hex(ed25519_sign(kSeed, question) + question), dict());
}

inline Value scram_answer(bool autobahn, const Message& challenge) {
  ScramExchange exchange;
  exchange.authid = "joe";
  exchange.client_nonce = kNonce;
  exchange.full_nonce = text_of(challenge.details().find("nonce"));
  exchange.salt = text_of(challenge.details().find("salt"));
  exchange.iterations = static_cast<uint32_t>(challenge.details().find("iterations").as_int());
  exchange.autobahn = autobahn;
  Derivation how = kScram;
  if (autobahn) how = {Kdf::pbkdf2, "saltsalt", 10, 0};
  const std::string proof =
      scram_proof(scram_client_key(how, "pencil", autobahn), scram_auth_message(exchange));
  return list(kAuthenticate, to_base64(proof),
              autobahn ? dict()
                       : dict({{"nonce", exchange.full_nonce},
                               {"channel_binding", nullptr},
                               {"cbind_data", nullptr}}));
}

inline std::string scram_entry(const Derivation& how, bool autobahn) {
  const ScramKeys keys = scram_keys(how, "pencil", autobahn);
  const std::string memory =
      how.memory == 0 ? "" : R"("memory": )" + std::to_string(how.memory) + ", ";
  return R"({"scram": {"kdf": ")" + std::string(kdf_name(how.kdf)) + R"(", "salt": ")" +
         to_base64(how.salt) + R"(", "iterations": )" + std::to_string(how.iterations) + ", " +
         memory + R"("stored_key": ")" + to_base64(keys.stored_key.view()) +
         R"(", "server_key": ")" + to_base64(keys.server_key.view()) + "\"}}";
}

inline std::vector<Way> ways() {
  const std::string key = "XX9AIwVx2pYcnIAm+U69vjdUImcvNehHD5atN4rwDb0=";
  const std::string nonce = R"({"nonce": ")" + kNonce + "\"}";
  return {
      {"wampcra", "wampcra", R"({"wampcra": "secret"})", "{}", "{}",
       [](const Message& c) { return cra_answer("secret", c); }},
      {"wampcra", "wampcra",
       R"({"wampcra": {"key": ")" + key + R"(", "salt": "salt123", "iterations": 1000}})", "{}",
       "{}", [key](const Message& c) { return cra_answer(key, c); }},
      {"cryptosign", "cryptosign",
       R"({"cryptosign": ")" + to_hex(ed25519_public_key(kSeed)) + "\"}", "{}",
       R"({"pubkey": ")" + to_hex(ed25519_public_key(kSeed)) + R"(", "channel_binding": null})",
       sign_answer},
      {"scram", "wamp-scram", scram_entry(kScram, false), "{}", nonce,
       [](const Message& c) { return scram_answer(false, c); }},
      {"scram", "scram", scram_entry({Kdf::pbkdf2, "saltsalt", 10, 0}, true),
       R"({"autobahn": true})", nonce, [](const Message& c) { return scram_answer(true, c); }},
  };
}

inline std::string patch(const Way& way, std::string_view router = "{}") {
  const Value section =
      merged(json(R"({"role": "user", "failures_per_address": 0, "failures_per_authid": 0})"),
             merged(json(way.router), dict({{"users", dict({{"joe", json(way.secret)}})}})));
  return with_authenticator(way.type, to_json(section), router);
}

inline Message challenged(const Way& way, Peer& peer, std::string_view authid = "joe") {
  const Message challenge = peer.hello("realm1", claiming(way.method, authid, json(way.authextra)));
  REQUIRE(challenge.type() == kChallenge);
  CHECK(challenge.at(1).as_string() == way.method);
  return challenge;
}

inline Value changed(const Value& answer, const std::string& signature) {
  return list(kAuthenticate, signature, answer.at(2));
}

}  // namespace nexus::test
