// Small rules that are easily lost: how errors name their request, which spellings and keys of
// HELLO are known, where an id may be 0 (checklist U-08, M-30, F-03 … F-05, S-17, S-18).
#include "tests/protocol/meta_world.hpp"

namespace nexus::test {
namespace {

TEST_CASE("M-30: an ERROR carries the type of the message that failed") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const std::pair<MessageType, Value> requests[] = {
      {kPublish, list(dict({{"acknowledge", true}}), "no uri")},
      {kSubscribe, list(dict(), "no uri")},
      {kUnsubscribe, list(4711)},
      {kCall, list(dict(), "com.example.nobody")},
      {kRegister, list(dict(), "no uri")},
      {kUnregister, list(4711)}};
  for (const auto& [type, rest] : requests) {
    CAPTURE(type_name(type));
    const uint64_t request = peer.next_request();
    Value message = list(type, request);
    for (size_t i = 0; i < rest.size(); ++i) message.append(rest.at(i));
    peer.send(message);
    const Message error = peer.expect(kError);
    CHECK(error.id(1) == uint64_t{type});
    CHECK(error.id(2) == request);
    CHECK(error.details() == dict());
  }
}

TEST_CASE("U-08: only a revocation says 0, and no client may") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_admins());
  Peer& admin = join_admin(world);
  Peer& peer = world.join();
  const uint64_t subscription = peer.subscribe("com.example.topic");
  tell(admin, "wamp.subscription.remove_subscriber", list(subscription, peer.session()));
  const Message revoked = peer.expect(kUnsubscribed);
  CHECK(revoked.id(1) == 0);
  CHECK(revoked.at(2).find("subscription").as_uint() == subscription);
  for (const char* message : {"[34,0,1]", "[34,1,0]", "[66,0,1]", "[66,1,0]"}) {
    CAPTURE(message);
    Peer& wrong = world.join();
    wrong.send(json(message));
    CHECK_NOTHROW(wrong.expect_violation());
  }
}

TEST_CASE("F-03: call_cancelling is understood as well") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join_realm(
      "realm1", merged(client_details({"callee.call_canceling"}),
                       json(R"({"roles":{"callee":{"features":{"call_cancelling":true}}}})")));
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  const uint64_t request = caller.call("com.example.procedure");
  const uint64_t invocation = callee.expect_invocation(registration).request();
  caller.cancel(request);
  caller.expect_call_error(request, "wamp.error.canceled");
  callee.expect(kInterrupt, invocation);
}

TEST_CASE("F-04, S-17: features and keys of others are no matter") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join_realm("realm1", merged(client_details(), json(R"({
      "resumable": true, "resume-session": 4711, "resume-token": "x",
      "roles": {"publisher": {"features": {"payload_transparency": true,
                                           "payload_encryption_cryptobox": true}}}})")));
  for (const char* key : {"resumed", "resumable", "resume-token"}) {
    CHECK_FALSE(peer.welcome().find(key));
  }
  CHECK(peer.session() != 4711);
  peer.sync();
}

TEST_CASE("F-05: patterns and sharing need no announcement") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  const std::initializer_list<std::string_view> plain = {"callee.pattern_based_registration",
                                                         "callee.shared_registration",
                                                         "subscriber.pattern_based_subscription"};
  Peer& one = world.join(plain);
  Peer& two = world.join(plain);
  const Value options = json(R"({"match":"prefix","invoke":"roundrobin"})");
  CHECK(one.register_procedure("com.example.", options) ==
        two.register_procedure("com.example.", options));
  const uint64_t subscription = one.subscribe("com.example.", json(R"({"match":"prefix"})"));
  two.publish("com.example.topic");
  CHECK(one.expect_event(subscription).details() == dict({{"topic", "com.example.topic"}}));
}

TEST_CASE("S-18: every message that a client may send is taken") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const uint64_t registration = peer.register_procedure("com.example.own");
  const uint64_t subscription = peer.subscribe("com.example.own");
  peer.publish("com.example.own", dict({{"exclude_me", false}}));
  peer.expect_event(subscription);
  const uint64_t first = peer.call("com.example.own");
  peer.yield(peer.expect_invocation(registration).request());
  peer.expect_result(first);
  const uint64_t second = peer.call("com.example.own");
  peer.error(peer.expect_invocation(registration).request(), "com.example.failed");
  peer.expect_call_error(second, "com.example.failed");
  peer.cancel(second);
  peer.unregister(registration);
  peer.unsubscribe(subscription);
  peer.leave();
  peer.join();
  peer.send(list(kAbort, dict(), "wamp.error.example"));
  peer.expect_closed();
}

}  // namespace
}  // namespace nexus::test
