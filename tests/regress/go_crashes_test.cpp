// What one anonymous client could end a whole nexusd of gammazero/nexus with: the same bytes sent
// here cost their sender its session and nobody else anything. GO-17.<row>: see README.md.
#include <atomic>
#include <thread>

#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

const std::initializer_list<std::string_view> kWithoutPassthru = {
    "publisher.payload_passthru_mode", "subscriber.payload_passthru_mode",
    "caller.payload_passthru_mode", "callee.payload_passthru_mode"};

// Somebody else, who must not notice anything.
class Bystander {
 public:
  explicit Bystander(World& world) : one_(world.join()), two_(world.join()) {
    subscription_ = one_.subscribe("com.bystander.topic");
    registration_ = one_.register_procedure("com.bystander.procedure");
  }
  void check() {
    two_.publish_acknowledged("com.bystander.topic", dict(), list(++count_));
    CHECK(one_.expect_event(subscription_).args() == list(count_));
    const uint64_t request = two_.call("com.bystander.procedure", dict(), list(count_));
    const Message invocation = one_.expect_invocation(registration_);
    one_.yield(invocation.request(), dict(), invocation.args());
    CHECK(two_.expect_result(request).args() == list(count_));
  }

 private:
  Peer& one_;
  Peer& two_;
  uint64_t subscription_ = 0;
  uint64_t registration_ = 0;
  int count_ = 0;
};

TEST_CASE("GO-17.1: a passthru option that is not a string") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Bystander bystander(world);
  for (const char* key : {"ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"}) {
    for (const Value& wrong : {V(7).value, V(true).value, V(1.5).value, list("x"), dict()}) {
      CAPTURE(key, wrong);
      const Value options = merged(dict({{"ppt_scheme", "x_custom"}}), dict({{key, wrong}}));
      Peer& publisher = world.join();
      publisher.publish("com.bystander.topic", options, list("sealed"));
      CHECK_NOTHROW(publisher.expect_violation());
      Peer& caller = world.join();
      caller.call("com.bystander.procedure", options, list("sealed"));
      CHECK_NOTHROW(caller.expect_violation());
    }
  }
  bystander.check();
}

TEST_CASE("GO-17.2: payload passthru by a client that did not announce it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Bystander bystander(world);
  const Value options = dict({{"ppt_scheme", "x_custom"}});
  Peer& publisher = world.join(kWithoutPassthru);
  publisher.publish("com.bystander.topic", options, list("sealed"));
  publisher.expect_violation();
  Peer& caller = world.join(kWithoutPassthru);
  caller.call("com.bystander.procedure", options, list("sealed"));
  caller.expect_violation();
  bystander.check();
}

TEST_CASE("GO-17.3: a progressive call by a client that did not announce it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Bystander bystander(world);
  Peer& caller = world.join({"caller.progressive_call_invocations"});
  caller.call("com.bystander.procedure", dict({{"progress", true}}));
  caller.expect_violation();
  bystander.check();
}

TEST_CASE("GO-17.4: the same while the offender hears a busy topic") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Bystander bystander(world);
  Peer& publisher = world.join();
  std::atomic<bool> enough{false};
  std::string problem;
  std::jthread busy([&] {
    try {
      while (!enough) {
        for (int i = 0; i < 20; ++i) publisher.publish("com.example.busy", dict(), list(i));
        publisher.sync();
      }
    } catch (const std::exception& error) {
      problem = error.what();
    }
  });
  for (int i = 0; i < 10; ++i) {
    Peer& offender = world.join({"caller.progressive_call_invocations"});
    const uint64_t request = offender.send_subscribe("com.example.busy");
    offender.expect(kSubscribed, request);
    offender.expect(kEvent);
    offender.call("com.bystander.procedure", dict({{"progress", true}}));
    Message last = offender.receive();
    while (last.type() == kEvent) last = offender.receive();
    CHECK(last.type() == kAbort);
    CHECK(last.uri() == "wamp.error.protocol_violation");
    CHECK_NOTHROW(offender.expect_closed());
  }
  enough = true;
  busy.join();
  CHECK(problem == "");
  bystander.check();
}

