// Guessing where a procedure decides, or knows the users (checklist N-06): it is not asked before
// the client's turn, spellings of one name count together, and the owner gets in all the same.
#include "tests/protocol/auth_world.hpp"

namespace nexus::test {
namespace {

const Link kLink{Carrier::raw_tcp, Format::json};
constexpr const char* kAttacker = "127.0.0.66";
constexpr const char* kOwner = "127.0.0.9";

// After two wrong answers one attempt waits longer than this test lasts, and the next is refused.
constexpr const char* kStrict = R"({"failures_per_authid": 2, "failures_per_address": 2,
  "failure_delay": "9s", "max_failure_delay": "9s"})";
// The same without addresses.
constexpr const char* kByName = R"({"failures_per_authid": 2, "failures_per_address": 0,
  "failure_delay": "9s", "max_failure_delay": "9s"})";
constexpr const char* kTooMany = "too many failed attempts, try again later";

struct Guesses {
  Guesses(std::string_view type, std::string_view section, std::string_view limits)
      // One loop: what one client says first is heard first, whoever says something next.
      : router(1, with_authenticator(type, to_json(merged(json(section), json(limits))))),
        backend(Peer::joined(router, kLink, "realm2")),
        registration(backend->register_procedure("com.example.who")) {}

  // Says HELLO from there.
  Peer& hello(const char* from, std::string_view authid, const char* method = "ticket") {
    WireOptions options;
    options.from = from;
    peers.push_back(std::make_unique<Peer>(router, kLink, options));
    peers.back()->send(list(kHello, "realm1", claiming(method, authid)));
    return *peers.back();
  }
  // And answers the challenge.
  Peer& ticket(const char* from, std::string_view authid, const char* shown) {
    Peer& peer = hello(from, authid);
    peer.expect(kChallenge);
    peer.send(list(kAuthenticate, shown, dict()));
    return peer;
  }
  // The next question, which has to be about this one.
  uint64_t asked(std::string_view authid) {
    const Message invocation = backend->expect_invocation(registration);
    CHECK(invocation.args().at(1).as_string() == authid);
    return invocation.request();
  }

  RouterFixture router;
  std::unique_ptr<Peer> backend;
  uint64_t registration;
  std::vector<std::unique_ptr<Peer>> peers;
};

constexpr const char* kDynamic = R"({"realm": "realm2", "procedure": "com.example.who",
  "methods": ["ticket", "x-token"]})";
constexpr const char* kUsers = R"({"procedure_realm": "realm2", "procedure": "com.example.who",
  "role": "user"})";

}  // namespace

TEST_CASE("N-06: who guesses by a procedure does not keep the owner out") {
  Guesses guesses("dynamic", kDynamic, kStrict);
  for (int i = 0; i < 2; ++i) {
    Peer& wrong = guesses.ticket(kAttacker, "alice", "wrong");
    guesses.backend->error(guesses.asked("alice"), "com.example.no");
    CHECK(denial(wrong) == "authentication failed");
  }
  guesses.ticket(kAttacker, "alice", "wrong").wire().close();  // waits, and goes meanwhile
  // Nobody takes a turn by being refused, and the procedure does not hear of it.
  for (int i = 0; i < 5; ++i)
    CHECK(denial(guesses.ticket(kAttacker, "alice", "wrong")) == kTooMany);
  for (int i = 0; i < 5; ++i) {
    Peer& guess = guesses.hello(kAttacker, "alice", "x-token");
    CHECK(denial(guess) == kTooMany);
  }
  for (int i = 0; i < 3; ++i) {
    Peer& owner = guesses.ticket(kOwner, "alice", "right");
    guesses.backend->yield(guesses.asked("alice"), dict(), list("user"));
    CHECK(owner.expect(kWelcome).details().find("authid").as_string() == "alice");
  }
}

TEST_CASE("N-06: an attempt before its turn waits, and the procedure is asked then") {
  Guesses guesses("dynamic", kDynamic, R"({"failures_per_authid": 1, "failure_delay": "1ms",
                                           "max_failure_delay": "9s"})");
  for (int i = 0; i < 4; ++i) {
    Peer& wrong = guesses.ticket(kAttacker, "alice", "wrong");
    guesses.backend->error(guesses.asked("alice"), "com.example.no");
    CHECK(denial(wrong) == "authentication failed");
  }
}

