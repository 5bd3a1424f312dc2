// The authorizer "roles" as the router drives it: decisions, disclosure, what is remembered, files,
// and what is said about rules that are wrong.
#include <catch2/catch.hpp>

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "nexus/cpp/fake_host.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_authorizer_roles(void);

namespace {

using namespace nexus::sdk;

const nx_plugin_entry* entry() { return nexus_plugin_entry_v1_nexus_authorizer_roles(); }

struct Folder {
  Folder() : path((std::filesystem::temp_directory_path() / "nexus-roles-XXXXXX").string()) {
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
  std::string path;
};

bool allows(fake::Plugin& plugin, uint32_t action, std::string_view uri,
            std::string_view role = "user", uint32_t match = NX_MATCH_EXACT) {
  const fake::AuthzOutcome outcome = plugin.authorize(action, uri, role, match);
  CHECK(outcome.status == NX_OK);
  return outcome.decision == NX_AUTHZ_ALLOW;
}

std::string error_of(const std::string& section) {
  fake::Host host;
  try {
    fake::Plugin plugin(host, entry(), "roles", section);
  } catch (const Error& error) {
    CHECK(error.code() == NX_E_CONFIG);
    return error.what();
  }
  return {};
}

TEST_CASE("Z-04: the most specific rule decides, and none is a denial") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "roles", R"({"rules": {
    "user": [
      {"uri": "com.app.", "match": "prefix", "allow": {"call": true, "subscribe": true}},
      {"uri": "com.app.admin.", "match": "prefix"},
      {"uri": "com.app.admin.status", "allow": {"call": true}},
      {"uri": "com..event", "match": "wildcard", "allow": {"subscribe": true, "publish": true}},
      {"uri": "com.public", "match": "exact", "allow": {"call": true, "register": false}}],
    "*": [
      {"uri": "com.everybody", "allow": {"call": true}},
      {"uri": "com.public", "allow": {"call": false, "register": true}}]}})");
  struct Row {
    uint32_t action;
    uint32_t match;
    const char* uri;
    bool allowed;
  };
  constexpr uint32_t call = NX_ACTION_CALL, sub = NX_ACTION_SUBSCRIBE, pub = NX_ACTION_PUBLISH,
                     reg = NX_ACTION_REGISTER;
  constexpr uint32_t exact = NX_MATCH_EXACT, prefix = NX_MATCH_PREFIX, wild = NX_MATCH_WILDCARD;
  const Row table[] = {
      {call, exact, "com.app.x", true},
      {pub, exact, "com.app.x", false},
      {call, exact, "com.app.admin.x", false},
      {call, exact, "com.app.admin.status", true},
      {sub, exact, "com.app.admin.status", false},
      {sub, exact, "com.app.event", true},
      {pub, exact, "com.app.event", false},  // the prefix comes before the wildcard
      {pub, exact, "com.other.event", true},
      {call, exact, "com.everybody", true},
      {call, exact, "com.public", true},  // the role's own rule before that for everybody
      {reg, exact, "com.public", false},
      {call, exact, "com.nowhere", false},
      {call, exact, "com.app", false},
      {sub, prefix, "com.app.x", true},
      {sub, prefix, "com.app.", false},  // admin is in it, and denied
      {sub, prefix, "com.app.b", true},
      {sub, prefix, "com.ap", false},  // covered in part only
      {sub, prefix, "com.app.admin.x", false},
      {sub, wild, "com.app.", true},  // com.app.x and the like; com.app.admin.x is longer
      {sub, wild, "com.app..", false},
      {sub, wild, "com..event", true},
      {sub, wild, "com.other.event", true},
      {sub, wild, "..event", false},
      {reg, prefix, "com.app.x", false},
  };
  for (const Row& row : table) {
    CAPTURE(row.action, row.match, row.uri);
    CHECK(allows(plugin, row.action, row.uri, "user", row.match) == row.allowed);
  }
  // Who has no rules of their own has those of everybody.
  CHECK(allows(plugin, call, "com.everybody", "stranger"));
  CHECK(allows(plugin, reg, "com.public", "stranger"));
  CHECK_FALSE(allows(plugin, call, "com.app.x", "stranger"));
  const fake::AuthzOutcome denied = plugin.authorize(call, "com.nowhere", "user");
  CHECK(denied.error_uri.empty());      // wamp.error.not_authorized
  CHECK(denied.error_message.empty());  // the router says which role may not do what
}