TEST_CASE("GO-17.5: RawSocket frames of every type, before and after HELLO") {
  const auto setup = GENERATE(Setup{{Carrier::raw_tcp, Format::json}, 3},
                              Setup{{Carrier::raw_tcp, Format::cbor}, 1},
                              Setup{{Carrier::raw_unix, Format::msgpack}, 3});
  CAPTURE(setup);
  World world(setup);
  Bystander bystander(world);
  for (const bool joined : {false, true}) {
    for (unsigned type = 1; type < 256; ++type) {
      if (type > 8 && type % 16 != 0) continue;  // 8 is the length's 25th bit
      CAPTURE(joined, type);
      Peer& peer = joined ? world.join() : world.connect();
      // The last of what the type's byte can be: its reserved bits.
      peer.wire().send_raw(std::string(1, static_cast<char>(type)) + std::string("\0\0\4", 3) +
                           "ping");
      if (type == 1) {
        const Frame pong = peer.wire().receive_frame();
        CHECK(pong.type == 2);
        CHECK(pong.payload == "ping");
      } else if (type != 2) {
        CHECK(peer.wire().drain_until_closed());
        continue;
      }
      if (!joined) peer.join();  // it goes on
      peer.sync();
    }
  }
  bystander.check();
}

TEST_CASE("GO-17.6: a testament with passthru options") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Bystander bystander(world);
  Peer& able = world.join();
  Peer& plain = world.join(kWithoutPassthru);
  const uint64_t subscription = able.subscribe("com.example.topic");
  plain.subscribe("com.example.topic");
  const auto add = [](Peer& peer, const Value& options) {
    return peer.call("wamp.session.add_testament", dict(),
                     list("com.example.topic", list("sealed"), dict()),
                     dict({{"publish_options", options}}));
  };
  Peer& announced = world.join();
  Peer& silent = world.join(kWithoutPassthru);
  const Value options = dict({{"ppt_scheme", "x_custom"}, {"ppt_serializer", "cbor"}});
  announced.expect_result(add(announced, options));
  announced.expect_call_error(add(announced, dict({{"ppt_scheme", 7}})),
                              "wamp.error.invalid_argument");
  silent.expect_call_error(add(silent, options), "wamp.error.invalid_argument");
  announced.wire().close();
  silent.wire().close();
  const Message event = able.expect_event(subscription);
  CHECK(event.details() == options);
  expect_nothing({&able, &plain});
  bystander.check();
}

TEST_CASE("GO-17.7: disclosed publications to many kinds of subscribers, from many threads") {
  const unsigned loops = GENERATE(1u, 3u);
  RouterFixture router(loops);
  constexpr int kRounds = 150;
  constexpr int kPublishers = 3;
  std::vector<std::unique_ptr<Peer>> subscribers;
  std::vector<bool> identifies;
  for (const Link& link : all_links()) {
    for (const bool told : {true, false}) {
      subscribers.push_back(Peer::joined(
          router, link, "realm1",
          told ? client_details() : client_details({"subscriber.publisher_identification"})));
      identifies.push_back(told);
      subscribers.back()->subscribe("com.example.topic");
      subscribers.back()->subscribe("com.example.", json(R"({"match":"prefix"})"));
    }
  }
  std::vector<std::string> problems(kPublishers);
  {
    std::vector<std::jthread> publishers;
    for (int i = 0; i < kPublishers; ++i) {
      publishers.emplace_back([&router, &problem = problems[size_t(i)], i] {
        try {
          auto peer = Peer::joined(router, all_links()[size_t(i) * 2]);
          for (int round = 0; round < kRounds; ++round) {
            peer->publish_acknowledged("com.example.topic", dict({{"disclose_me", true}}),
                                       list(i, round));
          }
        } catch (const std::exception& error) {
          problem = error.what();
        }
      });
    }
  }
  for (const std::string& problem : problems) CHECK(problem == "");
  for (size_t at = 0; at < subscribers.size(); ++at) {
    bool right = true;
    for (int i = 0; i < 2 * kPublishers * kRounds; ++i) {
      const Value details = subscribers[at]->expect(kEvent).details();
      right = right && static_cast<bool>(details.find("publisher")) == identifies[at];
    }
    CHECK(right);
  }
}

TEST_CASE("GO-17.7b: two callees with an unknown invoke policy") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Bystander bystander(world);
  for (const Value& invoke : {V("sometimes").value, V("").value, V(7).value, list()}) {
    CAPTURE(invoke);
    for (int i = 0; i < 2; ++i) {
      Peer& callee = world.join();
      callee.send_register("com.example.procedure", dict({{"invoke", invoke}}));
      CHECK_NOTHROW(callee.expect_violation());
    }
  }
  CHECK(nobody_has(world.join(), "com.example.procedure"));
  bystander.check();
}

}  // namespace
}  // namespace nexus::test
