// What the router remembers of its authorizers' answers: for whom, for how long, under which key,
// and until when it is forgotten. With clock and mail in the test's hand.
#include <catch2/catch.hpp>

#include "tests/unit/session/access_world.hpp"

namespace nexus::test {
namespace {

constexpr uint32_t kPublish = NX_ACTION_PUBLISH;

nx_status say(nx_authz_result& out, uint32_t decision, uint32_t remember = 0, uint32_t ms = 0) {
  out.decision = decision;
  out.remember = remember;
  out.remember_ms = ms;
  return NX_OK;
}

ScriptedAuthorizer::Fn always(uint32_t decision, uint32_t remember = 0, uint32_t ms = 0) {
  return [=](nx_op, const nx_authz_request&, nx_authz_result& out) {
    return say(out, decision, remember, ms);
  };
}

// Asks and expects the answer at once; true if it came from the memory.
bool recalls(AccessWorld& world, const SessionInfoPtr& who, const std::shared_ptr<RealmPort>& realm,
             std::string uri = "com.a", uint32_t action = kPublish, Match match = Match::exact,
             bool allowed = true) {
  AccessAnswer answer;
  bool recalled = false;
  REQUIRE(world.ask(who, realm, action, match, uri, answer, &recalled));
  CHECK(answer.allowed == allowed);
  return recalled;
}

TEST_CASE("Z-05: what is remembered behind an authorizer that says nothing holds for nobody") {
  AccessWorld world;
  ScriptedAuthorizer bar([](nx_op, const nx_authz_request& request, nx_authz_result& out) {
    return say(out, to_view(request.authid) == "mallory" ? NX_AUTHZ_DENY : NX_AUTHZ_NOT_MINE);
  });
  ScriptedAuthorizer rules(always(NX_AUTHZ_ALLOW, NX_REMEMBER_ROLE));
  const auto realm = std::make_shared<ScriptedRealm>(std::vector{&bar, &rules});
  const auto alice = world.someone(*realm, "alice", "user");
  const auto mallory = world.someone(*realm, "mallory", "user");
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(recalls(world, alice, realm));
    CHECK_FALSE(recalls(world, mallory, realm, "com.a", kPublish, Match::exact, false));
  }
  CHECK(bar.asked == 6);
}

TEST_CASE("Z-05: an answer is remembered as widely as the narrowest of all that were asked") {
  struct Case {
    uint32_t first, second;
    bool same_session, same_role;
  };
  const Case cases[] = {
      {NX_REMEMBER_ROLE, NX_REMEMBER_ROLE, true, true},
      {NX_REMEMBER_ROLE, NX_REMEMBER_SESSION, true, false},
      {NX_REMEMBER_SESSION, NX_REMEMBER_ROLE, true, false},
      {NX_REMEMBER_SESSION, NX_REMEMBER_SESSION, true, false},
      {NX_REMEMBER_NOT, NX_REMEMBER_ROLE, false, false},
      {0, NX_REMEMBER_ROLE, false, false},
      {NX_REMEMBER_ROLE, NX_REMEMBER_NOT, false, false},
      {NX_REMEMBER_ROLE, 0, false, false},
  };
  for (const uint32_t decision : {NX_AUTHZ_ALLOW, NX_AUTHZ_DENY, NX_AUTHZ_NOT_MINE}) {
    for (const Case& one : cases) {
      CAPTURE(decision, one.first, one.second);
      AccessWorld world;
      ScriptedAuthorizer first(always(NX_AUTHZ_NOT_MINE, one.first));
      ScriptedAuthorizer second(always(decision, one.second));
      const auto realm = std::make_shared<ScriptedRealm>(std::vector{&first, &second});
      const bool allowed = decision == NX_AUTHZ_ALLOW;
      const auto asks = [&](const SessionInfoPtr& who) {
        return recalls(world, who, realm, "com.a", kPublish, Match::exact, allowed);
      };
      const auto alice = world.someone(*realm, "alice", "user");
      CHECK_FALSE(asks(alice));
      CHECK(asks(alice) == one.same_session);
      CHECK(asks(alice) == one.same_session);
      CHECK(asks(world.someone(*realm, "bob", "user")) == one.same_role);
      CHECK_FALSE(asks(world.someone(*realm, "carol", "guest")));
    }
  }
}

TEST_CASE("Z-05: an answer is remembered as long as the shortest of all that were asked") {
  struct Case {
    uint32_t first_ms, second_ms;
    uint64_t holds_ms;  // 0 = for ever
  };
  const Case cases[] = {{0, 0, 0}, {60, 0, 60}, {0, 60, 60}, {60, 90, 60}, {90, 60, 60}};
  for (const uint32_t whom : {NX_REMEMBER_SESSION, NX_REMEMBER_ROLE}) {
    for (const Case& one : cases) {
      CAPTURE(whom, one.first_ms, one.second_ms);
      AccessWorld world;
      world.loop.advance(1000);
      ScriptedAuthorizer first(always(NX_AUTHZ_NOT_MINE, whom, one.first_ms));
      ScriptedAuthorizer second(always(NX_AUTHZ_ALLOW, whom, one.second_ms));
      const auto realm = std::make_shared<ScriptedRealm>(std::vector{&first, &second});
      const auto alice = world.someone(*realm, "alice", "user");
      CHECK_FALSE(recalls(world, alice, realm));
      CHECK(recalls(world, alice, realm));  // from the table, and warm from here on
      CHECK(recalls(world, alice, realm));
      world.loop.advance(one.holds_ms == 0 ? 1000000 : one.holds_ms - 1);
      CHECK(recalls(world, alice, realm));
      if (one.holds_ms == 0) continue;
      world.loop.advance(1);
      CHECK_FALSE(recalls(world, alice, realm));
      CHECK(recalls(world, alice, realm));
    }
  }
}

TEST_CASE("Z-05: the time runs from each answer, not from the last one") {
  AccessWorld world;
  ScriptedAuthorizer first(always(NX_AUTHZ_NOT_MINE, NX_REMEMBER_ROLE, 100));
  nx_op open = 0;
  ScriptedAuthorizer second([&open](nx_op op, const nx_authz_request&, nx_authz_result&) {
    open = op;
    return NX_PENDING;
  });
  const auto realm = std::make_shared<ScriptedRealm>(std::vector{&first, &second});
  const auto alice = world.someone(*realm, "alice", "user");
  AccessAnswer answer;
  bool recalled = false;
  bool told = false;
  REQUIRE_FALSE(world.ask(alice, realm, kPublish, Match::exact, "com.a", answer, &recalled,
                          [&told](const AccessAnswer& late) { told = late.allowed; }));
  world.loop.advance(80);
  nx_authz_result late{};
  late.struct_size = sizeof late;
  say(late, NX_AUTHZ_ALLOW, NX_REMEMBER_ROLE, 100);
  CHECK(world.router.operations().complete(open, second.asked_as(),
                                           std::make_unique<AuthzAnswer>(late)) == NX_OK);
  world.loop.turn();
  CHECK(told);
  CHECK(recalls(world, alice, realm));
  world.loop.advance(19);
  CHECK(recalls(world, alice, realm));
  world.loop.advance(1);
  second.fn = always(NX_AUTHZ_DENY);
  CHECK_FALSE(recalls(world, alice, realm, "com.a", kPublish, Match::exact, false));
}

TEST_CASE("Z-05: an answer is for one action, one URI and one match") {
  AccessWorld world;
  ScriptedAuthorizer rules(always(NX_AUTHZ_ALLOW, NX_REMEMBER_ROLE));
  const auto realm = std::make_shared<ScriptedRealm>(std::vector{&rules});
  const auto alice = world.someone(*realm, "alice", "user");
  size_t asked = 0;
  for (const char* uri : {"a.b", "a.bc", "a"}) {
    for (const uint32_t action : {NX_ACTION_SUBSCRIBE, NX_ACTION_REGISTER}) {
      for (const Match match : {Match::exact, Match::prefix, Match::wildcard}) {
        CHECK_FALSE(recalls(world, alice, realm, uri, action, match));
        CHECK(recalls(world, alice, realm, uri, action, match));
        CHECK(rules.asked == ++asked);
      }
    }
  }
}

TEST_CASE("Z-05: a realm that takes the place of another starts with an empty memory") {
  AccessWorld world;
  ScriptedAuthorizer before(always(NX_AUTHZ_ALLOW, NX_REMEMBER_ROLE));
  ScriptedAuthorizer after(always(NX_AUTHZ_DENY, NX_REMEMBER_ROLE));
  const auto old = std::make_shared<ScriptedRealm>(std::vector{&before}, "realm1");
  const auto young = std::make_shared<ScriptedRealm>(std::vector{&after}, "realm1");
  CHECK_FALSE(recalls(world, world.someone(*old, "alice", "user"), old));
  CHECK(recalls(world, world.someone(*old, "bob", "user"), old));
  const auto carol = world.someone(*young, "carol", "user");
  CHECK_FALSE(recalls(world, carol, young, "com.a", kPublish, Match::exact, false));
}

TEST_CASE("Z-05: an answer that comes after everything was forgotten is not remembered") {
  AccessWorld world;
  std::vector<nx_op> open;
  ScriptedAuthorizer first(always(NX_AUTHZ_NOT_MINE, NX_REMEMBER_ROLE));
  ScriptedAuthorizer slow([&open](nx_op op, const nx_authz_request&, nx_authz_result&) {
    open.push_back(op);
    return NX_PENDING;
  });
  const bool forgotten_before_last = GENERATE(false, true);
  const auto realm = std::make_shared<ScriptedRealm>(
      forgotten_before_last ? std::vector{&slow, &first, &slow} : std::vector{&first, &slow});
  const auto alice = world.someone(*realm, "alice", "user");
  AccessAnswer answer;
  bool recalled = false;
  int told = 0;
  REQUIRE_FALSE(world.ask(alice, realm, kPublish, Match::exact, "com.a", answer, &recalled,
                          [&told](const AccessAnswer& late) { told += late.allowed ? 1 : 0; }));
  nx_authz_result late{};
  late.struct_size = sizeof late;
  const auto complete = [&](uint32_t decision) {
    say(late, decision, NX_REMEMBER_ROLE);
    CHECK(world.router.operations().complete(open.back(), slow.asked_as(),
                                             std::make_unique<AuthzAnswer>(late)) == NX_OK);
    world.loop.turn();
  };
  world.router.forget_access();
  // The rest of the chain is asked afterwards, but its beginning was before.
  if (forgotten_before_last) complete(NX_AUTHZ_NOT_MINE);
  complete(NX_AUTHZ_ALLOW);
  CHECK(told == 1);  // it still is the answer to that question
  slow.fn = always(NX_AUTHZ_DENY);
  CHECK_FALSE(recalls(world, alice, realm, "com.a", kPublish, Match::exact, false));
}

TEST_CASE("Z-05: what sessions were allowed last is forgotten with the rest") {
  AccessWorld world;
  ScriptedAuthorizer rules(always(NX_AUTHZ_ALLOW, NX_REMEMBER_SESSION));
  const auto realm = std::make_shared<ScriptedRealm>(std::vector{&rules});
  const auto alice = world.someone(*realm, "alice", "user");
  CHECK_FALSE(recalls(world, alice, realm));
  CHECK(recalls(world, alice, realm));
  CHECK(recalls(world, alice, realm));
  world.router.forget_access();
  CHECK_FALSE(recalls(world, alice, realm));
}

TEST_CASE("Z-01: an answer with a choice or a text that is none denies, and is not remembered") {
  const auto broken = GENERATE(0, 1, 2, 3, 4, 5, 6, 7, 8);
  CAPTURE(broken);
  static const std::string not_utf8 = "com.\xff.x";
  static const std::string no_uri = "no uri";
  AccessWorld world;
  ScriptedAuthorizer careless([&](nx_op, const nx_authz_request&, nx_authz_result& out) {
    say(out, NX_AUTHZ_ALLOW, NX_REMEMBER_ROLE);
    if (broken == 0) out.decision = 0;
    if (broken == 1) out.decision = 17;
    if (broken == 2) out.disclose = NX_DISCLOSE_ALWAYS + 1;
    if (broken == 3) out.remember = NX_REMEMBER_ROLE + 1;
    if (broken >= 4) out.decision = NX_AUTHZ_DENY;
    if (broken == 4) out.error_message = to_nx(not_utf8);
    if (broken == 5) out.error_message = {nullptr, 3};
    if (broken == 6) out.error_uri = to_nx(not_utf8);
    if (broken == 7) out.error_uri = to_nx(no_uri);
    if (broken == 8) out.error_uri = {nullptr, 3};
    return NX_OK;
  });
  const auto realm = std::make_shared<ScriptedRealm>(std::vector{&careless});
  const auto alice = world.someone(*realm, "alice", "user");
  for (int i = 0; i < 2; ++i) {
    AccessAnswer answer;
    bool recalled = true;
    REQUIRE(world.ask(alice, realm, kPublish, Match::exact, "com.a", answer, &recalled));
    CHECK_FALSE(recalled);
    CHECK_FALSE(answer.allowed);
    CHECK(answer.error_uri == "wamp.error.authorization_failed");
    CHECK(answer.error_message == "the authorizer failed");
  }
}

TEST_CASE("Z-01: a struct_size that the authorizer overwrote does not hide its answer") {
  AccessWorld world;
  ScriptedAuthorizer old([](nx_op, const nx_authz_request&, nx_authz_result& out) {
    out = nx_authz_result{};
    return say(out, NX_AUTHZ_ALLOW);
  });
  const auto realm = std::make_shared<ScriptedRealm>(std::vector{&old});
  CHECK_FALSE(recalls(world, world.someone(*realm, "alice", "user"), realm));
}

}  // namespace
}  // namespace nexus::test
