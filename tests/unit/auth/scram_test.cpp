// WAMP-SCRAM: the computations against RFC 7677, and the authenticator with a client that lies.
#include "plugins/support/auth/scram.hpp"
#include "tests/unit/auth/auth_fixture.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_scram(void);

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;

const nx_plugin_entry* entry() { return nexus_plugin_entry_v1_nexus_authenticator_scram(); }

const Derivation kCheap{Kdf::pbkdf2, "saltsalt", 10, 0};
const Derivation kArgon{Kdf::argon2id13, "saltsalt", 1, 64};
constexpr const char* kNonce = "MTIzNDU2Nzg5MDEyMzQ1Ng==";

std::string entry_of(const Derivation& how, bool autobahn = false) {
  const ScramKeys keys = scram_keys(how, "pencil", autobahn);
  std::string text = R"({"role": "user", "scram": {"kdf": ")";
  text += autobahn ? "argon2id-13" : std::string(kdf_name(how.kdf));
  text += R"(", "salt": ")" + to_base64(how.salt) + R"(", "iterations": )" +
          std::to_string(how.iterations);
  if (how.kdf == Kdf::argon2id13) text += ", \"memory\": " + std::to_string(how.memory);
  return text + R"(, "stored_key": ")" + to_base64(keys.stored_key.view()) +
         R"(", "server_key": ")" + to_base64(keys.server_key.view()) + "\"}}";
}

std::string section(const std::string& more = "") {
  return "{" + more + R"("users": {"joe": )" + entry_of(kCheap) + R"(, "a=b,c": )" +
         entry_of(kCheap) + R"(, "ann": )" + entry_of(kArgon) + R"(, "bob": )" +
         entry_of(kArgon, true) + "}}";
}

// One client. `peer` has what it can bind to.
struct Client {
  fake::Host& host;
  fake::Plugin& plugin;
  nx_peer peer = peer_at("192.0.2.1:1");
  ScramExchange exchange{};
  fake::AuthOutcome challenge{};

  fake::AuthOutcome hello(const std::string& authid, const std::string& binding = "",
                          const std::string& method = "wamp-scram") {
    const std::string authextra =
        R"({"nonce": ")" + std::string(kNonce) + "\"" +
        (binding.empty() ? "" : R"(, "channel_binding": ")" + binding + "\"") + "}";
    return hello_with(authid, authextra, method, binding);
  }
  fake::AuthOutcome hello_with(const std::string& authid, const std::string& authextra,
                               const std::string& method = "wamp-scram",
                               const std::string& binding = "") {
    const sdk::Value details = fake::values().from_json(R"({"authid": ")" + authid +
                                                        R"(", "authextra": )" + authextra + "}");
    nx_hello asked{};
    asked.struct_size = sizeof asked;
    asked.realm = sdk::to_nx("realm1");
    asked.method = sdk::to_nx(method);
    asked.authid = sdk::to_nx(authid);
    asked.session = 1;
    asked.details = details.get();
    asked.authextra = details["authextra"].get();
    asked.peer = &peer;
    nx_auth_result result{};
    result.struct_size = sizeof result;
    const nx_op op = host.open_operation();
    const fake::OnLoop on_loop;
    const auto& table = *plugin.interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1);
    const nx_status status = table.hello(plugin.self(), op, &asked, &result);
    challenge = fake::copy_of(op, result);
    challenge.status = status;
    if (challenge.decision == NX_AUTH_CHALLENGE) {
      const sdk::Value extra = fake::values().from_json(challenge.challenge);
      exchange.authid = authid;
      exchange.client_nonce = kNonce;
      exchange.full_nonce = extra["nonce"].as_string();
      exchange.salt = extra["salt"].as_string();
      exchange.iterations = static_cast<uint32_t>(extra["iterations"].as_uint());
      exchange.binding = binding;
      exchange.autobahn = method == "scram";
    }
    return challenge;
  }
  std::string extra() const {
    std::string text = R"({"nonce": ")" + exchange.full_nonce + R"(", "channel_binding": )";
    if (exchange.binding.empty()) return text + "null}";
    return text + "\"" + exchange.binding + R"(", "cbind_data": ")" + to_base64(exchange.channel) +
           "\"}";
  }
  std::string proof(const Derivation& how, const char* password = "pencil") const {
    return to_base64(scram_proof(scram_client_key(how, password, exchange.autobahn),
                                 scram_auth_message(exchange)));
  }
  fake::AuthOutcome answer(const std::string& signature, const std::string& extra_json) {
    return answer_of(host, plugin.authenticate(challenge.op, signature, extra_json));
  }
};

}  // namespace

