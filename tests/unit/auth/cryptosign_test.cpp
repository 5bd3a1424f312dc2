// Cryptosign: the specification's vectors, and the authenticator with a client that lies.
#include "plugins/support/auth/crypto.hpp"
#include "tests/unit/auth/auth_fixture.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_cryptosign(void);

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;

const nx_plugin_entry* entry() { return nexus_plugin_entry_v1_nexus_authenticator_cryptosign(); }

const std::string kSeed(32, 's');
const std::string kOther(32, 'o');

std::string public_hex(const std::string& seed) { return to_hex(ed25519_public_key(seed)); }

std::string section(const std::string& more = "") {
  return "{" + more + R"("role": "user", "users": {"joe": {"cryptosign": [")" +
         public_hex(std::string(32, 'x')) + "\", \"" + public_hex(kSeed) +
         R"("]}, "far": {"realms": ["realm2"], "cryptosign": ")" + public_hex(kOther) + "\"}}}";
}

// The specification's message, and what the client sends of it.
std::string signed_text(const std::string& seed, const std::string& challenge,
                        const std::string& channel = "") {
  const std::string message = channel.empty() ? challenge : xor_octets(challenge, channel);
  return to_hex(ed25519_sign(seed, message) + message);
}

struct Client {
  fake::Host& host;
  fake::Plugin& plugin;
  nx_peer peer = peer_at("192.0.2.1:1");
  fake::AuthOutcome challenge{};

  fake::AuthOutcome hello(const std::string& authid, const std::string& pubkey,
                          const std::string& more = "") {
    std::string authextra = more;
    if (!pubkey.empty()) {
      authextra += (more.empty() ? "" : ", ") + (R"("pubkey": ")" + pubkey + "\"");
    }
    challenge = plugin.hello(R"({"authid": ")" + authid + R"(", "authextra": {)" + authextra + "}}",
                             "realm1", &peer);
    return challenge;
  }
  std::string extra(const char* key) const {
    return std::string(fake::values().from_json(challenge.challenge)[key].as_string());
  }
  std::string question() const { return from_hex(extra("challenge")).value(); }
  fake::AuthOutcome answer(const std::string& signature) {
    return answer_of(host, plugin.authenticate(challenge.op, signature));
  }
};

}  // namespace

TEST_CASE("N-46: the vectors of the specification") {
  struct Vector {
    const char* seed;
    const char* challenge;
    const char* plain;  // signature without, and with the channel id
    const char* bound;
  };
  const std::string channel =
      from_hex("62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff").value();
  for (const Vector& v :
       {Vector{"4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
               "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
               "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0c"
               "ae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03"
               "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
               "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3"
               "e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f"
               "9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00"},
        Vector{"d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
               "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
               "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372"
               "190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660f"
               "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
               "305aaa3ac25e98f651427688b3fc43fe7d8a68a7ec1d7d61c61517c519bd4a42"
               "7c3015599d83ca28b4c652333920223844ef0725eb5dc2febfd6af7677b73f01"
               "d0852a29b460fc92ec943242ac638a053bbacc200512b18b30d15083cbdc9282"},
        Vector{"6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
               "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
               "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1e"
               "c184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30b"
               "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
               "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4"
               "d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608"
               "d2b75e24a189a7f78ca776ba36fc53f6c3e31c32f251f2c524f0a44202f2902d"}}) {
    CHECK(signed_text(from_hex(v.seed).value(), from_hex(v.challenge).value()) == v.plain);
    CHECK(signed_text(from_hex(v.seed).value(), from_hex(v.challenge).value(), channel) == v.bound);
  }
}

