// What the unit tests of authenticators share: files with the right permissions, peers, and one
// client's way through an authenticator. [main]
#pragma once

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "nexus/cpp/fake_host.hpp"
#include "tests/nexusd/temporary_folder.hpp"

namespace nexus::auth::test {

namespace fake = nexus::sdk::fake;

class SecretFolder : public TemporaryFolder {
 public:
  // Writes a file that nobody else can read. Answers its path.
  std::string secret(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    write(name, text);
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }
};

inline nx_peer peer_at(std::string_view address, uint32_t flags = 0) {
  nx_peer peer{};
  peer.struct_size = sizeof peer;
  peer.flags = flags;
  peer.transport = nexus::sdk::to_nx("test");
  peer.address = nexus::sdk::to_nx(address);
  return peer;
}

// Runs what was posted, due timers and work, until the operation is answered.
inline fake::AuthOutcome answer_of(fake::Host& host, const fake::AuthOutcome& outcome) {
  if (outcome.status != NX_PENDING) return outcome;
  host.run();
  host.run_work();
  host.run();
  fake::AuthOutcome last = outcome;
  for (const fake::AuthOutcome& one : host.auth_answers()) {
    if (one.op == outcome.op) last = one;
  }
  return last;
}

// HELLO as this authid from this peer, then this signature; the answer to the latter.
inline fake::AuthOutcome sign_in(fake::Host& host, fake::Plugin& plugin, std::string_view authid,
                                 std::string_view signature, const nx_peer& peer) {
  const fake::AuthOutcome challenge = answer_of(
      host, plugin.hello("{\"authid\": \"" + std::string(authid) + "\"}", "realm1", &peer));
  REQUIRE(challenge.decision == NX_AUTH_CHALLENGE);
  return answer_of(host, plugin.authenticate(challenge.op, signature));
}

}  // namespace nexus::auth::test