TEST_CASE("Z-04: procedures that kill or modify need a rule of their own") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "roles", R"({"rules": {
    "all":   [{"uri": "", "match": "prefix", "allow": {"call": true, "subscribe": true}}],
    "wamp":  [{"uri": "wamp.", "match": "prefix", "allow": {"call": true}}],
    "one":   [{"uri": "wamp.session.kill", "allow": {"call": true}}],
    "open":  [{"uri": "..", "match": "wildcard", "allow": {"call": true}}]}})");
  for (const char* uri :
       {"wamp.session.kill", "wamp.session.kill_all", "wamp.session.kill_by_authid",
        "wamp.session.modify_details", "wamp.registration.remove_callee",
        "wamp.subscription.remove_subscriber"}) {
    CAPTURE(uri);
    CHECK_FALSE(allows(plugin, NX_ACTION_CALL, uri, "all"));
    CHECK_FALSE(allows(plugin, NX_ACTION_CALL, uri, "open"));
    CHECK(allows(plugin, NX_ACTION_CALL, uri, "wamp"));
  }
  CHECK_FALSE(allows(plugin, NX_ACTION_CALL, "nexus.reload", "all"));
  CHECK(allows(plugin, NX_ACTION_CALL, "wamp.session.kill", "one"));
  CHECK_FALSE(allows(plugin, NX_ACTION_CALL, "wamp.session.kill_all", "one"));
  CHECK(allows(plugin, NX_ACTION_CALL, "wamp.session.count", "all"));
  CHECK(allows(plugin, NX_ACTION_SUBSCRIBE, "wamp.session.on_join", "all"));
}

TEST_CASE("Z-10: what a rule discloses, and for how long it is remembered") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "roles", R"({"rules": {"user": [
    {"uri": "com.plain", "allow": {"call": true}},
    {"uri": "com.never", "allow": {"call": true, "publish": true, "subscribe": true},
     "disclose": {"caller": "never", "publisher": "always"}, "remember": "2s"},
    {"uri": "com.bool", "allow": {"register": true, "publish": true},
     "disclose": {"caller": true, "publisher": false}, "cache": false},
    {"uri": "com.ms", "allow": {"call": true}, "disclose": {"caller": "request"}, "remember": 2.5e2}
  ]}})");
  const auto ask = [&](uint32_t action, const char* uri) {
    return plugin.authorize(action, uri, "user");
  };
  CHECK(ask(NX_ACTION_CALL, "com.plain").disclose == NX_DISCLOSE_REALM);
  CHECK(ask(NX_ACTION_CALL, "com.plain").remember == NX_REMEMBER_ROLE);
  CHECK(ask(NX_ACTION_CALL, "com.plain").remember_ms == 0);
  CHECK(ask(NX_ACTION_CALL, "com.none").remember == NX_REMEMBER_ROLE);
  CHECK(ask(NX_ACTION_CALL, "com.never").disclose == NX_DISCLOSE_NEVER);
  CHECK(ask(NX_ACTION_PUBLISH, "com.never").disclose == NX_DISCLOSE_ALWAYS);
  CHECK(ask(NX_ACTION_SUBSCRIBE, "com.never").disclose == NX_DISCLOSE_REALM);
  CHECK(ask(NX_ACTION_CALL, "com.never").remember_ms == 2000);
  CHECK(ask(NX_ACTION_REGISTER, "com.bool").disclose == NX_DISCLOSE_ALWAYS);
  CHECK(ask(NX_ACTION_PUBLISH, "com.bool").disclose == NX_DISCLOSE_NEVER);
  CHECK(ask(NX_ACTION_PUBLISH, "com.bool").remember == NX_REMEMBER_NOT);
  CHECK(ask(NX_ACTION_CALL, "com.ms").remember_ms == 250);
  CHECK(ask(NX_ACTION_CALL, "com.ms").disclose == NX_DISCLOSE_REQUEST);
}

TEST_CASE("roles: otherwise = next leaves the rest to the next of the chain") {
  fake::Host host;
  fake::Plugin plugin(host, entry(), "roles", R"({"otherwise": "next", "rules": {"user": [
    {"uri": "com.yes", "allow": {"call": true}}, {"uri": "com.no"}]}})");
  CHECK(plugin.authorize(NX_ACTION_CALL, "com.yes", "user").decision == NX_AUTHZ_ALLOW);
  CHECK(plugin.authorize(NX_ACTION_CALL, "com.no", "user").decision == NX_AUTHZ_DENY);
  CHECK(plugin.authorize(NX_ACTION_CALL, "com.other", "user").decision == NX_AUTHZ_NOT_MINE);
  CHECK(plugin.authorize(NX_ACTION_CALL, "com.yes", "other").decision == NX_AUTHZ_NOT_MINE);
}

