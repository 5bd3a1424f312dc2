// The authenticator "ticket", and what all authenticators with users have in common.
#include "tests/unit/auth/auth_fixture.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_ticket(void);

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;

const nx_plugin_entry* entry() { return nexus_plugin_entry_v1_nexus_authenticator_ticket(); }

// The derived one is PBKDF2 of "open sesame", salt "saltsalt", 1000 iterations.
constexpr const char* kUsers = R"("users": {
  "joe": {"role": "user", "ticket": "secret"},
  "ann": {"role": "admin", "ticket": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=",
    "iterations": 1000, "key": "C+w4bkkxux/6iuxBJHXHCpexx+t+30Y3y6nLwktObDw="}}})";

std::string section(const std::string& more = "") { return "{" + (more + kUsers) + "}"; }

const nx_peer kSafe = peer_at("192.0.2.1:1", NX_PEER_TLS);

}  // namespace

TEST_CASE("N-15: a ticket lets in, plain or derived, and nothing else does") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket", section());
  fake::AuthOutcome joe = sign_in(host, plugin, "joe", "secret", kSafe);
  CHECK(joe.decision == NX_AUTH_ACCEPT);
  CHECK(joe.authid == "joe");
  CHECK(joe.authrole == "user");
  CHECK(joe.authprovider == "static");
  fake::AuthOutcome ann = sign_in(host, plugin, "ann", "open sesame", kSafe);
  CHECK(ann.decision == NX_AUTH_ACCEPT);
  CHECK(ann.authrole == "admin");
  for (const char* authid : {"joe", "ann", "eve"}) {
    for (const std::string& wrong :
         {std::string(), std::string("secre"), std::string("secret2"), std::string("SECRET"),
          std::string("secret\0", 7), std::string(100'000, 's')}) {
      const fake::AuthOutcome outcome = sign_in(host, plugin, authid, wrong, peer_at("", 1));
      CHECK(outcome.decision == NX_AUTH_DENY);
      CHECK(outcome.error_uri.empty());
      CHECK(outcome.error_message == "authentication failed");
      host.advance(3'600'000);
    }
  }
  CHECK(host.logged("denied authid 'joe', realm realm1"));
  CHECK_FALSE(host.logged("secre"));
  CHECK_FALSE(host.logged("sesame"));
  CHECK(host.counter("accepted") == 2);
  CHECK(host.counter("denied") == 18);
}

TEST_CASE("N-15: a ticket is taken where nobody listens") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket", section());
  fake::Plugin lax(host, entry(), "ticket", section("\"allow_plaintext\": true, "));
  const auto decision = [&](fake::Plugin& asked, const nx_peer& peer) {
    const fake::AuthOutcome outcome = asked.hello(R"({"authid": "joe"})", "realm1", &peer);
    if (outcome.decision == NX_AUTH_CHALLENGE) asked.cancel_auth(outcome.op);
    return outcome.decision;
  };
  CHECK(decision(plugin, peer_at("192.0.2.1:1", NX_PEER_TLS)) == NX_AUTH_CHALLENGE);
  CHECK(decision(plugin, peer_at("/tmp/s", NX_PEER_LOCAL)) == NX_AUTH_CHALLENGE);
  CHECK(decision(plugin, peer_at("127.0.0.1:1")) == NX_AUTH_CHALLENGE);
  CHECK(decision(plugin, peer_at("[::1]:1")) == NX_AUTH_CHALLENGE);
  CHECK(decision(plugin, peer_at("192.0.2.1:1")) == NX_AUTH_NOT_MINE);
  CHECK(decision(plugin, peer_at("[2001:db8::1]:1")) == NX_AUTH_NOT_MINE);
  CHECK(decision(plugin, peer_at("")) == NX_AUTH_NOT_MINE);
  CHECK(decision(lax, peer_at("192.0.2.1:1")) == NX_AUTH_CHALLENGE);
  CHECK(host.logged("allow_plaintext"));
}

TEST_CASE("N-04: a challenge is good for one answer") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket", section());
  const fake::AuthOutcome challenge = plugin.hello(R"({"authid": "joe"})", "realm1", &kSafe);
  CHECK(plugin.authenticate(challenge.op, "wrong").decision == NX_AUTH_DENY);
  CHECK(plugin.authenticate(challenge.op, "secret").decision == NX_AUTH_DENY);
  const fake::AuthOutcome other = plugin.hello(R"({"authid": "joe"})", "realm1", &kSafe);
  plugin.cancel_auth(other.op);
  CHECK(plugin.authenticate(other.op, "secret").decision == NX_AUTH_DENY);
  CHECK(plugin.authenticate(4711, "secret").decision == NX_AUTH_DENY);
}

TEST_CASE("N-03: unknown users are challenged and denied, or passed on") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket", section());
  CHECK(sign_in(host, plugin, "eve", "secret", kSafe).error_message == "authentication failed");
  fake::Plugin passing(host, entry(), "ticket", section("\"unknown\": \"pass\", "));
  CHECK(passing.hello(R"({"authid": "eve"})", "realm1", &kSafe).decision == NX_AUTH_NOT_MINE);
  CHECK(passing.hello(R"({"authid": "joe"})", "realm1", &kSafe).decision == NX_AUTH_CHALLENGE);
  CHECK(plugin.hello("{}", "realm1", &kSafe).decision == NX_AUTH_DENY);
}

