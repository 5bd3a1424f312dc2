// The example plugins, and the asynchronous test plugins, driven through the fakes: they are what
// other people's tests and first steps stand on.
#include <dlfcn.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "nexus/cpp/fake_host.hpp"

namespace {

using namespace nexus::sdk;

const nx_plugin_entry* load(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  return reinterpret_cast<nx_plugin_entry_fn>(dlsym(library, NX_PLUGIN_SYMBOL))();
}
const nx_plugin_entry* example(const std::string& name) {
  return load(std::string(NEXUS_EXAMPLES) + "/" + name + ".so");
}
const nx_plugin_entry* test_plugin(const std::string& name) {
  return load(std::string(NEXUS_TEST_PLUGINS) + "/" + name + ".so");
}

}  // namespace

TEST_CASE("header_token.c looks at the request's header") {
  fake::Host host;
  const nx_plugin_entry* entry = example("example-header-token");
  CHECK_THROWS_AS(fake::Plugin(host, entry, "header-token"), ConfigError);
  CHECK_THROWS_AS(fake::Plugin(host, entry, "header-token", R"({"token": ""})"), Error);
  fake::Plugin plugin(host, entry, "header-token", R"({"token": "secret", "role": "backend"})");
  const auto ask = [&](const char* headers) {
    const Value details = fake::values().from_json(headers);
    nx_peer peer{};
    peer.struct_size = sizeof peer;
    peer.details = const_cast<nx_value*>(details.get());
    return plugin.hello("{}", "realm1", &peer);
  };
  const fake::AuthOutcome right =
      ask(R"({"http_headers_received": {"host": "x", "x-nexus-token": "secret"}})");
  CHECK(right.decision == NX_AUTH_ACCEPT);
  CHECK(right.authrole == "backend");
  for (const char* wrong :
       {R"({"http_headers_received": {"x-nexus-token": "secre"}})",
        R"({"http_headers_received": {"x-nexus-token": "secret1"}})",
        R"({"http_headers_received": {"x-nexus-token": 42}})",
        R"({"http_headers_received": {"x-nexus-token": ""}})",
        R"({"http_headers_received": {"other": "secret"}})", R"({"http_headers_received": {}})",
        R"({"http_headers_received": 5})", "{}"}) {
    CHECK(ask(wrong).decision == NX_AUTH_DENY);
  }
  CHECK(plugin.hello().decision == NX_AUTH_DENY);  // no peer details at all
}

TEST_CASE("authenticator-token knows whose token it is, and takes none in the clear") {
  fake::Host host;
  const nx_plugin_entry* entry = load(NEXUS_TOKEN_EXAMPLE);
  for (const char* wrong : {"{}", R"({"tokens": {"joe": "short"}})", R"({"tokens": {"joe": 7}})",
                            R"({"tokens": {"": "nobodys-long-token"}})"}) {
    CHECK_THROWS_AS(fake::Plugin(host, entry, "token", wrong), Error);
  }
  fake::Plugin plugin(host, entry, "token",
                      R"({"tokens": {"joe": "joes-long-token-1", "ann": "anns-long-token-1"}})");
  const auto ask = [&](const char* extra, const std::string& address, uint32_t flags = 0) {
    nx_peer peer{};
    peer.struct_size = sizeof peer;
    peer.flags = flags;
    peer.address = {address.data(), address.size()};
    return plugin.hello(std::string(R"({"authid": "ann", "authextra": )") + extra + "}", "realm1",
                        &peer);
  };
  const char* joes = R"({"token": "joes-long-token-1"})";
  for (const auto& right : {ask(joes, "192.0.2.1:5", NX_PEER_TLS), ask(joes, "/s", NX_PEER_LOCAL),
                            ask(joes, "127.0.0.1:5"), ask(joes, "[::1]:5")}) {
    CHECK(right.decision == NX_AUTH_ACCEPT);
    CHECK(right.authid == "joe");
    CHECK(right.authrole == "user");
  }
  CHECK(ask(joes, "192.0.2.1:5").decision == NX_AUTH_NOT_MINE);
  CHECK(ask("{}", "127.0.0.1:5").decision == NX_AUTH_NOT_MINE);
  CHECK(ask(R"({"token": "joes-long-token-2"})", "127.0.0.1:5").decision == NX_AUTH_DENY);
  CHECK(plugin.hello().decision == NX_AUTH_NOT_MINE);
}

