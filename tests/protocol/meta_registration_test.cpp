// The registration meta API and registration revocation (checklist A-30 … A-38, R-69).

#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kPrefix = R"({"match":"prefix"})";
constexpr const char* kWildcard = R"({"match":"wildcard"})";
constexpr const char* kShared = R"({"invoke":"roundrobin"})";

// ISO 8601 in UTC.
bool is_time(const Value& value) {
  // 2024-06-07T12:00:00.123Z, with or without the fraction.
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  std::string_view text = value.as_string();
  if (!value.is(NX_STRING) || text.size() <= kShape.size() || !text.ends_with('Z')) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return false;
  }
  text.remove_prefix(kShape.size());
  text.remove_suffix(1);
  return text.empty() ||
         (text.size() > 1 && text[0] == '.' && std::all_of(text.begin() + 1, text.end(), is_digit));
}

TEST_CASE("A-30: registrations are listed by their match") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  Peer& other = world.join();
  CHECK(ask(peer, "wamp.registration.list") == json(R"({"exact":[],"prefix":[],"wildcard":[]})"));
  const uint64_t a = other.register_procedure("com.example.a");
  const uint64_t b = peer.register_procedure("com.example.b");
  const uint64_t p = peer.register_procedure("com.example", json(kPrefix));
  const uint64_t w = other.register_procedure("com..c", json(kWildcard));
  world.join_realm("realm2").register_procedure("com.example.a");
  CHECK(ask(peer, "wamp.registration.list") ==
        dict({{"exact", list(a, b)}, {"prefix", list(p)}, {"wildcard", list(w)}}));
  peer.unregister(b);
  CHECK(ask(peer, "wamp.registration.list").find("exact") == list(a));
}

TEST_CASE("A-31, A-32: registrations are looked up by name, and by what a call finds") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t exact = peer.register_procedure("com.example.a");
  const uint64_t prefix = peer.register_procedure("com.example.a", json(kPrefix));
  const uint64_t longer = peer.register_procedure("com.example.a.b", json(kPrefix));
  const uint64_t wildcard = peer.register_procedure("com..x", json(kWildcard));
  const auto lookup = [&](const Value& args) {
    return ask(peer, "wamp.registration.lookup", args);
  };
  CHECK(lookup(list("com.example.a")).as_uint() == exact);
  CHECK(lookup(list("com.example.a", dict())).as_uint() == exact);
  CHECK(lookup(list("com.example.a", json(R"({"match":"exact"})"))).as_uint() == exact);
  CHECK(lookup(list("com.example.a", json(kPrefix))).as_uint() == prefix);
  CHECK(lookup(list("com..x", json(kWildcard))).as_uint() == wildcard);
  CHECK(lookup(list("com..x")).is(NX_NULL));  // A-38: null, not 0
  CHECK(lookup(list("com.example.a.c")).is(NX_NULL));
  CHECK(lookup(list("com.example", json(kPrefix))).is(NX_NULL));
  const auto match = [&](const char* uri) {
    return ask(peer, "wamp.registration.match", list(uri));
  };
  CHECK(match("com.example.a").as_uint() == exact);
  CHECK(match("com.example.a.c").as_uint() == prefix);
  CHECK(match("com.example.a.b.c").as_uint() == longer);
  CHECK(match("com.other.x").as_uint() == wildcard);
  CHECK(match("com.other.y").is(NX_NULL));
  for (const Value& bad : {list(), list(1), list("a", 1), list("a", json(R"({"match":"fuzzy"})")),
                           list("a", json(R"({"match":1})")), list("a", dict(), 1)}) {
    CAPTURE(bad);
    CHECK_NOTHROW(refuse(peer, "wamp.registration.lookup", bad, "wamp.error.invalid_argument"));
  }
  for (const Value& bad : {list(), list(1), list("a", dict())}) {
    CHECK_NOTHROW(refuse(peer, "wamp.registration.match", bad, "wamp.error.invalid_argument"));
  }
}

TEST_CASE("A-33, A-34, A-35: a registration's details and callees") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& peer = world.join();
  const uint64_t id =
      one.register_procedure("com.example", json(R"({"match":"prefix","invoke":"last"})"));
  two.register_procedure("com.example", json(R"({"match":"prefix","invoke":"last"})"));
  const uint64_t plain = one.register_procedure("com.example.plain");
  const Value details = ask(peer, "wamp.registration.get", list(id));
  CHECK(is_time(details.find("created")));
  CHECK(details == dict({{"id", id},
                         {"created", details.find("created")},
                         {"uri", "com.example"},
                         {"match", "prefix"},
                         {"invoke", "last"}}));
  const Value other = ask(peer, "wamp.registration.get", list(plain));
  CHECK(other.find("match").as_string() == "exact");
  CHECK(other.find("invoke").as_string() == "single");
  CHECK(ask(peer, "wamp.registration.list_callees", list(id)) ==
        list(one.session(), two.session()));
  CHECK(ask(peer, "wamp.registration.count_callees", list(id)).as_int() == 2);
  one.leave();
  CHECK(ask(peer, "wamp.registration.list_callees", list(id)) == list(two.session()));
  two.unregister(id);
  for (const char* procedure : {"wamp.registration.get", "wamp.registration.list_callees",
                                "wamp.registration.count_callees"}) {
    CAPTURE(procedure);
    for (const uint64_t none : {id, plain, uint64_t{1} << 53}) {
      CHECK_NOTHROW(refuse(peer, procedure, list(none), "wamp.error.no_such_registration"));
    }
    CHECK_NOTHROW(refuse(peer, procedure, list(0), "wamp.error.no_such_registration"));
    CHECK_NOTHROW(refuse(peer, procedure, list(-1), "wamp.error.no_such_registration"));
    for (const Value& bad : {list(), list("1"), list(1.5), list(true), list(id, 1)}) {
      CAPTURE(bad);
      CHECK_NOTHROW(refuse(peer, procedure, bad, "wamp.error.invalid_argument"));
    }
  }
}

