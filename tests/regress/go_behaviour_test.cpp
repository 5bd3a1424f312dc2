// What gammazero/nexus got wrong without dying of it, as it has to be. GO-17.<row>: see README.md.
#include <set>

#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("GO-17.9: only subscribers that announced it learn who published") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& told = world.join();
  Peer& plain = world.join({"subscriber.publisher_identification"});
  Peer& publisher = world.join();
  const uint64_t exact = told.subscribe("com.example.topic");
  plain.subscribe("com.example.topic");
  const uint64_t pattern = plain.subscribe("com.example", json(R"({"match":"prefix"})"));
  for (int i = 0; i < 20; ++i) {
    publisher.publish("com.example.topic", dict({{"disclose_me", true}}), list(i));
    const Value disclosed = told.expect_event(exact).details();
    CHECK(disclosed.find("publisher").as_uint() == publisher.session());
    CHECK_FALSE(disclosed.find("topic"));  // that is for patterns
    for (int copy = 0; copy < 2; ++copy) {
      const Message event = plain.expect(kEvent);
      CHECK(event.details() ==
            (event.id(1) == pattern ? dict({{"topic", "com.example.topic"}}) : dict()));
    }
  }
}

TEST_CASE("GO-17.10: clients cannot publish below wamp") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  watcher.subscribe("wamp.session.on_leave");
  watcher.subscribe("wamp.mine");
  Peer& peer = world.join();
  for (const char* topic : {"wamp.session.on_leave", "wamp.mine"}) {
    const uint64_t request = peer.publish(topic, dict({{"acknowledge", true}}), list(1));
    peer.expect_error(kPublish, request, "wamp.error.invalid_uri");
    peer.publish(topic, dict(), list(1));
  }
  expect_nothing({&watcher, &peer});
}

TEST_CASE("GO-17.11: event history can be asked by anything, and survives its subscribers") {
  FOR_ALL_SETUPS(setup);
  World world(setup,
              R"({"realms":{"one":{"history":{"t":{"uri":"com.example.","match":"prefix"}}}}})");
  Peer& peer = world.join();
  const uint64_t subscription = peer.subscribe("com.example.", dict({{"match", "prefix"}}));
  std::vector<uint64_t> publications;
  for (const char* topic : {"com.example.a", "com.example.b", "com.example.a"}) {
    publications.push_back(peer.publish_acknowledged(topic, dict(), list(topic)));
  }
  peer.unsubscribe(subscription);
  const auto found = [&](const Value& query) {
    const Message result = peer.expect_result(
        peer.call("wamp.subscription.get_events", dict(), list(subscription), query));
    std::vector<uint64_t> ids;
    for (size_t i = 0; i < result.args().size(); ++i) {
      const Value event = result.args().at(i);
      ids.push_back(event.find("publication").as_uint());
      CHECK(event.find("timestamp").as_string().size() > 20);
      CHECK(event.find("subscription").as_uint() == subscription);
      CHECK(event.find("details").is(NX_DICT));
      CHECK(event.find("args").size() == 1);
    }
    return ids;
  };
  using Ids = std::vector<uint64_t>;
  CHECK(found(dict()) == publications);
  CHECK(found(dict({{"limit", 1}})) == Ids{publications[0]});
  CHECK(found(dict({{"from_publication", publications[1]}})) ==
        Ids{publications[1], publications[2]});
  CHECK(found(dict({{"topic", "com.example.a"}})) == Ids{publications[0], publications[2]});
  refuse(peer, "wamp.subscription.get_events", list(subscription), "wamp.error.invalid_argument",
         dict({{"limit", 0}}));
}

TEST_CASE("GO-17.12: subscribers can be counted under the name that the specification has") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  const uint64_t subscription = one.subscribe("com.example.topic");
  two.subscribe("com.example.topic");
  CHECK(ask(one, "wamp.subscription.count_subscribers", list(subscription)).as_int() == 2);
  refuse(one, "wamp.subscription.count_subscribers", list(subscription + 1000),
         "wamp.error.no_such_subscription");
}

