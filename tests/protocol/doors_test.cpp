// What comes from a plugin as text, as a choice or as the answer to an operation is checked where
// it crosses the ABI: what is none is refused, denies where it was to decide, never reaches a
// client, and the log says whose it was. The plugin is bad_answers.
#include "tests/protocol/auth_world.hpp"

namespace nexus::test {
namespace {

constexpr Setup kOne = {{Carrier::raw_tcp, Format::json}, 1};

std::string with_bad(bool authorizer) {
  Value patch =
      json(R"({"realms": {"one": {"authenticators": {"bad": {"type": "bad-answers"}}}}})");
  if (authorizer) {
    patch = merged(patch, json(R"({"realms": {"one": {"authorizers": {
                                  "bad": {"type": "bad-answers"}}}}})"));
  } else {
    // The other component is there all the same: somebody has to be the stranger.
    patch = merged(patch, json(R"({"realms": {"two": {"authorizers": {
                                  "bad": {"type": "bad-answers"}}}}})"));
  }
  return with_test_plugins({"bad_answers"}, to_json(patch));
}

constexpr const char* kAuthentications[] = {
    "realm-utf8",        "realm-null",         "realm-uri",          "authid-utf8",
    "authid-null",       "authrole-utf8",      "authrole-null",      "authprovider-utf8",
    "authprovider-null", "method-utf8",        "method-null",        "authextra-dict",
    "challenge-dict",    "decision-choice",    "error_uri-utf8",     "error_uri-null",
    "error_uri-uri",     "error_message-utf8", "error_message-null",
};

TEST_CASE("N-03: an authentication with a text that is none is a denial, and the log says whose") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_bad(false));
  Peer& watcher = world.join();
  watcher.subscribe("wamp.session.on_join");
  for (const std::string word : kAuthentications) {
    for (const std::string when : {"", "later-"}) {
      CAPTURE(word, when);
      Peer& peer = world.connect();
      const Message abort = peer.hello("realm1", claiming("bad", when + word));
      REQUIRE(abort.type() == kAbort);
      CHECK(abort.uri() == "wamp.error.authentication_failed");
      CHECK(abort.details().find("message").as_string() == "the authenticator failed");
      // Each fault is told once a minute, with whose it is.
      CHECK(world.router.log_count("realms.one.authenticators.bad") >= 1);
      CHECK(world.router.log_count(word.substr(0, word.find('-'))) >= 1);
    }
  }
  expect_nothing({&watcher});
}

TEST_CASE("Z-01: an authorization with a text or a choice that is none is a denial") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_bad(true));
  Peer& peer = world.join();
  for (const std::string word :
       {"decision-choice", "disclose-choice", "remember-choice", "error_uri-utf8", "error_uri-null",
        "error_uri-uri", "error_message-utf8", "error_message-null"}) {
    for (const std::string when : {"", "later-"}) {
      CAPTURE(word, when);
      const Message error = peer.expect_call_error(peer.call("com." + when + word),
                                                   "wamp.error.authorization_failed");
      CHECK(error.args() == list("the authorizer failed"));
      CHECK(world.router.log_count("realms.one.authorizers.bad") >= 1);
      CHECK(world.router.log_count(word.substr(0, word.find('-'))) >= 1);
    }
  }
}

TEST_CASE("Z-12: what an authorizer says about a payload arrives as text, whatever it is") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_bad(true));
  Peer& peer = world.join();
  const Message error = peer.expect_call_error(peer.call("com.validate-now", dict(), list(1)),
                                               "wamp.error.invalid_argument");
  const std::string_view text = error.args().at(0).as_string();
  CHECK(text.starts_with("a\xef\xbf\xbdxx"));
  CHECK(text.ends_with("xx\xef\xbf\xbd"));
}

TEST_CASE("plugins: an operation is answered by whom it was put to, and with an answer") {
  World world(kOne, with_bad(true));
  struct Case {
    const char* word;
    const char* line;
    size_t lines;
  };
  const Case cases[] = {{"short", "without an answer", 4},
                        {"service", "another service", 1},
                        {"stranger", "another component", 1}};
  Peer& client = world.join();
  size_t known = 0;
  for (const Case& one : cases) {
    CAPTURE(one.word);
    known = world.router.log_count(one.line);
    Peer& peer = world.connect();
    const Message welcome = peer.hello("realm1", claiming("bad", one.word));
    CAPTURE(welcome.text());
    CHECK(welcome.type() == kWelcome);
    CHECK(world.router.log_count(one.line) == known + one.lines);
    known = world.router.log_count(one.line);
    const std::string uri = std::string("com.") + one.word;
    const Message error =
        client.expect_call_error(client.call(uri), "wamp.error.no_such_procedure");
    CHECK(world.router.log_count(one.line) == known + one.lines);
  }
}

TEST_CASE("plugins: every host service refuses what is no text") {
  World world(kOne, with_bad(true));
  Peer& peer = world.join();
  const uint64_t request = peer.call("com.doors");
  const Message error = peer.expect(kError, request);
  CAPTURE(error.text());
  CHECK(error.uri() == "wamp.error.no_such_procedure");  // it found no surprise, and allowed
  for (const char* line :
       {"counter(): name", "counter(): help", "call(): realm", "call(): procedure",
        "publish(): realm", "publish(): topic", "recheck(): realm", "recheck(): authrole",
        "depend_on(): realm", "depend_on(): procedure"}) {
    CAPTURE(line);
    CHECK(world.router.log_count(std::string(line) + " is NULL with a length") == 1);
    CHECK(world.router.log_count(std::string(line) + " is not UTF-8") == 1);
  }
  CHECK(world.router.log_count("authorizer.bad-answers") >= 16);
  CHECK(world.router.log_count("wrote a line that is NULL with a length") == 1);
}

TEST_CASE("plugins: a method that is no text is a mistake of the configuration") {
  const std::string patch = with_test_plugins({"bad_answers"}, R"({"realms": {"one": {
      "authenticators": {"bad": {"type": "bad-answers", "method": "stray"}}}}})");
  CHECK_THROWS_WITH(RouterFixture(1, patch),
                    Catch::Contains("realms.one.authenticators.bad") &&
                        Catch::Contains("method 0 is empty or no UTF-8 text"));
}

}  // namespace
}  // namespace nexus::test