TEST_CASE("N-34: RFC 7677") {
  ScramExchange exchange;
  exchange.authid = "user";
  exchange.client_nonce = "rOprNGfwEbeRWgbNEkqO";
  exchange.full_nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  exchange.salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
  exchange.iterations = 4096;
  const std::string message = scram_auth_message(exchange);
  CHECK(message ==
        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,"
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  const Derivation how{Kdf::pbkdf2, from_base64(exchange.salt).value(), 4096, 0};
  const std::string proof = scram_proof(scram_client_key(how, "pencil", false), message);
  CHECK(to_base64(proof) == "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  const ScramKeys keys = scram_keys(how, "pencil", false);
  CHECK(scram_verify(keys.stored_key.view(), message, proof));
  CHECK_FALSE(scram_verify(keys.stored_key.view(), message + " ", proof));
  CHECK_FALSE(scram_verify(keys.stored_key.view(), message, proof.substr(1)));
  CHECK(scram_verifier(keys.server_key.view(), message) ==
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_CASE("N-33: names are escaped, and SASLprep is applied, RFC 4013 section 3") {
  ScramExchange exchange;
  exchange.authid = "a=b,c=2C";
  CHECK(scram_auth_message(exchange).substr(0, 18) == "n=a=3Db=2Cc=3D2C,r");
  CHECK(saslprep("I\u00adX") == "IX");
  CHECK(saslprep("user") == "user");
  CHECK(saslprep("USER") == "USER");
  CHECK(saslprep("\u00aa") == "a");
  CHECK(saslprep("\u2168") == "IX");
  CHECK_FALSE(saslprep("\u0007"));
  CHECK_FALSE(saslprep("\u0627\u0031"));
  CHECK_FALSE(saslprep("\xff"));
  CHECK_FALSE(saslprep(std::string_view("a\0b", 3)));
}

TEST_CASE("N-30 to N-33: both sides show that they know the password") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram", section());
  for (const auto& [authid, how] :
       {std::pair{"joe", kCheap}, std::pair{"a=b,c", kCheap}, std::pair{"ann", kArgon}}) {
    CAPTURE(authid);
    Client client{host, plugin};
    REQUIRE(client.hello(authid).decision == NX_AUTH_CHALLENGE);
    const sdk::Value extra = fake::values().from_json(client.challenge.challenge);
    CHECK(extra["kdf"].as_string() == kdf_name(how.kdf));
    CHECK(extra["memory"].as_uint() == how.memory);
    CHECK(extra["nonce"].as_string().substr(0, 24) == kNonce);
    CHECK(extra["nonce"].as_string().size() == 48);
    const fake::AuthOutcome outcome = client.answer(client.proof(how), client.extra());
    CHECK(outcome.decision == NX_AUTH_ACCEPT);
    const std::string verifier = scram_verifier(scram_keys(how, "pencil", false).server_key.view(),
                                                scram_auth_message(client.exchange));
    CHECK(fake::values().from_json(outcome.authextra)["verifier"].as_string() == verifier);
  }
}

TEST_CASE("N-30: a client's nonce has 16 octets or more") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram", section());
  const auto decision = [&](size_t octets) {
    const std::string nonce = to_base64(std::string(octets, 'x'));
    return plugin.hello(R"({"authid": "joe", "authextra": {"nonce": ")" + nonce + "\"}}").decision;
  };
  CHECK(decision(15) == NX_AUTH_DENY);
  CHECK(decision(16) == NX_AUTH_CHALLENGE);
}

TEST_CASE("N-31: what the challenge says, and that no two have the same nonce") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram", section());
  for (const auto& [authid, how] : {std::pair{"joe", kCheap}, std::pair{"ann", kArgon}}) {
    CAPTURE(authid);
    Client client{host, plugin};
    REQUIRE(client.hello(authid).decision == NX_AUTH_CHALLENGE);
    const sdk::Value extra = fake::values().from_json(client.challenge.challenge);
    CHECK(extra.size() == 5);
    // The texts are put together, not the octets that they stand for.
    const std::string nonce(extra["nonce"].as_string());
    REQUIRE(nonce.substr(0, std::string_view(kNonce).size()) == kNonce);
    const std::string own = nonce.substr(std::string_view(kNonce).size());
    REQUIRE(from_base64(own));
    CHECK(from_base64(own)->size() >= 16);
    CHECK(from_base64(extra["salt"].as_string()) == how.salt);
    CHECK(extra["kdf"].as_string() == (how.kdf == Kdf::pbkdf2 ? "pbkdf2" : "argon2id13"));
    CHECK(extra["iterations"].as_uint() == how.iterations);
    CHECK(extra["memory"].is(how.memory == 0 ? NX_NULL : NX_INT));
    CHECK(extra["memory"].as_uint() == how.memory);
    Client again{host, plugin};
    REQUIRE(again.hello(authid).decision == NX_AUTH_CHALLENGE);
    CHECK(again.exchange.full_nonce != nonce);
  }
}

