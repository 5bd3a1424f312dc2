// Authorizers that look at the payload (checklist chapter 12, Z-12): of calls, of each part of a
// progressive one, of events and testaments. The authorizer is the test plugin authz_async, which
// decides by words in the URI.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

std::string with_authorizer() {
  return with_test_plugins(
      {"authz_async"}, R"({"realms":{"one":{"authorizers":{"tested":{"type":"authz-test"}}}}})");
}

TEST_CASE("Z-12: an authorizer may want to see the payload of calls") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& callee = world.join();
  Peer& caller = world.join();
  Peer& auditor = world.join();
  const uint64_t audit = auditor.subscribe("com.test.audit");
  for (const char* uri : {"com.example.payload", "com.example.payload.once"}) {
    CAPTURE(uri);
    const uint64_t registration = callee.register_procedure(uri);
    const auto call = [&](const Value& args, const Value& kwargs = Value()) {
      return caller.call(uri, dict(), args, kwargs);
    };
    const auto goes_on = [&](uint64_t request, const Value& args) {
      const Message invocation = callee.expect_invocation(registration);
      CHECK(invocation.args() == args);
      callee.yield(invocation.request(), dict(), list("done"));
      CHECK(caller.expect_result(request).args() == list("done"));
    };
    for (int i = 0; i < 3; ++i) {  // asked for each, however well the permission is known
      goes_on(call(list("good", i)), list("good", i));
      const Message bad =
          caller.expect_call_error(call(list("bad")), "wamp.error.invalid_argument");
      CHECK(bad.args().at(0).as_string() == "the first argument is bad");
      caller.expect_call_error(call(list(), dict({{"bad", true}})), "wamp.error.invalid_argument");
    }
    goes_on(call(list()), list());
    caller.expect_call_error(call(list("throw")), "wamp.error.authorization_failed");
    // What it publishes meanwhile leaves the call as it is.
    goes_on(call(list("audit")), list("audit"));
    auditor.expect_event(audit);
    expect_nothing({&callee, &caller, &auditor});
  }
}

TEST_CASE("Z-12, R-54: of a progressive call the authorizer sees each part") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& callee = world.join();
  Peer& caller = world.join();
  Peer& auditor = world.join();
  const uint64_t audit = auditor.subscribe("com.test.audit");
  const Value more = dict({{"progress", true}});
  // A bad part with more to follow, a bad last one, bad kwargs, and an authorizer that fails.
  struct Case {
    bool last;
    Value args, kwargs;
    const char* error;
  };
  const Case cases[] = {
      {false, list("bad"), Value(), "wamp.error.invalid_argument"},
      {true, list("bad"), Value(), "wamp.error.invalid_argument"},
      {false, list(), dict({{"bad", true}}), "wamp.error.invalid_argument"},
      {false, list("throw"), Value(), "wamp.error.authorization_failed"},
  };
  for (const char* uri : {"com.example.payload", "com.example.payload.once"}) {
    CAPTURE(uri);
    const uint64_t registration = callee.register_procedure(uri);
    caller.expect_call_error(caller.call(uri, more, list("bad")), "wamp.error.invalid_argument");
    const auto part = [&](uint64_t request, const Value& options, const Value& args) {
      caller.call_again(request, uri, options, args);
      const Message invocation = callee.expect_invocation(registration);
      CHECK(invocation.args() == args);
      return invocation.request();
    };
    const auto begin = [&](uint64_t& invocation) {
      const uint64_t request = caller.call(uri, more, list("good", 0));
      invocation = callee.expect_invocation(registration).request();
      CHECK(part(request, more, list("good", 1)) == invocation);
      return request;
    };
    uint64_t invocation = 0;
    uint64_t request = begin(invocation);
    // What it publishes meanwhile leaves the part as it is. Results are not its business.
    part(request, more, list("audit"));
    auditor.expect_event(audit);
    callee.yield(invocation, dict(), list("bad"));
    CHECK(caller.expect_result(request).args() == list("bad"));
    caller.call_again(request, uri, dict(), list("good"));  // too late, and so dropped

    for (const Case& one : cases) {
      CAPTURE(one.last, to_json(one.args));
      request = begin(invocation);
      caller.call_again(request, uri, one.last ? dict() : more, one.args, one.kwargs);
      const Message error = caller.expect_call_error(request, one.error);
      if (one.args == list("bad")) {
        CHECK(error.args().at(0).as_string() == "the first argument is bad");
      }
      const Message interrupt = callee.expect(kInterrupt);
      CHECK(interrupt.request() == invocation);
      CHECK(interrupt.details().find("mode").as_string() == "killnowait");
      // What is under way of the call, on either side, is dropped.
      if (!one.last) {
        caller.call_again(request, uri, more, list("good"));
        caller.call_again(request, uri, dict(), list("bad"));
      }
      callee.yield(invocation, dict(), list("nobody waits"));
    }
    expect_nothing({&callee, &caller, &auditor});
  }
}

