// For how long the authorizer "dynamic" has its procedure's answers remembered (Z-05).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// Anonymous clients are "user"; with the method async-test they are "backend", who has the
// procedure. `more` is appended to the authorizer's options, `realm` goes into the realm's.
std::string asking(const std::string& more, std::string_view realm = "{}") {
  const Value section = json(R"({
    "authenticators": {"guests": {"type": "anonymous", "role": "user"},
                       "backend": {"type": "async-test", "mode": "now", "role": "backend"}},
    "authorizers": {"asked": {"type": "dynamic", "procedure": "com.authorize",
                              "provider_roles": ["backend"], "trusted_roles": ["backend"])" +
                             more + "}}}");
  const Value patch = dict({{"realms", dict({{"one", merged(section, json(realm))}})}});
  const Value loaded = json(with_test_plugins({"auth_async"}, to_json(patch)));
  Value files = list("nexus-authorizer-dynamic.so");
  const Value usual = loaded.find("plugins").find("load");
  for (size_t i = 0; i < usual.size(); ++i) files.append(usual.at(i));
  return to_json(merged(loaded, dict({{"plugins", dict({{"load", std::move(files)}})}})));
}

Peer& join_backend(World& world) {
  return world.join_realm("realm1",
                          merged(client_details(), json(R"({"authmethods": ["async-test"]})")));
}

TEST_CASE("U-01, Z-05: for how long an answer is remembered may be a float that is whole") {
  for (const Format format : kFormats) {
    CAPTURE(format_name(format));
    World world({{Carrier::raw_tcp, format}, 2}, asking(""));
    Peer& backend = join_backend(world);
    const uint64_t authorize = backend.register_procedure("com.authorize");
    Peer& user = world.join();
    const auto call = [&](const Value& cache) {
      const uint64_t request = user.call("com.p");
      backend.yield(backend.expect_invocation(authorize).request(), dict(),
                    list(dict({{"allow", true}, {"cache", cache}})));
      return request;
    };
    user.expect_call_error(call(Value::real(0.5)), "wamp.error.authorization_failed");
    user.expect_call_error(call(Value::real(-1)), "wamp.error.authorization_failed");
    user.expect_call_error(call(Value::real(0)), "wamp.error.no_such_procedure");
    user.expect_call_error(call(Value::real(60000)), "wamp.error.no_such_procedure");
    // Remembered: nobody is asked.
    user.expect_call_error(user.call("com.p"), "wamp.error.no_such_procedure");
    expect_nothing({&backend});
  }
}

TEST_CASE("Z-05: what is remembered does not outlive the procedure that said it") {
  const std::string by = GENERATE("session", "role");
  CAPTURE(by);
  World world({{Carrier::raw_tcp, Format::msgpack}, 3},
              asking(R"(, "remember_by": ")" + by + "\"", R"({"meta_kill_roles": ["backend"]})"));
  Peer& user = world.join();
  struct Backend {
    Peer* peer;
    uint64_t registration;
  };
  const Value options = json(R"({"invoke": "last"})");
  const auto backend = [&] {
    Peer& peer = join_backend(world);
    return Backend{&peer, peer.register_procedure("com.authorize", options)};
  };
  const auto forgotten = [&] {
    user.expect_call_error(user.call("com.p"), "wamp.error.authorization_failed");
  };
  // Asked once, and remembered from then on.
  const auto asked = [&](const Backend& whom) {
    const uint64_t request = user.call("com.p");
    whom.peer->yield(whom.peer->expect_invocation(whom.registration).request(), dict(),
                     list(json(R"({"allow": true, "cache": true})")));
    user.expect_call_error(request, "wamp.error.no_such_procedure");
    user.expect_call_error(user.call("com.p"), "wamp.error.no_such_procedure");
    expect_nothing({whom.peer});
  };
  // Given back, and registered anew by the same one.
  Backend one = backend();
  asked(one);
  one.peer->unregister(one.registration);
  forgotten();
  one.registration = one.peer->register_procedure("com.authorize", options);
  asked(one);
  // Another one takes part in it, and leaves.
  Backend two = backend();
  asked(two);
  two.peer->leave();
  asked(one);
  // What does not change whom a question goes to changes nothing.
  Peer& other = join_backend(world);
  other.register_procedure("com.other");
  other.register_procedure("com.auth", json(R"({"match": "prefix"})"));
  const uint64_t pattern = other.register_procedure(".authorize", json(R"({"match": "wildcard"})"));
  user.expect_call_error(user.call("com.p"), "wamp.error.no_such_procedure");
  expect_nothing({one.peer});
  // Taken off it: a pattern steps in, and its callee is asked.
  const Value who = list(one.registration, one.peer->session());
  other.expect_result(other.call("wamp.registration.remove_callee", dict(), who));
  asked({&other, pattern});
}

}  // namespace
}  // namespace nexus::test
