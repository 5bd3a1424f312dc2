// The session meta API (checklist chapter 10, A-10 … A-27).
#include <algorithm>

#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

Value sorted_ids(std::vector<uint64_t> ids) {
  std::sort(ids.begin(), ids.end());
  Value out = Value::list();
  for (const uint64_t id : ids) out.append(Value::unsigned_integer(id));
  return out;
}

TEST_CASE("A-10, A-12: sessions can be counted and listed, also by role") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& one = world.join();
  CHECK(ask(one, "wamp.session.count") == list(1).at(0));
  CHECK(ask(one, "wamp.session.list") == list(one.session()));
  Peer& two = world.join();
  Peer& admin = join_admin(world);
  world.join_realm("realm2");  // Z-11: another realm is another world
  CHECK(ask(two, "wamp.session.count").as_int() == 3);
  CHECK(ask(two, "wamp.session.list") ==
        sorted_ids({one.session(), two.session(), admin.session()}));
  const auto count = [&](const Value& roles) {
    return ask(one, "wamp.session.count", list(roles)).as_int();
  };
  const auto ids = [&](const Value& roles) { return ask(one, "wamp.session.list", list(roles)); };
  CHECK(count(list("anonymous")) == 2);
  CHECK(ids(list("anonymous")) == sorted_ids({one.session(), two.session()}));
  CHECK(count(list("admin")) == 1);
  CHECK(ids(list("admin")) == list(admin.session()));
  CHECK(count(list("admin", "anonymous")) == 3);
  CHECK(count(list("nobody")) == 0);
  CHECK(ids(list("nobody")) == list());
  CHECK(count(list()) == 0);
  CHECK(count(Value::null()) == 3);
  two.leave();
  CHECK(ask(one, "wamp.session.count").as_int() == 2);
  CHECK(ask(one, "wamp.session.list") == sorted_ids({one.session(), admin.session()}));
}

TEST_CASE("A-14: a session's details are the standard ones, and no secrets") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& peer = world.join();
  Peer& other = world.join_realm(
      "realm1", merged(admin_details("who"), json(R"({"x_team":"red","authextra":{"k":"v"}})")));
  Value details = ask(peer, "wamp.session.get", list(other.session()));
  // No header, cookie, key or address of its connection is anybody's business.
  if (const Value transport = details.find("transport")) {
    REQUIRE(transport.is(NX_DICT));
    for (size_t i = 0; i < transport.size(); ++i) {
      CHECK(transport.key_at(i) == "websocket_protocol");
    }
    details = merged(details, json(R"({"transport":null})"));
  }
  CHECK(details == dict({{"session", other.session()},
                         {"authid", "who"},
                         {"authrole", "admin"},
                         {"authmethod", "async-test"},
                         {"authprovider", "test"}}));
  CHECK(ask(peer, "wamp.session.get", list(peer.session())).find("session").as_uint() ==
        peer.session());
  Peer& stranger = world.join_realm("realm2");
  for (const uint64_t id : {stranger.session(), uint64_t{1}, uint64_t{1} << 53}) {
    CHECK_NOTHROW(refuse(peer, "wamp.session.get", list(id), "wamp.error.no_such_session"));
  }
  const uint64_t gone = other.session();
  other.leave();
  refuse(peer, "wamp.session.get", list(gone), "wamp.error.no_such_session");
}

TEST_CASE("A-14: a realm can have further details shown") {
  World world({{Carrier::websocket, Format::json}, 3},
              with_admins(R"({"realms":{"one":{"meta_session_details":["x_team","x_none"]}}})"));
  Peer& peer = world.join();
  peer.subscribe("wamp.session.on_join");
  const Value extra = json(R"({"x_team":{"name":"red"},"x_hidden":1})");
  Peer& other = world.join_realm("realm1", merged(client_details(), extra));
  const Value told = peer.expect(kEvent).args().at(0);
  CHECK(told.find("x_team") == json(R"({"name":"red"})"));
  CHECK_FALSE(told.find("x_hidden"));
  CHECK_FALSE(told.find("x_none"));
  CHECK(ask(peer, "wamp.session.get", list(other.session())) == told);
}