TEST_CASE("N-41: a challenge is 64 hexadecimal digits that nobody has seen before") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "cryptosign", section());
  const sdk::Value ids =
      fake::values()
          .dict()
          .set("tls-exporter", fake::values().binary(sdk::bytes_of(std::string(32, 'e'))))
          .done();
  const sdk::Value known = fake::values().dict().set("channel_id", ids).done();
  std::vector<std::string> seen;
  for (const char* wanted : {"", "null", "\"tls-exporter\"", "\"tls-unique\"", "\"x_own\""}) {
    CAPTURE(wanted);
    Client client{host, plugin};
    client.peer.details = const_cast<nx_value*>(known.get());
    const std::string more = *wanted == '\0' ? "" : R"("channel_binding": )" + std::string(wanted);
    // Who is known, and who is not.
    for (const char* authid : {"joe", "eve"}) {
      REQUIRE(client.hello(authid, public_hex(kSeed), more).decision == NX_AUTH_CHALLENGE);
      const std::string digits = client.extra("challenge");
      CHECK(digits.size() == 64);
      CHECK(digits.find_first_not_of("0123456789abcdef") == digits.npos);
      CHECK(std::find(seen.begin(), seen.end(), digits) == seen.end());
      seen.push_back(digits);
      // The type that is in use, not the one that was asked for.
      const sdk::Value extra = fake::values().from_json(client.challenge.challenge);
      CHECK(extra.size() == 2);
      const bool bound = std::string_view(wanted) == "\"tls-exporter\"";
      CHECK(extra["channel_binding"].is(bound ? NX_STRING : NX_NULL));
      CHECK(extra["channel_binding"].as_string() == (bound ? "tls-exporter" : ""));
    }
  }
}

TEST_CASE("N-47: trust roots, certificates and attestation change nothing") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "cryptosign", section());
  for (const char* more :
       {R"("trustroot": "0x72b3486d38E9f49215b487CeAaDF27D6acf22115")",
        R"("certificates": [[{"domain": {}, "message": {}}, "00"]], "trustroot": 5)",
        R"("attest": ["tpm"], "attestation": {"quote": "00"})", R"("certificates": null)"}) {
    CAPTURE(more);
    Client client{host, plugin};
    REQUIRE(client.hello("joe", public_hex(kSeed), more).decision == NX_AUTH_CHALLENGE);
    CHECK(client.answer(signed_text(kSeed, client.question())).decision == NX_AUTH_ACCEPT);
    // They vouch for nobody.
    REQUIRE(client.hello("joe", public_hex(kOther), more).decision == NX_AUTH_CHALLENGE);
    CHECK(client.answer(signed_text(kOther, client.question())).decision == NX_AUTH_DENY);
  }
}

TEST_CASE("N-43: the right signature lets in, with and without an authid") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "cryptosign", section());
  for (const char* authid : {"joe", ""}) {
    Client client{host, plugin};
    REQUIRE(client.hello(authid, public_hex(kSeed)).decision == NX_AUTH_CHALLENGE);
    CHECK(client.challenge.challenge.find("\"channel_binding\":null") != std::string::npos);
    CHECK(client.question().size() == 32);
    const fake::AuthOutcome outcome = client.answer(signed_text(kSeed, client.question()));
    CHECK(outcome.decision == NX_AUTH_ACCEPT);
    CHECK(outcome.authid == "joe");
    CHECK(outcome.authrole == "user");
  }
}

