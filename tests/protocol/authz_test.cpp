// Authorization: denials, answers that come later or never, what is remembered, disclosure, and
// that none of it changes the order of messages (checklist chapter 12, Z-01 … Z-10). The
// authorizer is the test plugin authz_async, which decides by words in the URI.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

std::string with_authorizer(std::string_view router = "{}") {
  Value patch = json(R"({"realms":{"one":{"authorizers":{"tested":{"type":"authz-test"}}}}})");
  patch = merged(patch, dict({{"router", json(router)}}));
  return with_test_plugins({"authz_async"}, to_json(patch));
}

// Sends all four kinds of request for `uri`; each has to be refused with `error`.
void check_refused(Peer& peer, std::string_view uri, std::string_view error) {
  CAPTURE(uri);
  const auto check = [&](MessageType type, const Value& options) {
    CAPTURE(type_name(type));
    const uint64_t request = peer.next_request();
    peer.send(list(type, request, options, uri));
    CHECK_NOTHROW(peer.expect_error(type, request, error));
  };
  check(kPublish, dict({{"acknowledge", true}}));
  check(kSubscribe, dict());
  check(kSubscribe, dict({{"match", "prefix"}}));
  check(kCall, dict());
  check(kRegister, dict());
}

TEST_CASE("Z-01, Z-03: what is denied is answered with an error") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  check_refused(peer, "com.example.deny", "wamp.error.not_authorized");
  check_refused(peer, "com.example.forbid", "com.test.forbidden");
  check_refused(peer, "com.example.notmine", "wamp.error.not_authorized");
  check_refused(peer, "com.example.error", "wamp.error.authorization_failed");
  check_refused(peer, "com.example.throw", "wamp.error.authorization_failed");
  check_refused(peer, "com.example.async.no", "wamp.error.not_authorized");
  // Z-03: names that do not exist are allowed or denied like any other, after their syntax.
  peer.expect_call_error(peer.call("com.example.allowed"), "wamp.error.no_such_procedure");
  peer.expect_call_error(peer.call("no uri.deny"), "wamp.error.invalid_uri");
  peer.expect_error(kRegister, peer.send_register("wamp.deny"), "wamp.error.invalid_uri");
}

TEST_CASE("Z-01, Z-03: a denial says what was asked for, and nothing of what there is") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  const auto said = [](const Message& error) { return error.args(); };
  CHECK(said(peer.expect_call_error(peer.call("com.deny"), "wamp.error.not_authorized")) ==
        list("denied by test"));
  CHECK(said(peer.expect_call_error(peer.call("com.x.notmine"), "wamp.error.not_authorized")) ==
        list("the role \"anonymous\" may not call \"com.x.notmine\""));
  const uint64_t request = peer.send_subscribe("com.notmine.", dict({{"match", "prefix"}}));
  CHECK(said(peer.expect_error(kSubscribe, request, "wamp.error.not_authorized")) ==
        list("the role \"anonymous\" may not subscribe to \"com.notmine.\" with match prefix"));
  CHECK(said(peer.expect_error(kRegister, peer.send_register("com.notmine"),
                               "wamp.error.not_authorized")) ==
        list("the role \"anonymous\" may not register \"com.notmine\""));
}

TEST_CASE("R-55, Z-01: a progressive call that is denied is answered once") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  const Value progress = dict({{"progress", true}});
  for (const char* uri : {"com.example.deny", "com.example.async.no"}) {
    CAPTURE(uri);
    const uint64_t request = peer.call(uri, progress);
    peer.call_again(request, uri, progress);
    peer.call_again(request, uri, dict());
    peer.expect_call_error(request, "wamp.error.not_authorized");
    expect_nothing({&peer});
  }
}

