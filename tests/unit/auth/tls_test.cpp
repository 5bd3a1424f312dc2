// The authenticator "tls": whose certificate it is.
#include "tests/unit/auth/auth_fixture.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_tls(void);

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;

const nx_plugin_entry* entry() { return nexus_plugin_entry_v1_nexus_authenticator_tls(); }

const std::string kPrint(64, 'a');
const std::string kOther(64, 'b');

// A client that shows a certificate with this name and fingerprint.
fake::AuthOutcome shows(fake::Plugin& plugin, const std::string& name, const std::string& print,
                        bool verified, const char* details = "{}") {
  const sdk::Value certificate = fake::values()
                                     .dict()
                                     .set("subject", "CN=" + name + ",O=Example")
                                     .set("common_name", name)
                                     .set("sha256", print)
                                     .set("verified", verified)
                                     .done();
  const sdk::Value known = fake::values().dict().set("tls_client", certificate).done();
  nx_peer peer = peer_at("192.0.2.1:1", NX_PEER_TLS);
  peer.details = const_cast<nx_value*>(known.get());
  return plugin.hello(details, "realm1", &peer);
}

}  // namespace

TEST_CASE("N-72: a certificate says who the client is") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "tls",
                      R"({"role": "device", "users": {
    "pinned": {"role": "admin", "sha256": ")" +
                          kPrint + R"("},
    "named": {"role": "user", "common_name": "box1"}}})");
  // A fingerprint counts whoever signed it, a name only when an authority vouches for it.
  CHECK(shows(plugin, "x", kPrint, false).authid == "pinned");
  CHECK(shows(plugin, "x", kPrint, false).authrole == "admin");
  CHECK(shows(plugin, "box1", kOther, true).authid == "named");
  CHECK(shows(plugin, "box1", kOther, false).decision == NX_AUTH_DENY);
  CHECK(shows(plugin, "box2", kOther, true).authid == "box2");
  CHECK(shows(plugin, "box2", kOther, true).authrole == "device");
  CHECK(shows(plugin, "box2", kOther, false).decision == NX_AUTH_DENY);
  CHECK(shows(plugin, "", kOther, true).decision == NX_AUTH_DENY);
  // Who has a certificate of its own is nobody else, whatever an authority has signed.
  CHECK(shows(plugin, "pinned", kOther, true).decision == NX_AUTH_DENY);
  CHECK(shows(plugin, "named", kOther, true).decision == NX_AUTH_DENY);
  // What the client says of itself does not make it somebody else.
  CHECK(shows(plugin, "box2", kOther, true, R"({"authid": "box2"})").authid == "box2");
  CHECK(shows(plugin, "box2", kOther, true, R"({"authid": "pinned"})").decision == NX_AUTH_DENY);
  // Without a certificate another method may do.
  const nx_peer bare = peer_at("192.0.2.1:1", NX_PEER_TLS);
  CHECK(plugin.hello("{}", "realm1", &bare).decision == NX_AUTH_NOT_MINE);
  CHECK(plugin.hello(R"({"transport": {"tls_client": {"verified": true}}})", "realm1", &bare)
            .decision == NX_AUTH_NOT_MINE);
}

TEST_CASE("N-72: only named certificates, when there is no role for others") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "tls",
                      R"({"authid": "sha256", "users": {
    "joe": {"role": "user", "sha256": [")" +
                          kPrint + R"("]}}})");
  CHECK(shows(plugin, "x", kPrint, true).authid == "joe");
  CHECK(shows(plugin, "x", kOther, true).decision == NX_AUTH_DENY);
  fake::Plugin all(host, entry(), "tls", R"({"authid": "sha256", "role": "device"})");
  CHECK(shows(all, "x", kOther, true).authid == kOther);
}

TEST_CASE("N-72: mistakes in the users of tls") {
  fake::Host host;
  for (const auto& [section, expected] :
       {std::pair<const char*, const char*>{"{}", "nobody can come in: give users, or role"},
        {R"({"users": {"joe": {"role": "r"}}})", "users.joe: needs sha256 or common_name"},
        {R"({"users": {"joe": {"common_name": "x"}}})",
         "users.joe: has no role, and neither has the section"},
        {R"({"users": {"joe": {"role": "r", "sha256": "00"}}})",
         "users.joe.sha256: must be a fingerprint: 64 hexadecimal digits"},
        {R"({"users": {"joe": {"role": "r", "sha1": "00"}}})",
         "users.joe.sha1: there is no such key here"},
        {R"({"role": "r", "users": {"a": {"common_name": "x"}, "b": {"common_name": "x"}}})",
         "users.b: this certificate is another user's already"}}) {
    CHECK_THROWS_WITH(fake::Plugin(host, entry(), "tls", section), expected);
  }
}

}  // namespace nexus::auth