TEST_CASE("N-32: AUTHENTICATE repeats the nonce and the binding, and has data only with one") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram",
                      section(R"("failures_per_authid": 0, "failures_per_address": 0, )"));
  const std::string channel(32, 'c');
  const sdk::Value ids = fake::values()
                             .dict()
                             .set("tls-exporter", fake::values().binary(sdk::bytes_of(channel)))
                             .done();
  const sdk::Value known = fake::values().dict().set("channel_id", ids).done();
  // NONCE and DATA stand for what is right. The proof is always right.
  const auto accepted = [&](const char* binding, std::string extra) {
    Client client{host, plugin};
    client.peer.details = const_cast<nx_value*>(known.get());
    REQUIRE(client.hello("joe", binding).decision == NX_AUTH_CHALLENGE);
    client.exchange.channel = *binding == '\0' ? "" : channel;
    for (const auto& [word, text] :
         {std::pair{"NONCE", client.exchange.full_nonce}, std::pair{"DATA", to_base64(channel)}}) {
      const size_t at = extra.find(word);
      if (at != extra.npos) extra.replace(at, std::string_view(word).size(), text);
    }
    return client.answer(client.proof(kCheap), extra).decision == NX_AUTH_ACCEPT;
  };
  CHECK(accepted("", R"({"nonce": "NONCE", "channel_binding": null})"));
  CHECK(accepted("", R"({"nonce": "NONCE"})"));
  CHECK(accepted("", R"({"nonce": "NONCE", "channel_binding": null, "cbind_data": null})"));
  CHECK(accepted("tls-exporter",
                 R"({"nonce": "NONCE", "channel_binding": "tls-exporter", "cbind_data": "DATA"})"));
  for (const char* wrong :
       {R"({"nonce": "NONCEx"})", R"({"nonce": null})", R"({"channel_binding": null})",
        R"({"nonce": ["NONCE"]})", R"({"nonce": "NONCE", "cbind_data": "DATA"})",
        R"({"nonce": "NONCE", "cbind_data": ""})", R"({"nonce": "NONCE", "channel_binding": 5})",
        R"({"nonce": "NONCE", "channel_binding": "tls-exporter", "cbind_data": "DATA"})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(accepted("", wrong));
  }
  for (const char* wrong :
       {R"({"nonce": "NONCE"})", R"({"nonce": "NONCE", "channel_binding": "tls-exporter"})",
        R"({"nonce": "NONCE", "cbind_data": "DATA"})",
        R"({"nonce": "NONCE", "channel_binding": "tls-unique", "cbind_data": "DATA"})",
        R"({"nonce": "NONCE", "channel_binding": "tls-exporter", "cbind_data": "DATAAAAA"})",
        R"({"nonce": "NONCE", "channel_binding": "tls-exporter", "cbind_data": 5})",
        R"({"nonce": "NONCE", "channel_binding": "tls-exporter", "cbind_data": "!"})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(accepted("tls-exporter", wrong));
  }
}

TEST_CASE("N-35: everything that is not the proof is denied alike") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram",
                      section(R"("failures_per_authid": 0, "failures_per_address": 0, )"));
  const auto denied = [&](auto change) {
    Client client{host, plugin};
    REQUIRE(client.hello("joe").decision == NX_AUTH_CHALLENGE);
    std::string proof = client.proof(kCheap);
    std::string extra = client.extra();
    change(client, proof, extra);
    const fake::AuthOutcome outcome = client.answer(proof, extra);
    return outcome.decision == NX_AUTH_DENY && outcome.error_message == "authentication failed" &&
           outcome.authextra.empty();
  };
  using S = std::string&;
  CHECK_FALSE(denied([](Client&, S, S) {}));
  CHECK(denied([](Client& c, S proof, S) { proof = c.proof(kCheap, "pencils"); }));
  CHECK(denied([](Client&, S proof, S) { proof.clear(); }));
  CHECK(denied([](Client&, S proof, S) { proof = proof.substr(0, 40); }));
  CHECK(denied([](Client&, S proof, S) { proof += "AAAA"; }));
  CHECK(denied([](Client&, S proof, S) { proof = "not base64"; }));
  CHECK(denied([](Client&, S, S extra) { extra = "{}"; }));
  CHECK(denied([](Client&, S, S extra) { extra = R"({"nonce": 5})"; }));
  CHECK(denied([](Client& c, S proof, S extra) {  // a nonce of the client's liking
    c.exchange.full_nonce = c.exchange.client_nonce;
    proof = c.proof(kCheap);
    extra = c.extra();
  }));
  CHECK(denied([](Client& c, S proof, S extra) {  // a binding that was not agreed on
    c.exchange.binding = "tls-unique";
    proof = c.proof(kCheap);
    extra = c.extra();
  }));
  CHECK(denied([](Client& c, S, S extra) {
    extra = R"({"nonce": ")" + c.exchange.full_nonce + R"(", "cbind_data": "AAAA"})";
  }));
  // The proof of another session.
  Client first{host, plugin};
  first.hello("joe");
  const std::string old_proof = first.proof(kCheap);
  const std::string old_extra = first.extra();
  CHECK(first.answer(old_proof, old_extra).decision == NX_AUTH_ACCEPT);
  CHECK(denied([&](Client&, S proof, S) { proof = old_proof; }));
  CHECK(denied([&](Client&, S proof, S extra) { proof = old_proof, extra = old_extra; }));
  CHECK(first.answer(old_proof, old_extra).decision == NX_AUTH_DENY);  // twice
}