TEST_CASE("Z-01: what is allowed works, at once or later") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& one = world.join();
  Peer& two = world.join();
  for (const std::string name : {"com.example.plain", "com.example.async"}) {
    CAPTURE(name);
    const uint64_t subscription = one.subscribe(name);
    two.publish_acknowledged(name, dict(), list(1));
    CHECK(one.expect_event(subscription).args() == list(1));
    const uint64_t registration = one.register_procedure(name);
    const uint64_t request = two.call(name, dict(), list(2));
    const Message invocation = one.expect_invocation(registration);
    CHECK(invocation.args() == list(2));
    one.yield(invocation.request());
    two.expect_result(request);
  }
}

TEST_CASE("Z-02: an unacknowledged PUBLISH that is denied vanishes") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& watcher = world.join();
  Peer& peer = world.join();
  watcher.subscribe("com.example", json(R"({"match":"prefix"})"));
  for (const char* topic : {"com.example.deny", "com.example.error", "com.example.async.no"}) {
    peer.publish(topic);
  }
  expect_nothing({&peer, &watcher});
}

TEST_CASE("Z-04: the authorizer sees who asks, for what, and how it matches") {
  World world({{Carrier::raw_tcp, Format::msgpack}, 1}, with_authorizer());
  Peer& peer = world.join();
  peer.subscribe("com.example.p", json(R"({"match":"prefix"})"));
  peer.subscribe("com..w", json(R"({"match":"wildcard"})"));
  peer.register_procedure("com.example.x");
  peer.publish_acknowledged("com.example.t");
  CHECK(world.router.log_count("asked subscribe prefix com.example.p as anonymous") == 1);
  CHECK(world.router.log_count("asked subscribe wildcard com..w as anonymous") == 1);
  CHECK(world.router.log_count("asked register exact com.example.x as anonymous") == 1);
  CHECK(world.router.log_count("asked publish exact com.example.t as anonymous") == 1);
  CHECK(world.router.log_count("asked") == 4);
  peer.unsubscribe(peer.subscribe("com.example.t"));  // undoing needs no permission
  CHECK(world.router.log_count("asked") == 5);
}

TEST_CASE("Z-04: an authorizer may publish while it decides") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& auditor = world.join();
  Peer& receiver = world.join();
  Peer& excluded = world.join();
  Peer& publisher = world.join();
  const uint64_t audit = auditor.subscribe("com.test.audit");
  const uint64_t topic = receiver.subscribe("com.example.t.audit");
  excluded.subscribe("com.example.t.audit");
  // Its options are still those of the request, and not those of what was published meanwhile.
  publisher.publish_acknowledged("com.example.t.audit",
                                 dict({{"exclude", list(excluded.session())}}), list(1));
  CHECK(receiver.expect_event(topic).args() == list(1));
  for (int asked = 0; asked < 3; ++asked) auditor.expect_event(audit);
  expect_nothing({&excluded, &publisher, &receiver});
}

TEST_CASE("Z-06: answers that come later change no order") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& subscriber = world.join();
  Peer& publisher = world.join();
  subscriber.subscribe("com.example", json(R"({"match":"prefix"})"));
  subscriber.register_procedure("com.example", json(R"({"match":"prefix"})"));
  const char* const names[] = {"com.example.async", "com.example.plain", "com.example.twice"};
  std::vector<Value> batch;
  constexpr int kCount = 200;
  for (int i = 0; i < kCount; ++i) {
    batch.push_back(list(i % 5 == 0 ? kCall : kPublish, publisher.next_request(), dict(),
                         names[i % 3], list(i)));
  }
  publisher.send_all(batch);
  for (int i = 0; i < kCount; ++i) {
    const Message message = subscriber.receive();
    CHECK(message.type() == (i % 5 == 0 ? kInvocation : kEvent));
    CHECK(message.args() == list(i));
  }
  expect_nothing({&publisher, &subscriber});
}