TEST_CASE("A-03: arguments of the wrong number or type are refused") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  const Value bad[] = {
      list("wamp.session.count", list(1)),
      list("wamp.session.count", list(list(1))),
      list("wamp.session.count", list("anonymous")),
      list("wamp.session.count", list(list("a"), 1)),
      list("wamp.session.list", list(dict())),
      list("wamp.session.list", list(list("a", nullptr))),
      list("wamp.session.get", list()),
      list("wamp.session.get", list("1")),
      list("wamp.session.get", list(1.5)),
      list("wamp.session.get", list(nullptr)),
      list("wamp.session.get", list(list(1))),
      list("wamp.session.get", list(1, 2)),
      list("wamp.session.kill", list()),
      list("wamp.session.kill", list("1")),
      list("wamp.session.kill_by_authid", list(1)),
      list("wamp.session.kill_by_authrole", list()),
      list("wamp.session.kill_all", list(1)),
      list("wamp.session.modify_details", list(1)),
      list("wamp.session.modify_details", list(admin.session(), list())),
      list("wamp.session.modify_details", list(admin.session(), json(R"({"session":1})"))),
      list("wamp.session.modify_details", list(admin.session(), json(R"({"authid":null})"))),
      list("wamp.session.modify_details", list(admin.session(), json(R"({"authrole":""})"))),
  };
  for (const Value& one : bad) {
    CAPTURE(one);
    CHECK_NOTHROW(refuse(admin, one.at(0).as_string(), one.at(1), "wamp.error.invalid_argument"));
  }
  for (const char* number : {"0", "-1", "9007199254740993"}) {
    CHECK_NOTHROW(refuse(admin, "wamp.session.get", json("[" + std::string(number) + "]"),
                         "wamp.error.no_such_session"));
  }
  CHECK(ask(admin, "wamp.session.count").as_int() == 1);
}

TEST_CASE("A-11, A-13: whoever joins and leaves is told of, in order") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& watcher = world.join();
  const uint64_t joins = watcher.subscribe("wamp.session.on_join");
  const uint64_t leaves = watcher.subscribe("wamp.session.on_leave");
  Peer& one = join_admin(world, "first");
  const Value told = watcher.expect_event(joins).args();
  CHECK(told == list(ask(watcher, "wamp.session.get", list(one.session()))));
  const uint64_t id = one.session();
  one.leave();
  CHECK(watcher.expect_event(leaves).args() == list(id, "first", "admin"));
  // The same connection may carry another session.
  one.join("realm1", admin_details("second"));
  CHECK(watcher.expect_event(joins).args().at(0).find("authid").as_string() == "second");
  one.wire().close();
  CHECK(watcher.expect_event(leaves).args() == list(one.session(), "second", "admin"));
  world.join_realm("realm2").leave();
  join_admin(world, "third");
  CHECK(watcher.expect_event(joins).args().at(0).find("authid").as_string() == "third");
}

TEST_CASE("A-01: anonymous sessions may neither end nor change others") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& other = world.join();
  const auto check = [&](std::string_view procedure, const Value& args) {
    CAPTURE(procedure);
    CHECK_NOTHROW(refuse(peer, procedure, args, "wamp.error.not_authorized"));
  };
  check("wamp.session.kill", list(other.session()));
  check("wamp.session.kill_by_authid", list(authid_of(other)));
  check("wamp.session.kill_by_authrole", list("anonymous"));
  check("wamp.session.kill_all", list());
  check("wamp.session.modify_details", list(other.session(), dict({{"x_y", 1}})));
  check("wamp.registration.remove_callee", list(1, other.session()));
  check("wamp.subscription.remove_subscriber", list(1, other.session()));
  other.sync();
}