TEST_CASE("GO-17.13: GOODBYE and ABORT arrive, behind everything that was queued") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  const std::string bulk(2000, 'x');
  for (const bool violates : {true, false}) {
    CAPTURE(violates);
    Peer& peer = world.join();
    peer.subscribe("com.example.topic");
    for (int i = 0; i < 200; ++i) {
      admin.publish("com.example.topic", dict(), list(i, bulk));
    }
    admin.sync();
    if (violates) {
      peer.send(list(kWelcome, 1, dict()));
    } else {
      tell(admin, "wamp.session.kill", list(peer.session()));
    }
    int events = 0;
    Message last = peer.receive();
    for (; last.type() == kEvent; last = peer.receive()) ++events;
    CHECK(last.type() == (violates ? kAbort : kGoodbye));
    CHECK(last.uri() == (violates ? "wamp.error.protocol_violation" : "wamp.close.killed"));
    if (!violates) {
      CHECK(events == 200);
      peer.send(list(kGoodbye, dict(), "wamp.close.goodbye_and_out"));
    }
    CHECK_NOTHROW(peer.expect_closed());
  }
}

TEST_CASE("GO-17.14: every one of many pipelined requests is answered") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t own = peer.register_procedure("com.example.procedure");
  constexpr int kEach = 500;
  std::vector<Value> batch;
  std::set<uint64_t> open;
  const auto add = [&](Value message) {
    open.insert(message.at(1).as_uint());
    batch.push_back(std::move(message));
  };
  for (int i = 0; i < kEach; ++i) {
    const std::string uri = "com.example.n" + std::to_string(i);
    add(list(kSubscribe, peer.next_request(), dict(), uri));
    add(list(kPublish, peer.next_request(), dict({{"acknowledge", true}}), uri));
    add(list(kRegister, peer.next_request(), dict(), uri));
    add(list(kCall, peer.next_request(), dict(), "wamp.session.count"));
    add(list(kCall, peer.next_request(), dict(), "com.example.nobody"));
    add(list(kCall, peer.next_request(), dict(), "com.example.procedure"));
  }
  peer.send_all(batch);
  while (!open.empty()) {
    const Message reply = peer.receive();
    if (reply.type() == kInvocation) {
      REQUIRE(reply.id(2) == own);
      peer.yield(reply.request());
    } else {
      REQUIRE(open.erase(reply.request()) == 1);
    }
  }
  expect_nothing({&peer});
}

TEST_CASE("GO-17.15: what others hold cannot be given up for them, and nothing is told of it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& holder = world.join();
  Peer& stranger = world.join();
  Peer& watcher = world.join();
  const uint64_t subscription = holder.subscribe("com.example.topic");
  const uint64_t registration = holder.register_procedure("com.example.procedure");
  settle({&holder, &watcher});
  for (const char* topic : {"wamp.subscription.on_unsubscribe", "wamp.subscription.on_delete",
                            "wamp.registration.on_unregister", "wamp.registration.on_delete"}) {
    watcher.subscribe(topic);
  }
  uint64_t request = stranger.next_request();
  stranger.send(list(kUnsubscribe, request, subscription));
  stranger.expect_error(kUnsubscribe, request, "wamp.error.no_such_subscription");
  request = stranger.next_request();
  stranger.send(list(kUnregister, request, registration));
  stranger.expect_error(kUnregister, request, "wamp.error.no_such_registration");
  expect_nothing({&watcher, &stranger, &holder});
  stranger.publish("com.example.topic");
  holder.expect_event(subscription);
  request = stranger.call("com.example.procedure");
  holder.yield(holder.expect_invocation(registration).request());
  stranger.expect_result(request);
}

TEST_CASE("GO-17.16: a session that is lost is told of as one that unsubscribes") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& watcher = world.join();
  const uint64_t unsubscribed = watcher.subscribe("wamp.subscription.on_unsubscribe");
  const uint64_t deleted = watcher.subscribe("wamp.subscription.on_delete");
  Peer& peer = world.join();
  const uint64_t session = peer.session();
  const uint64_t subscription = peer.subscribe("com.example.topic");
  peer.wire().close();
  CHECK(watcher.expect_event(unsubscribed).args() == list(session, subscription));
  CHECK(watcher.expect_event(deleted).args() == list(session, subscription));
}

TEST_CASE("GO-17.17: a sealed answer that the caller cannot take ends the call") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join({"caller.payload_passthru_mode"});
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const Value sealed = dict({{"ppt_scheme", "x_custom"}});
  uint64_t request = caller.call("com.example.procedure");
  callee.yield(callee.expect_invocation(registration).request(), sealed, list("x"));
  caller.expect_call_error(request, "wamp.error.feature_not_supported");
  request = caller.call("com.example.procedure");
  callee.yield(callee.expect_invocation(registration).request(), dict(), list("plain"));
  CHECK(caller.expect_result(request).args() == list("plain"));
}

