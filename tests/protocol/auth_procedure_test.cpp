// Users that a procedure knows, by every method that challenges (checklist N-06): it answers with
// the user's entry, and the router verifies.
#include "tests/protocol/auth_ways.hpp"

namespace nexus::test {
namespace {

const Setup kSetup{{Carrier::raw_tcp, Format::json}, 3};

// realm1 with this method, whose users a procedure of realm2 knows.
std::string asking(const Way& way, std::string_view more = "{}", std::string_view router = "{}") {
  const Value section =
      merged(json(R"({"procedure": "com.example.user", "procedure_realm": "realm2",
      "role": "user", "failures_per_address": 0, "failures_per_authid": 0})"),
             merged(json(way.router), json(more)));
  return with_authenticator(way.type, to_json(section), router);
}

// A router with the backend that has the procedure.
struct Asked {
  Asked(const Way& way, std::string_view more = "{}")
      : world(kSetup, asking(way, more)),
        backend(world.join_realm("realm2")),
        registration(backend.register_procedure("com.example.user")) {}

  // Says HELLO; what the procedure is asked.
  Message hello(Peer& client, const Way& way, std::string_view authid = "joe") {
    client.send(list(kHello, "realm1", claiming(way.method, authid, json(way.authextra))));
    return backend.expect_invocation(registration);
  }
  // HELLO up to the end, the procedure answering `record`.
  Peer& join(const Way& way, const Value& record, std::string_view authid = "joe") {
    Peer& client = world.connect();
    backend.yield(hello(client, way, authid).request(), dict(), list(record));
    client.send(way.answer(client.expect(kChallenge)));
    return client;
  }

  World world;
  Peer& backend;
  uint64_t registration;
};

Way ticket_way() {
  return {"ticket",
          "ticket",
          R"({"ticket": "open sesame"})",
          "{}",
          "{}",
          [](const Message&) { return list(kAuthenticate, "open sesame", dict()); }};
}

std::vector<Way> all_ways() {
  std::vector<Way> all = ways();
  all.push_back(ticket_way());
  return all;
}

}  // namespace

TEST_CASE("N-06: a procedure knows the users, by every method") {
  for (const Way& way : all_ways()) {
    CAPTURE(way.method);
    Asked asked(way);
    Peer& client = asked.world.connect();
    const Message question = asked.hello(client, way);
    CHECK(question.args().at(0).as_string() == "realm1");
    CHECK(question.args().at(1).as_string() == "joe");
    const Value details = question.args().at(2);
    CHECK(details.find("authmethod").as_string() == way.method);
    CHECK(details.find("authextra") == json(way.authextra));
    const Value entry = merged(json(way.secret), json(R"({"role": "admin", "extra": {"a": 1}})"));
    asked.backend.yield(question.request(), dict(), list(entry));
    client.send(way.answer(client.expect(kChallenge)));
    const Value welcome = client.expect(kWelcome).details();
    CHECK(welcome.find("authid").as_string() == "joe");
    CHECK(welcome.find("authrole").as_string() == "admin");
    CHECK(welcome.find("authmethod").as_string() == way.method);
    CHECK(welcome.find("authextra").find("a").as_int() == 1);
    CHECK(welcome.find("authextra").size() == (way.type == "scram" ? 2 : 1));

    // The role of the section where the entry has none; another secret does not fit.
    Peer& plain = asked.join(way, json(way.secret));
    CHECK(plain.expect(kWelcome).details().find("authrole").as_string() == "user");
    Peer& wrong = asked.world.connect();
    asked.backend.yield(asked.hello(wrong, way).request(), dict(), list(json(way.secret)));
    wrong.send(changed(way.answer(wrong.expect(kChallenge)), "bm90IGl0"));
    CHECK(denial(wrong) == "authentication failed");
  }
}

TEST_CASE("N-06: shapes of a user's entry") {
  const std::vector<Way> known = ways();
  const std::string key = to_hex(ed25519_public_key(kSeed));
  const std::string other = to_hex(ed25519_public_key(std::string(32, 't')));
  struct Case {
    const Way& way;
    std::string entry;
    const char *authid, *realm;
  };
  for (const Case& one :
       {Case{known[0], R"({"secret": "secret"})", "joe", "realm1"},
        Case{known[1], R"({"secret": "XX9AIwVx2pYcnIAm+U69vjdUImcvNehHD5atN4rwDb0=",
               "salt": "salt123", "iterations": 1000, "keylen": 32})",
             "joe", "realm1"},
        Case{known[0], R"({"secret": "secret", "authid": "joseph", "realm": "realm2"})", "joseph",
             "realm2"},
        Case{known[2], R"({"pubkey": ")" + key + "\"}", "joe", "realm1"},
        Case{known[2], R"({"pubkeys": [")" + other + R"(", ")" + key + "\"]}", "joe", "realm1"}}) {
    CAPTURE(one.entry);
    Asked asked(one.way);
    const Value welcome = asked.join(one.way, json(one.entry)).expect(kWelcome).details();
    CHECK(welcome.find("authid").as_string() == one.authid);
    CHECK(welcome.find("realm").as_string() == one.realm);
  }
  // Who claims no name is who the entry says, or its key.
  Asked asked(known[2]);
  for (const bool named : {true, false}) {
    const Value entry =
        named ? dict({{"pubkey", key}, {"authid", "ann"}}) : dict({{"pubkey", key}});
    const Value welcome = asked.join(known[2], entry, "").expect(kWelcome).details();
    CHECK(welcome.find("authid").as_string() == (named ? "ann" : key));
  }
}

