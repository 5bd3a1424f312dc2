// The authenticator "cookie": who is remembered, who comes back, and for how long.
#include <map>

#include "tests/unit/auth/cookie_fixture.hpp"

namespace nexus::auth {
namespace {

using namespace nexus::auth::test;

constexpr uint64_t kHour = 3'600'000;

// Everything that a client, or a look at the answer, could tell two refusals apart by.
std::string refusal(const fake::AuthOutcome& answer) {
  return std::to_string(answer.status) + " " + std::to_string(answer.decision) + answer.realm +
         answer.authid + answer.authrole + answer.authprovider + answer.method + answer.error_uri +
         answer.error_message + answer.authextra + answer.challenge;
}

const std::string kNotMine = "0 " + std::to_string(NX_AUTH_NOT_MINE);

}  // namespace

TEST_CASE("N-70: who signed in comes back as the same, without a challenge") {
  Under under;
  Browser browser(under.plugin, cookie('a'));
  CHECK(refusal(browser.hello()) == kNotMine);
  browser.joins({"joe", "wampcra", "admin", "realm1", R"({"seat": 7})"});
  const fake::AuthOutcome answer = browser.hello();
  CHECK(answer.decision == NX_AUTH_ACCEPT);
  CHECK(answer.authid == "joe");
  CHECK(answer.authrole == "admin");
  CHECK(answer.authprovider == "file");
  CHECK(answer.authextra == R"({"seat":7})");
  CHECK(answer.realm.empty());
  CHECK(answer.method.empty());
  CHECK(under.host.counter("remembered") == 1);
  CHECK(under.host.counter("accepted") == 1);
  // From another connection, with another address: it is the cookie that counts.
  CHECK(Browser(under.plugin, cookie('a'), "192.0.2.1:1", NX_PEER_TLS).comes_back());
  for (const fake::LogLine& line : under.host.log_lines()) {
    CHECK(line.text.find(cookie('a')) == std::string::npos);
  }
  CHECK(under.host.logged("authid 'joe', realm realm1, signed in with cookie "));
}

TEST_CASE("N-70: whatever is nobody's is left to the next method, with the same answer") {
  Under under;
  Browser known(under.plugin, cookie('a'));
  known.joins();
  REQUIRE(known.comes_back());
  std::string upper = cookie('A');
  for (const std::string& wrong : {std::string(), cookie('b'), upper, cookie('a').substr(1),
                                   cookie('a') + "a", std::string(21, 'a'), std::string(300, 'a'),
                                   cookie('a').substr(0, 31) + "b", "b" + cookie('a').substr(1)}) {
    CAPTURE(wrong);
    CHECK(refusal(Browser(under.plugin, wrong).hello()) == kNotMine);
  }
  CHECK(refusal(known.hello("{}", "realm2")) == kNotMine);
  CHECK(refusal(known.hello("{}", "realm")) == kNotMine);
  // What HELLO says of a cookie is the client's own story.
  Browser liar(under.plugin, "");
  CHECK(refusal(liar.hello(R"({"cookie": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "transport": {"cookie": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    "authextra": {"cookie": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}})")) == kNotMine);
  // A transport that knows nothing of its peers.
  CHECK(refusal(under.plugin.hello("{}", "realm1", nullptr)) == kNotMine);
}

TEST_CASE("N-70: a cookie does not make anybody somebody else") {
  Under under;
  Browser browser(under.plugin, cookie('a'));
  browser.joins();
  CHECK(browser.hello(R"({"authid": "joe", "authrole": "admin"})").authrole == "user");
  CHECK(refusal(browser.hello(R"({"authid": "ann"})")) == kNotMine);
  // Who signs in anew with it has it from then on; what becomes of the older session is no matter.
  const uint64_t joe = browser.joins();
  const uint64_t ann = browser.joins({"ann"});
  CHECK(browser.hello().authid == "ann");
  browser.leaves(joe, NX_LEFT_GOODBYE, "wamp.close.logout");
  CHECK(browser.hello().authid == "ann");
  browser.leaves(ann, NX_LEFT_GOODBYE, "wamp.close.logout", {"ann"});
  CHECK_FALSE(browser.comes_back());
}

TEST_CASE("N-70: a cookie that was not made for this connection is not taken over") {
  const auto brings = [](Under& under, char letter) {
    return Browser(under.plugin, cookie(letter), "127.0.0.1:1", 0, false);
  };
  SECTION("one that nobody has signed in with") {
    Under under;
    brings(under, 'a').joins();
    CHECK_FALSE(Browser(under.plugin, cookie('a')).comes_back());
    CHECK(under.host.counter("remembered") == 0);
    CHECK(
        under.host.logged("'joe' is not remembered: the cookie was not made for this connection"));
  }
  SECTION("one that is somebody else's is nobody's then") {
    Under under;
    Browser attacker(under.plugin, cookie('a'));
    attacker.joins({"mallory"});
    REQUIRE(attacker.hello().authid == "mallory");
    Browser victim = brings(under, 'a');
    const uint64_t session = victim.joins({"joe"});
    CHECK_FALSE(attacker.comes_back());
    CHECK_FALSE(under.plugin.knows_cookie(cookie('a')));  // so it is replaced
    CHECK(under.host.counter("forgotten") == 1);
    victim.leaves(session, NX_LEFT_KILLED, "", {"joe"});
    CHECK(under.host.counter("forgotten") == 1);
  }
  SECTION("nor does an open session of the other's bring it back") {
    Under under;
    Browser attacker(under.plugin, cookie('a'));
    const uint64_t session = attacker.joins({"mallory"});
    brings(under, 'a').joins({"joe"});
    attacker.leaves(session, NX_LEFT_GOODBYE, "wamp.close.normal", {"mallory"});
    CHECK_FALSE(attacker.comes_back());
  }
  SECTION("one that is the same user's already stays") {
    Under under;
    Browser(under.plugin, cookie('a')).joins();
    Browser again = brings(under, 'a');
    again.joins({"joe", "wampcra", "admin"});
    CHECK(again.hello().authrole == "admin");
    CHECK(under.host.counter("remembered") == 2);
    // The same name in another realm is another user.
    again.joins({"joe", "ticket", "user", "realm2"});
    CHECK_FALSE(again.comes_back("realm2"));
    CHECK(again.comes_back("realm1"));
  }
}

TEST_CASE("N-70: transports hear which cookies somebody can come in with") {
  Under under(R"({"max_idle": 3600000})");
  Browser browser(under.plugin, cookie('a'));
  CHECK_FALSE(under.plugin.knows_cookie(cookie('a')));
  const uint64_t one = browser.joins({"joe", "ticket", "user", "realm2"});
  CHECK(under.plugin.knows_cookie(cookie('a')));
  for (const std::string& other :
       {std::string(), cookie('b'), cookie('a').substr(1), std::string(300, 'a')}) {
    CHECK_FALSE(under.plugin.knows_cookie(other));
  }
  const uint64_t two = browser.joins({"ann"});  // in another realm
  browser.leaves(one, NX_LEFT_GOODBYE, "wamp.close.logout", {"joe", "ticket", "user", "realm2"});
  CHECK(under.plugin.knows_cookie(cookie('a')));
  browser.leaves(two, NX_LEFT_LOST, "", {"ann"});
  under.host.advance(kHour - 1);
  CHECK(under.plugin.knows_cookie(cookie('a')));
  under.host.advance(1);
  CHECK_FALSE(under.plugin.knows_cookie(cookie('a')));  // its time is over
}

TEST_CASE("N-70: a session that came in by a cookie as somebody else is not the cookie's") {
  const char* const role = GENERATE("user", "admin");
  Under under(R"({"max_idle": 3600000})");
  Browser browser(under.plugin, cookie('a'));
  browser.leaves(browser.joins());
  // With another role another authenticator let it in, and the cookie is idle all the same.
  browser.joins({"joe", "cookie", role});
  under.host.advance(kHour);
  CHECK(browser.comes_back() == (std::string_view(role) == "user"));
}

TEST_CASE("N-70: which methods are remembered") {
  SECTION("all but anonymous, unless the operator says something else") {
    Under under;
    Browser browser(under.plugin, cookie('a'));
    browser.joins({"x", "anonymous", "anonymous"});
    browser.joins({"x", "cookie"});  // came in by somebody else's method of that name
    CHECK_FALSE(browser.comes_back());
    for (const char* method : {"ticket", "wampcra", "wamp-scram", "cryptosign", "tls", "mine"}) {
      Browser one(under.plugin, cookie(method[0]));
      one.joins({"joe", method});
      CHECK(one.comes_back());
    }
  }
  SECTION("a list") {
    Under under(R"({"methods": ["ticket", "anonymous"]})");
    Browser browser(under.plugin, cookie('a'));
    browser.joins({"joe", "wampcra"});
    CHECK_FALSE(browser.comes_back());
    browser.joins({"guest", "anonymous", "anonymous"});
    CHECK(browser.hello().authrole == "anonymous");
    browser.joins();
    CHECK(browser.hello().authrole == "user");
  }
  SECTION("SCRAM's proof belongs to one exchange") {
    Under under;
    Browser browser(under.plugin, cookie('a'));
    browser.joins({"joe", "wamp-scram", "user", "realm1", R"({"verifier": "dGVzdA=="})"});
    CHECK(browser.hello().authextra.empty());
    browser.joins({"joe", "scram", "user", "realm1", R"({"verifier": "dGVzdA==", "seat": 7})"});
    CHECK(browser.hello().authextra == R"({"seat":7})");
    browser.joins({"joe", "ticket", "user", "realm1", R"({"verifier": "mine"})"});
    CHECK(browser.hello().authextra == R"({"verifier":"mine"})");
  }
  SECTION("who brings too much is not remembered") {
    Under under;
    Browser browser(under.plugin, cookie('a'));
    browser.joins(
        {"joe", "ticket", "user", "realm1", "{\"x\": \"" + std::string(9000, 'x') + "\"}"});
    CHECK_FALSE(browser.comes_back());
    CHECK(under.host.logged("authid 'joe' is not remembered: its authextra is too long"));
  }
}

TEST_CASE("N-70: a cookie ends with max_age, however often it is used") {
  Under under(R"({"max_age": 36000000, "max_idle": 7200000})");
  Browser browser(under.plugin, cookie('a'));
  browser.leaves(browser.joins());
  for (int hour = 1; hour < 10; ++hour) {
    under.host.advance(kHour);
    REQUIRE(browser.comes_back());
    browser.leaves(browser.joins({"joe", "cookie"}), NX_LEFT_LOST, "");
  }
  browser.joins({"joe", "cookie"});  // and an open session does not make it longer
  under.host.advance(kHour - 1);
  CHECK(browser.comes_back());
  under.host.advance(1);
  CHECK(refusal(browser.hello()) == kNotMine);
}

TEST_CASE("N-70: a cookie ends when nobody was there for max_idle") {
  Under under(R"({"max_idle": 7200000})");
  Browser browser(under.plugin, cookie('a'));
  const uint64_t session = browser.joins();
  under.host.advance(5 * kHour);
  CHECK(browser.comes_back());  // it was there all the time
  const uint64_t other = browser.joins({"joe", "cookie"});
  browser.leaves(session);
  under.host.advance(5 * kHour);
  CHECK(browser.comes_back());  // still
  browser.leaves(other, NX_LEFT_LOST, "");
  under.host.advance(2 * kHour - 1);
  CHECK(browser.comes_back());
  under.host.advance(1);
  CHECK(refusal(browser.hello()) == kNotMine);
}

TEST_CASE("N-70: without max_idle only max_age counts") {
  Under under(R"({"max_idle": 0, "max_age": 360000000})");
  Browser browser(under.plugin, cookie('a'));
  browser.leaves(browser.joins());
  under.host.advance(100 * kHour - 1);
  CHECK(browser.comes_back());
  under.host.advance(1);
  CHECK_FALSE(browser.comes_back());
}

TEST_CASE("N-70: logging out and being killed end a cookie, nothing else does") {
  const std::map<std::pair<uint32_t, std::string>, bool> survives = {
      {{NX_LEFT_GOODBYE, "wamp.close.close_realm"}, true},
      {{NX_LEFT_GOODBYE, "wamp.close.normal"}, true},
      {{NX_LEFT_GOODBYE, "wamp.close.logout"}, false},
      {{NX_LEFT_GOODBYE, "wamp.close.logout.not"}, true},
      {{NX_LEFT_KILLED, "wamp.close.killed"}, false},
      {{NX_LEFT_KILLED, "wamp.close.logout"}, false},
      {{NX_LEFT_KILLED, "com.example.enough"}, false},
      {{NX_LEFT_CLOSED, "wamp.close.system_shutdown"}, true},
      {{NX_LEFT_CLOSED, "wamp.close.logout"}, true},
      {{NX_LEFT_ABORTED, "wamp.close.logout"}, true},
      {{NX_LEFT_LOST, ""}, true},
      {{77, "wamp.close.logout"}, true},
  };
  for (const char* by : {"ticket", "cookie"}) {
    for (const auto& [ending, expected] : survives) {
      CAPTURE(by, ending.first, ending.second);
      Under under;
      Browser browser(under.plugin, cookie('a'));
      uint64_t session = browser.joins();
      if (std::string_view(by) == "cookie") session = browser.joins({"joe", "cookie"});
      browser.leaves(session, ending.first, ending.second);
      CHECK(browser.comes_back() == expected);
      CHECK(under.host.counter("forgotten") == (expected ? 0 : 1));
    }
  }
}

TEST_CASE("N-70: two tabs of a browser have one cookie, and logging out of either ends it") {
  for (const bool of_the_first : {true, false}) {
    Under under;
    Browser browser(under.plugin, cookie('a'));
    const uint64_t first = browser.joins();
    const uint64_t second = browser.joins();
    browser.leaves(of_the_first ? first : second, NX_LEFT_GOODBYE, "wamp.close.logout");
    CHECK_FALSE(browser.comes_back());
  }
}

TEST_CASE("N-70: only a session that the cookie let in, or that was remembered, ends it") {
  Under under(R"({"methods": ["ticket"]})");
  Browser browser(under.plugin, cookie('a'));
  browser.joins();
  // Same cookie, not remembered; and a session that nobody has heard of.
  browser.leaves(browser.joins({"guest", "anonymous"}), NX_LEFT_KILLED, "", {"guest"});
  browser.leaves(123456, NX_LEFT_KILLED, "");
  // Somebody came in by a method cookie that is not this one.
  browser.leaves(browser.joins({"ann", "cookie"}), NX_LEFT_KILLED, "", {"ann"});
  CHECK(browser.comes_back());
}

TEST_CASE("N-70: not over connections that others can listen to") {
  const char* far = "192.0.2.1:1";
  Under under;
  Browser plain(under.plugin, cookie('a'), far);
  plain.joins();
  CHECK_FALSE(Browser(under.plugin, cookie('a')).comes_back());  // it was not even remembered
  Browser secure(under.plugin, cookie('a'), far, NX_PEER_TLS);
  secure.joins();
  CHECK(refusal(plain.hello()) == kNotMine);
  CHECK(under.host.logged("option allow_plaintext"));
  CHECK(secure.comes_back());
  CHECK(Browser(under.plugin, cookie('a'), "/run/nexus", NX_PEER_LOCAL).comes_back());
  CHECK(Browser(under.plugin, cookie('a'), "127.0.0.9:1").comes_back());
  CHECK(Browser(under.plugin, cookie('a'), "[::1]:1").comes_back());

  Under careless(R"({"allow_plaintext": true})");
  Browser browser(careless.plugin, cookie('a'), far);
  browser.joins();
  CHECK(browser.comes_back());
}

TEST_CASE("N-70: the table is bounded, and who was seen longest ago leaves") {
  SECTION("in all") {
    Under under(R"({"max_cookies": 3})");
    for (const char letter : {'a', 'b', 'c'}) {
      Browser(under.plugin, cookie(letter)).joins({std::string(1, letter)});
      under.host.advance(1);
    }
    Browser(under.plugin, cookie('a')).joins({"a", "cookie"});  // seen again
    Browser(under.plugin, cookie('d')).joins({"d"});
    CHECK(Browser(under.plugin, cookie('a')).comes_back());
    CHECK_FALSE(Browser(under.plugin, cookie('b')).comes_back());
    CHECK(Browser(under.plugin, cookie('c')).comes_back());
    CHECK(Browser(under.plugin, cookie('d')).comes_back());
  }
  SECTION("for each authid") {
    Under under(R"({"max_cookies_per_authid": 2})");
    Browser(under.plugin, cookie('z')).joins({"ann"});
    Browser(under.plugin, cookie('y')).joins({"joe", "ticket", "user", "realm2"});
    for (const char letter : {'a', 'b', 'c', 'd'}) {
      under.host.advance(1);
      Browser(under.plugin, cookie(letter)).joins();
    }
    CHECK_FALSE(Browser(under.plugin, cookie('a')).comes_back());
    CHECK_FALSE(Browser(under.plugin, cookie('b')).comes_back());
    CHECK(Browser(under.plugin, cookie('c')).comes_back());
    CHECK(Browser(under.plugin, cookie('d')).comes_back());
    CHECK(Browser(under.plugin, cookie('z')).comes_back());
    CHECK(Browser(under.plugin, cookie('y')).comes_back("realm2"));
  }
  SECTION("no limit for each authid") {
    Under under(R"({"max_cookies_per_authid": 0, "max_cookies": 5})");
    for (const char letter : {'a', 'b', 'c', 'd', 'e'}) {
      Browser(under.plugin, cookie(letter)).joins();
    }
    CHECK(Browser(under.plugin, cookie('a')).comes_back());
  }
}

TEST_CASE("N-70: mistakes in the section are named") {
  const auto mistake = [](std::string_view section) -> std::string {
    try {
      Under under(section);
    } catch (const sdk::Error& error) {
      return error.what();
    }
    return "none";
  };
  CHECK(mistake(R"({"methods": ["cookie"]})") == "methods: must name other methods than cookie");
  CHECK(mistake(R"({"methods": [""]})") == "methods: must name other methods than cookie");
  CHECK(mistake(R"({"key": "secret"})") ==
        "key: must be 64 hexadecimal digits: nexusd --make-secret cookie makes one");
  CHECK(mistake(R"({"file": "/nowhere/cookies"})") ==
        "file needs a key: nexusd --make-secret cookie makes one");
  CHECK(mistake(R"({"key": ")" + std::string(64, '7') + R"("})") == "none");
}

}  // namespace nexus::auth
