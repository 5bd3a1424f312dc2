// Limits: slow peers cost themselves only, and no reply is ever lost (checklist T-27, P-43, R-70,
// V-05, and the router's promise never to block, never to grow without end, never to lose a reply).
#include <thread>

#include "tests/protocol/slow_peer.hpp"

namespace nexus::test {
namespace {

constexpr const char* kSmallQueue = R"({"router":{"queue_bytes":"256K"}})";

// Writes `bytes`, and whenever the router takes no more, reads one of its replies, as a client does
// that pipelines more than fits. Answers once `replies` messages have come.
template <typename OnMessage>
void pipeline(Peer& peer, std::string_view bytes, size_t replies, OnMessage on_message) {
  size_t seen = 0;
  while (!bytes.empty() || seen < replies) {
    const long sent = bytes.empty() ? 0 : peer.wire().try_send_raw(bytes.substr(0, 65536));
    REQUIRE(sent >= 0);
    bytes.remove_prefix(static_cast<size_t>(sent));
    if (sent > 0) continue;
    REQUIRE(seen < replies);
    on_message(peer.receive());
    ++seen;
  }
}

TEST_CASE("P-43: a slow subscriber loses its own events, nobody else's") {
  FOR_ALL_SETUPS(setup);
  RouterFixture router(setup.loops, kSmallQueue);
  auto slow = slow_peer(router, setup.link);
  auto fast = Peer::joined(router, setup.link);
  auto publisher = Peer::joined(router, setup.link);
  const uint64_t subscription = slow->subscribe("com.example.topic");
  fast->subscribe("com.example.topic");
  const std::string bulk(8192, 'x');
  int published = 0;
  // Until the slow one's queue has been full for a while; the fast one gets every event.
  REQUIRE(eventually([&] {
    publisher->publish_acknowledged("com.example.topic", dict(), list(published, bulk));
    CHECK(fast->expect_event(subscription).args().at(0).as_int(-1) == published);
    ++published;
    return router.counters().events_dropped >= 20;
  }));
  // The slow one is still there. It gets some of the events, in order, each once and whole.
  const uint64_t request = slow->call("com.example.nobody");
  int received = 0, last = -1;
  const auto take = [&](const Message& event) {
    CHECK(event.args().at(0).as_int(-1) > last);
    CHECK(event.args().at(1).as_string() == bulk);
    last = static_cast<int>(event.args().at(0).as_int(-1));
    ++received;
  };
  Message message = slow->receive();
  for (; message.type() == kEvent; message = slow->receive()) take(message);
  CHECK(message.type() == kError);
  CHECK(received > 0);
  // The answer to the call may overtake events that are on their way from the publisher's loop, but
  // what is published later may not.
  publisher->publish("com.example.topic", dict(), list("again", ""));
  for (message = slow->expect_event(subscription); !message.args().at(0).is(NX_STRING);
       message = slow->expect_event(subscription)) {
    take(message);
  }
  CHECK(message.args().at(0).as_string() == "again");
  CHECK(received + router.counters().events_dropped == static_cast<uint64_t>(published));
  CHECK(request == slow->last_request());
  CHECK(router.counters().sessions_killed_slow == 0);
}

TEST_CASE("P-43: by configuration, a subscriber that is too slow is disconnected") {
  FOR_ALL_SETUPS(setup);
  RouterFixture router(setup.loops,
                       R"({"router":{"queue_bytes":"256K","slow_subscriber":"disconnect"}})");
  auto slow = slow_peer(router, setup.link);
  auto publisher = Peer::joined(router, setup.link);
  slow->subscribe("com.example.topic");
  REQUIRE(eventually([&] {
    publisher->publish_acknowledged("com.example.topic", dict(), list(std::string(8192, 'x')));
    return router.counters().sessions_killed_slow == 1;
  }));
  CHECK(slow->wire().drain_until_closed());
}

TEST_CASE("R-70: pipelined calls are all answered") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  constexpr size_t kCalls = 3000;
  std::string bytes;
  for (size_t i = 0; i < kCalls; ++i) {
    bytes += caller.wire().framed(encode(
        setup.link.format, list(kCall, caller.next_request(), dict(), "com.example.procedure")));
  }
  std::string problem;
  std::jthread server([&] {
    try {
      for (size_t i = 0; i < kCalls; ++i) {
        callee.yield(callee.expect_invocation(registration).request());
      }
    } catch (const std::exception& error) {
      problem = error.what();
    }
  });
  std::vector<bool> answered(kCalls + 1);
  pipeline(caller, bytes, kCalls, [&](const Message& reply) {
    CHECK(reply.type() == kResult);
    REQUIRE(reply.request() <= kCalls);
    CHECK_FALSE(answered[reply.request()]);
    answered[reply.request()] = true;
  });
  server.join();
  CHECK(problem == "");
  expect_nothing({&caller, &callee});
}

TEST_CASE("R-70: a client that pipelines more than fits gets every reply, in order") {
  FOR_ALL_SETUPS(setup);
  RouterFixture router(setup.loops, R"({"router":{"queue_bytes":"256K"}})");
  auto peer = slow_peer(router, setup.link);
  // More replies than the system's buffers take: each tells this long name.
  const Value name = list(peer->register_procedure("com.example." + std::string(1000, 'x')));
  constexpr size_t kRequests = 8000;
  const uint64_t before = peer->last_request();
  std::string bytes;
  for (size_t i = 0; i < kRequests; ++i) {
    bytes += peer->wire().framed(encode(setup.link.format, list(kCall, peer->next_request(), dict(),
                                                                "wamp.registration.get", name)));
  }
  // First without reading, until the router reads no more either. A socket that takes nothing at
  // the moment does not tell: the router may just be slow.
  std::string_view rest = bytes;
  REQUIRE(eventually([&] {
    for (long sent = 1; sent > 0 && !rest.empty();) {
      sent = peer->wire().try_send_raw(rest.substr(0, 65536));
      REQUIRE(sent >= 0);
      rest.remove_prefix(static_cast<size_t>(sent));
    }
    return router.counters().sessions_held_back > 0;
  }));
  uint64_t next = before + 1;
  pipeline(*peer, rest, kRequests, [&](const Message& reply) {
    REQUIRE(reply.type() == kResult);
    REQUIRE(reply.request() == next);
    ++next;
  });
  CHECK(router.counters().sessions_killed_slow == 0);
  peer->sync();
}

TEST_CASE("R-70: when a callee's queue is full, its callers hear so at once") {
  FOR_ALL_SETUPS(setup);
  RouterFixture router(setup.loops, kSmallQueue);
  auto callee = slow_peer(router, setup.link);
  auto caller = Peer::joined(router, setup.link);
  const uint64_t registration = callee->register_procedure("com.example.procedure");
  const Value bulk = list(std::string(8192, 'x'));
  size_t calls = 0, refused = 0, answered = 0;
  std::vector<bool> ended;
  const auto take_answers = [&] {
    caller->sync();
    ended.resize(caller->last_request() + 1);
    while (caller->has_received()) {
      const Message answer = caller->receive();
      if (answer.type() == kError) {
        CHECK(answer.uri() == "wamp.error.network_failure");
        ++refused;
      } else {
        REQUIRE(answer.type() == kResult);
        ++answered;
      }
      CHECK_FALSE(ended.at(answer.request()));
      ended[answer.request()] = true;
    }
  };
  REQUIRE(eventually([&] {
    caller->call("com.example.procedure", dict(), bulk);
    ++calls;
    take_answers();
    return refused >= 5;
  }));
  CHECK(answered == 0);
  // Those that were sent all arrive, numbered without a gap. The router reads on from the callee
  // when it has caught up, and then every call is answered. More may have been refused meanwhile:
  // the refusals of the last calls may still be on their way from the callee's loop.
  uint64_t invocations = 0;
  REQUIRE(eventually([&] {
    callee->sync();
    while (callee->has_received()) {
      REQUIRE(callee->expect_invocation(registration).request() == ++invocations);
      callee->yield(invocations);
    }
    take_answers();
    return answered + refused == calls;
  }));
  CHECK(answered > 0);
  CHECK(answered == invocations);
  CHECK(router.counters().calls_failed_busy == refused);
  expect_nothing({caller.get(), callee.get()});
}

TEST_CASE("P-43: a client that does not read its replies has to leave") {
  FOR_ALL_SETUPS(setup);
  RouterFixture router(setup.loops,
                       R"({"router":{"queue_bytes":"256K","unread_timeout":"100ms"}})");
  auto callee = Peer::joined(router, setup.link);
  auto caller = slow_peer(router, setup.link);
  const uint64_t registration = callee->register_procedure("com.example.procedure");
  // Enough for the queue, its hard limit, and the buffers of the system on both sides.
  constexpr size_t kCalls = 200;
  std::vector<uint64_t> invocations;
  for (size_t i = 0; i < kCalls; ++i) {
    caller->call("com.example.procedure");
    invocations.push_back(callee->expect_invocation(registration).request());
  }
  const Value bulk = list(std::string(65536, 'x'));
  for (const uint64_t invocation : invocations) callee->yield(invocation, dict(), bulk);
  callee->sync();
  CHECK(eventually([&] {
    callee->sync();
    return router.counters().sessions_killed_slow == 1;
  }));
  CHECK(caller->wire().drain_until_closed());
  // The others go on.
  auto other = Peer::joined(router, setup.link);
  const uint64_t request = other->call("com.example.procedure");
  for (;;) {  // INTERRUPTs for the calls that ended with their caller may come first
    const Message message = callee->receive();
    if (message.type() != kInvocation) continue;
    callee->yield(message.request());
    break;
  }
  other->expect_result(request);
}

TEST_CASE("T-27: a message larger than the router takes ends the connection") {
  FOR_ALL_SETUPS(setup);
  RouterFixture router(setup.loops, R"({"router":{"max_message_size":"64K"}})");
  auto peer = Peer::joined(router, setup.link);
  peer->publish_acknowledged("com.example.topic", dict(), list(std::string(60000, 'x')));
  const Value large = list(kPublish, 2, dict({{"acknowledge", true}}), "com.example.topic",
                           list(std::string(70000, 'x')));
  try {
    peer->send(large);
  } catch (const WireClosed&) {
    // It may be told to go before it has said everything.
  }
  CHECK(peer->wire().drain_until_closed());
}

TEST_CASE("T-27: what a peer does not accept is not sent to it") {
  const auto setup = GENERATE(Setup{{Carrier::raw_tcp, Format::json}, 3},
                              Setup{{Carrier::raw_unix, Format::msgpack}, 1},
                              Setup{{Carrier::raw_tcp, Format::cbor}, 3});
  CAPTURE(setup);
  RouterFixture router(setup.loops);
  WireOptions options;
  options.length_exponent = 3;  // 4096 bytes
  Peer small(router, setup.link, options);
  small.join();
  auto other = Peer::joined(router, setup.link);
  const Value large = list(std::string(5000, 'x'));
  const Value fits = list(std::string(3000, 'x'));
  // EVENT: dropped and counted.
  const uint64_t subscription = small.subscribe("com.example.topic");
  const auto dropped = router.counters().events_dropped;
  other->publish("com.example.topic", dict(), large);
  other->publish("com.example.topic", dict(), fits);
  CHECK(small.expect_event(subscription).args() == fits);
  CHECK(router.counters().events_dropped == dropped + 1);
  // INVOCATION: the caller hears so; the callee's ids have no gap.
  const uint64_t registration = small.register_procedure("com.example.small");
  other->expect_call_error(other->call("com.example.small", dict(), large),
                           "wamp.error.payload_size_exceeded");
  const uint64_t fine = other->call("com.example.small", dict(), fits);
  const Message invocation = small.expect_invocation(registration);
  CHECK(invocation.request() == 1);
  small.yield(invocation.request());
  other->expect_result(fine);
  // RESULT: the call ends with an error, once.
  const uint64_t of_other = other->register_procedure("com.example.other");
  const uint64_t request = small.call("com.example.other");
  other->yield(other->expect_invocation(of_other).request(), dict(), large);
  small.expect_call_error(request, "wamp.error.payload_size_exceeded");
  expect_nothing({&small, other.get()});
}

TEST_CASE("T-27: a progressive result that is too large ends the call and tells the callee") {
  RouterFixture router(3);
  WireOptions options;
  options.length_exponent = 3;
  Peer caller(router, {Carrier::raw_tcp, Format::msgpack}, options);
  caller.join();
  auto callee = Peer::joined(router, {Carrier::websocket, Format::json});
  const uint64_t registration = callee->register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure", dict({{"receive_progress", true}}));
  const uint64_t invocation = callee->expect_invocation(registration).request();
  callee->yield(invocation, dict({{"progress", true}}), list(std::string(5000, 'x')));
  caller.expect_call_error(request, "wamp.error.payload_size_exceeded");
  callee->expect(kInterrupt, invocation);
  callee->yield(invocation);
  expect_nothing({&caller, callee.get()});
}

TEST_CASE("V-05: limits of a session are errors, not violations") {
  FOR_ALL_SETUPS(setup);
  World world(setup,
              R"({"realms":{"one":{"max_subscriptions":2,"max_registrations":2,"max_calls":2}}})");
  Peer& peer = world.join();
  Peer& callee = world.join();
  const uint64_t one = peer.subscribe("com.example.one");
  peer.subscribe("com.example.two");
  peer.expect_error(kSubscribe, peer.send_subscribe("com.example.three"),
                    "wamp.error.not_authorized");
  peer.subscribe("com.example.two");  // that one it has already
  peer.unsubscribe(one);
  peer.subscribe("com.example.three");

  const uint64_t first = peer.register_procedure("com.example.one");
  peer.register_procedure("com.example.two");
  peer.expect_error(kRegister, peer.send_register("com.example.three"),
                    "wamp.error.not_authorized");
  peer.unregister(first);
  peer.register_procedure("com.example.three");

  const uint64_t registration = callee.register_procedure("com.example.callee");
  const uint64_t a = peer.call("com.example.callee");
  peer.call("com.example.callee");
  peer.expect_call_error(peer.call("com.example.callee"), "wamp.error.not_authorized");
  callee.yield(callee.expect_invocation(registration).request());
  peer.expect_result(a);
  const uint64_t again = peer.call("com.example.callee");
  callee.expect_invocation(registration);
  callee.yield(callee.expect_invocation(registration).request());
  peer.expect_result(again);
}

TEST_CASE("V-05: a realm can limit its sessions") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_sessions":2}}})");
  Peer& first = world.join();
  world.join();
  Peer& third = world.connect();
  third.send(list(kHello, "realm1", client_details()));
  const Message abort = third.expect(kAbort);
  CHECK(abort.uri() == "wamp.error.not_authorized");
  world.join_realm("realm2");
  first.leave();
  world.join();
}

