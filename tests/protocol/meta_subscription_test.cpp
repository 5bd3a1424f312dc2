// The subscription meta API and subscription revocation (checklist A-40 … A-43, P-40 … P-42).
#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kPrefix = R"({"match":"prefix"})";
constexpr const char* kWildcard = R"({"match":"wildcard"})";

TEST_CASE("A-40: subscriptions are listed by their match") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& other = world.join();
  CHECK(ask(peer, "wamp.subscription.list") == json(R"({"exact":[],"prefix":[],"wildcard":[]})"));
  const uint64_t a = other.subscribe("com.example.a");
  CHECK(peer.subscribe("com.example.a") == a);
  const uint64_t p = peer.subscribe("com.example", json(kPrefix));
  const uint64_t w = other.subscribe("com..c", json(kWildcard));
  const uint64_t b = peer.subscribe("com.example.b");
  world.join_realm("realm2").subscribe("com.example.c");
  CHECK(ask(peer, "wamp.subscription.list") ==
        dict({{"exact", list(a, b)}, {"prefix", list(p)}, {"wildcard", list(w)}}));
  peer.unsubscribe(b);
  peer.unsubscribe(a);
  CHECK(ask(peer, "wamp.subscription.list").find("exact") == list(a));
}

TEST_CASE("A-40, A-41: subscriptions are looked up by name, and by what an event reaches") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t exact = peer.subscribe("com.example.a");
  const uint64_t prefix = peer.subscribe("com.example", json(kPrefix));
  const uint64_t wildcard = peer.subscribe("com..a", json(kWildcard));
  const auto lookup = [&](const Value& args) {
    return ask(peer, "wamp.subscription.lookup", args);
  };
  CHECK(lookup(list("com.example.a")).as_uint() == exact);
  CHECK(lookup(list("com.example", json(kPrefix))).as_uint() == prefix);
  CHECK(lookup(list("com..a", json(kWildcard))).as_uint() == wildcard);
  CHECK(lookup(list("com.example")).is(NX_NULL));
  CHECK(lookup(list("com.example.a", json(kPrefix))).is(NX_NULL));
  const auto match = [&](const char* topic) {
    return ask(peer, "wamp.subscription.match", list(topic));
  };
  CHECK(match("com.example.a") == list(exact, prefix, wildcard));
  CHECK(match("com.example.b") == list(prefix));
  CHECK(match("com.other.a") == list(wildcard));
  CHECK(match("com.other.b").is(NX_NULL));
  for (const Value& bad : {list(), list(1), list("a", json(R"({"match":"fuzzy"})"))}) {
    CAPTURE(bad);
    CHECK_NOTHROW(refuse(peer, "wamp.subscription.lookup", bad, "wamp.error.invalid_argument"));
    CHECK_NOTHROW(refuse(peer, "wamp.subscription.match", bad, "wamp.error.invalid_argument"));
  }
}

TEST_CASE("meta: no more events wait to be published than may") {
  World world({{Carrier::raw_tcp, Format::json}, 1},
              R"({"realms": {"one": {"max_meta_events": 3}}})");
  Peer& watcher = world.join();
  const uint64_t all = watcher.subscribe("wamp.subscription.", json(kPrefix));
  Peer& leaver = world.join();
  Peer& other = world.join();
  for (int i = 0; i < 20; ++i) {
    leaver.subscribe("com.example.t" + std::to_string(i));
    for (const char* topic : {"wamp.subscription.on_create", "wamp.subscription.on_subscribe"}) {
      CHECK(watcher.expect_event(all).details().find("topic").as_string() == topic);
    }
  }
  // Twice as many at once: the first of them come, and the log has the others' number.
  leaver.leave();
  int heard = 1;
  watcher.expect_event(all);
  other.subscribe("com.example.marker");
  while (watcher.expect_event(all).details().find("topic").as_string() !=
         "wamp.subscription.on_create") {
    ++heard;
  }
  CHECK(heard <= 3);
  CHECK(world.router.log_count("meta events were dropped") == 1);
}

TEST_CASE("A-40: a subscription's details and subscribers") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& peer = world.join();
  const uint64_t id = one.subscribe("com.example", json(kPrefix));
  two.subscribe("com.example", json(kPrefix));
  const Value details = ask(peer, "wamp.subscription.get", list(id));
  CHECK(details.find("created").as_string().ends_with("Z"));
  CHECK(details == dict({{"id", id},
                         {"created", details.find("created")},
                         {"uri", "com.example"},
                         {"match", "prefix"}}));
  CHECK(ask(peer, "wamp.subscription.list_subscribers", list(id)) ==
        list(one.session(), two.session()));
  CHECK(ask(peer, "wamp.subscription.count_subscribers", list(id)).as_int() == 2);
  one.leave();
  CHECK(ask(peer, "wamp.subscription.list_subscribers", list(id)) == list(two.session()));
  two.unsubscribe(id);
  for (const char* procedure : {"wamp.subscription.get", "wamp.subscription.list_subscribers",
                                "wamp.subscription.count_subscribers"}) {
    CAPTURE(procedure);
    for (const uint64_t none : {id, uint64_t{0}, uint64_t{1} << 53}) {
      CHECK_NOTHROW(refuse(peer, procedure, list(none), "wamp.error.no_such_subscription"));
    }
    for (const Value& bad : {list(), list("1"), list(1.5), list(id, 1)}) {
      CHECK_NOTHROW(refuse(peer, procedure, bad, "wamp.error.invalid_argument"));
    }
  }
}