TEST_CASE("A-01: a realm may let every role end others") {
  World world({{Carrier::websocket, Format::json}, 3},
              R"({"realms":{"one":{"meta_kill_roles":["*"]}}})");
  Peer& one = world.join();
  Peer& two = world.join();
  tell(one, "wamp.session.kill", list(two.session()));
  expect_goodbye(two, "wamp.close.killed");
}

TEST_CASE("A-20: a session is killed, wherever it lives") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  const uint64_t leaves = admin.subscribe("wamp.session.on_leave");
  for (int i = 0; i < 4; ++i) {  // on every loop
    Peer& victim = world.join();
    tell(admin, "wamp.session.kill", list(victim.session()));
    const Message goodbye = expect_goodbye(victim, "wamp.close.killed");
    CHECK(goodbye.details() == dict());
    CHECK(admin.expect_event(leaves).args().at(0).as_uint() == victim.session());
    refuse(admin, "wamp.session.get", list(victim.session()), "wamp.error.no_such_session");
    refuse(admin, "wamp.session.kill", list(victim.session()), "wamp.error.no_such_session");
  }
  refuse(admin, "wamp.session.kill", list(admin.session()), "wamp.error.no_such_session");
  Peer& stranger = world.join_realm("realm2");
  refuse(admin, "wamp.session.kill", list(stranger.session()), "wamp.error.no_such_session");
  stranger.sync();
}

TEST_CASE("S-12: nothing follows the GOODBYE of a killed session, whatever it had sent before") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& victim = world.join();
  tell(admin, "wamp.session.kill", list(victim.session()));
  CHECK(victim.expect(kGoodbye).uri() == "wamp.close.killed");
  // What was under way: a request, a violation, and what is no message at all.
  victim.send(list(kSubscribe, 1, dict(), "com.example.topic"));
  victim.send(list(kHello, "realm1", client_details()));
  victim.send(list(kCall, "no id", dict(), "com.example.procedure"));
  victim.send(list(kGoodbye, dict(), "wamp.close.goodbye_and_out"));
  victim.expect_closed();
}

TEST_CASE("A-26: the victim hears the reason and the message that were given") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& one = world.join();
  Peer& two = world.join();
  tell(admin, "wamp.session.kill", list(one.session()),
       dict({{"reason", "com.example.bye"}, {"message", "time to go"}}));
  CHECK(expect_goodbye(one, "com.example.bye").details() == dict({{"message", "time to go"}}));
  const auto bad = [&](const Value& kwargs, std::string_view error) {
    CAPTURE(kwargs);
    CHECK_NOTHROW(refuse(admin, "wamp.session.kill", list(two.session()), error, kwargs));
  };
  bad(dict({{"reason", "no uri"}}), "wamp.error.invalid_uri");
  bad(dict({{"reason", ""}}), "wamp.error.invalid_uri");
  bad(dict({{"reason", "a..b"}}), "wamp.error.invalid_uri");
  bad(dict({{"reason", 5}}), "wamp.error.invalid_argument");
  bad(dict({{"message", list()}}), "wamp.error.invalid_argument");
  two.sync();
  tell(admin, "wamp.session.kill", list(two.session()),
       dict({{"reason", nullptr}, {"message", nullptr}, {"x_other", 1}}));
  CHECK(expect_goodbye(two, "wamp.close.killed").details() == dict());
}