TEST_CASE("wrong answers cost growing time, and a client that goes meanwhile costs nothing") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket",
                      section("\"failures_per_authid\": 3, \"failure_delay\": 100, "));
  for (int i = 0; i < 3; ++i) {
    CHECK(sign_in(host, plugin, "joe", "wrong", kSafe).status == NX_OK);
  }
  const auto ask = [&](const char* signature) {
    const fake::AuthOutcome challenge = plugin.hello(R"({"authid": "joe"})", "realm1", &kSafe);
    return plugin.authenticate(challenge.op, signature);
  };
  const fake::AuthOutcome late = ask("secret");
  CHECK(late.status == NX_PENDING);
  CHECK(host.timers() == 1);
  const fake::AuthOutcome gone = ask("secret");
  CHECK(gone.status == NX_PENDING);
  CHECK(host.timers() == 2);
  plugin.cancel_auth(gone.op);
  CHECK(host.timers() == 1);
  host.advance(99);
  CHECK(host.auth_answers().empty());
  host.advance(1);
  REQUIRE(host.auth_answers().size() == 1);
  CHECK(host.auth_answers()[0].decision == NX_AUTH_ACCEPT);
  // Forgiven.
  CHECK(sign_in(host, plugin, "joe", "secret", kSafe).status == NX_OK);
}

TEST_CASE("whoever would have to wait too long is refused at once") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket",
                      section("\"failures_per_authid\": 1, \"failure_delay\": 1000, "
                              "\"max_failure_delay\": 2000, "));
  sign_in(host, plugin, "joe", "wrong", kSafe);
  bool refused = false;
  for (int i = 0; i < 5; ++i) {
    const fake::AuthOutcome challenge = plugin.hello(R"({"authid": "joe"})", "realm1", &kSafe);
    const fake::AuthOutcome outcome = plugin.authenticate(challenge.op, "secret");
    if (outcome.status == NX_PENDING) continue;
    refused = true;
    CHECK(outcome.decision == NX_AUTH_DENY);
    CHECK(outcome.error_message == "too many failed attempts, try again later");
  }
  CHECK(refused);
}

TEST_CASE("who guesses at an authid does not keep its owner out") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket",
                      section("\"failures_per_authid\": 2, \"failure_delay\": 100, "));
  const nx_peer attacker = peer_at("192.0.2.66:1", NX_PEER_TLS);
  const auto guess = [&] {
    const fake::AuthOutcome challenge = plugin.hello(R"({"authid": "joe"})", "realm1", &attacker);
    return plugin.authenticate(challenge.op, "wrong");
  };
  for (int i = 0; i < 2; ++i) CHECK(guess().decision == NX_AUTH_DENY);
  while (guess().status == NX_PENDING) {  // takes every turn that there is
  }
  CHECK(guess().error_message == "too many failed attempts, try again later");
  const nx_peer owner = peer_at("192.0.2.1:1", NX_PEER_TLS);
  const fake::AuthOutcome challenge = plugin.hello(R"({"authid": "joe"})", "realm1", &owner);
  const fake::AuthOutcome outcome = plugin.authenticate(challenge.op, "secret");
  CHECK(outcome.status == NX_OK);
  CHECK(outcome.decision == NX_AUTH_ACCEPT);
}

TEST_CASE("a reload brings new users, and what is broken changes nothing") {
  const SecretFolder folder;
  const std::string path =
      folder.secret("users", R"({"users": {"joe": {"role": "r", "ticket": "one"}}})");
  fake::Host host;
  fake::Plugin plugin(host, entry(), "ticket", R"({"file": ")" + path + "\"}");
  // Who was challenged before is judged by what was known then.
  const fake::AuthOutcome open = plugin.hello(R"({"authid": "joe"})", "realm1", &kSafe);
  folder.secret("users", R"({"users": {"joe": {"role": "r", "ticket": "two"}}})");
  plugin.reload();
  CHECK(plugin.authenticate(open.op, "one").decision == NX_AUTH_ACCEPT);
  CHECK(sign_in(host, plugin, "joe", "one", kSafe).decision == NX_AUTH_DENY);
  CHECK(sign_in(host, plugin, "joe", "two", kSafe).decision == NX_AUTH_ACCEPT);
  folder.secret("users", R"({"users": {"joe": {"role": "r", "ticket": 3}}})");
  CHECK_THROWS_WITH(plugin.reload(), path +
                                         ": users.joe.ticket: must be a text, or a section with "
                                         "a derived key");
  CHECK(sign_in(host, plugin, "joe", "two", kSafe).decision == NX_AUTH_ACCEPT);
}

TEST_CASE("a router that stops with everything open leaves nothing behind") {
  const int64_t values = fake::live_values();
  {
    fake::Host host;
    fake::Plugin plugin(host, entry(), "ticket", section("\"failures_per_authid\": 1, "));
    sign_in(host, plugin, "joe", "wrong", kSafe);
    plugin.hello(R"({"authid": "joe"})", "realm1", &kSafe);
    const fake::AuthOutcome waiting = plugin.hello(R"({"authid": "joe"})", "realm1", &kSafe);
    CHECK(plugin.authenticate(waiting.op, "secret").status == NX_PENDING);
    const fake::AuthOutcome working = plugin.hello(R"({"authid": "ann"})", "realm1", &kSafe);
    CHECK(plugin.authenticate(working.op, "x").status == NX_PENDING);
  }
  CHECK(fake::live_values() == values);
}

}  // namespace nexus::auth
