// WAMP-CRA, cryptosign and WAMP-SCRAM over the wire, and what a hostile client may try with each of
// them: an answer that is wrong, cut short, late, given twice, old, or of another session
// (checklist N-02 … N-05, N-20 … N-48). The methods' own details are in tests/unit/auth.
#include <functional>

#include "plugins/support/auth/scram.hpp"
#include "tests/protocol/auth_world.hpp"

namespace nexus::test {
namespace {

using namespace nexus::auth;

const std::string kSeed(32, 's');
const std::string kNonce = "MTIzNDU2Nzg5MDEyMzQ1Ng==";
const Derivation kScram{Kdf::argon2id13, "saltsalt", 1, 64};

// One method: how an honest client of it talks.
struct Way {
  std::string type, method;
  std::string secret;     // the user's entry, without the role
  std::string router;     // further options
  std::string authextra;  // JSON
  // AUTHENTICATE for this CHALLENGE.
  std::function<Value(const Message&)> answer;
};

std::string text_of(const Value& value) { return std::string(value.as_string()); }

Value cra_answer(const std::string& key, const Message& challenge) {
  return list(kAuthenticate,
              to_base64(hmac_sha256(key, challenge.details().find("challenge").as_string())),
              dict());
}

Value sign_answer(const Message& challenge) {
  const std::string question =
      nexus::auth::from_hex(challenge.details().find("challenge").as_string()).value();
  return list(kAuthenticate, to_hex(ed25519_sign(kSeed, question) + question), dict());
}

Value scram_answer(bool autobahn, const Message& challenge) {
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

std::string scram_entry(const Derivation& how, bool autobahn) {
  const ScramKeys keys = scram_keys(how, "pencil", autobahn);
  const std::string memory =
      how.memory == 0 ? "" : R"("memory": )" + std::to_string(how.memory) + ", ";
  return R"({"scram": {"kdf": ")" + std::string(kdf_name(how.kdf)) + R"(", "salt": ")" +
         to_base64(how.salt) + R"(", "iterations": )" + std::to_string(how.iterations) + ", " +
         memory + R"("stored_key": ")" + to_base64(keys.stored_key.view()) +
         R"(", "server_key": ")" + to_base64(keys.server_key.view()) + "\"}}";
}

std::vector<Way> ways() {
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

std::string patch(const Way& way, std::string_view router = "{}") {
  const Value section =
      merged(json(R"({"role": "user", "failures_per_address": 0, "failures_per_authid": 0})"),
             merged(json(way.router), dict({{"users", dict({{"joe", json(way.secret)}})}})));
  return with_authenticator(way.type, to_json(section), router);
}

Message challenged(const Way& way, Peer& peer, std::string_view authid = "joe") {
  const Message challenge = peer.hello("realm1", claiming(way.method, authid, json(way.authextra)));
  REQUIRE(challenge.type() == kChallenge);
  CHECK(challenge.at(1).as_string() == way.method);
  return challenge;
}

Value changed(const Value& answer, const std::string& signature) {
  return list(kAuthenticate, signature, answer.at(2));
}

}  // namespace

TEST_CASE("N-02: who proves to be joe is joe, by every method") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    Peer& peer = world.connect();
    peer.send(way.answer(challenged(way, peer)));
    const Value welcome = peer.expect(kWelcome).details();
    CHECK(welcome.find("authid").as_string() == "joe");
    CHECK(welcome.find("authrole").as_string() == "user");
    CHECK(welcome.find("authmethod").as_string() == way.method);
    CHECK(welcome.find("authprovider").as_string() == "static");
    peer.sync();
    // And again on the same connection.
    peer.leave();
    peer.send(way.answer(challenged(way, peer)));
    peer.expect(kWelcome);
  }
}

