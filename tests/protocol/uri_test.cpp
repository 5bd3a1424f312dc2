// URIs: loose and strict rules, reserved names (checklist chapter 1, U-10 … U-16).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

struct Case {
  const char* uri;
  bool loose;
  bool strict;
};

const Case kFull[] = {
    {"com.example.a", true, true},
    {"a", true, true},
    {"com.example_1.a_2", true, true},
    {"com.Example.a", true, false},
    {"com.ex-ample.a", true, false},
    {"com.\xc3\xa4.a", true, false},
    {"com.a/b", true, false},
    {"", false, false},
    {"com..a", false, false},
    {".com", false, false},
    {"com.", false, false},
    {"com.a b", false, false},
    {"com.a#b", false, false},
    {"com.a\tb", false, false},
    {"com.a\nb", false, false},
};

const Case kPrefix[] = {
    {"com.example", true, true}, {"com.example.", true, true}, {"", true, true},
    {"com.Ex.", true, false},    {"com..a", false, false},     {".com", false, false},
    {"com. ", false, false},     {"com#", false, false},
};

const Case kWildcard[] = {
    {"com..a", true, true},   {"..a", true, true},      {"a..", true, true},
    {"a.b.", true, true},     {".a", true, true},       {"com..Ex", true, false},
    {"a.b c.", false, false}, {"com..#", false, false},
};

std::string patch(bool strict) {
  return strict ? R"({"realms":{"one":{"uri_check":"strict","meta_api":false}}})"
                : R"({"realms":{"one":{"meta_api":false}}})";
}

TEST_CASE("U-10, U-13: topics and procedures") {
  FOR_ALL_SETUPS(setup);
  const bool strict = GENERATE(false, true);
  World world(setup, patch(strict));
  Peer& peer = world.join();
  for (const Case& one : kFull) {
    CAPTURE(one.uri, strict);
    const bool valid = strict ? one.strict : one.loose;
    const auto check = [&](MessageType request_type, MessageType reply_type, const Value& options) {
      const uint64_t request = peer.next_request();
      peer.send(list(request_type, request, options, one.uri));
      const Message reply = peer.receive();
      CAPTURE(reply.text());
      CHECK(reply.request() == request);
      if (valid && request_type != kCall) {
        CHECK(reply.type() == reply_type);
      } else {
        CHECK(reply.type() == kError);
        CHECK(reply.id(1) == request_type);
        CHECK(reply.uri() == (valid ? "wamp.error.no_such_procedure" : "wamp.error.invalid_uri"));
      }
    };
    check(kPublish, kPublished, dict({{"acknowledge", true}}));
    check(kSubscribe, kSubscribed, dict());
    check(kCall, kResult, dict());
    check(kRegister, kRegistered, dict());
  }
}

TEST_CASE("U-11: patterns") {
  FOR_ALL_SETUPS(setup);
  const bool strict = GENERATE(false, true);
  World world(setup, patch(strict));
  Peer& peer = world.join();
  const auto check_all = [&](const char* match, const auto& cases) {
    for (const Case& one : cases) {
      CAPTURE(one.uri, match, strict);
      const bool valid = strict ? one.strict : one.loose;
      const uint64_t request = peer.send_subscribe(one.uri, dict({{"match", match}}));
      if (valid) {
        CHECK_NOTHROW(peer.expect(kSubscribed, request));
      } else {
        CHECK_NOTHROW(peer.expect_error(kSubscribe, request, "wamp.error.invalid_uri"));
      }
    }
  };
  check_all("prefix", kPrefix);
  check_all("wildcard", kWildcard);
}

TEST_CASE("U-12: URIs have a greatest length") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const std::string longest = "com." + std::string(1020, 'x');
  peer.publish_acknowledged(longest);
  const uint64_t request = peer.send_subscribe(longest + "x");
  peer.expect_error(kSubscribe, request, "wamp.error.invalid_uri");
}

TEST_CASE("U-13: an unacknowledged PUBLISH with a bad topic vanishes") {
  FOR_ALL_SETUPS(setup);
  World world(setup, patch(false));
  Peer& watcher = world.join();
  Peer& publisher = world.join();
  watcher.subscribe("", json(R"({"match":"prefix"})"));
  publisher.publish("no topic");
  publisher.publish("");
  expect_nothing({&publisher, &watcher});
}

TEST_CASE("U-13: odd characters in a callee's error URI are passed on in loose mode") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& caller = world.join();
  Peer& callee = world.join();
  const uint64_t registration = callee.register_procedure("com.example.procedure");
  for (const char* uri : {"com.example.Some Error!", "com.example.\xc3\xa9", "x"}) {
    CAPTURE(uri);
    const uint64_t request = caller.call("com.example.procedure");
    callee.error(callee.expect_invocation(registration).request(), uri);
    CHECK_NOTHROW(caller.expect_call_error(request, uri));
  }
}