TEST_CASE("Z-12, R-58: a part of a call that waits for its turn is looked at when it comes") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& callee = world.join();
  Peer& caller = world.join();
  const Value more = dict({{"progress", true}});
  const uint64_t registration =
      callee.register_procedure("com.example.payload", dict({{"concurrency", 1}}));
  caller.call("com.example.payload", dict(), list("first"));
  const uint64_t busy = callee.expect_invocation(registration).request();
  const uint64_t refused = caller.call("com.example.payload", more, list("waits"));
  caller.call_again(refused, "com.example.payload", more, list("bad"));
  caller.expect_call_error(refused, "wamp.error.invalid_argument");
  const uint64_t served = caller.call("com.example.payload", dict(), list("last"));
  // Goes the same way, and so arrives after the end of the refused call.
  const uint64_t other = callee.register_procedure("com.example.other");
  const uint64_t behind = caller.call("com.example.other");
  callee.yield(callee.expect_invocation(other).request());
  caller.expect_result(behind);
  callee.yield(busy);
  caller.expect(kResult);
  const Message next = callee.expect_invocation(registration);  // and no word of the other one
  CHECK(next.args() == list("last"));
  callee.yield(next.request());
  caller.expect_result(served);
  expect_nothing({&callee, &caller});
}

TEST_CASE("Z-12: an authorizer may want to see the payload of events") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& subscriber = world.join();
  Peer& publisher = world.join();
  for (const char* uri : {"com.example.payload", "com.example.payload.once"}) {
    CAPTURE(uri);
    const uint64_t topic = subscriber.subscribe(uri);
    for (int i = 0; i < 2; ++i) {
      publisher.publish(uri, dict(), list("bad"));
      publisher.expect_error(kPublish,
                             publisher.publish(uri, dict({{"acknowledge", true}}), list("bad")),
                             "wamp.error.invalid_argument");
      publisher.publish(uri, dict(), list("good", i));
      CHECK(subscriber.expect_event(topic).args() == list("good", i));
    }
    expect_nothing({&subscriber, &publisher});
  }
}

TEST_CASE("Z-12: a payload that nobody can look into is refused where it would be checked") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& peer = world.join();
  const Value sealed = dict({{"ppt_scheme", "x_custom"}, {"acknowledge", true}});
  peer.expect_error(kPublish, peer.publish("com.example.payload", sealed, list("good")),
                    "wamp.error.invalid_argument");
  peer.expect_call_error(
      peer.call("com.example.payload", dict({{"ppt_scheme", "x_custom"}}), list("good")),
      "wamp.error.invalid_argument");
  peer.expect_call_error(
      peer.call("com.example.payload", dict({{"ppt_scheme", "x_custom"}, {"progress", true}}),
                list("good")),
      "wamp.error.invalid_argument");
  Value many = list();
  for (int i = 0; i < 100001; ++i) many.append(Value::integer(1));
  peer.expect_call_error(peer.call("com.example.payload", dict(), many),
                         "wamp.error.invalid_argument");
}

TEST_CASE("Z-12, P-52: a testament whose payload is bad is not published") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_authorizer());
  Peer& subscriber = world.join();
  const uint64_t topic = subscriber.subscribe("com.example.payload");
  for (const char* word : {"bad", "good"}) {
    auto mortal = Peer::joined(world.router, setup.link);
    mortal->expect_result(mortal->call("wamp.session.add_testament", dict(),
                                       list("com.example.payload", list(word), dict())));
    mortal->leave();
  }
  CHECK(subscriber.expect_event(topic).args() == list("good"));
  expect_nothing({&subscriber});
}

}  // namespace
}  // namespace nexus::test
