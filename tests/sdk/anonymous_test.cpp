// The built-in authenticator "anonymous", linked statically as into a single-binary nexusd.
#include <catch2/catch.hpp>

#include "nexus/cpp/fake_host.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authenticator_anonymous(void);

namespace {

using namespace nexus::sdk;

const nx_plugin_entry* entry() { return nexus_plugin_entry_v1_nexus_authenticator_anonymous(); }

}  // namespace

TEST_CASE("N-10: anonymous leaves the authid to the router and takes the role from its option") {
  fake::Host host;
  fake::Plugin by_default(host, entry(), "anonymous");
  // A claimed authid or role is nobody's proof.
  const fake::AuthOutcome outcome =
      by_default.hello(R"({"authid": "admin", "authrole": "admin", "authextra": {"x": 1}})");
  CHECK(outcome.status == NX_OK);
  CHECK(outcome.decision == NX_AUTH_ACCEPT);
  CHECK(outcome.authid.empty());
  CHECK(outcome.authrole == "anonymous");
  CHECK(outcome.authprovider == "static");
  CHECK(outcome.method.empty());
  CHECK(outcome.realm.empty());
  CHECK(outcome.authextra.empty());

  fake::Plugin guest(host, entry(), "anonymous", R"({"role": "guest"})");
  CHECK(guest.hello().authrole == "guest");
  CHECK(by_default.hello().authrole == "anonymous");
}

TEST_CASE("anonymous serves one method and never authenticates") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "anonymous");
  const auto& table = *plugin.interface_of<nx_authenticator_v1>(NX_AUTHENTICATOR_V1);
  nx_str method{};
  CHECK(table.method(plugin.self(), 0, &method) == NX_OK);
  CHECK(view(method) == "anonymous");
  CHECK(table.method(plugin.self(), 1, &method) == NX_E_INVALID);
  CHECK(plugin.authenticate(1, "").decision == NX_AUTH_DENY);
}

TEST_CASE("anonymous refuses a role that is empty") {
  fake::Host host;
  CHECK_THROWS_WITH(fake::Plugin(host, entry(), "anonymous", R"({"role": ""})"),
                    "role must not be empty");
}