TEST_CASE("Z-08: a reload takes the file's new rules, or keeps the old ones") {
  const Folder folder;
  const std::string file = folder.write("rules.json", R"({"user": [
    {"uri": "com.file", "allow": {"call": true}}]})");
  fake::Host host;
  fake::Plugin plugin(host, entry(), "roles", R"({"file": ")" + file + R"(", "rules": {"user": [
    {"uri": "com.section", "allow": {"call": true}}]}})");
  CHECK(allows(plugin, NX_ACTION_CALL, "com.file"));
  CHECK(allows(plugin, NX_ACTION_CALL, "com.section"));

  folder.write("rules.json", R"({"user": [{"uri": "com.new", "allow": {"call": true}}]})");
  CHECK(allows(plugin, NX_ACTION_CALL, "com.file"));
  CHECK(host.rechecks() == 0);
  plugin.reload();
  CHECK(host.rechecks() == 1);
  CHECK_FALSE(allows(plugin, NX_ACTION_CALL, "com.file"));
  CHECK(allows(plugin, NX_ACTION_CALL, "com.new"));
  CHECK(allows(plugin, NX_ACTION_CALL, "com.section"));

  for (const char* wrong :
       {"{", "[]", R"({"user": {}})", R"({"user": [{"uri": "com.section"}]})"}) {
    CAPTURE(wrong);
    folder.write("rules.json", wrong);
    CHECK_THROWS_AS(plugin.reload(), Error);
  }
  std::filesystem::remove(file);
  CHECK_THROWS_WITH(plugin.reload(), Catch::Contains("cannot read"));
  CHECK(host.rechecks() == 1);
  CHECK(allows(plugin, NX_ACTION_CALL, "com.new"));
}

TEST_CASE("roles: mistakes in rules are named with their place") {
  using Catch::Contains;
  const auto rule = [](const std::string& text) {
    return R"({"rules": {"user": [{"uri": "com.ok"}, )" + text + "]}}";
  };
  CHECK_THAT(error_of("{}"), Contains("there are no rules"));
  CHECK_THAT(error_of(rule(R"({"uri": "com.ok"})")),
             Contains("rules.user[1].uri") && Contains("already"));
  CHECK_THAT(error_of(rule(R"({"match": "prefix"})")), Contains("rules.user[1].uri: is missing"));
  CHECK_THAT(error_of(rule(R"({"uri": "a..b"})")), Contains("empty component"));
  CHECK_THAT(error_of(rule(R"({"uri": "a", "mach": "prefix"})")), Contains("no key \"mach\""));
  CHECK_THAT(error_of(rule(R"({"uri": "a", "match": "regex"})")),
             Contains("exact, prefix or wildcard"));
  CHECK_THAT(error_of(rule(R"({"uri": "a", "allow": {"delete": true}})")),
             Contains("allow.delete") && Contains("publish, subscribe, call or register"));
  CHECK_THAT(error_of(rule(R"({"uri": "a", "allow": {"call": 1}})")), Contains("true or false"));
  CHECK_THAT(error_of(rule(R"({"uri": "a", "disclose": {"callee": true}})")),
             Contains("no key \"callee\""));
  CHECK_THAT(error_of(rule(R"({"uri": "a", "disclose": {"caller": "maybe"}})")),
             Contains("never, request or always"));
  for (const char* time : {"\"5\"", "\"5d\"", "-1", "\"s\"", "86400001", "{}", "\"25h\"",
                           "\"5124095576031h\"",  // which in 64 bits is half an hour again
                           "\"9223372036854775808ms\""}) {
    CAPTURE(time);
    CHECK_THAT(error_of(rule(R"({"uri": "a", "remember": )" + std::string(time) + "}")),
               Contains("rules.user[1].remember"));
  }
  CHECK_THAT(error_of(rule(R"({"uri": "a", "remember": true, "cache": true})")),
             Contains("another word"));
  CHECK_THAT(error_of(R"({"rules": {"user": {}}})"), Contains("must be a list"));
  CHECK_THAT(error_of(R"({"max_rules": 1, "rules": {"user": [{"uri": "a"}, {"uri": "b"}]}})"),
             Contains("max_rules = 1"));
  CHECK_THAT(error_of(R"({"file": "/nonexistent/rules.json"})"),
             Contains("/nonexistent/rules.json") && Contains("No such file"));
  CHECK_THAT(error_of(R"({"file": "/tmp"})"), Contains("no regular file"));
}

}  // namespace