TEST_CASE("Z-06: while one session waits, others go on") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& waiting = world.join();
  Peer& other = world.join();
  const uint64_t subscription = other.subscribe("com.example", json(R"({"match":"prefix"})"));
  waiting.publish("com.example.hold", dict(), list("first"));
  waiting.publish("com.example.plain", dict(), list("second"));
  waiting.call("com.example.nobody");
  other.publish_acknowledged("com.example.plain");
  for (int i = 0; i < 5; ++i) other.sync();
  CHECK_FALSE(other.has_received());
  // Events for the waiting session still reach it. It is asked again until the hold is in place,
  // because nothing tells when its request has arrived.
  CHECK(eventually([&] {
    other.publish("com.example.release");
    other.sync();
    return other.has_received();
  }));
  CHECK(other.expect_event(subscription).args() == list("first"));
  CHECK(other.expect_event(subscription).args() == list("second"));
  waiting.expect_call_error(waiting.last_request(), "wamp.error.no_such_procedure");
}

TEST_CASE("Z-01: an authorizer that takes too long is a denial, and the session goes on") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer(R"({"decision_timeout":"60ms"})"));
  Peer& peer = world.join();
  for (const char* procedure : {"com.example.never", "com.example.late"}) {
    CAPTURE(procedure);
    peer.expect_call_error(peer.call(procedure), "wamp.error.authorization_failed");
    peer.sync();
  }
  CHECK(eventually([&] {
    peer.sync();
    return world.router.log_count("refused late answer") == 1;
  }));
  CHECK(world.router.log_count("the router took a late answer") == 0);
}

TEST_CASE("Z-01: an operation that is dropped is a denial") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  const Message error = (peer.call("com.example.dropped"), peer.expect(kError));
  CHECK((error.uri() == "wamp.error.not_authorized" ||
         error.uri() == "wamp.error.authorization_failed"));
  peer.sync();
}

TEST_CASE("S-12: a session that is killed while its authorizer thinks ends with its GOODBYE") {
  FOR_ALL_SETUPS(setup);
  Value config = json(with_authorizer(R"({"goodbye_timeout":"1h"})"));
  config = merged(config, json(R"({"realms":{"one":{"meta_kill_roles":["*"]}}})"));
  World world(setup, to_json(config));
  Peer& other = world.join();
  Peer& waiting = world.join();
  const uint64_t before = world.router.counters().messages_in;
  waiting.publish("com.example.never");
  CHECK(eventually([&] { return world.router.counters().messages_in > before; }));
  other.expect_result(other.call("wamp.session.kill", dict(), list(waiting.session())));
  waiting.expect(kGoodbye);
  // Nothing else would: the deadline for it is an hour away.
  waiting.send(list(kGoodbye, dict(), "wamp.close.goodbye_and_out"));
  waiting.expect_closed();
}

TEST_CASE("Z-01: a client that goes while its authorizer thinks") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& other = world.join();
  for (const char* topic : {"com.example.late", "com.example.hold", "com.example.never"}) {
    Peer& peer = world.join();
    peer.publish(topic);
    peer.wire().close();
  }
  CHECK(eventually([&] {
    other.sync();
    return world.router.counters().sessions_open == 1;
  }));
  CHECK(world.router.log_count("the router took a late answer") == 0);
  other.publish_acknowledged("com.example.release");
}

TEST_CASE("Z-05: an answer may be remembered for the session") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& one = world.join();
  Peer& two = world.join();
  for (int i = 0; i < 3; ++i) one.publish_acknowledged("com.example.remember");
  CHECK(world.router.log_count("com.example.remember") == 1);
  one.subscribe("com.example.remember");  // another action
  CHECK(world.router.log_count("com.example.remember") == 2);
  two.publish_acknowledged("com.example.remember");  // another session
  one.expect(kEvent);
  CHECK(world.router.log_count("com.example.remember") == 3);
  for (int i = 0; i < 3; ++i) one.publish_acknowledged("com.example.plain");  // not remembered
  CHECK(world.router.log_count("com.example.plain") == 3);
}