TEST_CASE("N-35: who is unknown gets a salt that stays the same") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram", section());
  Client one{host, plugin}, two{host, plugin}, other{host, plugin};
  REQUIRE(one.hello("eve").decision == NX_AUTH_CHALLENGE);
  REQUIRE(two.hello("eve").decision == NX_AUTH_CHALLENGE);
  REQUIRE(other.hello("eva").decision == NX_AUTH_CHALLENGE);
  CHECK(one.exchange.salt == two.exchange.salt);
  CHECK(one.exchange.salt != other.exchange.salt);
  CHECK(one.exchange.full_nonce != two.exchange.full_nonce);
  CHECK(one.answer(one.proof(kCheap), one.extra()).error_message == "authentication failed");
}

TEST_CASE("N-30: a HELLO that SCRAM cannot use") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram", section());
  Client client{host, plugin};
  for (const char* authextra :
       {"{}", R"({"nonce": ""})", R"({"nonce": 5})", R"({"nonce": "c2hvcnQ="})",
        R"({"nonce": "not, base64, but long enough"})",
        R"({"nonce": "MTIzNDU2Nzg5MDEyMzQ1Ng==", "channel_binding": 5})",
        R"({"nonce": "MTIzNDU2Nzg5MDEyMzQ1Ng==", "channel_binding": "tls-unique"})",
        R"({"nonce": "MTIzNDU2Nzg5MDEyMzQ1Ng==", "channel_binding": "tls-server-end-point"})"}) {
    CAPTURE(authextra);
    CHECK(client.hello_with("joe", authextra).decision == NX_AUTH_DENY);
  }
  CHECK(client.hello_with("joe", R"({"nonce": ")" + std::string(4000, 'A') + "\"}").decision ==
        NX_AUTH_DENY);
  CHECK(client.hello("").decision == NX_AUTH_DENY);
  CHECK(client.hello(std::string(300, 'j')).decision == NX_AUTH_DENY);
}