// A procedure in JavaScript: msgpack and CBOR have its whole numbers as float64.
Value as_javascript(const Value& value) {
  if (value.is(NX_INT)) return Value::real(static_cast<double>(value.as_int()));
  if (!value.is(NX_DICT)) return value;
  Value out = Value::dict();
  for (size_t i = 0; i < value.size(); ++i) {
    out.append(value.key_at(i), as_javascript(value.at(i)));
  }
  return out;
}

TEST_CASE("U-01, N-06: whole numbers in a user's entry may be floats") {
  for (const Format format : kFormats) {
    for (const Way& way : ways()) {
      CAPTURE(way.method, format_name(format));
      World world({{Carrier::raw_tcp, format}, 3}, asking(way));
      Peer& backend = world.join_realm("realm2");
      const uint64_t registration = backend.register_procedure("com.example.user");
      const auto challenge = [&](const Value& entry) {
        Peer& client = world.connect();
        client.send(list(kHello, "realm1", claiming(way.method, "joe", json(way.authextra))));
        backend.yield(backend.expect_invocation(registration).request(), dict(), list(entry));
        return &client;
      };
      Peer* client = challenge(as_javascript(json(way.secret)));
      client->send(way.answer(client->expect(kChallenge)));
      client->expect(kWelcome);
      const Value secret = json(way.secret).find(way.type);
      if (!secret.find("iterations")) continue;
      const Value half = dict({{"iterations", Value::real(1000.5)}});
      client = challenge(dict({{way.type, merged(secret, half)}}));
      CHECK(client->expect(kAbort).uri() == "wamp.error.authentication_failed");
    }
  }
}

TEST_CASE("N-06: whom the procedure does not know is challenged and denied") {
  for (const Way& way : all_ways()) {
    CAPTURE(way.method);
    Asked asked(way);
    for (const char* entry : {"an error", "null", R"({"role": "user"})"}) {
      CAPTURE(entry);
      Peer& client = asked.world.connect();
      const uint64_t request = asked.hello(client, way).request();
      if (std::string_view(entry) == "an error") {
        asked.backend.error(request, "com.example.unknown");
      } else {
        asked.backend.yield(request, dict(), list(json(entry)));
      }
      client.send(way.answer(client.expect(kChallenge)));
      CHECK(denial(client) == "authentication failed");
    }
  }
}

TEST_CASE("N-06: an entry that is none, and nobody who answers, fail") {
  const Way way = ticket_way();
  Asked asked(way);
  const auto failed = [&](const Value& answer) {
    Peer& client = asked.world.connect();
    asked.backend.yield(asked.hello(client, way).request(), dict(), list(answer));
    CHECK(client.expect(kAbort).uri() == "wamp.error.authentication_failed");
  };
  for (const char* entry :
       {"5", R"("user")", "[]", R"({"ticket": 5})", R"({"ticket": ""})", R"({"tickets": "hidden"})",
        R"({"role": 5, "ticket": "hidden"})", R"({"ticket": "hidden", "realms": ["realm1"]})",
        R"({"ticket": "hidden", "extra": 5})", R"({"ticket": "hidden", "realm": []})",
        R"({"ticket": "hidden", "salt": "hidden"})", R"({"pubkey": "hidden"})",
        R"({"secret": "hidden", "wampcra": "hidden"})"}) {
    CAPTURE(entry);
    failed(json(entry));
  }
  // Each fault once a minute; two of them are told in the words of another.
  CHECK(asked.world.router.log_count("did not decide") == 11);
  CHECK(asked.world.router.log_count("hidden") == 0);

  // One that goes while it is asked, and one that has gone.
  Peer& waiting = asked.world.connect();
  asked.hello(waiting, way);
  asked.backend.leave();
  CHECK(waiting.expect(kAbort).uri() == "wamp.error.authentication_failed");
  Peer& late = asked.world.connect();
  late.send(list(kHello, "realm1", claiming("ticket", "joe")));
  CHECK(late.expect(kAbort).uri() == "wamp.error.authentication_failed");

  Asked slow(way, R"({"procedure_timeout": "50ms"})");
  Peer& patient = slow.world.connect();
  slow.hello(patient, way);
  CHECK(patient.expect(kAbort).uri() == "wamp.error.authentication_failed");
}

TEST_CASE("N-06: users of the section are not asked about, and a client may go") {
  const Way way = ticket_way();
  Asked asked(way, R"({"users": {"ann": {"ticket": "open sesame"}}})");
  Peer& ann = asked.world.connect();
  REQUIRE(ann.hello("realm1", claiming("ticket", "ann")).type() == kChallenge);
  ann.send(way.answer({}));
  ann.expect(kWelcome);
  Peer& gone = asked.world.connect();
  const uint64_t request = asked.hello(gone, way).request();
  gone.wire().close();
  asked.backend.yield(request, dict(), list(json(way.secret)));
  asked.join(way, json(way.secret)).expect(kWelcome);
}

TEST_CASE("N-06: the authenticator dynamic lets nobody in by a secret that it does not check") {
  World world(kSetup, with_authenticator("dynamic", R"({"realm": "realm2", "methods": ["wampcra"],
                                 "procedure": "com.example.user"})"));
  Peer& backend = world.join_realm("realm2");
  const uint64_t registration = backend.register_procedure("com.example.user");
  for (const char* answer : {R"({"role": "user", "secret": "s"})", R"({"role": "a", "ticket": ""})",
                             R"({"role": "user", "cryptosign": []})"}) {
    Peer& client = world.connect();
    client.send(list(kHello, "realm1", claiming("wampcra", "joe")));
    backend.yield(backend.expect_invocation(registration).request(), dict(), list(json(answer)));
    CHECK(client.expect(kAbort).uri() == "wamp.error.authentication_failed");
  }
}

}  // namespace nexus::test