TEST_CASE("A-21, A-22: sessions are killed by authid and by role, but never the caller") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world, "me");
  Peer& twin = join_admin(world, "me");
  Peer& other = join_admin(world, "other");
  Peer& guest = world.join();
  Peer& second = world.join();
  CHECK(ask(admin, "wamp.session.kill_by_authid", list("me")) == list(twin.session()));
  expect_goodbye(twin, "wamp.close.killed");
  CHECK(ask(admin, "wamp.session.kill_by_authid", list("nobody")) == list());
  CHECK(ask(admin, "wamp.session.kill_by_authrole", list("anonymous"),
            dict({{"reason", "com.example.guests"}, {"message", "out"}}))
            .as_int() == 2);
  CHECK(expect_goodbye(guest, "com.example.guests").details() == dict({{"message", "out"}}));
  expect_goodbye(second, "com.example.guests");
  CHECK(ask(admin, "wamp.session.kill_by_authrole", list("admin")).as_int() == 1);
  expect_goodbye(other, "wamp.close.killed");
  CHECK(ask(admin, "wamp.session.list") == list(admin.session()));
  for (const char* procedure : {"wamp.session.kill_by_authid", "wamp.session.kill_by_authrole"}) {
    CHECK_NOTHROW(refuse(admin, procedure, list("x"), "wamp.error.invalid_uri",
                         dict({{"reason", "no uri"}})));
  }
}

TEST_CASE("A-51: where the catalog of meta procedures and the prose differ, the prose wins") {
  World world({{Carrier::raw_tcp, Format::json}, 2}, with_admins());
  Peer& admin = join_admin(world);
  Peer& guest = world.join();
  // The catalog binds session_get to wamp.session.count, and has Void for payloads.
  CHECK(ask(admin, "wamp.session.count").as_int() == 2);
  CHECK(ask(admin, "wamp.session.get", list(guest.session())).find("session").as_uint() ==
        guest.session());
  CHECK(ask(admin, "wamp.session.list").size() == 2);
  // And it lets kill_by_authrole answer with ids.
  CHECK(ask(admin, "wamp.session.kill_by_authrole", list("anonymous")).is(NX_INT));
  expect_goodbye(guest, "wamp.close.killed");
}

TEST_CASE("A-15: statistics of sessions are not offered, and nobody can pretend to") {
  World world({{Carrier::raw_tcp, Format::json}, 2});
  Peer& watcher = world.join();
  const uint64_t subscription = watcher.subscribe("wamp.session.on_stats");
  Peer& busy = world.join();
  busy.expect_error(kPublish, busy.publish("wamp.session.on_stats", dict({{"acknowledge", true}})),
                    "wamp.error.invalid_uri");
  busy.publish("wamp.session.on_stats", dict(), list(1));
  for (int i = 0; i < 50; ++i) busy.publish("com.example.t", dict(), list(i));
  busy.sync();
  busy.leave();
  expect_nothing({&watcher});
  watcher.unsubscribe(subscription);
}

TEST_CASE("A-23, A-27: kill_all ends all others, and nobody is told") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  std::vector<Peer*> others;
  for (int i = 0; i < 5; ++i) others.push_back(&world.join());
  for (Peer* peer : others) {
    peer->subscribe("com.example.topic");
    peer->register_procedure("com.example.procedure." + std::to_string(peer->session()));
    tell(*peer, "wamp.session.add_testament", list("com.example.testament", list(), dict()));
  }
  Peer& stranger = world.join_realm("realm2");
  admin.subscribe("com.example.testament");
  const uint64_t everything = admin.subscribe("wamp", json(R"({"match":"prefix"})"));
  CHECK(ask(admin, "wamp.session.kill_all").as_int() == 5);
  for (Peer* peer : others) CHECK_NOTHROW(expect_goodbye(*peer, "wamp.close.killed"));
  CHECK(ask(admin, "wamp.session.list") == list(admin.session()));
  stranger.sync();
  // Meta events come in order: had one been meant for the others, it would come before this.
  Peer& next = world.join();
  const Message event = admin.expect_event(everything);
  CHECK(event.details().find("topic").as_string() == "wamp.session.on_join");
  CHECK(event.args().at(0).find("session").as_uint() == next.session());
  CHECK(nobody_has(admin, "com.example.procedure." + std::to_string(others[0]->session())));
  refuse(admin, "wamp.session.kill_all", list(), "wamp.error.invalid_uri",
         dict({{"reason", "a b"}}));
  next.sync();
}

