// Stopping the router, and realms that come and go (checklist S-12, S-16, C-23).
#include <thread>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

using std::chrono::milliseconds;

TEST_CASE("S-16: at shutdown every session gets GOODBYE, and answers are waited for") {
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops);
  std::vector<std::unique_ptr<Peer>> peers;
  for (const Link& link : all_links()) {
    peers.push_back(Peer::joined(router, link));
    peers.push_back(Peer::joined(router, link, "realm2"));
  }
  const auto begin = Clock::now();
  std::thread stopper([&] { router.stop(milliseconds(60000)); });
  for (auto& peer : peers) {
    CAPTURE(peer->link());
    const Message goodbye = peer->expect(kGoodbye);
    CHECK(goodbye.uri() == "wamp.close.system_shutdown");
    CHECK(goodbye.size() == 3);
  }
  for (auto& peer : peers) {
    CAPTURE(peer->link());
    peer->send(list(kGoodbye, dict(), "wamp.close.goodbye_and_out"));
    CHECK_NOTHROW(peer->expect_closed());  // S-12: no counter-reply
    if (peer->link().carrier == Carrier::websocket) CHECK(peer->wire().close_code() == 1001u);
  }
  stopper.join();
  // It waited for the peers, not for the deadline.
  CHECK(Clock::now() - begin < 4 * patience());
}

TEST_CASE("S-16: peers that do not answer are not waited for longer than allowed") {
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops);
  auto deaf = Peer::joined(router, {Carrier::websocket, Format::json});
  auto silent = std::make_unique<Peer>(router, Link{Carrier::raw_tcp, Format::cbor});
  const auto begin = Clock::now();
  router.stop(milliseconds(100));
  CHECK(Clock::now() - begin < patience());
  CHECK(deaf->expect(kGoodbye).uri() == "wamp.close.system_shutdown");
  deaf->expect_closed();
  // Whoever has not joined hears an ABORT at the most.
  CHECK(silent->wire().drain_until_closed());
}

TEST_CASE("S-16: after the stop nobody can connect") {
  RouterFixture router(3);
  std::vector<std::string> urls;
  for (const Carrier carrier : {Carrier::websocket, Carrier::raw_tcp, Carrier::raw_unix}) {
    urls.push_back(router.url(carrier));
    CHECK_NOTHROW(Wire(urls.back(), {}));
  }
  router.stop(milliseconds(1000));
  for (const std::string& url : urls) {
    CAPTURE(url);
    CHECK_THROWS_AS(Wire(url, {}), WireError);
  }
}

TEST_CASE("S-16: stopping twice, and a router that goes without being stopped") {
  {
    RouterFixture router(3);
    auto peer = Peer::joined(router, {Carrier::raw_unix, Format::msgpack});
    router.stop(milliseconds(0));
    router.stop(milliseconds(1000));
    CHECK(peer->wire().drain_until_closed());
  }
  auto router = std::make_unique<RouterFixture>(3);
  auto peer = Peer::joined(*router, {Carrier::raw_tcp, Format::json});
  router.reset();
  CHECK(peer->wire().drain_until_closed());
}

TEST_CASE("S-16: shutting down in the middle of traffic") {
  const unsigned loops = GENERATE(1u, 3u);
  for (int round = 0; round < 5; ++round) {
    RouterFixture router(loops);
    auto callee = Peer::joined(router, {Carrier::websocket, Format::json});
    auto caller = Peer::joined(router, {Carrier::raw_tcp, Format::msgpack});
    callee->register_procedure("com.example.procedure");
    callee->subscribe("com.example.topic");
    std::vector<Value> batch;
    for (int i = 0; i < 500; ++i) {
      batch.push_back(
          list(kCall, caller->next_request(), dict({{"timeout", 5}}), "com.example.procedure"));
      batch.push_back(list(kPublish, caller->next_request(), dict(), "com.example.topic", list(i)));
    }
    caller->send_all(batch);
    router.stop(milliseconds(20));
    CHECK(callee->wire().drain_until_closed());
    CHECK(caller->wire().drain_until_closed());
  }
}

TEST_CASE("S-16: a realm can be removed and added while the router runs") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join_realm("realm2");
  one.register_procedure("com.example.procedure");
  one.subscribe("com.example.topic");
  REQUIRE(world.router.router().remove_realm("realm1"));
  const Message goodbye = one.expect(kGoodbye);
  CHECK(goodbye.uri() == "wamp.close.close_realm");
  one.send(list(kGoodbye, dict(), "wamp.close.goodbye_and_out"));
  one.expect_closed();
  two.sync();
  Peer& late = world.connect();
  late.send(list(kHello, "realm1", client_details()));
  late.expect_abort("wamp.error.no_such_realm");

  const Value section =
      json(R"({"uri":"realm1","authenticators":{"guests":{"type":"anonymous"}}})");
  REQUIRE(world.router.router().add_realm(section));
  CHECK_FALSE(world.router.router().add_realm(section));
  Peer& again = world.join();
  again.register_procedure("com.example.procedure");
  CHECK_FALSE(world.router.router().remove_realm("realm.nobody.made"));
}

TEST_CASE("S-12: while the router says GOODBYE, requests are ignored") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  REQUIRE(world.router.router().remove_realm("realm1"));
  one.expect(kGoodbye);
  one.send_all({list(kSubscribe, 1, dict(), "com.example.topic"), list(kWelcome, 1, dict()),
                list(kGoodbye, dict(), "wamp.close.goodbye_and_out")});
  one.expect_closed();
}

TEST_CASE("S-12: both sides may say GOODBYE at once") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  REQUIRE(world.router.router().remove_realm("realm1"));
  one.send(list(kGoodbye, dict(), "wamp.close.close_realm"));
  // Whoever was first, exactly one GOODBYE comes.
  one.expect(kGoodbye);
  one.wire().shutdown_write();
  one.expect_closed();
}

}  // namespace
}  // namespace nexus::test