TEST_CASE("A-37: registering and unregistering is told of, in order") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  const uint64_t events = watcher.subscribe("wamp.registration", json(kPrefix));
  const auto next = [&](std::string_view topic) {
    const Message event = watcher.expect_event(events);
    CHECK(event.details().find("topic").as_string() == topic);
    return event.args();
  };
  Peer& one = world.join();
  Peer& two = world.join();
  const uint64_t id = one.register_procedure("com.example.a", json(kShared));
  const Value created = next("wamp.registration.on_create");
  CHECK(created == list(one.session(), ask(two, "wamp.registration.get", list(id))));
  CHECK(next("wamp.registration.on_register") == list(one.session(), id));
  one.register_procedure("com.example.a", json(kShared));  // R-03: nothing new
  two.register_procedure("com.example.a", json(kShared));
  CHECK(next("wamp.registration.on_register") == list(two.session(), id));
  one.unregister(id);
  CHECK(next("wamp.registration.on_unregister") == list(one.session(), id));
  two.unregister(id);
  CHECK(next("wamp.registration.on_unregister") == list(two.session(), id));
  CHECK(next("wamp.registration.on_delete") == list(two.session(), id));
  // A-13: as it leaves, everything that it had goes one after the other.
  const uint64_t last = one.register_procedure("com.example.b");
  next("wamp.registration.on_create");
  next("wamp.registration.on_register");
  const uint64_t session = one.session();
  one.wire().close();
  CHECK(next("wamp.registration.on_unregister") == list(session, last));
  CHECK(next("wamp.registration.on_delete") == list(session, last));
  // A-05: one's own doing as well.
  const uint64_t own = watcher.register_procedure("com.example.c");
  next("wamp.registration.on_create");
  CHECK(next("wamp.registration.on_register") == list(watcher.session(), own));
}

TEST_CASE("R-69: a callee is removed, and told so") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& caller = world.join();
  for (int i = 0; i < 4; ++i) {  // on every loop
    Peer& callee = world.join();
    Peer& other = world.join();
    const uint64_t id = callee.register_procedure("com.example.a", json(kShared));
    other.register_procedure("com.example.a", json(kShared));
    const uint64_t request = caller.call("com.example.a");
    const Message open = callee.expect_invocation(id);
    tell(admin, "wamp.registration.remove_callee", list(id, callee.session(), "because"));
    const Message revoked = callee.expect(kUnregistered);
    CHECK(revoked.value() ==
          list(kUnregistered, 0, dict({{"registration", id}, {"reason", "because"}})));
    CHECK(ask(admin, "wamp.registration.list_callees", list(id)) == list(other.session()));
    // What was open goes on; nothing new comes.
    callee.yield(open.request(), dict(), list("still"));
    CHECK(caller.expect_result(request).args() == list("still"));
    for (int j = 0; j < 3; ++j) {
      const uint64_t again = caller.call("com.example.a");
      other.yield(other.expect_invocation(id).request());
      caller.expect_result(again);
    }
    expect_nothing({&caller, &callee});
    // P-41: it crosses an UNREGISTER.
    const uint64_t late = callee.next_request();
    callee.send(list(kUnregister, late, id));
    callee.expect_error(kUnregister, late, "wamp.error.no_such_registration");
    // It may come back.
    CHECK(callee.register_procedure("com.example.a", json(kShared)) == id);
    CHECK(ask(admin, "wamp.registration.count_callees", list(id)).as_int() == 2);
    tell(admin, "wamp.registration.remove_callee", list(id, callee.session()));
    CHECK(callee.expect(kUnregistered).value() ==
          list(kUnregistered, 0, dict({{"registration", id}})));
    tell(admin, "wamp.registration.remove_callee", list(id, other.session()),
         dict({{"reason", "com.example.why"}}));
    CHECK(other.expect(kUnregistered).details().find("reason").as_string() == "com.example.why");
    CHECK(nobody_has(caller, "com.example.a"));
    callee.leave();
    other.leave();
  }
}

