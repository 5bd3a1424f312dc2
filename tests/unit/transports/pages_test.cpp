// Which web pages may connect, by `origins` and `hosts`: the same over WebSocket and long-poll.
#include <catch2/catch.hpp>

#include "longpoll_peer.hpp"
#include "plugins/support/authority.hpp"
#include "plugins/support/pages.hpp"
#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

struct Knock {
  std::string options = R"("listen": ":0")";
  std::string host = "router.example:8080";
  std::string origin;  // empty: no such header
  std::string more;    // further header lines
  std::string target;  // instead of the path alone
  uint32_t flags = 0;  // NX_STREAM_*
  std::string local = "192.0.2.2:8080";
};

std::string lines(const Knock& knock) {
  return (knock.host.empty() ? "" : "Host: " + knock.host + "\r\n") +
         (knock.origin.empty() ? "" : "Origin: " + knock.origin + "\r\n") + knock.more;
}

nx_stream_info info_of(const Knock& knock) {
  nx_stream_info info{};
  info.flags = knock.flags;
  info.local_address = str_of(knock.local);
  return info;
}

int over_websocket(const Knock& knock) {
  WebSocketRig rig("{" + knock.options + "}");
  const nx_stream_info info = info_of(knock);
  nx_stream& stream = *rig.host.connect(0, &info);
  std::string request = upgrade("wamp.2.json", lines(knock));
  request.erase(request.find("Host: "), 27);
  request.replace(4, request.find(' ', 4) - 4, knock.target + "/ws");
  rig.host.feed(stream, request);
  return status_of(stream.sent);
}

int over_longpoll(const Knock& knock) {
  LongPollRig rig("{" + knock.options + "}");
  const nx_stream_info info = info_of(knock);
  nx_stream& stream = *rig.host.connect(0, &info);
  std::string request = LongPollRig::request(knock.target + "/lp/open",
                                             R"({"protocols": ["wamp.2.json"]})", lines(knock));
  request.erase(request.find("Host: h\r\n"), 9);
  const std::string answer = rig.ask(stream, request);
  // Who is refused learns nothing by CORS either.
  if (status_of(answer) == 403) CHECK_THAT(answer, !Catch::Contains("Access-Control"));
  return status_of(answer) == 200 ? 101 : status_of(answer);
}

// 101 for let in, or the status of the refusal.
int knock(const Knock& how) {
  const int status = over_websocket(how);
  CHECK(over_longpoll(how) == status);
  return status;
}

int page(const std::string& origin, const std::string& host = "router.example:8080",
         const std::string& options = R"("listen": ":0")") {
  INFO("a page of " << origin << " asks for " << host << " with " << options);
  Knock how;
  how.options = options;
  how.host = host;
  how.origin = origin;
  return knock(how);
}

}  // namespace

TEST_CASE("T-05: by default the pages of the router's own host may connect, and no others") {
  CHECK(page("") == 101);  // no page at all
  for (const std::string own :
       {"http://router.example:8080", "http://router.example", "https://router.example",
        "http://router.example:3000", "HTTP://ROUTER.example", "http://router.example."}) {
    CHECK(page(own) == 101);
    CHECK(page(own, "ROUTER.Example.:8080") == 101);
    CHECK(page(own, "router.example") == 101);
  }
  for (const std::string other :
       {"http://evil.example", "http://router.example.evil.example", "http://arouter.example",
        "http://example", "null", "file://", "chrome-extension://router.example",
        "capacitor://router.example", "router.example", "http://a@router.example",
        "http://router.example/x", "http://router.example http://evil.example", "http://",
        "http://router.example:x", "http://router.example:99999", " "}) {
    CHECK(page(other) == 403);
  }
  CHECK(page("http://xn--bcher-kva.example", "xn--bcher-kva.example:8080") == 101);
  CHECK(page("http://evil.example\r\nOrigin: http://router.example") == 400);
}

TEST_CASE("T-05: addresses are compared as addresses, and this machine's names are one") {
  CHECK(page("http://[::1]:3000", "[::1]:8080") == 101);
  CHECK(page("http://[0:0:0:0:0:0:0:1]", "[::1]:8080") == 101);
  CHECK(page("http://[2001:DB8::1]", "[2001:db8:0::1]:8080") == 101);
  CHECK(page("http://[2001:db8::1]", "[2001:db8::2]") == 403);
  CHECK(page("http://10.0.0.1:3000", "10.0.0.1:8080") == 101);
  CHECK(page("http://10.0.0.1", "10.0.0.2") == 403);
  CHECK(page("http://localhost:3000", "127.0.0.1:8080") == 101);
  CHECK(page("http://127.0.0.1:3000", "localhost:8080") == 101);
  CHECK(page("http://localhost", "[::1]:8080") == 101);
  CHECK(page("http://localhost", "127.1.2.3:8080") == 101);
  CHECK(page("http://localhost.evil.example", "127.0.0.1") == 403);
  CHECK(page("http://128.0.0.1", "127.0.0.1") == 403);
  CHECK(page("http://0.0.0.0", "127.0.0.1") == 403);
}