TEST_CASE("A-26: of two who kill the same session one succeeds, and counts add up") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& one = join_admin(world, "one");
  Peer& two = join_admin(world, "two");
  std::vector<Peer*> victims;
  for (int i = 0; i < 6; ++i) victims.push_back(&world.join());
  std::vector<uint64_t> requests[2];
  for (Peer* victim : victims) {
    requests[0].push_back(one.call("wamp.session.kill", dict(), list(victim->session())));
    requests[1].push_back(two.call("wamp.session.kill", dict(), list(victim->session())));
  }
  int killed = 0;
  for (size_t i = 0; i < victims.size(); ++i) {
    for (Peer* killer : {&one, &two}) {
      const Message reply = killer->answer_to(requests[killer == &two][i]);
      if (reply.type() == kResult) {
        ++killed;
      } else {
        CHECK(reply.uri() == "wamp.error.no_such_session");
      }
    }
  }
  CHECK(killed == 6);
  for (Peer* victim : victims) CHECK_NOTHROW(expect_goodbye(*victim, "wamp.close.killed"));
}

TEST_CASE("A-25: details of a session can be changed") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins(R"({"realms":{"one":{"meta_session_details":["x_team"]}}})"));
  Peer& admin = join_admin(world);
  for (int i = 0; i < 4; ++i) {  // on every loop
    Peer& other = world.join_realm("realm1", merged(client_details(), json(R"({"x_team":"red"})")));
    const uint64_t topic = other.subscribe("com.example.topic");
    const auto details = [&] { return ask(admin, "wamp.session.get", list(other.session())); };
    CHECK(details().find("x_team").as_string() == "red");
    tell(admin, "wamp.session.modify_details",
         list(other.session(), json(R"({"authid":"new","authrole":"painter","x_team":"blue"})")));
    CHECK(details().find("authid").as_string() == "new");
    CHECK(details().find("authrole").as_string() == "painter");
    CHECK(details().find("x_team").as_string() == "blue");
    CHECK(ask(admin, "wamp.session.list", list(list("painter"))) == list(other.session()));
    settle({&admin, &other});
    // What it had before is known by the new details as well.
    admin.publish("com.example.topic", json(R"({"eligible_authid":["new"]})"), list(1));
    CHECK(other.expect_event(topic).args() == list(1));
    admin.publish("com.example.topic", json(R"({"exclude_x_team":["blue"]})"), list(2));
    admin.publish("com.example.topic", json(R"({"eligible_authrole":["painter"]})"), list(3));
    CHECK(other.expect_event(topic).args() == list(3));
    tell(admin, "wamp.session.modify_details", list(other.session(), json(R"({"x_team":null})")));
    CHECK_FALSE(details().find("x_team"));
    CHECK(details().find("authid").as_string() == "new");
    CHECK(ask(admin, "wamp.session.kill_by_authid", list("new")) == list(other.session()));
    expect_goodbye(other, "wamp.close.killed");
  }
  refuse(admin, "wamp.session.modify_details", list(1, dict()), "wamp.error.no_such_session");
}

TEST_CASE("A-25: new details count at once for a topic that is warm") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& other = world.join();
  const uint64_t topic = other.subscribe("com.example.topic");
  const Value boss = json(R"({"eligible_authrole":["boss"]})");
  admin.publish_acknowledged("com.example.topic", boss, list("too early"));
  tell(admin, "wamp.session.modify_details", list(other.session(), json(R"({"authrole":"boss"})")));
  settle({&admin, &other});
  admin.publish_acknowledged("com.example.topic", boss, list("in time"));
  CHECK(other.expect_event(topic).args() == list("in time"));
}

}  // namespace
}  // namespace nexus::test