TEST_CASE("N-43, N-48: replayed, cut, of another key, for another challenge") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "cryptosign",
                      section(R"("failures_per_authid": 0, "failures_per_address": 0, )"));
  const auto denied = [&](const char* authid, const std::string& seed, auto signature) {
    Client client{host, plugin};
    REQUIRE(client.hello(authid, public_hex(seed)).decision == NX_AUTH_CHALLENGE);
    const fake::AuthOutcome outcome = client.answer(signature(client));
    return outcome.decision == NX_AUTH_DENY && outcome.error_message == "authentication failed";
  };
  const auto honest = [](const std::string& seed) {
    return [seed](const Client& client) { return signed_text(seed, client.question()); };
  };
  CHECK_FALSE(denied("joe", kSeed, honest(kSeed)));
  CHECK(denied("joe", kOther, honest(kOther)));  // somebody else's key
  CHECK(denied("joe", kSeed, honest(kOther)));   // announced one, signed with another
  CHECK(denied("far", kOther, honest(kOther)));  // of another realm
  CHECK(denied("", kOther, honest(kOther)));
  CHECK(denied("eve", kSeed, honest(kSeed)));
  CHECK(denied("eve", std::string(32, 'e'), honest(std::string(32, 'e'))));

  // What was right once.
  Client before{host, plugin};
  before.hello("joe", public_hex(kSeed));
  const std::string old = signed_text(kSeed, before.question());
  CHECK(before.answer(old).decision == NX_AUTH_ACCEPT);
  CHECK(before.answer(old).decision == NX_AUTH_DENY);
  CHECK(denied("joe", kSeed, [&](const Client&) { return old; }));
  // The old signature with the new message, and the other way round.
  CHECK(denied("joe", kSeed,
               [&](const Client& c) { return old.substr(0, 128) + to_hex(c.question()); }));
  CHECK(denied("joe", kSeed, [&](const Client& c) {
    return signed_text(kSeed, c.question()).substr(0, 128) + old.substr(128);
  }));
  CHECK(denied("joe", kSeed,
               [](const Client& c) { return signed_text(kSeed, c.question()).substr(0, 128); }));
  CHECK(denied("joe", kSeed,
               [](const Client& c) { return signed_text(kSeed, c.question()) + "00"; }));
  CHECK(denied("joe", kSeed, [](const Client& c) {
    std::string text = signed_text(kSeed, c.question());
    text[5] = text[5] == '0' ? '1' : '0';
    return text;
  }));
  CHECK(denied("joe", kSeed, [](const Client&) { return std::string(); }));
  CHECK(denied("joe", kSeed, [](const Client&) { return std::string(192, 'g'); }));
}

TEST_CASE("N-40: a HELLO that cryptosign cannot use") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "cryptosign", section());
  fake::Plugin lax(host, entry(), "cryptosign", section(R"("require_pubkey": false, )"));
  Client client{host, plugin};
  const std::string key = public_hex(kSeed);
  CHECK(client.hello("joe", "").decision == NX_AUTH_DENY);
  for (const std::string& wrong :
       {key.substr(1), key + "0", key + "00", std::string("xx") + key.substr(2)}) {
    CHECK(client.hello("joe", wrong).decision == NX_AUTH_DENY);
  }
  CHECK(client.hello("joe", "", R"("pubkey": 5)").decision == NX_AUTH_DENY);
  CHECK(client.hello("joe", key, R"("challenge": "00")").decision == NX_AUTH_DENY);
  CHECK(client.hello("joe", key, R"("channel_binding": [])").decision == NX_AUTH_DENY);
  // What is not ours to understand is ignored (N-47).
  CHECK(client.hello("joe", key, R"("trustroot": "0x1", "certificates": [[{}, ""]])").decision ==
        NX_AUTH_CHALLENGE);

  Client without{host, lax};
  REQUIRE(without.hello("joe", "").decision == NX_AUTH_CHALLENGE);
  CHECK(without.answer(signed_text(kSeed, without.question())).decision == NX_AUTH_ACCEPT);
  REQUIRE(without.hello("joe", "").decision == NX_AUTH_CHALLENGE);
  CHECK(without.answer(signed_text(kOther, without.question())).decision == NX_AUTH_DENY);
  REQUIRE(without.hello("eve", "").decision == NX_AUTH_CHALLENGE);
  CHECK(without.answer(signed_text(kSeed, without.question())).decision == NX_AUTH_DENY);
  CHECK(without.hello("", "").decision == NX_AUTH_DENY);
}