TEST_CASE("T-05: on loopback, a page with a name that points here (DNS rebinding) gets 403") {
  const std::string listen = GENERATE(as<std::string>{}, "127.0.0.1:0", "127.9.9.9:0", "[::1]:0",
                                      "localhost:0", "[::ffff:127.0.0.1]:0");
  const std::string loopback = "\"listen\": \"" + listen + "\"";
  CHECK(page("http://evil.example:8080", "evil.example:8080", loopback) == 403);
  CHECK(page("http://localhost.evil.example", "localhost.evil.example", loopback) == 403);
  CHECK(page("http://127.0.0.1.evil.example", "127.0.0.1.evil.example", loopback) == 403);
  CHECK(page("http://evil.example", "localhost:8080", loopback) == 403);
  for (const std::string host : {"127.0.0.1:8080", "localhost:8080", "LOCALHOST.", "[::1]:8080"}) {
    CHECK(page("http://localhost:3000", host, loopback) == 101);
    CHECK(page("http://" + host, host, loopback) == 101);
  }
  CHECK(page("http://10.0.0.1", "10.0.0.1", loopback) == 101);  // no DNS comes into that
  // Who is no browser writes what it likes.
  CHECK(page("", "evil.example", loopback) == 101);
  // Names that the operator knows, with or without a list of origins.
  const std::string hosts = loopback + R"(, "hosts": ["router.example.", "*.lan"])";
  CHECK(page("http://Router.example", "router.example:8080", hosts) == 101);
  CHECK(page("http://a.lan", "a.lan", hosts) == 101);
  CHECK(page("http://localhost", "localhost", hosts) == 101);
  CHECK(page("http://evil.example", "evil.example", hosts) == 403);
  CHECK(page("http://lan", "lan", hosts) == 403);
  const std::string listed = R"(, "origins": ["https://app.example"])";
  CHECK(page("https://app.example", "localhost", loopback + listed) == 101);
  CHECK(page("https://app.example", "app.example", loopback + listed) == 403);
  CHECK(page("https://app.example", "router.example", hosts + listed) == 101);
  // Where any page may connect, another name gives it nothing.
  CHECK(page("http://evil.example", "evil.example", loopback + R"(, "origins": ["*"])") == 101);
  CHECK(page("http://evil.example", "evil.example", hosts + R"(, "origins": ["*"])") == 403);
}

TEST_CASE("T-05: a name that turns out to be loopback counts as that, other addresses do not") {
  using nexus::support::on_loopback;
  CHECK(on_loopback("my-host:8080", "127.0.1.1:8080"));
  CHECK_FALSE(on_loopback("my-host:8080", "192.0.2.1:8080"));
  for (const char* open : {":8080", "0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080", "[fe80::1]:8080",
                           "unix:/run/nexus/web.sock"}) {
    CHECK_FALSE(on_loopback(open, "127.0.0.1:8080"));
  }
  CHECK(on_loopback("127.0.0.1:8080", ""));
}

TEST_CASE("T-05: elsewhere Host is looked at only where hosts is set") {
  const std::string listen =
      GENERATE(as<std::string>{}, ":0", "0.0.0.0:0", "192.0.2.2:0", "unix:/run/nexus/web.sock");
  const std::string open = "\"listen\": \"" + listen + "\"";
  CHECK(page("http://any.example", "any.example", open) == 101);
  const std::string hosts = open + R"(, "hosts": ["router.example"])";
  CHECK(page("http://any.example", "any.example", hosts) == 403);
  CHECK(page("http://router.example", "router.example", hosts) == 101);
  CHECK(page("http://192.0.2.2", "192.0.2.2", hosts) == 101);
  CHECK(page("", "any.example", hosts) == 101);
}

TEST_CASE("T-05: where origins is set, the own host counts only if it is listed, as self") {
  const std::string list = R"("listen": ":0", "origins": ["app.example", "*.example.com:*"])";
  CHECK(page("", "router.example", list) == 101);
  CHECK(page("http://router.example:8080", "router.example:8080", list) == 403);
  CHECK(page("https://APP.example", "router.example", list) == 101);
  CHECK(page("https://app.example:444", "router.example", list) == 403);  // ports match explicitly
  CHECK(page("https://a.example.com:444", "router.example", list) == 101);
  CHECK(page("https://a.example.com", "router.example", list) == 403);
  CHECK(page("null", "router.example", list) == 403);
  const std::string self = R"("listen": ":0", "origins": ["app.example", "SELF"])";
  CHECK(page("http://router.example", "router.example:8080", self) == 101);
  CHECK(page("https://app.example", "router.example", self) == 101);
  CHECK(page("http://evil.example", "router.example", self) == 403);
  CHECK(page("http://self", "router.example", self) == 403);
  CHECK(page("http://router.example", "router.example", R"("listen": ":0", "origins": [])") == 101);
}

TEST_CASE("T-05: pages without a host of their own are let in by their name") {
  for (const std::string name : {"file://", "null", "capacitor://localhost", "app://", "*"}) {
    const std::string listed = R"("listen": "127.0.0.1:0", "origins": [")" + name + "\"]";
    const std::string sent = name == "*" ? "null" : name;
    CHECK(page(sent, "127.0.0.1:8080", listed) == 101);
    CHECK(page("http://evil.example", "127.0.0.1:8080", listed) == (name == "*" ? 101 : 403));
    CHECK(page("http://null", "127.0.0.1:8080", listed) == (name == "*" ? 101 : 403));
  }
}