TEST_CASE("prefix_rules.c allows what begins with a prefix") {
  fake::Host host;
  const nx_plugin_entry* entry = example("example-prefix-rules");
  CHECK_THROWS_AS(fake::Plugin(host, entry, "prefix-rules", R"({"rules": {"a": "com."}})"), Error);
  CHECK_THROWS_AS(fake::Plugin(host, entry, "prefix-rules", R"({"rules": {"a": [""]}})"), Error);
  CHECK_THROWS_AS(fake::Plugin(host, entry, "prefix-rules", R"({"rules": {"a": [7]}})"), Error);
  fake::Plugin plugin(host, entry, "prefix-rules",
                      R"({"rules": {"user": ["com.a.", "org."], "none": []}})");
  const auto allowed = [&](const char* uri, const char* role = "user",
                           uint32_t match = NX_MATCH_EXACT) {
    const fake::AuthzOutcome outcome = plugin.authorize(NX_ACTION_SUBSCRIBE, uri, role, match);
    CHECK(outcome.remember == NX_REMEMBER_ROLE);
    return outcome.decision == NX_AUTHZ_ALLOW;
  };
  CHECK(allowed("com.a.x"));
  CHECK(allowed("com.a."));
  CHECK(allowed("org.anything"));
  CHECK_FALSE(allowed("com.a"));
  CHECK_FALSE(allowed("com.b.x"));
  CHECK_FALSE(allowed(""));
  CHECK_FALSE(allowed("com.a.x", "none"));
  CHECK_FALSE(allowed("com.a.x", "stranger"));
  // Patterns, only where all that they match would be allowed.
  CHECK(allowed("com.a.b", "user", NX_MATCH_PREFIX));
  CHECK_FALSE(allowed("com.", "user", NX_MATCH_PREFIX));
  CHECK_FALSE(allowed("com.a", "user", NX_MATCH_PREFIX));
  CHECK(allowed("com.a..x", "user", NX_MATCH_WILDCARD));
  CHECK(allowed("org..x", "user", NX_MATCH_WILDCARD));
  CHECK_FALSE(allowed("com..x", "user", NX_MATCH_WILDCARD));
  CHECK_FALSE(allowed(".a.x", "user", NX_MATCH_WILDCARD));
}

