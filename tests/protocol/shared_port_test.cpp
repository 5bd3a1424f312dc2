// T-63: WebSocket, RawSocket and long-poll on one port, told apart by a connection's first bytes.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/peer.hpp"
#include "tests/support/router_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// A port that was free a moment ago.
std::string free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return std::to_string(ntohs(address.sin_port));
}

// Starts a router whose patch holds PORT for a free port. Somebody else may have taken that
// meanwhile: then another one.
std::unique_ptr<RouterFixture> on_a_port(unsigned loops, const std::string& patch) {
  for (int attempt = 0;; ++attempt) {
    std::string with_port = patch;
    const std::string port = free_port();
    for (size_t at; (at = with_port.find("PORT")) != std::string::npos;) {
      with_port.replace(at, 4, port);
    }
    try {
      return std::make_unique<RouterFixture>(loops, with_port);
    } catch (const std::runtime_error& error) {
      const std::string_view text = error.what();
      if (attempt == 20 || text.find("in use") == std::string_view::npos) throw;
    }
  }
}

// The three on one port.
std::unique_ptr<RouterFixture> one_port(unsigned loops, const std::string& more = {}) {
  const std::string section = R"({"listen": "127.0.0.1:PORT")" + more + "}";
  return on_a_port(loops, R"({"transports": {"ws": )" + section + R"(, "raw": )" + section +
                              R"(, "poll": )" + section + "}}");
}

std::string port_of(const std::string& url) {
  const size_t slash = url.find('/', url.find("://") + 3);
  const std::string host = url.substr(0, slash);
  return host.substr(host.rfind(':'));
}

std::unique_ptr<Wire> bare(const RouterFixture& router) {
  WireOptions options;
  options.handshake = false;
  return std::make_unique<Wire>(router.url(Carrier::raw_tcp), options);
}

}  // namespace

TEST_CASE("T-63: clients of three transports meet on one port") {
  const unsigned loops = GENERATE(1u, 3u);
  const auto router = one_port(loops);
  const std::string port = port_of(router->url(Carrier::websocket));
  CHECK(port_of(router->url(Carrier::raw_tcp)) == port);
  CHECK(port_of(router->url(Carrier::longpoll)) == port);
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<uint64_t> subscriptions;
  for (const Carrier carrier : {Carrier::websocket, Carrier::raw_tcp, Carrier::longpoll}) {
    for (const Format format : {Format::json, Format::cbor}) {
      peers.push_back(Peer::joined(*router, {carrier, format}));
      subscriptions.push_back(peers.back()->subscribe("com.example.topic"));
    }
  }
  for (const auto& publisher : peers) {
    publisher->publish("com.example.topic", dict({{"exclude_me", false}}), list("hello"));
    for (size_t i = 0; i < peers.size(); ++i) peers[i]->expect_event(subscriptions[i]);
  }
}

TEST_CASE("T-63: one byte at a time is as good as all at once") {
  const auto router = one_port(3);
  const auto slowly = [&](std::string_view bytes) {
    auto wire = bare(*router);
    for (const char c : bytes) wire->send_raw({&c, 1});
    return wire;
  };
  CHECK(slowly({"\x7f\xf1\0\0", 4})->receive_raw(4) == std::string("\x7f\xf1\0\0", 4));
  CHECK(slowly("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n")
            ->receive_raw(12) == "HTTP/1.1 101");
  CHECK(slowly("POST /lp/open HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n"
               "{\"protocols\": [\"wamp.2.json\"]}")
            ->receive_raw(12) == "HTTP/1.1 200");
}

TEST_CASE("T-63: requests that nobody serves are answered by somebody") {
  const auto router = one_port(1);
  for (const auto& [request, status] : std::vector<std::pair<std::string, std::string>>{
           {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 426"},
           {"PUT /lp/open HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 405"},
           {"POST /lp/x/send HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404"}}) {
    CAPTURE(request);
    auto wire = bare(*router);
    wire->send_raw(request);
    CHECK(wire->receive_raw(12) == status);
    CHECK(wire->drain_until_closed());
  }
}

TEST_CASE("T-63: garbage, silence and half a word end, and disturb nobody") {
  const auto router = one_port(3, R"(, "handshake_timeout": 100)");
  auto peer = Peer::joined(*router, {Carrier::longpoll, Format::json});
  for (const std::string& bytes :
       {std::string("\0\0\0\0", 4), std::string("\x16\x03\x01\0\xa5", 5), std::string("hello"),
        std::string(), std::string("G"), std::string("POST /lp/op")}) {
    CAPTURE(to_hex(bytes));
    auto wire = bare(*router);
    wire->send_raw(bytes);
    CHECK(wire->drain_until_closed());
  }
  peer->sync();
}

TEST_CASE("T-63: two sections that take the same are told apart, or told so") {
  const std::string two = R"({"transports": {"ws": {"listen": "127.0.0.1:PORT"},
                           "other": {"type": "websocket", "listen": "127.0.0.1:PORT")";
  const auto error_of = [&](const std::string& rest) -> std::string {
    try {
      on_a_port(1, two + rest + "}}}");
      return {};
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  CHECK_THAT(error_of(""), Catch::Contains("transports.ws") &&
                               Catch::Contains("already takes WebSocket at any path"));
  CHECK_THAT(error_of(R"(, "path": "/ws", "tcp_keepalive": "77s")"),
             Catch::Contains("tcp_keepalive"));
  CHECK(error_of(R"(, "path": "/ws")").empty());
}

TEST_CASE("T-63: a stop with connections that have said nothing") {
  const auto router = one_port(3);
  auto silent = bare(*router);
  auto peer = Peer::joined(*router, {Carrier::longpoll, Format::msgpack});
  router->stop(std::chrono::milliseconds(100));
  CHECK(peer->expect(kGoodbye).uri() == "wamp.close.system_shutdown");
  CHECK(silent->drain_until_closed());
}