TEST_CASE("GO-17.18: roles and request ids are enforced where that is configured") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"enforce_roles":true,"request_id_check":"strict"}}})");
  const std::pair<const char*, Value> requests[] = {
      {"publisher", list(kPublish, 1, dict(), "com.example.a")},
      {"subscriber", list(kSubscribe, 1, dict(), "com.example.a")},
      {"caller", list(kCall, 1, dict(), "com.example.a")},
      {"callee", list(kRegister, 1, dict(), "com.example.a")}};
  for (const auto& [role, request] : requests) {
    CAPTURE(role);
    Peer& peer = world.join({role});
    peer.send(request);
    CHECK_NOTHROW(peer.expect_violation());
  }
  Peer& skips = world.join();
  skips.send(list(kCall, 5, dict(), "com.example.a"));
  skips.expect_violation();
  Peer& repeats = world.join();
  repeats.sync();
  repeats.send(list(kSubscribe, 1, dict(), "com.example.a"));
  repeats.expect_violation();
}

TEST_CASE("GO-17.18: the id of an open call is no hidden continuation") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure", dict(), list(1));
  const uint64_t invocation = callee.expect_invocation(registration).request();
  caller.call_again(request, "com.example.procedure", dict(), list(2));
  caller.expect_violation();
  callee.expect(kInterrupt, invocation);
  expect_nothing({&callee});
}

TEST_CASE("GO-17.19: what is no message, is too large, or never comes, ends the connection") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"router":{"hello_timeout":"100ms"},
                         "transports":{"ws":{"max_message_size":"64K"},
                                       "poll":{"max_message_size":"64K"},
                                       "raw":{"max_message_size":"64K","handshake_timeout":"100ms"},
                                       "unix":{"max_message_size":"64K","handshake_timeout":"100ms"}}})");
  Peer& garbage = world.join();
  garbage.send_raw_bytes("\x01garbage");
  garbage.expect_violation();
  Peer& large = world.join();
  try {
    large.publish("com.example.topic", dict(), list(std::string(100000, 'x')));
  } catch (const WireClosed&) {
    // It may be told to go before it has said everything.
  }
  CHECK(large.wire().drain_until_closed());
  WireOptions silent;
  silent.format = setup.link.format;
  silent.handshake = false;
  Wire idle(world.router.url(setup.link.carrier), silent);
  if (setup.link.carrier != Carrier::websocket) {
    CHECK(idle.drain_until_closed());
  }
  Peer& nothing = world.connect();  // that it has connected is all that ever comes
  nothing.expect_closed();
  world.join().sync();
}

TEST_CASE("GO-17.19: what is too large for its receiver is not lost in silence") {
  const Format format = GENERATE(Format::json, Format::msgpack, Format::cbor);
  RouterFixture router(3);
  const Link link{Carrier::raw_tcp, format};
  WireOptions options;
  options.length_exponent = 3;  // takes 4096 bytes
  Peer small(router, link, options);
  small.join();
  auto other = Peer::joined(router, link);
  const Value large = list(std::string(5000, 'x'));
  small.register_procedure("com.example.small");
  other->expect_call_error(other->call("com.example.small", dict(), large),
                           "wamp.error.payload_size_exceeded");
  const uint64_t registration = other->register_procedure("com.example.other");
  const uint64_t request = small.call("com.example.other");
  other->yield(other->expect_invocation(registration).request(), dict(), large);
  small.expect_call_error(request, "wamp.error.payload_size_exceeded");
  small.subscribe("com.example.topic");
  other->publish("com.example.topic", dict(), large);
  settle({other.get(), &small});
  CHECK(router.counters().events_dropped == 1);
}

TEST_CASE("GO-17.21: a call that is killed ends, even if its callee is deaf") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const Value kill = dict({{"mode", "kill"}});
  const uint64_t timed = caller.call("com.example.procedure", dict({{"timeout", 50}}));
  uint64_t invocation = callee.expect_invocation(registration).request();
  caller.cancel(timed, kill);
  callee.expect(kInterrupt, invocation);
  caller.expect_call_error(timed, "wamp.error.timeout");
  const uint64_t patient = caller.call("com.example.procedure");
  invocation = callee.expect_invocation(registration).request();
  caller.cancel(patient, kill);
  callee.expect(kInterrupt, invocation);
  caller.cancel(patient);
  caller.expect_call_error(patient, "wamp.error.canceled");
  expect_nothing({&caller, &callee});
}

}  // namespace
}  // namespace nexus::test
