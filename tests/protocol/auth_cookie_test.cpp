// Cookie authentication over real WebSocket handshakes, against clients that try to be others
// (checklist N-70, T-07, N-01, N-03).
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/nexusd/temporary_folder.hpp"
#include "tests/protocol/auth_world.hpp"

namespace nexus::test {
namespace {

const Link kLink = {Carrier::websocket, Format::json};
const std::string kKey(64, '5');

// realm1 has users with tickets, and cookies; realm2 too, with the same users.
std::string with_cookies(const Value& section = dict()) {
  const Value users = json(R"({"type": "ticket", "role": "user", "provider": "file",
    "users": {"joe": {"ticket": "secret"}, "ann": {"role": "admin", "ticket": "secret"}}})");
  const Value realm =
      dict({{"meta_kill_roles", list("admin")},
            {"authenticators",
             dict({{"users", users}, {"browsers", merged(section, dict({{"type", "cookie"}}))}})}});
  return to_json(merged(json(R"({"transports": {"ws": {"tracking_cookie": "nexus-id"}}})"),
                        dict({{"realms", dict({{"one", realm}, {"two", realm}})}})));
}

// What a browser is here: something that keeps the cookie that it was given.
class Browser {
 public:
  explicit Browser(const RouterFixture& router, std::string cookie = {}, Link link = kLink)
      : router_(router), link_(link), cookie_(std::move(cookie)) {}

  // A new connection, which the older ones survive.
  Peer& connect() {
    WireOptions options;
    if (!cookie_.empty()) options.headers = "Cookie: other=1; nexus-id=" + cookie_ + "\r\n";
    peers_.push_back(std::make_unique<Peer>(router_, link_, options));
    const std::string& answer = peers_.back()->wire().handshake_answer();
    const size_t at = answer.find("Set-Cookie: nexus-id=");
    if (at != std::string::npos) cookie_ = answer.substr(at + 21, answer.find(';', at) - at - 21);
    return *peers_.back();
  }
  // Offers the cookie, then a ticket. True if the cookie was enough.
  bool came_back(std::string_view realm = "realm1") {
    Peer& peer = connect();
    const Message answer = peer.hello(realm, offering("cookie", "ticket"));
    welcome_ = answer.details();
    return answer.type() == kWelcome;
  }
  // The same with the right ticket at hand.
  Peer& sign_in(std::string_view authid = "joe", std::string_view realm = "realm1") {
    Peer& peer = connect();
    const Value claim = merged(offering("cookie", "ticket"), dict({{"authid", authid}}));
    if (peer.hello(realm, claim).type() == kChallenge) {
      peer.send(list(kAuthenticate, "secret", dict()));
      const Message welcome = peer.expect(kWelcome);
      welcome_ = welcome.details();
      session_ = welcome.at(1).as_uint();
    }
    return peer;
  }
  // What whoever has nothing but this cookie hears.
  std::string refusal(std::string_view realm = "realm1") {
    Peer& peer = connect();
    peer.send(list(kHello, realm, offering("cookie")));
    const std::string text = peer.expect(kAbort).text();
    peer.expect_closed();
    return text;
  }
  std::string_view welcomed(std::string_view key) const { return welcome_.find(key).as_string(); }
  const std::string& cookie() const { return cookie_; }
  uint64_t session() const { return session_; }

 private:
  template <typename... Method>
  static Value offering(Method... method) {
    return merged(client_details(), dict({{"authmethods", list(method...)}}));
  }