TEST_CASE("U-14: clients cannot publish or register below wamp") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  for (const char* uri : {"wamp.a", "wamp", "wamp.session.on_join"}) {
    CAPTURE(uri);
    CHECK_NOTHROW(peer.expect_error(kRegister, peer.send_register(uri), "wamp.error.invalid_uri"));
    const uint64_t request = peer.publish(uri, dict({{"acknowledge", true}}));
    CHECK_NOTHROW(peer.expect_error(kPublish, request, "wamp.error.invalid_uri"));
  }
  for (const char* uri : {"wampum.a", "com.wamp.a"}) {
    CAPTURE(uri);
    CHECK_NOTHROW(peer.register_procedure(uri));
    CHECK_NOTHROW(peer.publish_acknowledged(uri));
  }
}

TEST_CASE("U-14: a client's pattern never gets calls below wamp") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  struct Pattern {
    const char* uri;
    const char* match;
  };
  // Refusing these is as good as never matching them.
  for (const Pattern& pattern :
       {Pattern{"", "prefix"}, Pattern{"w", "prefix"}, Pattern{"..nothing", "wildcard"}}) {
    CAPTURE(pattern.uri);
    callee.send_register(pattern.uri, dict({{"match", pattern.match}}));
    const Message reply = callee.receive();
    CHECK((reply.type() == kRegistered || reply.uri() == "wamp.error.invalid_uri"));
  }
  const uint64_t request = caller.call("wamp.nobody.nothing");
  caller.expect_call_error(request, "wamp.error.no_such_procedure");
  expect_nothing({&caller});
  CHECK_FALSE(callee.has_received());
}

TEST_CASE("U-15: clients may subscribe below wamp") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  peer.subscribe("wamp.session.on_join");
  peer.subscribe("wamp.", json(R"({"match":"prefix"})"));
}

TEST_CASE("U-16: topics and procedures are compared exactly") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& one = world.join();
  Peer& two = world.join();
  one.subscribe("com.example.Topic");
  one.register_procedure("com.example.Procedure");
  two.publish("com.example.topic");
  two.expect_call_error(two.call("com.example.procedure"), "wamp.error.no_such_procedure");
  expect_nothing({&two, &one});
}

TEST_CASE("U-13, C-01: an error says which URI, and what is wrong with it") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const auto said = [](const Message& error) {
    return std::string(error.args().at(0).as_string());
  };
  const auto call = [&](std::string_view uri) {
    return said(peer.expect_call_error(peer.call(uri), "wamp.error.invalid_uri"));
  };
  CHECK(call("com.a b") == "\"com.a b\" has a space in it (byte 5)");
  CHECK(call("com..ä") ==
        "\"com..ä\" has an empty component, which only a pattern with match "
        "wildcard may have");
  CHECK(said(peer.expect_error(kSubscribe, peer.send_subscribe(".x", dict({{"match", "prefix"}})),
                               "wamp.error.invalid_uri"))
            .starts_with("\".x\" has an empty component, which with match prefix"));
  std::string wide;
  while (wide.size() < 2000) wide += "ä";
  const std::string shown = call(wide);
  CHECK(shown.size() < 250);
  CHECK(shown.ends_with("ä…\" has 2000 bytes, a URI has at most 1024"));
  for (const MessageType type : {kPublish, kRegister}) {
    const uint64_t request = type == kPublish
                                 ? peer.publish("wamp.mine", dict({{"acknowledge", true}}))
                                 : peer.send_register("wamp.mine");
    CHECK(said(peer.expect_error(type, request, "wamp.error.invalid_uri")) ==
          "\"wamp.mine\" is reserved, as all URIs that begin with wamp");
  }
  Peer& stranger = world.connect();
  const Message abort = stranger.hello("no realm");
  CHECK(abort.uri() == "wamp.error.invalid_uri");
  CHECK(abort.details().find("message").as_string() ==
        "HELLO.Realm is not a valid URI: \"no realm\" has a space in it (byte 2)");
}

TEST_CASE("R-14, R-04, P-03: an error says what is not there") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& peer = world.join();
  const auto said = [](const Message& error) { return error.args(); };
  CHECK(said(peer.expect_call_error(peer.call("com.nobody"), "wamp.error.no_such_procedure")) ==
        list("no procedure \"com.nobody\" is registered"));
  uint64_t request = peer.next_request();
  peer.send(list(kUnsubscribe, request, 4711));
  CHECK(said(peer.expect_error(kUnsubscribe, request, "wamp.error.no_such_subscription")) ==
        list("this session has no subscription 4711"));
  request = peer.next_request();
  peer.send(list(kUnregister, request, 4712));
  CHECK(said(peer.expect_error(kUnregister, request, "wamp.error.no_such_registration")) ==
        list("this session has no registration 4712"));
}

}  // namespace
}  // namespace nexus::test