TEST_CASE("N-42, N-44: the signature is bound to the TLS connection") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "cryptosign", section());
  fake::Plugin strict(host, entry(), "cryptosign", section(R"("channel_binding": "required", )"));
  const auto details = [](const char* type, const std::string& octets) {
    const sdk::Value ids =
        fake::values().dict().set(type, fake::values().binary(sdk::bytes_of(octets))).done();
    return fake::values().dict().set("channel_id", ids).done();
  };
  const std::string exporter(32, 'e');
  const std::string finished(12, 'f');
  const struct {
    const char* type;
    std::string octets, channel;
  } kinds[] = {{"tls-exporter", exporter, exporter}, {"tls-unique", finished, sha256(finished)}};
  for (const auto& kind : kinds) {
    CAPTURE(kind.type);
    const sdk::Value known = details(kind.type, kind.octets);
    const std::string binding = std::string(R"("channel_binding": ")") + kind.type + "\"";
    const auto decision = [&](const std::string& channel) {
      Client client{host, strict};
      client.peer.details = const_cast<nx_value*>(known.get());
      REQUIRE(client.hello("joe", public_hex(kSeed), binding).decision == NX_AUTH_CHALLENGE);
      CHECK(client.extra("channel_binding") == kind.type);
      return client.answer(signed_text(kSeed, client.question(), channel)).decision;
    };
    CHECK(decision(kind.channel) == NX_AUTH_ACCEPT);
    CHECK(decision(std::string(32, 'z')) == NX_AUTH_DENY);  // passed on by somebody in between
    CHECK(decision("") == NX_AUTH_DENY);
    // A connection without it: goes on without, unless it is required.
    Client client{host, plugin};
    REQUIRE(client.hello("joe", public_hex(kSeed), binding).decision == NX_AUTH_CHALLENGE);
    CHECK(client.extra("channel_binding").empty());
    CHECK(client.answer(signed_text(kSeed, client.question())).decision == NX_AUTH_ACCEPT);
    Client refused{host, strict};
    CHECK(refused.hello("joe", public_hex(kSeed), binding).decision == NX_AUTH_DENY);
  }
  Client unbound{host, strict};
  CHECK(unbound.hello("joe", public_hex(kSeed)).decision == NX_AUTH_DENY);
}

TEST_CASE("N-45: the router shows that it has its key") {
  const SecretFolder folder;
  const std::string path = folder.secret("router.key", to_hex(kOther) + "\n");
  fake::Host host;
  fake::Plugin plugin(host, entry(), "cryptosign", section(R"("router_key": ")" + path + "\", "));
  fake::Plugin without(host, entry(), "cryptosign", section());
  const std::string question(32, 'q');
  const std::string asking = R"("challenge": ")" + to_hex(question) + "\"";
  Client client{host, plugin};
  REQUIRE(client.hello("joe", public_hex(kSeed), asking).decision == NX_AUTH_CHALLENGE);
  CHECK(client.extra("pubkey") == public_hex(kOther));
  const std::string answer = from_hex(client.extra("signature")).value();
  REQUIRE(answer.size() == 96);
  CHECK(answer.substr(64) == question);
  CHECK(ed25519_verify(ed25519_public_key(kOther), question, answer.substr(0, 64)));
  // Only when it is asked, and only when it has one.
  REQUIRE(client.hello("joe", public_hex(kSeed)).decision == NX_AUTH_CHALLENGE);
  CHECK(client.extra("signature").empty());
  Client other{host, without};
  REQUIRE(other.hello("joe", public_hex(kSeed), asking).decision == NX_AUTH_CHALLENGE);
  CHECK(other.extra("signature").empty());

  for (const char* wrong : {"", "hidden", "00"}) {
    folder.secret("router.key", wrong);
    CHECK_THROWS_WITH(
        fake::Plugin(host, entry(), "cryptosign", section(R"("router_key": ")" + path + "\", ")),
        path + ": must hold a private key: 64 hexadecimal digits");
  }
}

}  // namespace nexus::auth
