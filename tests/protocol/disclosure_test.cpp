// Disclosure where the realm, the authorizer and the callee want different things (checklist Z-10,
// P-25, R-65).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("R-65, Z-10: a caller that may never be disclosed is not, whatever the callee asks for") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_test_plugins({"authz_async"}, R"({"realms": {"one": {
      "disclose_caller": "request", "authorizers": {"tested": {"type": "authz-test"}}}}})"));
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure(
      "com.example", dict({{"match", "prefix"}, {"disclose_caller", true}}));
  caller.call("com.example.anonymous");
  CHECK_FALSE(callee.expect_invocation(registration).details().find("caller"));
  caller.call("com.example.plain");  // else the realm's setting holds
  CHECK(callee.expect_invocation(registration).details().find("caller").as_uint() ==
        caller.session());
}

TEST_CASE("P-25, Z-10: a rule for who asks to be disclosed stands above a realm that always does") {
  FOR_ALL_SETUPS(setup);
  const Value patch = json(R"({"realms": {"one": {
      "disclose_publisher": "always", "disclose_caller": "always",
      "authorizers": {"rules": {"type": "roles", "rules": {"*": [
        {"uri": "com.example.asks.", "match": "prefix",
         "allow": {"publish": true, "subscribe": true, "call": true, "register": true},
         "disclose": {"publisher": "request", "caller": "request"}},
        {"uri": "com.example.", "match": "prefix",
         "allow": {"publish": true, "subscribe": true, "call": true, "register": true}}]}}}}}})");
  Value files = list("nexus-authorizer-roles.so");
  const Value loaded = json(with_test_plugins({}, to_json(patch)));
  const Value usual = loaded.find("plugins").find("load");
  for (size_t i = 0; i < usual.size(); ++i) files.append(usual.at(i));
  World world(setup, to_json(merged(loaded, dict({{"plugins", dict({{"load", files}})}}))));
  Peer& one = world.join();
  Peer& two = world.join();
  const auto publisher_of = [&](const char* topic, const Value& options) {
    const uint64_t id = one.subscribe(topic);
    two.publish(topic, options);
    return one.expect_event(id).details().find("publisher");
  };
  CHECK_FALSE(publisher_of("com.example.asks.a", dict()));
  CHECK(publisher_of("com.example.asks.b", dict({{"disclose_me", true}})).as_uint() ==
        two.session());
  CHECK(publisher_of("com.example.c", dict()).as_uint() == two.session());
  const auto caller_of = [&](const char* procedure, const Value& options) {
    const uint64_t id = one.register_procedure(procedure);
    two.call(procedure, options);
    return one.expect_invocation(id).details().find("caller");
  };
  CHECK_FALSE(caller_of("com.example.asks.a", dict()));
  CHECK(caller_of("com.example.asks.b", dict({{"disclose_me", true}})).as_uint() == two.session());
  CHECK(caller_of("com.example.c", dict()).as_uint() == two.session());
}

}  // namespace
}  // namespace nexus::test
