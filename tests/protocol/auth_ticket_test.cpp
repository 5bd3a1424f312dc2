// Ticket authentication against a hostile client (checklist N-15, N-01 … N-04), and what holds for
// all authenticators with users: unknown names, wrong answers in masses, answers that come late.
#include "tests/protocol/auth_world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kSection = R"({"role": "user", "provider": "file", "users": {
  "joe": {"ticket": "secret"},
  "ann": {"role": "admin", "ticket": {"kdf": "pbkdf2", "salt": "c2FsdHNhbHQ=",
    "iterations": 1000, "key": "C+w4bkkxux/6iuxBJHXHCpexx+t+30Y3y6nLwktObDw="}},
  "far": {"realms": ["realm2"], "ticket": "secret"}}})";

Message challenged(Peer& peer, std::string_view authid) {
  const Message challenge = peer.hello("realm1", claiming("ticket", authid));
  REQUIRE(challenge.type() == kChallenge);
  CHECK(challenge.at(1).as_string() == "ticket");
  CHECK(challenge.details() == dict());
  return challenge;
}

}  // namespace

TEST_CASE("N-15: the right ticket opens a session") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("ticket", kSection));
  for (const auto& [authid, ticket, role] :
       {std::tuple{"joe", "secret", "user"}, std::tuple{"ann", "open sesame", "admin"}}) {
    Peer& peer = world.connect();
    challenged(peer, authid);
    peer.send(list(kAuthenticate, ticket, dict()));
    const Value welcome = peer.expect(kWelcome).details();
    CHECK(welcome.find("authid").as_string() == authid);
    CHECK(welcome.find("authrole").as_string() == role);
    CHECK(welcome.find("authmethod").as_string() == "ticket");
    CHECK(welcome.find("authprovider").as_string() == "file");
    peer.sync();
  }
}

TEST_CASE("N-03: a wrong ticket, an unknown name and a user of another realm look the same") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("ticket", kSection));
  for (const char* authid : {"joe", "ann", "far", "eve"}) {
    CAPTURE(authid);
    Peer& peer = world.connect();
    challenged(peer, authid);
    peer.send(list(kAuthenticate, authid[0] == 'f' ? "secret" : "wrong", dict()));
    CHECK(denial(peer) == "authentication failed");
  }
  CHECK(world.router.log_count("secret") == 0);
  CHECK(world.router.log_count("wrong ticket") == 2);
}

TEST_CASE("N-04: a second answer after a wrong one does not help") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("ticket", kSection));
  for (const char* authid : {"joe", "ann"}) {  // at once, and on a work thread
    Peer& peer = world.connect();
    challenged(peer, authid);
    peer.send_all({list(kAuthenticate, "wrong", dict()),
                   list(kAuthenticate, authid[0] == 'j' ? "secret" : "open sesame", dict())});
    CHECK(denial(peer) == "authentication failed");
  }
}

TEST_CASE("N-04: a client that goes while its ticket is looked at") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("ticket", kSection));
  for (int i = 0; i < 20; ++i) {
    Peer& peer = world.connect();
    challenged(peer, "ann");
    peer.send(list(kAuthenticate, "open sesame", dict()));
    i % 2 == 0 ? peer.wire().close() : peer.wire().reset();
  }
  Peer& peer = world.connect();
  challenged(peer, "ann");
  peer.send(list(kAuthenticate, "open sesame", dict()));
  peer.expect(kWelcome);
}

TEST_CASE("N-15: HELLO without an authid is denied") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authenticator("ticket", kSection));
  Peer& peer = world.connect();
  peer.send(list(kHello, "realm1", claiming("ticket", "")));
  CHECK(denial(peer) == "authid is missing");
}

TEST_CASE("wrong answers in masses are slowed down and then refused, others are not") {
  World world(
      {{Carrier::raw_tcp, Format::json}, 3},
      with_authenticator("ticket", to_json(merged(json(kSection), json(R"({"failures_per_authid": 3,
                    "failures_per_address": 0, "failure_delay": "20ms",
                    "max_failure_delay": "200ms"})")))));
  int refused = 0;
  std::vector<Peer*> peers;
  for (int i = 0; i < 40; ++i) {
    peers.push_back(&world.connect());
    challenged(*peers.back(), "joe");
  }
  for (Peer* peer : peers) peer->send(list(kAuthenticate, "wrong", dict()));
  for (Peer* peer : peers) {
    const std::string text = denial(*peer);
    if (text == "too many failed attempts, try again later") {
      ++refused;
    } else {
      CHECK(text == "authentication failed");
    }
  }
  CHECK(refused > 0);
  Peer& other = world.connect();
  challenged(other, "ann");
  other.send(list(kAuthenticate, "open sesame", dict()));
  other.expect(kWelcome);
}

TEST_CASE("a router stops while answers wait for their turn") {
  RouterFixture router(3, with_authenticator("ticket", to_json(merged(json(kSection), json(R"({
    "failures_per_authid": 1, "failure_delay": "5s", "max_failure_delay": "5s"})")))));
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(std::make_unique<Peer>(router, Link{Carrier::raw_tcp, Format::json}));
    REQUIRE(peers.back()->hello("realm1", claiming("ticket", "joe")).type() == kChallenge);
    peers.back()->send(list(kAuthenticate, i == 0 ? "wrong" : "secret", dict()));
    if (i == 0) CHECK(denial(*peers.back()) == "authentication failed");
  }
  router.stop(std::chrono::milliseconds(0));
  for (size_t i = 1; i < peers.size(); ++i) CHECK(peers[i]->wire().drain_until_closed());
}

}  // namespace nexus::test
