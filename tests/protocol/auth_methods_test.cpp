// WAMP-CRA, cryptosign and WAMP-SCRAM over the wire, and what a hostile client may try with each of
// them: an answer that is wrong, cut short, late, given twice, old, or of another session
// (checklist N-02 … N-05, N-20 … N-48). The methods' own details are in tests/unit/auth.
#include "tests/protocol/auth_ways.hpp"

namespace nexus::test {

TEST_CASE("N-02: who proves to be joe is joe, by every method") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    Peer& peer = world.connect();
    peer.send(way.answer(challenged(way, peer)));
    const Value welcome = peer.expect(kWelcome).details();
    CHECK(welcome.find("authid").as_string() == "joe");
    CHECK(welcome.find("authrole").as_string() == "user");
    CHECK(welcome.find("authmethod").as_string() == way.method);
    CHECK(welcome.find("authprovider").as_string() == "static");
    peer.sync();
    // And again on the same connection.
    peer.leave();
    peer.send(way.answer(challenged(way, peer)));
    peer.expect(kWelcome);
  }
}

TEST_CASE("N-04: answers that are wrong, cut, old, or of another session") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    const auto refused = [&](auto answer, std::string_view authid = "joe") {
      Peer& peer = world.connect();
      peer.send(answer(challenged(way, peer, authid)));
      CHECK(denial(peer) == "authentication failed");
    };
    Peer& honest = world.connect();
    const Value old = way.answer(challenged(way, honest));
    honest.send(old);
    honest.expect(kWelcome);

    refused([&](const Message&) { return old; });
    refused([&](const Message& c) { return changed(way.answer(c), text_of(old.at(1))); });
    refused([&](const Message& c) { return changed(way.answer(c), ""); });
    refused([&](const Message& c) { return changed(way.answer(c), std::string(50'000, 'A')); });
    refused([&](const Message& c) {
      const Value answer = way.answer(c);
      return changed(answer, text_of(answer.at(1)).substr(0, text_of(answer.at(1)).size() - 4));
    });
    refused([&](const Message& c) {
      const Value answer = way.answer(c);
      return changed(answer, text_of(answer.at(1)) + text_of(answer.at(1)));
    });
    refused([&](const Message& c) { return way.answer(c); }, "eve");  // N-03: nobody

    // Two sessions that are open at once, each with the other's answer.
    Peer& one = world.connect();
    Peer& two = world.connect();
    const Message first = challenged(way, one);
    const Message second = challenged(way, two);
    one.send(way.answer(second));
    two.send(way.answer(first));
    CHECK(denial(one) == "authentication failed");
    CHECK(denial(two) == "authentication failed");
  }
}

TEST_CASE("N-04: one answer for a challenge, and after a wrong one no other") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    Peer& guessing = world.connect();
    const Value right = way.answer(challenged(way, guessing));
    guessing.send_all({changed(right, "wrong"), right});
    CHECK(denial(guessing) == "authentication failed");
    Peer& repeating = world.connect();
    const Value good = way.answer(challenged(way, repeating));
    repeating.send_all({good, good});
    repeating.expect(kWelcome);
    repeating.expect_violation();
  }
}

TEST_CASE("S-06: an answer that comes too late") {
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world({{Carrier::raw_tcp, Format::json}, 3},
                patch(way, R"({"authentication_timeout": "60ms"})"));
    Peer& peer = world.connect();
    challenged(way, peer);
    peer.expect_abort("wamp.error.authentication_failed");
  }
}

TEST_CASE("N-03: HELLO without what the method needs") {
  FOR_ALL_SETUPS(setup);
  for (const Way& way : ways()) {
    CAPTURE(way.method);
    World world(setup, patch(way));
    const auto denied = [&](const Value& details) {
      Peer& peer = world.connect();
      peer.send(list(kHello, "realm1", details));
      CHECK_FALSE(denial(peer).empty());
    };
    if (way.type != "cryptosign") denied(claiming(way.method, "", json(way.authextra)));
    denied(claiming(way.method, std::string(10'000, 'j'), json(way.authextra)));
    if (way.type == "wampcra") continue;
    for (const char* wrong :
         {"{}", R"({"nonce": 5, "pubkey": 5})", R"({"nonce": "x", "pubkey": "x"})",
          R"({"nonce": {"a": []}, "pubkey": [1, 2]})", R"({"nonce": null, "pubkey": null})"}) {
      denied(claiming(way.method, "joe", json(wrong)));
    }
  }
}

TEST_CASE("N-01: several methods over the same users, in the client's order") {
  FOR_ALL_SETUPS(setup);
  const Value users = json(R"({"joe": {"ticket": "one", "wampcra": "two"},
                               "ann": {"ticket": "three"}})");
  const auto section = [&](const char* type) {
    return dict({{"type", type}, {"role", "user"}, {"unknown", "pass"}, {"users", users}});
  };
  const Value realm =
      dict({{"authenticators", dict({{"a", section("ticket")}, {"b", section("wampcra")}})}});
  World world(setup, to_json(dict({{"realms", dict({{"one", realm}})}})));
  const auto first = [&](const char* authid) {
    Peer& peer = world.connect();
    const Value details = merged(
        client_details(), dict({{"authid", authid}, {"authmethods", list("wampcra", "ticket")}}));
    const Message reply = peer.hello("realm1", details);
    return text_of(reply.at(reply.type() == kChallenge ? 1 : 2));
  };
  CHECK(first("joe") == "wampcra");
  CHECK(first("ann") == "ticket");  // who has no secret for the first one
  CHECK(first("eve") == "wamp.error.no_matching_auth_method");
}

}  // namespace nexus::test