TEST_CASE("N-04: answers that are wrong, cut, old, or of another session") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    const auto refused = [&](auto answer, std::string_view authid = "joe") {
      Peer& peer = world.connect();
      peer.send(answer(challenged(way, peer, authid)));
      CHECK(denial(peer) == "authentication failed");
    };
    Peer& honest = world.connect();
    const Value old = way.answer(challenged(way, honest));
    honest.send(old);
    honest.expect(kWelcome);

    refused([&](const Message&) { return old; });
    refused([&](const Message& c) { return changed(way.answer(c), text_of(old.at(1))); });
    refused([&](const Message& c) { return changed(way.answer(c), ""); });
    refused([&](const Message& c) { return changed(way.answer(c), std::string(50'000, 'A')); });
    refused([&](const Message& c) {
      const Value answer = way.answer(c);
      return changed(answer, text_of(answer.at(1)).substr(0, text_of(answer.at(1)).size() - 4));
    });
    refused([&](const Message& c) {
      const Value answer = way.answer(c);
      return changed(answer, text_of(answer.at(1)) + text_of(answer.at(1)));
    });
    refused([&](const Message& c) { return way.answer(c); }, "eve");  // N-03: nobody

    // Two sessions that are open at once, each with the other's answer.
    Peer& one = world.connect();
    Peer& two = world.connect();
    const Message first = challenged(way, one);
    const Message second = challenged(way, two);
    one.send(way.answer(second));
    two.send(way.answer(first));
    CHECK(denial(one) == "authentication failed");
    CHECK(denial(two) == "authentication failed");
  }
}

TEST_CASE("N-04: one answer for a challenge, and after a wrong one no other") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    Peer& guessing = world.connect();
    const Value right = way.answer(challenged(way, guessing));
    guessing.send_all({changed(right, "wrong"), right});
    CHECK(denial(guessing) == "authentication failed");
    Peer& repeating = world.connect();
    const Value good = way.answer(challenged(way, repeating));
    repeating.send_all({good, good});
    repeating.expect(kWelcome);
    repeating.expect_violation();
  }
}

TEST_CASE("S-06: an answer that comes too late") {
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world({{Carrier::raw_tcp, Format::json}, 3},
                patch(way, R"({"authentication_timeout": "60ms"})"));
    Peer& peer = world.connect();
    challenged(way, peer);
    peer.expect_abort("wamp.error.authentication_failed");
  }
}

TEST_CASE("N-03: HELLO without what the method needs") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    const auto denied = [&](const Value& details) {
      Peer& peer = world.connect();
      peer.send(list(kHello, "realm1", details));
      CHECK_FALSE(denial(peer).empty());
    };
    if (way.type != "cryptosign") denied(claiming(way.method, "", json(way.authextra)));
    denied(claiming(way.method, std::string(10'000, 'j'), json(way.authextra)));
    if (way.type == "wampcra") continue;
    for (const char* wrong :
         {"{}", R"({"nonce": 5, "pubkey": 5})", R"({"nonce": "x", "pubkey": "x"})",
          R"({"nonce": {"a": []}, "pubkey": [1, 2]})", R"({"nonce": null, "pubkey": null})"}) {
      denied(claiming(way.method, "joe", json(wrong)));
    }
  }
}

TEST_CASE("N-01: several methods over the same users, in the client's order") {
  FOR_ALL_SETUPS(setup);
  const Value users = json(R"({"joe": {"ticket": "one", "wampcra": "two"},
                               "ann": {"ticket": "three"}})");
  const auto section = [&](const char* type) {
    return dict({{"type", type}, {"role", "user"}, {"unknown", "pass"}, {"users", users}});
  };
  const Value realm =
      dict({{"authenticators", dict({{"a", section("ticket")}, {"b", section("wampcra")}})}});
  World world(setup, to_json(dict({{"realms", dict({{"one", realm}})}})));
  const auto first = [&](const char* authid) {
    Peer& peer = world.connect();
    const Value details = merged(
        client_details(), dict({{"authid", authid}, {"authmethods", list("wampcra", "ticket")}}));
    const Message reply = peer.hello("realm1", details);
    return text_of(reply.at(reply.type() == kChallenge ? 1 : 2));
  };
  CHECK(first("joe") == "wampcra");
  CHECK(first("ann") == "ticket");  // who has no secret for the first one
  CHECK(first("eve") == "wamp.error.no_matching_auth_method");
}

}  // namespace nexus::test
