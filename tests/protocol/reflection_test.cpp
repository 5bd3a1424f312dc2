// Reflection: sessions describe their procedures, topics and errors, others read it (checklist
// A-50; what this router makes of the names is in docs/features.md).
#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

const std::string_view kDefine = "wamp.reflect.define";
const std::string_view kUndefine = "wamp.reflect.undefine";
const std::string_view kDescribe = "wamp.reflect.describe";

Value kind(const char* name) { return dict({{"kind", name}}); }

std::string list_of(const char* name) { return "wamp.reflection." + std::string(name) + ".list"; }
std::string describe_of(const char* name) {
  return "wamp.reflection." + std::string(name) + ".describe";
}

// A JSON schema as an application would give it.
Value schema(int version = 1) {
  return dict({{"type", "object"},
               {"description", "adds numbers, gr\u00fc\u00df Gott"},
               {"version", version},
               {"properties", dict({{"args", dict({{"type", "array"}, {"maxItems", 2}})}})}});
}

TEST_CASE("A-50: reflection is announced, as a feature and beside the features") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"two":{"meta_api":false}}})");
  for (const char* realm : {"realm1", "realm2"}) {
    const bool there = std::string_view(realm) == "realm1";
    CAPTURE(realm);
    const Value roles = world.join_realm(realm).welcome().find("roles");
    CHECK(roles.find("dealer").find("reflection").as_bool() == there);
    CHECK(roles.find("broker").find("reflection").as_bool() == there);
    CHECK(roles.find("dealer").find("features").find("procedure_reflection").as_bool() == there);
    CHECK(roles.find("broker").find("features").find("topic_reflection").as_bool() == there);
  }
  CHECK(nobody_has(world.join_realm("realm2"), kDefine));
}

TEST_CASE("A-50: what one session describes others can list and read") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& reader = world.join();
  for (const char* name : {"procedure", "topic", "error"}) {
    CAPTURE(name);
    CHECK(ask(reader, list_of(name)) == list());
    CHECK(ask(callee, kDefine, list("com.example.b", schema()), kind(name)).as_bool());
    CHECK(ask(callee, kDefine, list("com.example.a", "in words"), kind(name)).as_bool());
    CHECK(ask(reader, list_of(name)) == list("com.example.a", "com.example.b"));
    CHECK(ask(reader, kDescribe, list("com.example.b"), kind(name)) == schema());
    const Value details = ask(reader, describe_of(name), list("com.example.b"));
    CHECK(details.size() == 5);
    CHECK(details.find("uri").as_string() == "com.example.b");
    CHECK(details.find("kind").as_string() == name);
    CHECK(details.find("created").as_string().size() > 20);
    CHECK(details.find("sessions") == list(callee.session()));
    CHECK(details.find("description") == schema());
    CHECK(ask(reader, describe_of(name), list("com.example.a")).find("description").as_string() ==
          "in words");
    CHECK(ask(reader, describe_of(name), list("com.example.nobody")).is(NX_NULL));
    CHECK(ask(reader, kDescribe, list("com.example.nobody"), kind(name)).is(NX_NULL));
  }
  // Without a kind it is a procedure that is defined, and whatever there is that is described.
  CHECK(ask(callee, kDefine, list("com.example.plain", "a procedure")).as_bool());
  CHECK(ask(reader, describe_of("procedure"), list("com.example.plain"))
            .find("description")
            .as_string() == "a procedure");
  CHECK(ask(callee, kDefine, list("com.example.news", "a topic"), kind("topic")).as_bool());
  CHECK(ask(reader, kDescribe, list("com.example.news")).as_string() == "a topic");
  CHECK(ask(reader, kDescribe, list("com.example.nobody")).is(NX_NULL));
  // Realms share nothing.
  CHECK(ask(world.join_realm("realm2"), list_of("procedure")) == list());
}

TEST_CASE("A-50: a description crosses the formats") {
  FOR_MIXED_LINKS(links);
  RouterFixture router(3);
  auto callee = Peer::joined(router, links.first);
  auto reader = Peer::joined(router, links.second);
  CHECK(ask(*callee, kDefine, list("com.example.a", schema(7))).as_bool());
  CHECK(ask(*reader, kDescribe, list("com.example.a")) == schema(7));
}