TEST_CASE("T-05: an entry with a scheme is compared with all of the origin") {
  const std::string list = R"("listen": ":0", "origins": ["https://*.example.com"])";
  CHECK(page("https://a.example.com", "router.example", list) == 101);
  CHECK(page("http://a.example.com", "router.example", list) == 403);
}

TEST_CASE("T-05: a trusted proxy says which host was asked for, nobody else does") {
  Knock how;
  how.host = "backend:8080";
  how.origin = "https://app.example";
  how.more = "X-Forwarded-Host: app.example\r\n";
  CHECK(knock(how) == 403);
  how.flags = NX_STREAM_TRUSTED_PROXY;
  CHECK(knock(how) == 101);
  how.more = "X-Forwarded-Host: app.example, other.example\r\n";  // the last one is the proxy's own
  CHECK(knock(how) == 403);
  how.more = "X-Forwarded-Host: evil.example\r\nX-Forwarded-Host: app.example:443\r\n";
  CHECK(knock(how) == 101);
  how.more = "";
  how.host = "app.example";  // the proxy has passed Host on
  CHECK(knock(how) == 101);
  // A page on the router's own machine comes from the same address as the proxy there: what it
  // writes into the header has to be a name of the router's, and its own.
  how.options = R"("listen": "127.0.0.1:0", "hosts": ["app.example"])";
  CHECK(knock(how) == 101);
  how.origin = "http://evil.example";
  for (const std::string forged : {"localhost", "app.example", "evil.example", "127.0.0.1", "/"}) {
    how.host = "evil.example";
    how.more = "X-Forwarded-Host: " + forged + "\r\n";
    CHECK(knock(how) == 403);
  }
}

TEST_CASE("RFC 9112, 3.2.2: the host of an absolute target counts, not Host") {
  Knock how;
  how.host = "router.example:8080";
  how.origin = "http://router.example";
  how.target = "http://router.example:8080";
  CHECK(knock(how) == 101);
  how.target = "http://evil.example";
  CHECK(knock(how) == 403);
  how.origin = "http://evil.example";
  CHECK(knock(how) == 101);  // not on loopback
  how.options = R"("listen": "127.0.0.1:0")";
  how.host = "localhost";
  CHECK(knock(how) == 403);
}

TEST_CASE("RFC 9112, 3.2: requests with no host, two, or something else there are refused") {
  Knock how;
  for (const std::string host : {"", "a b", "a/b", "a@b", "a:b", "[::1", "[::g]", "a:99999", "\xfc",
                                 "a%2", "a\r\nHost: a", ":80", ".", "a.."}) {
    INFO(host);
    how.host = host;
    CHECK(knock(how) == 400);
  }
  for (const std::string host : {" ", "a:", "a_b", "[::1]:80", "%41", "xn--bcher-kva"}) {
    INFO(host);
    how.host = host;
    CHECK(knock(how) == 101);
  }
  how.host = " ";
  how.origin = "http://router.example";
  CHECK(knock(how) == 403);
}

TEST_CASE("T-48: a preflight is answered for pages that may connect, and for no others") {
  LongPollRig rig(R"({"listen": "127.0.0.1:0"})");
  const auto preflight = [&](const std::string& origin, const std::string& host) {
    nx_stream& stream = *rig.host.connect();
    return rig.ask(stream, "OPTIONS /lp/open HTTP/1.1\r\nHost: " + host + "\r\nOrigin: " + origin +
                               "\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  };
  const std::string own = preflight("http://localhost:3000", "127.0.0.1:8082");
  CHECK(status_of(own) == 204);
  CHECK_THAT(own, Catch::Contains("Access-Control-Allow-Origin: http://localhost:3000\r\n"));
  for (const std::string& other : {preflight("http://evil.example", "127.0.0.1:8082"),
                                   preflight("http://evil.example", "evil.example:8082"),
                                   preflight("null", "127.0.0.1:8082")}) {
    CHECK(status_of(other) == 403);
    CHECK_THAT(other, !Catch::Contains("Access-Control"));
  }
}

TEST_CASE("Refusals say what the operator can do, in the answer and in the log") {
  WebSocketRig rig(R"({"listen":"127.0.0.1:0"})");
  rig.request(upgrade("wamp.2.json", "Origin: http://router.example\r\n"));
  CHECK_THAT(rig.stream->sent,
             Catch::Contains("\"router.example:8080\"") && Catch::Contains("the option hosts"));
  WebSocketRig open(R"({"listen":":0"})");
  open.request(upgrade("wamp.2.json", "Origin: http://evil.example\r\n"));
  CHECK_THAT(open.stream->sent,
             Catch::Contains("http://evil.example") && Catch::Contains("the option origins"));
  REQUIRE(open.host.log.size() == 1);
  CHECK_THAT(open.host.log.back(), Catch::Contains("the option origins"));
}
