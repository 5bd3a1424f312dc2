// Authenticator "dynamic" (checklist N-06): a procedure of another realm decides.
#include "tests/protocol/auth_world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kSection = R"({"realm": "realm2", "procedure": "com.example.authenticate",
  "methods": ["ticket", "x-token"], "failures_per_address": 0})";

// A client of realm1 says HELLO, and answers the challenge of ticket.
void begin(Peer& client, const char* method, const char* authid, const char* ticket) {
  const Value details = claiming(method, authid, json(R"({"token": "t"})"));
  if (std::string_view(method) != "ticket") return client.send(list(kHello, "realm1", details));
  REQUIRE(client.hello("realm1", details).type() == kChallenge);
  client.send(list(kAuthenticate, ticket, dict()));
}

}  // namespace

TEST_CASE("N-06: a procedure decides, by realm, authid and details") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("dynamic", kSection));
  Peer& backend = world.join_realm("realm2");
  const uint64_t registration = backend.register_procedure("com.example.authenticate");
  struct Case {
    const char* method;
    Value result;
    const char *authid, *role, *realm;
  };
  for (const Case& one : {Case{"ticket", Value::string("user"), "joe", "user", "realm1"},
                          Case{"x-token", Value::string("user"), "joe", "user", "realm1"},
                          Case{"ticket", json(R"({"role": "admin", "authid": "joseph",
                                 "extra": {"a": 1}})"),
                               "joseph", "admin", "realm1"},
                          Case{"x-token", json(R"({"role": "guest", "realm": "realm2"})"), "joe",
                               "guest", "realm2"}}) {
    Peer& client = world.connect();
    begin(client, one.method, "joe", "secret");
    const Message invocation = backend.expect_invocation(registration);
    const Value args = invocation.args();
    CHECK(args.at(0).as_string() == "realm1");
    CHECK(args.at(1).as_string() == "joe");
    const Value details = args.at(2);
    CHECK(details.find("authmethod").as_string() == one.method);
    CHECK(details.find("authextra") == json(R"({"token": "t"})"));
    CHECK(details.find("transport").find("secure").is(NX_BOOL));
    const bool ticket = std::string_view(one.method) == "ticket";
    CHECK(details.find("ticket").as_string() == (ticket ? "secret" : ""));
    backend.yield(invocation.request(), dict(), list(one.result));
    const Value welcome = client.expect(kWelcome).details();
    CHECK(welcome.find("authid").as_string() == one.authid);
    CHECK(welcome.find("authrole").as_string() == one.role);
    CHECK(welcome.find("realm").as_string() == one.realm);
    CHECK(welcome.find("authprovider").as_string() == "dynamic");
    if (one.result.find("extra")) CHECK(welcome.find("authextra") == one.result.find("extra"));
  }
}

TEST_CASE("N-06: an error, nobody there, no role, and no answer in time are denials") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("dynamic", kSection));
  Peer& nobody = world.connect();
  begin(nobody, "ticket", "joe", "secret");
  CHECK(nobody.expect(kAbort).uri() == "wamp.error.authentication_failed");

  Peer& backend = world.join_realm("realm2");
  const uint64_t registration = backend.register_procedure("com.example.authenticate");
  Peer& refused = world.connect();
  begin(refused, "ticket", "joe", "hidden");
  backend.error(backend.expect_invocation(registration).request(), "com.example.wrong_ticket");
  CHECK(denial(refused) == "authentication failed");
  for (const char* result :
       {"5", "{}", R"({"role": 5})", R"("")", "null", R"({"role": "user", "authid": 4711})",
        R"({"role": "user", "realm": ["realm2"]})"}) {
    Peer& client = world.connect();
    begin(client, "x-token", "joe", "");
    backend.yield(backend.expect_invocation(registration).request(), dict(), list(json(result)));
    CHECK(client.expect(kAbort).uri() == "wamp.error.authentication_failed");
  }
  CHECK(world.router.log_count("hidden") == 0);
  CHECK(world.router.log_count("did not decide") == 1);

  World hasty(setup, with_authenticator("dynamic", to_json(merged(json(kSection), json(R"({
                         "timeout": "50ms"})")))));
  hasty.join_realm("realm2").register_procedure("com.example.authenticate");
  Peer& waiting = hasty.connect();
  begin(waiting, "x-token", "joe", "");
  CHECK(waiting.expect(kAbort).uri() == "wamp.error.authentication_failed");
  CHECK(hasty.router.log_count("did not decide") == 1);
}

TEST_CASE("N-06: a client that goes while the procedure thinks, and a procedure that goes") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("dynamic", kSection));
  Peer& backend = world.join_realm("realm2");
  const uint64_t registration = backend.register_procedure("com.example.authenticate");
  Peer& gone = world.connect();
  begin(gone, "x-token", "joe", "");
  const uint64_t asked = backend.expect_invocation(registration).request();
  gone.wire().close();
  backend.yield(asked, dict(), list("user"));
  Peer& left = world.connect();
  begin(left, "x-token", "joe", "");
  backend.expect_invocation(registration);
  backend.leave();
  CHECK(left.expect(kAbort).uri() == "wamp.error.authentication_failed");
}

}  // namespace nexus::test