TEST_CASE("A-50: definitions are changed, taken back, and go with their session") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& reader = world.join();
  const std::string listing = list_of("procedure");
  CHECK(ask(callee, kDefine, list("com.example.a", "one")).as_bool());
  CHECK(ask(callee, kDefine, list("com.example.a", "one")).is(NX_NULL));  // no difference
  CHECK(ask(callee, kDefine, list("com.example.a", "two")).is(NX_BOOL));
  CHECK(ask(reader, kDescribe, list("com.example.a")).as_string() == "two");
  // Nobody else's business.
  CHECK(ask(reader, kUndefine, list("com.example.a")).is(NX_NULL));
  CHECK(ask(reader, kDefine, list("com.example.a", nullptr)).is(NX_NULL));
  CHECK(ask(reader, kDescribe, list("com.example.a")).as_string() == "two");
  CHECK(ask(callee, kUndefine, list("com.example.a"), kind("topic")).is(NX_NULL));
  CHECK(ask(callee, kUndefine, list("com.example.a")).as_string() == "com.example.a");
  CHECK(ask(callee, kUndefine, list("com.example.a")).is(NX_NULL));
  CHECK(ask(reader, listing) == list());
  // null takes back as well.
  CHECK(ask(callee, kDefine, list("com.example.a", "three")).as_bool());
  CHECK(ask(callee, kDefine, list("com.example.a", nullptr)).as_string() == "com.example.a");
  CHECK(ask(reader, listing) == list());
  CHECK(ask(callee, kDefine, list("com.example.a", "four")).as_bool());
  CHECK(ask(callee, kDefine, list("com.example.b", "five"), kind("error")).as_bool());
  callee.leave();
  CHECK(eventually([&] { return ask(reader, listing) == list(); }));
  CHECK(ask(reader, list_of("error")) == list());
}

TEST_CASE("A-50: of several descriptions the oldest is shown") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& first = world.join();
  Peer& second = world.join();
  Peer& third = world.join();
  Peer& reader = world.join();
  const uint64_t defined = reader.subscribe("wamp.reflect.on_define");
  const uint64_t undefined = reader.subscribe("wamp.reflect.on_undefine");
  CHECK(ask(first, kDefine, list("com.example.a", "first")).as_bool());
  CHECK(reader.expect_event(defined).args() == list("com.example.a", "procedure", true));
  CHECK(ask(second, kDefine, list("com.example.a", "second")).is(NX_NULL));
  CHECK(ask(third, kDefine, list("com.example.a", "second")).is(NX_NULL));
  CHECK(ask(second, kDescribe, list("com.example.a")).as_string() == "first");
  CHECK(ask(second, describe_of("procedure"), list("com.example.a")).find("sessions") ==
        list(first.session(), second.session(), third.session()));
  first.wire().close();
  CHECK(reader.expect_event(defined).args() == list("com.example.a", "procedure", false));
  CHECK(ask(second, kDescribe, list("com.example.a")).as_string() == "second");
  second.leave();  // what the third one says is the same
  CHECK(ask(third, kDefine, list("com.example.b", "more"), kind("topic")).as_bool());
  CHECK(reader.expect_event(defined).args() == list("com.example.b", "topic", true));
  const bool changed = ask(third, kDefine, list("com.example.a", "changed")).is(NX_BOOL);
  CHECK(changed);
  CHECK(reader.expect_event(defined).args() == list("com.example.a", "procedure", false));
  third.leave();
  CHECK(reader.expect_event(undefined).args() == list("com.example.a", "procedure"));
  CHECK(reader.expect_event(undefined).args() == list("com.example.b", "topic"));
  expect_nothing({&reader});
}

TEST_CASE("A-50: bad definitions and questions are refused") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const char* const wrong = "wamp.error.invalid_argument";
  refuse(peer, kDefine, list(), wrong);
  refuse(peer, kDefine, list("com.example.a"), wrong);
  refuse(peer, kDefine, list("com.example.a", 1, 2), wrong);
  refuse(peer, kDefine, list(1, "text"), wrong);
  refuse(peer, kDefine, list("com.example.a", "text"), wrong, kind("thing"));
  refuse(peer, kDefine, list("com.example.a", "text"), wrong, dict({{"kind", 1}}));
  refuse(peer, kUndefine, list(), wrong);
  refuse(peer, kUndefine, list(nullptr), wrong);
  refuse(peer, kDescribe, list(), wrong);
  refuse(peer, kDescribe, list(list()), wrong);
  refuse(peer, kDescribe, list("com.example.a"), wrong, kind("thing"));
  refuse(peer, list_of("topic"), list(1), wrong);
  refuse(peer, describe_of("topic"), list(), wrong);
  refuse(peer, describe_of("topic"), list(5), wrong);
  for (const char* uri : {"", "no uri", "com..a", "wamp.session.count", "com.example#"}) {
    CAPTURE(uri);
    CHECK_NOTHROW(refuse(peer, kDefine, list(uri, "text"), "wamp.error.invalid_uri"));
    CHECK_NOTHROW(refuse(peer, kUndefine, list(uri), "wamp.error.invalid_uri"));
  }
  CHECK(nobody_has(peer, "wamp.reflection.thing.list"));
  CHECK(ask(peer, list_of("procedure")) == list());
}