TEST_CASE("S-06: whoever says no HELLO in time is disconnected") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"router":{"hello_timeout":"50ms"}})");
  Peer& joined = world.join();
  Peer& silent = world.connect();
  silent.expect_closed();
  joined.sync();  // the deadline is for HELLO only
  joined.leave();
  joined.expect_closed();  // S-14: and for the next one
}

TEST_CASE("S-06: before a session is established messages have to be small") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.connect();
  Value details = merged(client_details(), dict({{"x_bulk", std::string(100000, 'x')}}));
  peer.send(list(kHello, "realm1", details));
  if (setup.link.carrier == Carrier::longpoll) peer.expect(kAbort);  // its frame has no head
  peer.expect_closed();
  // Real ones have room, and once welcome nobody is held to it.
  Peer& large = world.connect();
  large.send(list(kHello, "realm1",
                  merged(client_details(), dict({{"x_bulk", std::string(50000, 'x')}}))));
  large.expect(kWelcome);
  large.publish_acknowledged("com.topic", Value::dict(), list(std::string(100000, 'x')));
}

TEST_CASE("V-05: memory is returned after many sessions have left") {
  World world({{Carrier::raw_tcp, Format::json}, 2},
              R"({"router":{"trim_after_sessions":3,"trim_delay":"20ms"}})");
  Peer& stays = world.join();
  std::vector<Peer*> others;
  for (int i = 0; i < 10; ++i) others.push_back(&world.join());
  stays.sync();
  CHECK(world.router.counters().memory_trims == 0);
  for (Peer* peer : others) peer->wire().close();
  CHECK(eventually([&] {
    stays.sync();
    return world.router.counters().memory_trims > 0;
  }));
}

