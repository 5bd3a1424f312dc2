// N-03: how long an answer takes does not tell whether a name exists.
//
// Compares medians of processor time, which other programs on the machine hardly change, of many
// attempts that take turns. The bounds are generous: without decoys the ratios are 2 and more.
#include <time.h>

#include <algorithm>
#include <vector>

#include "plugins/support/auth/scram.hpp"
#include "tests/unit/auth/auth_fixture.hpp"

extern "C" {
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_ticket(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_wampcra(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_cryptosign(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_scram(void);
}

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;

double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// A wrong answer by somebody who exists, to one by somebody who does not: the latter's median over
// the former's.
template <typename Attempt>
double ratio(int rounds, Attempt attempt) {
  std::vector<double> known, unknown;
  for (int i = 0; i < rounds; ++i) {
    for (const bool exists : {true, false}) {
      // The same length, and many names, so that nothing is warmer than the other.
      const std::string authid = (exists ? "user" : "none") + std::to_string(100 + i % 50);
      const double before = cpu_us();
      attempt(authid);
      (exists ? known : unknown).push_back(cpu_us() - before);
    }
  }
  INFO("known " << median(known) << " us, unknown " << median(unknown) << " us");
  return median(unknown) / median(known);
}

std::string section(const std::string& secret) {
  std::string users;
  for (int i = 100; i < 150; ++i) {
    users += (i == 100 ? "" : ", ") + ("\"user" + std::to_string(i)) + "\": " + secret;
  }
  return R"({"role": "user", "failures_per_authid": 0, "failures_per_address": 0, "users": {)" +
         users + "}}";
}

const nx_peer kPeer = peer_at("127.0.0.1:1");

void try_once(fake::Host& host, fake::Plugin& plugin, const std::string& authid,
              const std::string& authextra, const std::string& signature,
              const std::string& extra = "{}") {
  const fake::AuthOutcome challenge = plugin.hello(
      R"({"authid": ")" + authid + R"(", "authextra": )" + authextra + "}", "realm1", &kPeer);
  REQUIRE(challenge.decision == NX_AUTH_CHALLENGE);
  const fake::AuthOutcome outcome = plugin.authenticate(challenge.op, signature, extra);
  if (outcome.status == NX_PENDING) host.run_work();
}

}  // namespace

TEST_CASE("N-03: an unknown name costs what a wrong secret costs") {
  fake::Host host;
  {
    fake::Plugin plugin(host, nexus_plugin_entry_v1_nexus_authenticator_ticket(), "ticket",
                        section(R"({"ticket": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=",
                          "iterations": 3000,
                          "key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}})"));
    const double found = ratio(
        60, [&](const std::string& authid) { try_once(host, plugin, authid, "{}", "wrong"); });
    CHECK(found > 0.6);
    CHECK(found < 1.6);
  }
  {
    fake::Plugin plugin(host, nexus_plugin_entry_v1_nexus_authenticator_wampcra(), "wampcra",
                        section(R"({"wampcra": {"salt": "c2FsdHNhbHQ=", "iterations": 3000,
                          "key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}})"));
    const double found = ratio(300, [&](const std::string& authid) {
      try_once(host, plugin, authid, "{}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    });
    CHECK(found > 0.6);
    CHECK(found < 1.6);
  }
  {
    fake::Plugin plugin(host, nexus_plugin_entry_v1_nexus_authenticator_scram(), "scram",
                        section(R"({"scram": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=",
                          "iterations": 3000,
                          "stored_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                          "server_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}})"));
    const double found = ratio(300, [&](const std::string& authid) {
      const fake::AuthOutcome challenge = plugin.hello(
          R"({"authid": ")" + authid + R"(", "authextra": {"nonce": "MTIzNDU2Nzg5MDEyMzQ1Ng=="}})",
          "realm1", &kPeer);
      const std::string nonce(fake::values().from_json(challenge.challenge)["nonce"].as_string());
      plugin.authenticate(challenge.op, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                          R"({"nonce": ")" + nonce + "\"}");
    });
    CHECK(found > 0.6);
    CHECK(found < 1.6);
  }
  {
    // Whoever announces a user's key, as that user or as nobody, and cannot sign with it.
    std::string users;
    for (int i = 100; i < 150; ++i) {
      users += (i == 100 ? "" : ", ") + ("\"user" + std::to_string(i)) +
               R"(": {"realms": ["realm1"], "cryptosign": ")" +
               to_hex(ed25519_public_key(sha256(std::to_string(i)))) + "\"}";
    }
    fake::Plugin plugin(
        host, nexus_plugin_entry_v1_nexus_authenticator_cryptosign(), "cryptosign",
        R"({"role": "user", "failures_per_authid": 0, "failures_per_address": 0, "users": {)" +
            users + "}}");
    const double found = ratio(100, [&](const std::string& authid) {
      const std::string theirs = to_hex(ed25519_public_key(sha256(authid.substr(4))));
      const fake::AuthOutcome challenge = plugin.hello(
          R"({"authid": ")" + authid + R"(", "authextra": {"pubkey": ")" + theirs + "\"}}",
          "realm1", &kPeer);
      const std::string question(
          fake::values().from_json(challenge.challenge)["challenge"].as_string());
      const std::string message = from_hex(question).value();
      plugin.authenticate(challenge.op,
                          to_hex(ed25519_sign(std::string(32, 'w'), message)) + question);
    });
    CHECK(found > 0.6);
    CHECK(found < 1.6);
  }
}

}  // namespace nexus::auth