TEST_CASE("SCRAM is bound to the TLS connection") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram", section(R"("channel_binding": "required", )"));
  const std::string channel(32, 'c');
  const sdk::Value ids = fake::values()
                             .dict()
                             .set("tls-exporter", fake::values().binary(sdk::bytes_of(channel)))
                             .done();
  const sdk::Value details = fake::values().dict().set("channel_id", ids).done();
  const auto outcome = [&](const std::string& bound_to) {
    Client client{host, plugin};
    client.peer.details = const_cast<nx_value*>(details.get());
    REQUIRE(client.hello("joe", "tls-exporter").decision == NX_AUTH_CHALLENGE);
    client.exchange.channel = bound_to;
    return client.answer(client.proof(kCheap), client.extra()).decision;
  };
  CHECK(outcome(channel) == NX_AUTH_ACCEPT);
  CHECK(outcome(std::string(32, 'd')) == NX_AUTH_DENY);
  CHECK(outcome("") == NX_AUTH_DENY);
  Client unbound{host, plugin};
  CHECK(unbound.hello("joe").decision == NX_AUTH_DENY);
}

TEST_CASE("N-36: the dialect of Autobahn, when it is switched on") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "scram", section());
  fake::Plugin both(host, entry(), "scram", section(R"("autobahn": true, )"));
  const auto& table = *both.interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1);
  nx_str method{};
  CHECK(plugin.interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1)
            ->method(plugin.self(), 1, &method) == NX_E_INVALID);
  CHECK(table.method(both.self(), 1, &method) == NX_OK);
  for (const auto& [authid, how] : {std::pair{"joe", kCheap}, std::pair{"bob", kArgon}}) {
    CAPTURE(authid);
    Client client{host, both};
    REQUIRE(client.hello(authid, "", "scram").decision == NX_AUTH_CHALLENGE);
    const sdk::Value extra = fake::values().from_json(client.challenge.challenge);
    CHECK(extra["kdf"].as_string() == (how.kdf == Kdf::pbkdf2 ? "pbkdf2" : "argon2id-13"));
    CHECK(static_cast<bool>(extra["memory"]) == (how.kdf == Kdf::argon2id13));
    const fake::AuthOutcome outcome = client.answer(client.proof(how), "{}");
    CHECK(outcome.decision == NX_AUTH_ACCEPT);
    CHECK(fake::values().from_json(outcome.authextra)["scram_server_signature"].is_string());
  }
  // Keys for one dialect are no use in the other.
  Client bob{host, both};
  bob.hello("bob");
  CHECK(bob.answer(bob.proof(kArgon), bob.extra()).decision == NX_AUTH_DENY);
}

}  // namespace nexus::auth