TEST_CASE("R-69: a callee that does not know revocation is removed silently") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& callee = world.join({"callee.registration_revocation"});
  const uint64_t events = admin.subscribe("wamp.registration", json(kPrefix));
  const uint64_t id = callee.register_procedure("com.example.a");
  admin.expect_event(events);
  admin.expect_event(events);
  tell(admin, "wamp.registration.remove_callee", list(id, callee.session()));
  Message event = admin.expect_event(events);
  CHECK(event.details().find("topic").as_string() == "wamp.registration.on_unregister");
  CHECK(event.args() == list(callee.session(), id));
  event = admin.expect_event(events);
  CHECK(event.details().find("topic").as_string() == "wamp.registration.on_delete");
  CHECK(event.args() == list(callee.session(), id));
  CHECK(nobody_has(admin, "com.example.a"));
  expect_nothing({&callee});
}

TEST_CASE("R-07: whoever may, takes a procedure from those who have it") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& one = world.join();
  Peer& two = world.join();
  Peer& silent = world.join({"callee.registration_revocation"});
  const Value force = json(R"({"force_reregister":true})");
  const uint64_t first = one.register_procedure("com.example.a", json(kShared));
  two.register_procedure("com.example.a", json(kShared));
  silent.register_procedure("com.example.a", json(kShared));
  two.expect_error(kRegister, two.send_register("com.example.a", force),
                   "wamp.error.option_not_allowed");
  const uint64_t second = admin.register_procedure("com.example.a", force);
  CHECK(second != first);
  for (Peer* evicted : {&one, &two}) {
    CHECK(evicted->expect(kUnregistered).value() ==
          list(kUnregistered, 0,
               dict({{"registration", first}, {"reason", "wamp.error.unregistered"}})));
  }
  CHECK(ask(one, "wamp.registration.list_callees", list(second)) == list(admin.session()));
  refuse(one, "wamp.registration.get", list(first), "wamp.error.no_such_registration");
  const uint64_t request = two.call("com.example.a");
  admin.yield(admin.expect_invocation(second).request());
  two.expect_result(request);
  // From oneself as well, and where there is nothing to take.
  const uint64_t third = admin.register_procedure("com.example.a", force);
  CHECK(admin.expect(kUnregistered).details().find("registration").as_uint() == second);
  CHECK(third != second);
  CHECK(one.register_procedure("com.example.b", force) != third);
  expect_nothing({&admin, &one, &two, &silent});
}

TEST_CASE("A-36: what cannot be removed is an error") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& callee = world.join();
  const uint64_t id = callee.register_procedure("com.example.a");
  const auto check = [&](const Value& args, std::string_view error) {
    CAPTURE(args);
    CHECK_NOTHROW(refuse(admin, "wamp.registration.remove_callee", args, error));
  };
  check(list(id + 1, callee.session()), "wamp.error.no_such_registration");
  check(list(id, admin.session()), "wamp.error.no_such_session");
  check(list(id, 0), "wamp.error.no_such_session");
  check(list(id), "wamp.error.invalid_argument");
  check(list("a", callee.session()), "wamp.error.invalid_argument");
  check(list(id, callee.session(), 5), "wamp.error.invalid_argument");
  check(list(id, callee.session(), "a", "b"), "wamp.error.invalid_argument");
  callee.unregister(id);
}

TEST_CASE("R-69: after any race of revocations, the callee and the realm agree") {
  const unsigned loops = GENERATE(1u, 3u);
  World world({{Carrier::raw_tcp, Format::msgpack}, loops}, with_admins());
  Peer& admin = join_admin(world);
  Peer& callee = world.join();
  constexpr int kRounds = 200;
  const uint64_t id = callee.register_procedure("com.example.a", json(kShared));
  Peer& keeper = world.join();  // so that the registration keeps its id
  keeper.register_procedure("com.example.a", json(kShared));
  for (int i = 0; i < kRounds; ++i) {
    admin.call("wamp.registration.remove_callee", dict(), list(id, callee.session()));
    callee.send(list(kUnregister, callee.next_request(), id));
    callee.send_register("com.example.a", json(kShared));
  }
  for (int i = 0; i < kRounds; ++i) {
    const Message reply = admin.receive();
    if (reply.type() != kResult) CHECK(reply.uri() == "wamp.error.no_such_session");
  }
  settle({&admin, &callee});
  bool held = true;
  while (callee.has_received()) {
    const Message message = callee.receive();
    if (message.type() == kRegistered) held = true;
    if (message.type() == kUnregistered) held = false;
  }
  const Value callees = ask(admin, "wamp.registration.list_callees", list(id));
  CHECK(callees == (held ? list(keeper.session(), callee.session()) : list(keeper.session())));
  // The two of them agree on it from here on.
  const uint64_t request = callee.next_request();
  callee.send(list(kUnregister, request, id));
  CHECK(callee.receive().type() == (held ? kUnregistered : kError));
}

}  // namespace
}  // namespace nexus::test