TEST_CASE("Z-05: an answer may be remembered for the role, until it is forgotten") {
  const unsigned loops = 1;  // each loop has a memory of its own
  World world({{Carrier::raw_unix, Format::cbor}, loops}, with_authorizer());
  Peer& one = world.join();
  Peer& two = world.join();
  one.publish_acknowledged("com.example.roleonce");
  two.publish_acknowledged("com.example.roleonce");
  CHECK(world.router.log_count("com.example.roleonce") == 1);
  two.publish_acknowledged("com.example.forget");
  one.publish_acknowledged("com.example.roleonce");
  CHECK(world.router.log_count("com.example.roleonce") == 2);
}

TEST_CASE("Z-05: what is remembered of an exact URI says nothing about the pattern of that name") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  peer.subscribe("com.roleonce");
  peer.subscribe("com.roleonce");
  CHECK(world.router.log_count("asked subscribe exact com.roleonce") == 1);
  for (const char* match : {"prefix", "wildcard"}) {
    for (int i = 0; i < 2; ++i) peer.subscribe("com.roleonce", dict({{"match", match}}));
    CHECK(world.router.log_count("asked subscribe " + std::string(match)) == 1);
  }
  CHECK(world.router.log_count("asked subscribe") == 3);
}

TEST_CASE("Z-05, A-25: who has become somebody else is asked about anew") {
  FOR_ALL_SETUPS(setup);
  const Value realm = json(R"({"realms": {"one": {"meta_kill_roles": ["anonymous"]}}})");
  World world(setup, to_json(merged(json(with_authorizer()), realm)));
  Peer& admin = world.join();
  Peer& peer = world.join();
  for (int i = 0; i < 3; ++i) peer.publish_acknowledged("com.remember");
  CHECK(world.router.log_count("asked publish exact com.remember as anonymous") == 1);
  admin.expect_result(admin.call("wamp.session.modify_details", dict(),
                                 list(peer.session(), dict({{"authrole", "boss"}}))));
  CHECK(eventually([&] {
    peer.publish_acknowledged("com.remember");
    return world.router.log_count("asked publish exact com.remember as boss") == 1;
  }));
}

TEST_CASE("Z-08: an authorizer that answers later is heard when everything is asked again") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  Peer& other = world.join();
  const uint64_t first = peer.subscribe("com.first.until");
  const uint64_t kept = peer.subscribe("com.kept");
  const uint64_t second = peer.subscribe("com.second.until");
  const uint64_t registration = peer.register_procedure("com.third.until");
  for (const Reloaded& one : world.router.router().reload()) CHECK(one.status);
  // All three, whichever comes first; what is still allowed stays.
  std::vector<uint64_t> revoked;
  for (int i = 0; i < 3; ++i) {
    const Message message = peer.receive();
    REQUIRE((message.type() == kUnsubscribed || message.type() == kUnregistered));
    revoked.push_back(message.at(2)
                          .find(message.type() == kUnsubscribed ? "subscription" : "registration")
                          .as_uint());
  }
  std::sort(revoked.begin(), revoked.end());
  std::vector<uint64_t> expected{first, second, registration};
  std::sort(expected.begin(), expected.end());
  CHECK(revoked == expected);
  other.publish_acknowledged("com.kept", dict(), list(1));
  CHECK(peer.expect_event(kept).args() == list(1));
}

TEST_CASE("Z-10: an authorizer decides about disclosure") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& subscriber = world.join();
  Peer& publisher = world.join();
  const uint64_t always = subscriber.subscribe("com.example.disclose");
  publisher.publish("com.example.disclose");
  CHECK(subscriber.expect_event(always).details().find("publisher").as_uint() ==
        publisher.session());
  subscriber.subscribe("com.example.anonymous");
  const uint64_t request = publisher.publish("com.example.anonymous",
                                             dict({{"disclose_me", true}, {"acknowledge", true}}));
  publisher.expect_error(kPublish, request, "wamp.error.option_disallowed.disclose_me");
  expect_nothing({&publisher, &subscriber});
  const uint64_t registration = subscriber.register_procedure("com.example.x.disclose");
  publisher.call("com.example.x.disclose");
  CHECK(subscriber.expect_invocation(registration).details().find("caller").as_uint() ==
        publisher.session());
}

}  // namespace
}  // namespace nexus::test
