// libFuzzer: HELLO and AUTHENTICATE for each authenticator with users. The first octet chooses the
// method; the lines after it are the authid, HELLO.Details.authextra (JSON), the signature, and
// AUTHENTICATE.Extra (JSON). Nobody may be let in.
#include <array>
#include <string>

#include "nexus/cpp/fake_host.hpp"

extern "C" {
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_ticket(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_wampcra(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_cryptosign(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_scram(void);
}

namespace fake = nexus::sdk::fake;

namespace {

// The secrets are longer than what a fuzzer finds by chance.
constexpr const char* kSection = R"({"role": "user", "provider": "p", "failures_per_authid": 0,
  "failures_per_address": 0, "decoy_key": "k", "users": {"joe": {
    "ticket": "d0f3c2a1b4e5968778695a4b3c2d1e0f", "wampcra": "d0f3c2a1b4e5968778695a4b3c2d1e0f",
    "cryptosign": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "scram": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=", "iterations": 10,
      "stored_key": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
      "server_key": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="}}}})";

struct Under {
  fake::Host host;
  fake::Plugin ticket{host, nexus_plugin_entry_v1_nexus_authenticator_ticket(), "ticket", kSection};
  fake::Plugin cra{host, nexus_plugin_entry_v1_nexus_authenticator_wampcra(), "wampcra", kSection};
  fake::Plugin sign{host, nexus_plugin_entry_v1_nexus_authenticator_cryptosign(), "cryptosign",
                    kSection};
  fake::Plugin scram{host, nexus_plugin_entry_v1_nexus_authenticator_scram(), "scram", kSection};
};

std::string line(std::string& rest) {
  const size_t end = rest.find('\n');
  std::string first = rest.substr(0, end);
  rest.erase(0, end == std::string::npos ? end : end + 1);
  return first;
}

std::string json_or_empty(const std::string& text) {
  try {
    const nexus::sdk::Value value = fake::values().from_json(text);
    return value.is_dict() ? text : "{}";
  } catch (const nexus::sdk::Error&) {
    return "{}";
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const under = new Under;
  if (size == 0) return 0;
  const std::array<fake::Plugin*, 4> all{&under->ticket, &under->cra, &under->sign, &under->scram};
  fake::Plugin& plugin = *all[data[0] % all.size()];
  std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string authid = line(rest);
  const std::string authextra = json_or_empty(line(rest));
  const std::string signature = line(rest);
  const std::string extra = json_or_empty(rest);
  std::string details;
  try {
    details = fake::values()
                  .dict()
                  .set("authid", authid)
                  .set("authextra", fake::values().from_json(authextra))
                  .done()
                  .to_json();
  } catch (const nexus::sdk::Error&) {
    return 0;  // the authid is not UTF-8: the serializer would have refused it
  }
  nx_peer peer{};
  peer.struct_size = sizeof peer;
  peer.flags = NX_PEER_TLS;
  const fake::AuthOutcome challenge = plugin.hello(details, "realm1", &peer);
  if (challenge.decision == NX_AUTH_ACCEPT) __builtin_trap();
  if (challenge.decision != NX_AUTH_CHALLENGE) return 0;
  const fake::AuthOutcome verdict = plugin.authenticate(challenge.op, signature, extra);
  if (verdict.status != NX_OK || verdict.decision != NX_AUTH_DENY) __builtin_trap();
  return 0;
}