TEST_CASE("user_file.cpp looks up where it may block, and answers later") {
  char path[] = "/tmp/nexus-users-XXXXXX";
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  const std::string_view users = "joe secret-1 clerk\nann secret-2 boss\n";
  REQUIRE(write(fd, users.data(), users.size()) == static_cast<ssize_t>(users.size()));
  close(fd);

  fake::Host host;
  const nx_plugin_entry* entry = example("example-user-file");
  fake::Plugin plugin(host, entry, "user-file", std::string(R"({"file": ")") + path + R"("})");
  const auto ask = [&](const char* details) {
    CHECK(plugin.hello(details).status == NX_PENDING);
    const size_t before = host.auth_answers().size();
    CHECK(host.run_work() == 1);  // nothing is looked up before
    REQUIRE(host.auth_answers().size() == before + 1);
    return host.auth_answers().back();
  };
  const fake::AuthOutcome ann = ask(R"({"authid": "ann", "authextra": {"token": "secret-2"}})");
  CHECK(ann.decision == NX_AUTH_ACCEPT);
  CHECK(ann.authrole == "boss");
  for (const char* wrong : {R"({"authid": "ann", "authextra": {"token": "secret-1"}})",
                            R"({"authid": "bob", "authextra": {"token": "secret-1"}})",
                            R"({"authid": "ann"})", R"({"authid": ""})"}) {
    CHECK(ask(wrong).decision == NX_AUTH_DENY);
  }
  // A client that goes away meanwhile: the answer comes too late, and nothing happens.
  plugin.cancel_auth(plugin.hello(R"({"authid": "ann", "authextra": {"token": "secret-2"}})").op);
  host.run_work();
  CHECK(host.late_answers() == 1);
  // A file that is gone is a denial, and a line for the operator.
  remove(path);
  CHECK(ask(R"({"authid": "ann", "authextra": {"token": "secret-2"}})").error_uri ==
        "wamp.error.authentication_failed");
  CHECK(host.logged("look_up() failed: cannot read /tmp/nexus-users-"));
}

TEST_CASE("async-test answers in each of its modes") {
  fake::Host host;
  const nx_plugin_entry* entry = test_plugin("auth_async");
  const auto with = [&](const char* mode) {
    return std::make_unique<fake::Plugin>(host, entry, "async-test",
                                          std::string(R"({"mode": ")") + mode + R"("})");
  };
  const auto answers = [](size_t count) {
    return [count](const fake::Host& from) { return from.auth_answers().size() >= count; };
  };
  const auto refused = [](uint64_t count) {
    return [count](const fake::Host& from) { return from.late_answers() >= count; };
  };
  SECTION("now") {
    const auto plugin = with("now");
    const fake::AuthOutcome outcome = plugin->hello();
    CHECK(outcome.decision == NX_AUTH_ACCEPT);
    CHECK(outcome.authid == "async-user");
    CHECK(outcome.authrole == "tested");
    CHECK(outcome.authextra == R"({"mode":"now"})");
  }
  SECTION("thread") {
    const auto plugin = with("thread");
    CHECK(plugin->hello(R"({"authid": "joe"})").status == NX_PENDING);
    REQUIRE(host.wait_for(answers(1)));
    CHECK(host.auth_answers()[0].authid == "joe");
  }
  SECTION("twice") {
    const auto plugin = with("twice");
    CHECK(plugin->hello().status == NX_PENDING);
    REQUIRE(host.wait_for(refused(1)));
    REQUIRE(host.auth_answers().size() == 1);
    CHECK(host.auth_answers()[0].authrole == "tested");
  }
  SECTION("late, orphan: only when cancelled") {
    for (const char* mode : {"late", "orphan"}) {
      const uint64_t before = host.late_answers();
      const auto plugin = with(mode);
      const nx_op op = plugin->hello().op;
      plugin->cancel_auth(op);
      CHECK(host.wait_for(refused(before + 1)));
    }
    CHECK(host.auth_answers().empty());
    CHECK(host.wait_for([](const fake::Host& from) { return from.counter("refused_late") == 2; }));
    CHECK(host.counter("cancels") == 2);
    CHECK(host.counter("accepted_late") == 0);
  }
  SECTION("never") {
    auto plugin = with("never");
    const nx_op op = plugin->hello().op;
    plugin->cancel_auth(op);
    plugin.reset();
    CHECK(host.auth_answers().empty());
    CHECK(host.late_answers() == 0);
  }
  SECTION("throw, error, dropped") {
    CHECK(with("throw")->hello().status == NX_E_INTERNAL);
    CHECK(with("error")->hello().status == NX_E_IO);
    CHECK(with("dropped")->hello().status == NX_PENDING);
    REQUIRE(host.auth_answers().size() == 1);
    CHECK(host.auth_answers()[0].decision == NX_AUTH_DENY);
  }
  SECTION("challenge") {
    const auto plugin = with("challenge");
    const fake::AuthOutcome challenge = plugin->hello();
    CHECK(challenge.challenge == R"({"question":"2+2"})");
    CHECK(plugin->authenticate(challenge.op, "again").status == NX_PENDING);
    REQUIRE(host.wait_for(answers(1)));
    CHECK(host.auth_answers()[0].decision == NX_AUTH_CHALLENGE);
    CHECK(plugin->authenticate(challenge.op, "4").status == NX_PENDING);
    REQUIRE(host.wait_for(answers(2)));
    CHECK(host.auth_answers()[1].decision == NX_AUTH_ACCEPT);
    const fake::AuthOutcome other = plugin->hello();
    CHECK(plugin->authenticate(other.op, "5").status == NX_PENDING);
    REQUIRE(host.wait_for(answers(3)));
    CHECK(host.auth_answers()[2].decision == NX_AUTH_DENY);
    CHECK(host.auth_answers()[2].error_message == "wrong answer");
  }
}

TEST_CASE("authz-test decides by the URI") {
  fake::Host host;
  fake::Plugin plugin(host, test_plugin("authz_async"), "authz-test", R"({"remember_ms": 500})");
  const auto ask = [&](const char* uri) { return plugin.authorize(NX_ACTION_CALL, uri); };
  const auto answers = [](size_t count) {
    return [count](const fake::Host& from) { return from.authz_answers().size() >= count; };
  };
  CHECK(ask("com.x").decision == NX_AUTHZ_ALLOW);
  CHECK(host.logged("asked call exact com.x as anonymous"));
  CHECK(ask("com.deny").error_message == "denied by test");
  CHECK(ask("com.forbid").error_uri == "com.test.forbidden");
  CHECK(ask("com.error").status == NX_E_IO);
  CHECK(ask("com.throw").status == NX_E_INTERNAL);
  CHECK(ask("com.notmine").decision == NX_AUTHZ_NOT_MINE);
  CHECK(ask("com.remember").remember == NX_REMEMBER_SESSION);
  CHECK(ask("com.remember").remember_ms == 500);
  CHECK(ask("com.roleonce").remember == NX_REMEMBER_ROLE);
  CHECK(ask("com.disclose").disclose == NX_DISCLOSE_ALWAYS);
  CHECK(ask("com.anonymous").disclose == NX_DISCLOSE_NEVER);
  ask("com.forget");
  CHECK(host.invalidations() == 1);
  CHECK(host.counter("asked") == 12);

  CHECK(ask("com.async").status == NX_PENDING);
  REQUIRE(host.wait_for(answers(1)));
  CHECK(host.authz_answers()[0].decision == NX_AUTHZ_ALLOW);
  CHECK(ask("com.async.no").status == NX_PENDING);
  REQUIRE(host.wait_for(answers(2)));
  CHECK(host.authz_answers()[1].decision == NX_AUTHZ_DENY);

  CHECK(ask("com.hold").status == NX_PENDING);
  CHECK(host.authz_answers().size() == 2);
  CHECK(ask("com.release").decision == NX_AUTHZ_ALLOW);
  REQUIRE(host.wait_for(answers(3)));

  CHECK(ask("com.twice").status == NX_PENDING);
  REQUIRE(host.wait_for([](const fake::Host& from) { return from.late_answers() == 1; }));
  CHECK(host.authz_answers().back().decision == NX_AUTHZ_ALLOW);

  plugin.cancel_authz(ask("com.never").op);
  plugin.cancel_authz(ask("com.late").op);
  REQUIRE(host.wait_for([](const fake::Host& from) { return from.late_answers() == 2; }));
  ask("com.dropped");
  CHECK(host.authz_answers().back().error_uri == "wamp.error.authorization_failed");
}