TEST_CASE("N-06: spellings of one name are guesses at one user") {
  SECTION("upper and lower case") {
    Guesses guesses("dynamic", kDynamic, kByName);
    for (const char* spelling : {"alice", " ALICE"}) {
      Peer& wrong = guesses.ticket(kAttacker, spelling, "wrong");
      guesses.backend->error(guesses.asked(spelling), "com.example.no");
      denial(wrong);
    }
    guesses.ticket(kAttacker, "aLiCe", "wrong");
    CHECK(denial(guesses.ticket(kAttacker, "AlIcE", "wrong")) == kTooMany);
  }
  SECTION("whatever the procedure says who was meant") {
    Guesses guesses("dynamic", kDynamic, kByName);
    for (const char* spelling : {"alice@example.com", "4711"}) {
      Peer& wrong = guesses.ticket(kAttacker, spelling, "wrong");
      guesses.backend->error(guesses.asked(spelling), "com.example.no", dict(), list(),
                             dict({{"authid", "alice"}}));
      denial(wrong);
    }
    guesses.ticket(kAttacker, "alice", "wrong");
    CHECK(denial(guesses.ticket(kAttacker, "alice", "wrong")) == kTooMany);
  }
  SECTION("whose entry the procedure answers") {
    Guesses guesses("ticket", kUsers, kByName);
    const Value entry = json(R"({"authid": "alice", "ticket": "right"})");
    int number = 0;
    const auto guess = [&]() -> Peer& {
      const std::string spelling = "alice" + std::to_string(++number);
      Peer& peer = guesses.hello(kAttacker, spelling);
      guesses.backend->yield(guesses.asked(spelling), dict(), list(entry));
      peer.expect(kChallenge);
      peer.send(list(kAuthenticate, "wrong", dict()));
      return peer;
    };
    for (int i = 0; i < 2; ++i) CHECK(denial(guess()) == "authentication failed");
    guess();  // waits
    CHECK(denial(guess()) == kTooMany);
  }
}

TEST_CASE("N-06: a procedure that knows the users is not asked before the client's turn") {
  SECTION("after wrong answers") {
    Guesses guesses("ticket", kUsers, kStrict);
    const Value entry = json(R"({"ticket": "right"})");
    for (int i = 0; i < 2; ++i) {
      Peer& wrong = guesses.hello(kAttacker, "alice");
      guesses.backend->yield(guesses.asked("alice"), dict(), list(entry));
      wrong.expect(kChallenge);
      wrong.send(list(kAuthenticate, "wrong", dict()));
      CHECK(denial(wrong) == "authentication failed");
    }
    guesses.hello(kAttacker, "alice");  // waits
    for (int i = 0; i < 20; ++i) CHECK(denial(guesses.hello(kAttacker, "alice")) == kTooMany);
    // The next question is the owner's, who has one turn and not two.
    Peer& owner = guesses.hello(kOwner, "alice");
    guesses.backend->yield(guesses.asked("alice"), dict(), list(entry));
    owner.expect(kChallenge);
    owner.send(list(kAuthenticate, "right", dict()));
    owner.expect(kWelcome);
  }
  SECTION("after many HELLOs that nothing follows") {
    Guesses guesses("ticket", kUsers, kStrict);
    for (const char* authid : {"alice", "bob"}) {
      Peer& silent = guesses.hello(kAttacker, authid);
      guesses.backend->yield(guesses.asked(authid), dict(), list(json(R"({"ticket": "right"})")));
      silent.expect(kChallenge);
      silent.send(list(kAbort, dict(), "wamp.error.authentication_failed"));
      silent.expect_closed();
    }
    guesses.hello(kAttacker, "carol");  // waits
    for (int i = 0; i < 20; ++i) {
      CHECK(denial(guesses.hello(kAttacker, "user" + std::to_string(i))) == kTooMany);
    }
    // It was the address alone: names have not been tried.
    for (const char* authid : {"alice", "bob"}) {
      Peer& owner = guesses.hello(kOwner, authid);
      guesses.backend->yield(guesses.asked(authid), dict(), list(json(R"({"ticket": "right"})")));
      owner.expect(kChallenge);
      owner.send(list(kAuthenticate, "right", dict()));
      owner.expect(kWelcome);
    }
  }
}

TEST_CASE("N-06: attempts that all begin before the first has failed take their turns as well") {
  Guesses guesses("ticket", kUsers, kStrict);
  constexpr size_t kAtOnce = 12;
  const Value entry = dict({{"ticket", "right"}, {"role", "user"}});
  for (size_t i = 0; i < kAtOnce; ++i) {
    Peer& peer = guesses.hello(kAttacker, "alice");
    guesses.backend->yield(guesses.asked("alice"), dict(), list(entry));
    peer.expect(kChallenge);
  }
  size_t wrong = 0, refused = 0;
  for (size_t i = 0; i < kAtOnce; ++i) {
    Peer& peer = *guesses.peers[i];
    peer.send(list(kAuthenticate, "guess", dict()));
    if (wrong == 2 && i == 2) continue;  // it waits for its turn, longer than this test lasts
    const std::string text = denial(peer);
    text == kTooMany ? ++refused : ++wrong;
  }
  CHECK(wrong == 2);
  CHECK(refused == kAtOnce - 3);
}

}  // namespace nexus::test