TEST_CASE("V-05: caches that are full begin anew, and lose nothing") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"router":{"access_cache":1},"realms":{"one":{"match_cache":1}}})");
  Peer& one = world.join();
  Peer& two = world.join();
  const uint64_t subscription = one.subscribe("com.example", dict({{"match", "prefix"}}));
  const uint64_t registration = one.register_procedure("com.example", dict({{"match", "prefix"}}));
  for (int i = 0; i < 20; ++i) {
    const std::string uri = "com.example.u" + std::to_string(i % 3);
    two.publish_acknowledged(uri, dict(), list(i));
    CHECK(one.expect_event(subscription).args() == list(i));
    const uint64_t call = two.call(uri);
    one.yield(one.expect_invocation(registration).request());
    two.expect_result(call);
  }
}

TEST_CASE("R-01: whoever has as many registrations as it may can repeat one that it has") {
  FOR_ALL_SETUPS(setup);
  World world(setup, R"({"realms":{"one":{"max_registrations":1}}})");
  Peer& peer = world.join();
  const Value shared = dict({{"invoke", "roundrobin"}});
  const uint64_t id = peer.register_procedure("com.example.p", shared);
  CHECK(peer.register_procedure("com.example.p", shared) == id);
  peer.expect_error(kRegister, peer.send_register("com.example.q", shared),
                    "wamp.error.not_authorized");
}

}  // namespace
}  // namespace nexus::test