TEST_CASE("A-42: subscribing and unsubscribing is told of, in order") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  const uint64_t events = watcher.subscribe("wamp.subscription", json(kPrefix));
  const auto next = [&](std::string_view topic) {
    const Message event = watcher.expect_event(events);
    CHECK(event.details().find("topic").as_string() == topic);
    return event.args();
  };
  Peer& one = world.join();
  Peer& two = world.join();
  const uint64_t id = one.subscribe("com.example.a");
  const Value created = next("wamp.subscription.on_create");
  CHECK(created == list(one.session(), ask(two, "wamp.subscription.get", list(id))));
  CHECK(next("wamp.subscription.on_subscribe") == list(one.session(), id));
  one.subscribe("com.example.a");  // P-02: nothing new
  two.subscribe("com.example.a");
  CHECK(next("wamp.subscription.on_subscribe") == list(two.session(), id));
  one.unsubscribe(id);
  CHECK(next("wamp.subscription.on_unsubscribe") == list(one.session(), id));
  two.unsubscribe(id);
  CHECK(next("wamp.subscription.on_unsubscribe") == list(two.session(), id));
  CHECK(next("wamp.subscription.on_delete") == list(two.session(), id));
  const uint64_t last = one.subscribe("com.example.b");
  next("wamp.subscription.on_create");
  next("wamp.subscription.on_subscribe");
  const uint64_t session = one.session();
  one.wire().close();
  CHECK(next("wamp.subscription.on_unsubscribe") == list(session, last));
  CHECK(next("wamp.subscription.on_delete") == list(session, last));
  // A-05: one's own doing as well.
  const uint64_t own = watcher.subscribe("com.example.c");
  next("wamp.subscription.on_create");
  CHECK(next("wamp.subscription.on_subscribe") == list(watcher.session(), own));
}

TEST_CASE("P-40, P-41: a subscriber is removed, and told so") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  for (int i = 0; i < 4; ++i) {  // on every loop
    Peer& peer = world.join();
    Peer& other = world.join();
    const uint64_t id = peer.subscribe("com.example.a");
    other.subscribe("com.example.a");
    tell(admin, "wamp.subscription.remove_subscriber", list(id, peer.session(), "because"));
    CHECK(peer.expect(kUnsubscribed).value() ==
          list(kUnsubscribed, 0, dict({{"subscription", id}, {"reason", "because"}})));
    admin.publish("com.example.a");
    other.expect_event(id);
    expect_nothing({&admin, &peer, &other});
    const uint64_t late = peer.next_request();
    peer.send(list(kUnsubscribe, late, id));
    peer.expect_error(kUnsubscribe, late, "wamp.error.no_such_subscription");
    CHECK(peer.subscribe("com.example.a") == id);  // it may come back
    admin.publish("com.example.a");
    peer.expect_event(id);
    other.expect_event(id);
    tell(admin, "wamp.subscription.remove_subscriber", list(id, peer.session()));
    CHECK(peer.expect(kUnsubscribed).value() ==
          list(kUnsubscribed, 0, dict({{"subscription", id}})));
    peer.leave();
    other.leave();
  }
}

TEST_CASE("P-42: a subscriber that does not know revocation just gets no more events") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& peer = world.join({"subscriber.subscription_revocation"});
  const uint64_t events = admin.subscribe("wamp.subscription", json(kPrefix));
  const uint64_t id = peer.subscribe("com.example.a");
  admin.expect_event(events);
  admin.expect_event(events);
  tell(admin, "wamp.subscription.remove_subscriber", list(id, peer.session()));
  Message event = admin.expect_event(events);
  CHECK(event.details().find("topic").as_string() == "wamp.subscription.on_unsubscribe");
  CHECK(event.args() == list(peer.session(), id));
  event = admin.expect_event(events);
  CHECK(event.details().find("topic").as_string() == "wamp.subscription.on_delete");
  CHECK(event.args() == list(peer.session(), id));
  admin.publish("com.example.a");
  expect_nothing({&admin, &peer});
}

TEST_CASE("P-40: what cannot be removed is an error") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& peer = world.join();
  const uint64_t id = peer.subscribe("com.example.a");
  const auto check = [&](const Value& args, std::string_view error) {
    CAPTURE(args);
    CHECK_NOTHROW(refuse(admin, "wamp.subscription.remove_subscriber", args, error));
  };
  check(list(id + 1, peer.session()), "wamp.error.no_such_subscription");
  check(list(id, admin.session()), "wamp.error.no_such_session");
  check(list(id), "wamp.error.invalid_argument");
  check(list(id, "x"), "wamp.error.invalid_argument");
  check(list(id, peer.session(), list()), "wamp.error.invalid_argument");
  peer.unsubscribe(id);
}

TEST_CASE("P-40: subscriptions to what the router itself publishes are not taken away") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& peer = world.join();
  const uint64_t joins = peer.subscribe("wamp.session.on_join");
  refuse(admin, "wamp.subscription.remove_subscriber", list(joins, peer.session()),
         "wamp.error.no_such_subscription");
  world.join();
  peer.expect_event(joins);
}

}  // namespace
}  // namespace nexus::test