  const RouterFixture& router_;
  const Link link_;
  std::string cookie_;
  Value welcome_;
  uint64_t session_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace

TEST_CASE("N-70 T-07: a browser that has signed in comes back by its cookie") {
  const Format format = GENERATE(Format::json, Format::msgpack);
  RouterFixture router(2, with_cookies());
  Browser browser(router, {}, {Carrier::websocket, format});
  browser.sign_in("ann").leave();
  CHECK(browser.welcomed("authmethod") == "ticket");
  CHECK(browser.cookie().size() >= 22);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(browser.came_back());
    CHECK(browser.welcomed("authid") == "ann");
    CHECK(browser.welcomed("authrole") == "admin");
    CHECK(browser.welcomed("authprovider") == "file");
    CHECK(browser.welcomed("authmethod") == "cookie");
  }
  CHECK(router.log_count(browser.cookie()) == 0);
  CHECK(router.log_count("authid 'ann', realm realm1, came back with cookie") == 3);
}

TEST_CASE("N-70 N-01: without a cookie of somebody the next method has its turn") {
  RouterFixture router(2, with_cookies());
  Browser browser(router);
  CHECK_FALSE(browser.came_back());  // a CHALLENGE, not an ABORT
  CHECK_FALSE(browser.came_back());  // the challenge that nobody answered let nobody in
  browser.sign_in();
  CHECK(browser.welcomed("authmethod") == "ticket");
  CHECK(browser.came_back());
  // Somebody else at the same browser: it is nobody's then, and with a new one it is hers.
  const std::string old = browser.cookie();
  browser.sign_in("ann");
  CHECK(browser.welcomed("authmethod") == "ticket");
  CHECK(browser.welcomed("authid") == "ann");
  CHECK(browser.cookie() == old);
  CHECK_FALSE(Browser(router, old).came_back());
  browser.sign_in("ann");
  CHECK(browser.cookie() != old);
  REQUIRE(browser.came_back());
  CHECK(browser.welcomed("authid") == "ann");
  // A carrier without cookies.
  Peer raw(router, {Carrier::raw_tcp, Format::json});
  const Value both = merged(client_details(),
                            dict({{"authid", "joe"}, {"authmethods", list("cookie", "ticket")}}));
  CHECK(raw.hello("realm1", both).type() == kChallenge);
}

TEST_CASE("N-70 N-03: a cookie that is forged, cut, another realm's or over is nobody's") {
  RouterFixture router(2, with_cookies());
  Browser admin(router);
  Peer& root = admin.sign_in("ann");
  const std::string unknown = Browser(router).refusal();
  CHECK(unknown.find("wamp.error.no_matching_auth_method") != std::string::npos);

  Browser browser(router);
  browser.sign_in().leave();
  const std::string good = browser.cookie();
  REQUIRE(browser.came_back());
  // As long as a real one, and in its letters.
  std::string forged = good;
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  for (const std::string& wrong :
       {forged, good.substr(1), good + "A", good.substr(0, good.size() - 1), std::string("x")}) {
    CHECK(Browser(router, wrong).refusal() == unknown);
  }
  CHECK(Browser(router, good).refusal("realm2") == unknown);

  // Killed: at once, for this cookie and no other.
  Browser second(router);
  Peer& victim = second.sign_in();
  root.expect_result(root.call("wamp.session.kill", dict(), list(second.session()),
                               dict({{"reason", "com.example.enough"}})));
  victim.expect(kGoodbye);
  CHECK(Browser(router, second.cookie()).refusal() == unknown);
  CHECK(browser.came_back());

  // Logged out, by a session that the cookie had let in.
  Browser third(router);
  third.sign_in();
  Peer& again = third.connect();
  again.join("realm1", merged(client_details(), dict({{"authmethods", list("cookie")}})));
  again.send(list(kGoodbye, dict(), "wamp.close.logout"));
  again.expect(kGoodbye);
  CHECK(Browser(router, third.cookie()).refusal() == unknown);
  CHECK_FALSE(third.came_back());
  CHECK(browser.came_back());
}

TEST_CASE("N-70: who plants a cookie does not come in as who signs in with it") {
  RouterFixture router(2, with_cookies());
  // One that looks like the router's, one that it has really given, and one that is the attacker's.
  Browser given(router);
  given.connect();
  Browser attacker(router);
  attacker.sign_in("ann");
  for (const std::string& planted : {std::string(32, 'x'), given.cookie(), attacker.cookie()}) {
    CAPTURE(planted);
    Browser victim(router, planted);
    victim.sign_in("joe");
    CHECK(victim.welcomed("authid") == "joe");
    CHECK(victim.welcomed("authmethod") == "ticket");
    CHECK_FALSE(Browser(router, planted).came_back());
    // The victim has another one by now, or gets it with the next connection.
    victim.sign_in("joe");
    CHECK(victim.cookie() != planted);
    REQUIRE(victim.came_back());
    CHECK(victim.welcomed("authid") == "joe");
    CHECK_FALSE(Browser(router, planted).came_back());
  }
}

TEST_CASE("N-70: leaving, losing the connection and another HELLO keep the cookie") {
  RouterFixture router(2, with_cookies());
  Browser browser(router);
  Peer& peer = browser.sign_in();
  peer.leave();
  // S-14: the same connection, and so the same cookie.
  peer.join("realm1", merged(client_details(), dict({{"authmethods", list("cookie")}})));
  CHECK(peer.welcome().find("authid").as_string() == "joe");
  peer.wire().reset();
  CHECK(browser.came_back());
}

TEST_CASE("N-70: the oldest cookie makes room") {
  RouterFixture router(1, with_cookies(dict({{"max_cookies", 2}})));
  Browser first(router);
  Browser second(router);
  Browser third(router);
  for (Browser* one : {&first, &second, &third}) one->sign_in();
  CHECK_FALSE(first.came_back());
  CHECK(second.came_back());
  CHECK(third.came_back());
}

TEST_CASE("N-70: cookies outlive the router, a logout too, and a broken file stops the start") {
  const TemporaryFolder folder;
  const std::string file = folder.path("cookies");
  const std::string patch = with_cookies(dict({{"file", file}, {"key", kKey}}));
  // Each realm has an authenticator of its own, and these must not share a file.
  CHECK_THROWS_WITH(RouterFixture(1, patch), Catch::Contains("each needs its own file"));
  const std::string one = to_json(
      merged(json(patch), json(R"({"realms": {"two": {"authenticators": {"browsers": null}}}})")));
  std::string stays;
  std::string goes;
  {
    RouterFixture router(2, one);
    Browser joe(router);
    joe.sign_in();
    stays = joe.cookie();
    Browser ann(router);
    Peer& peer = ann.sign_in("ann");
    goes = ann.cookie();
    peer.send(list(kGoodbye, dict(), "wamp.close.logout"));
    peer.expect(kGoodbye);
  }
  {
    RouterFixture router(2, one);
    Browser joe(router, stays);
    REQUIRE(joe.came_back());
    CHECK(joe.welcomed("authid") == "joe");
    CHECK_FALSE(Browser(router, goes).came_back());
    // Broken while it runs: everything stays as it was, and the operator is told.
    std::ofstream(file) << "nonsense\n";
    bool told = false;
    for (const Reloaded& one_of : router.router().reload()) {
      told |= one_of.section == "realms.one.authenticators.browsers" && !one_of.status;
    }
    CHECK(told);
    CHECK(router.log_count("this is no file of remembered cookies") == 1);
    CHECK(joe.came_back());
  }
  CHECK_THROWS_WITH(RouterFixture(2, one), Catch::Contains("everybody signs in again"));
  ::chmod(file.c_str(), 0644);
  CHECK_THROWS_WITH(RouterFixture(2, one), Catch::Contains("everybody can read or write it"));
  std::filesystem::remove(file);
  RouterFixture router(2, one);
  CHECK_FALSE(Browser(router, stays).came_back());
}

}  // namespace nexus::test