TEST_CASE("A-50: definitions are limited by session, by size and by realm") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_definitions":3,"max_definition_bytes":1024,
                                          "max_realm_definition_bytes":3000}}})");
  const char* const refused = "wamp.error.not_authorized";
  Peer& peer = world.join();
  Peer& other = world.join();
  CHECK(ask(peer, kDefine, list("com.example.1", "x")).as_bool());
  CHECK(ask(peer, kDefine, list("com.example.2", "x")).as_bool());
  CHECK(ask(peer, kDefine, list("com.example.2", "x"), kind("topic")).as_bool());
  refuse(peer, kDefine, list("com.example.3", "x"), refused);
  refuse(peer, kDefine, list("com.example.1", std::string(1100, 'x')), refused);
  CHECK(ask(peer, kDescribe, list("com.example.1")).as_string() == "x");
  const std::string large(900, 'x');
  CHECK(ask(peer, kDefine, list("com.example.1", large)).is(NX_BOOL));  // one that it has
  CHECK(ask(peer, kUndefine, list("com.example.2")).as_string() == "com.example.2");
  CHECK(ask(peer, kDefine, list("com.example.3", "x")).as_bool());
  // The realm has room for two large ones besides, whoever gives them.
  CHECK(ask(other, kDefine, list("com.example.4", large)).as_bool());
  refuse(other, kDefine, list("com.example.5", large), refused);
  peer.leave();
  CHECK(eventually([&] { return ask(other, list_of("topic")) == list(); }));
  CHECK(ask(other, kDefine, list("com.example.5", large)).as_bool());
}

TEST_CASE("A-50: a realm without room for definitions refuses all") {
  World world({{Carrier::websocket, Format::json}, 1},
              R"({"realms":{"one":{"max_definitions":0}}})");
  refuse(world.join(), kDefine, list("com.example.a", "x"), "wamp.error.not_authorized");
}

TEST_CASE("A-50: whoever may not have a URI may not describe it either") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_test_plugins(
                         {"authz_async"},
                         R"({"realms":{"one":{"authorizers":{"tested":{"type":"authz-test"}}}}})"));
  Peer& peer = world.join();
  refuse(peer, kDefine, list("com.example.deny", "x"), "wamp.error.not_authorized");
  refuse(peer, kDefine, list("com.example.forbid", "x"), "com.test.forbidden", kind("topic"));
  refuse(peer, kDefine, list("com.example.async.no", "x"), "wamp.error.not_authorized");
  refuse(peer, kDefine, list("com.example.throw", "x"), "wamp.error.authorization_failed");
  CHECK(ask(peer, kDefine, list("com.example.deny", "x"), kind("error")).as_bool());
  // Z-06: what is sent after it waits for the decision.
  peer.send_all({list(kCall, peer.next_request(), dict(), kDefine, list("com.example.async", "y")),
                 list(kCall, peer.next_request(), dict(), kDescribe, list("com.example.async"))});
  CHECK(peer.expect_result(peer.last_request() - 1).args() == list(true));
  CHECK(peer.expect_result(peer.last_request()).args() == list("y"));
  // One that goes while its authorizer thinks leaves nothing behind.
  Peer& brief = world.join();
  brief.call(kDefine, dict(), list("com.example.never", "x"));
  brief.wire().close();
  peer.sync();
  CHECK(ask(peer, list_of("procedure")) == list("com.example.async"));
}

TEST_CASE("A-50, A-13: definitions end after the registrations and before on_leave") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  const uint64_t all = watcher.subscribe("wamp.", json(R"({"match":"prefix"})"));
  for (int i = 0; i < 3; ++i) {  // on every loop
    Peer& peer = world.join();
    peer.register_procedure("com.example.a");
    CHECK(ask(peer, kDefine, list("com.example.a", "x")).as_bool());
    peer.leave();
    const auto next = [&] {
      return std::string(watcher.expect_event(all).details().find("topic").as_string());
    };
    for (const char* topic :
         {"wamp.session.on_join", "wamp.registration.on_create", "wamp.registration.on_register",
          "wamp.reflect.on_define", "wamp.registration.on_unregister",
          "wamp.registration.on_delete", "wamp.reflect.on_undefine", "wamp.session.on_leave"}) {
      CHECK(next() == topic);
    }
  }
}

TEST_CASE("A-50: sessions on all loops define and leave at once, and nothing stays behind") {
  const unsigned loops = GENERATE(1u, 3u);
  World world({{Carrier::raw_unix, Format::msgpack}, loops});
  Peer& reader = world.join();
  for (int round = 0; round < 5; ++round) {
    std::vector<Peer*> peers;
    for (int i = 0; i < 6; ++i) peers.push_back(&world.join());
    for (Peer* peer : peers) {
      std::vector<Value> batch;
      for (int i = 0; i < 40; ++i) {
        batch.push_back(list(kCall, peer->next_request(), dict(), kDefine,
                             list("com.example." + std::to_string(i % 10), i / 10)));
      }
      peer->send_all(batch);
    }
    for (Peer* peer : peers) peer->wire().close();
    CHECK(eventually([&] {
      return ask(reader, "wamp.session.count").as_int() == 1 &&
             ask(reader, list_of("procedure")) == list();
    }));
  }
}

}  // namespace
}  // namespace nexus::test
