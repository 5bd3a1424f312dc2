// WAMP-CRA: the specification's example, and the authenticator with a client that lies.
#include "plugins/support/auth/crypto.hpp"
#include "tests/unit/auth/auth_fixture.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_wampcra(void);

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;

const nx_plugin_entry* entry() { return nexus_plugin_entry_v1_nexus_authenticator_wampcra(); }

// "peter" is salted: password "password", salt "salt123", 1000 iterations (N-23).
constexpr const char* kSection = R"({"role": "user", "users": {
  "joe": {"wampcra": "secret"},
  "peter": {"wampcra": {"key": "XX9AIwVx2pYcnIAm+U69vjdUImcvNehHD5atN4rwDb0=",
                        "salt": "salt123", "iterations": 1000, "keylen": 32}},
  "ticket-only": {"ticket": "secret"}}})";

const nx_peer kPeer = peer_at("192.0.2.1:1");

std::string sign(std::string_view key, const fake::AuthOutcome& challenge) {
  return to_base64(
      hmac_sha256(key, fake::values().from_json(challenge.challenge)["challenge"].as_string()));
}

}  // namespace

TEST_CASE("N-23: the signatures of the specification") {
  constexpr std::string_view kChallenge =
      R"({ "nonce":"LHRTC9zeOIrt_9U3", "authprovider":"userdb", "authid":"peter", )"
      R"("timestamp":"2014-06-22T16:36:25.448Z", "authrole":"user", "authmethod":"wampcra", )"
      R"("session":3251278072152162 })";
  CHECK(to_base64(hmac_sha256("secret", kChallenge)) ==
        "NWktSrMd4ItBSAKYEwvu1bTY7G/sSyjKbz+pNP9c04A=");
  const std::string key = to_base64(derive({Kdf::pbkdf2, "salt123", 1000, 0}, "password"));
  CHECK(key == "XX9AIwVx2pYcnIAm+U69vjdUImcvNehHD5atN4rwDb0=");
  CHECK(to_base64(hmac_sha256(key, kChallenge)) == "hk/2riA2JqydfL5wLoicrYfAt8uNeP6nikk9kqDhsnM=");
}

TEST_CASE("N-20: what the challenge says") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "wampcra", kSection);
  const auto challenged = [&](const char* authid) {
    return plugin.hello(std::string(R"({"authid": ")") + authid + "\"}", "realm1", &kPeer);
  };
  const fake::AuthOutcome joe = challenged("joe");
  const sdk::Value extra = fake::values().from_json(joe.challenge);
  CHECK(extra.size() == 1);
  const sdk::Value about = fake::values().from_json(extra["challenge"].as_string());
  CHECK(about["authid"].as_string() == "joe");
  CHECK(about["authrole"].as_string() == "user");
  CHECK(about["authmethod"].as_string() == "wampcra");
  CHECK(about["authprovider"].as_string() == "static");
  CHECK(about["session"].as_uint() == 1);
  CHECK(from_base64(about["nonce"].as_string()).value().size() >= 16);
  const std::string time(about["timestamp"].as_string());
  REQUIRE(time.size() == 24);
  CHECK((time[10] == 'T' && time[19] == '.' && time[23] == 'Z'));
  CHECK(challenged("joe").challenge != joe.challenge);

  const sdk::Value salted = fake::values().from_json(challenged("peter").challenge);
  CHECK(salted["salt"].as_string() == "salt123");
  CHECK(salted["iterations"].as_int() == 1000);
  CHECK(salted["keylen"].as_int() == 32);
}

TEST_CASE("N-21, N-22: the right signature lets in, nothing else does") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "wampcra", kSection);
  const auto outcome = [&](const char* authid, auto signature) {
    const fake::AuthOutcome challenge =
        plugin.hello(std::string(R"({"authid": ")") + authid + "\"}", "realm1", &kPeer);
    REQUIRE(challenge.decision == NX_AUTH_CHALLENGE);
    const fake::AuthOutcome last = plugin.authenticate(challenge.op, signature(challenge));
    host.advance(3'600'000);
    if (last.decision == NX_AUTH_DENY) CHECK(last.error_message == "authentication failed");
    return last.decision;
  };
  const auto with = [](const char* key) {
    return [key](const fake::AuthOutcome& challenge) { return sign(key, challenge); };
  };
  const auto text = [](const char* signature) {
    return [signature](const fake::AuthOutcome&) { return std::string(signature); };
  };
  CHECK(outcome("joe", with("secret")) == NX_AUTH_ACCEPT);
  CHECK(outcome("peter", with("XX9AIwVx2pYcnIAm+U69vjdUImcvNehHD5atN4rwDb0=")) == NX_AUTH_ACCEPT);
  CHECK(outcome("joe", with("Secret")) == NX_AUTH_DENY);
  CHECK(outcome("peter", with("password")) == NX_AUTH_DENY);  // not derived
  CHECK(outcome("joe", text("")) == NX_AUTH_DENY);
  CHECK(outcome("joe", text("secret")) == NX_AUTH_DENY);
  CHECK(outcome("eve", with("secret")) == NX_AUTH_DENY);
  CHECK(outcome("ticket-only", with("secret")) == NX_AUTH_DENY);
  const auto cut = [](const fake::AuthOutcome& challenge) {
    return sign("secret", challenge).substr(0, 43);
  };
  CHECK(outcome("joe", cut) == NX_AUTH_DENY);
  // An old signature, and one of another session that is still open.
  const fake::AuthOutcome other = plugin.hello(R"({"authid": "joe"})", "realm1", &kPeer);
  const std::string others = sign("secret", other);
  CHECK(outcome("joe", [&](const fake::AuthOutcome&) { return others; }) == NX_AUTH_DENY);
  CHECK(plugin.authenticate(other.op, others).decision == NX_AUTH_ACCEPT);
  CHECK(plugin.authenticate(other.op, others).decision == NX_AUTH_DENY);
}

TEST_CASE("N-24: an unknown authid has a salt that stays the same") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "wampcra", R"({"role": "user", "users": {
    "peter": {"wampcra": {"key": "XX9AIwVx2pYcnIAm+U69vjdUImcvNehHD5atN4rwDb0=",
                          "salt": "salt123", "iterations": 1000}}}})");
  const auto salt = [&](const char* authid) {
    const fake::AuthOutcome challenge =
        plugin.hello(std::string(R"({"authid": ")") + authid + "\"}", "realm1", &kPeer);
    const sdk::Value extra = fake::values().from_json(challenge.challenge);
    CHECK(extra["iterations"].as_int() == 1000);
    plugin.cancel_auth(challenge.op);
    return std::string(extra["salt"].as_string());
  };
  CHECK(salt("eve") == salt("eve"));
  CHECK(salt("eve") != salt("eva"));
  CHECK(salt("eve").size() == 7);
  // Names that JSON has to escape.
  CHECK(salt(R"(a\"b\\c\u0000d)").size() == 7);
}

}  // namespace nexus::auth
