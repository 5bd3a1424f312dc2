// Limits by address and by rate, and what trusted proxies say about where a client is.
#include <list>

#include "kernel/loop/ip_ranges.hpp"
#include "kernel/loop/proxy_header.hpp"
#include "kernel/loop/rate_limit.hpp"
#include "tests/unit/loop/tls_client.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

TEST_CASE("addresses: what is one, with and without a port") {
  for (const char* text :
       {"192.0.2.1", "192.0.2.1:80", "::1", "[::1]", "[2001:db8::1]:65535", "::ffff:192.0.2.1"}) {
    CAPTURE(text);
    CHECK(parse_ip(text));
  }
  CHECK(parse_ip("192.0.2.1:80") == parse_ip("[::ffff:192.0.2.1]:1"));
  for (const char* text :
       {"", "localhost", "unix:/run/s", "192.0.2", "192.0.2.1:", "192.0.2.1:x", "[::1", "[::1]x",
        "[::1]:123456", "fe80::1%eth0", "192.0.2.256", "1.2.3.4 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip(text));
  }
  CHECK_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
}

TEST_CASE("addresses: ranges contain what they should") {
  auto ranges = IpRanges::parse("10.0.0.0/8, 192.0.2.7,2001:db8::/33 , unix,172.16.0.0/12");
  REQUIRE(ranges);
  const auto has = [&](const char* text) { return ranges.value().contains(*parse_ip(text)); };
  CHECK(has("10.255.0.1"));
  CHECK_FALSE(has("11.0.0.1"));
  CHECK(has("192.0.2.7:1"));
  CHECK_FALSE(has("192.0.2.8"));
  CHECK(has("2001:db8:7fff::1"));
  CHECK_FALSE(has("2001:db8:8000::1"));
  CHECK(has("172.31.255.255"));
  CHECK_FALSE(has("172.32.0.0"));
  CHECK_FALSE(has("::a00:1"));
  CHECK(ranges.value().contains_unix());
  CHECK(IpRanges::parse("").value().empty());
  for (const char* text : {"x", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/8/8", "a.b/8"}) {
    CAPTURE(text);
    const auto wrong = IpRanges::parse(text);
    REQUIRE_FALSE(wrong);
    CHECK_THAT(wrong.status().text(), Catch::Contains("is no address"));
  }
  CHECK(IpRanges::parse("0.0.0.0/0").value().contains(*parse_ip("1.2.3.4")));
}

TEST_CASE("addresses: an IPv6 customer is counted as one") {
  CHECK(counting_address(*parse_ip("2001:db8::1")) == counting_address(*parse_ip("2001:db8::2")));
  CHECK(counting_address(*parse_ip("2001:db8:0:1::1")) !=
        counting_address(*parse_ip("2001:db8::1")));
  CHECK(counting_address(*parse_ip("192.0.2.1")) != counting_address(*parse_ip("192.0.2.2")));
}

TEST_CASE("rate limit: so many in a second, a tenth of them at once") {
  RateLimit limit(100);
  uint64_t now_us = 5'000'000;
  uint32_t taken = 0;
  while (limit.take(now_us) == 0) ++taken;
  CHECK(taken >= 10);
  CHECK(taken <= 12);
  for (int step = 0; step < 1000; ++step) {
    now_us += 1000;
    while (limit.take(now_us) == 0) ++taken;
  }
  CHECK(taken >= 108);
  CHECK(taken <= 114);
  const uint32_t wait = limit.take(now_us);
  CHECK(wait >= 1);
  CHECK(wait <= 11);
  RateLimit none(0);
  for (int i = 0; i < 1000; ++i) CHECK(none.take(1) == 0);
}

std::string v2(uint8_t command, uint8_t family, std::string_view body) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += static_cast<char>(0x20 | command);
  text += static_cast<char>(family);
  text += static_cast<char>(body.size() >> 8);
  text += static_cast<char>(body.size());
  return text + std::string(body);
}

const std::string kV4("\xc0\x00\x02\x01\xc6\x33\x64\x01\x14\x03\x01\xbb", 12);

TEST_CASE("PROXY protocol: headers of both versions, however they are cut") {
  struct Row {
    std::string header;
    std::string address;
  };
  std::string v6(36, '\0');
  v6[0] = 0x20;
  v6[1] = 0x01;
  v6[15] = 0x07;
  v6[33] = 0x50;
  const std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const std::string line = "PROXY UNKNOWN " + longest + " " + longest + " 65535 65535\r\n";
  REQUIRE(line.size() == 107);  // as long as the specification lets it be
  const Row rows[] = {
      {line, ""},
      {"PROXY TCP4 192.0.2.1 198.51.100.1 5123 443\r\n", "192.0.2.1:5123"},
      {"PROXY TCP6 2001:db8::1 ::1 5123 443\r\n", "[2001:db8::1]:5123"},
      {"PROXY UNKNOWN\r\n", ""},
      {"PROXY UNKNOWN ffff:f::1 ::1 65535 65535\r\n", ""},
      {v2(1, 0x11, kV4), "192.0.2.1:5123"},
      {v2(1, 0x11, kV4 + "\x04\x00\x01x"), "192.0.2.1:5123"},
      {v2(1, 0x21, v6), "[2001::7]:80"},
      {v2(0, 0x00, ""), ""},
      {v2(0, 0x11, kV4), ""},
      {v2(1, 0x31, std::string(216, 'u')), ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.header);
    const std::string all = row.header + "and more\r\n";
    for (size_t size = 0; size < row.header.size(); ++size) {
      CHECK(parse_proxy_header(as_bytes(all.substr(0, size))).state ==
            ProxyHeader::State::incomplete);
    }
    const ProxyHeader header = parse_proxy_header(as_bytes(all));
    REQUIRE(header.state == ProxyHeader::State::complete);
    CHECK(header.size == row.header.size());
    CHECK(header.address == row.address);
  }
}

TEST_CASE("PROXY protocol: what is no header") {
  const std::string wrong[] = {
      "GET / HTTP/1.1\r\n",
      "PROXX",
      "PROXY TCP4 192.0.2.1 198.51.100.1 5123 443\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 5123\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 5123 443 1\r\n",
      "PROXY TCP4 192.0.2.1  198.51.100.1 5123 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 66000 443\r\n",
      "PROXY TCP4 ::1 ::1 1 1\r\n",
      "PROXY TCP6 192.0.2.1 192.0.2.1 1 1\r\n",
      "PROXY UDP4 192.0.2.1 192.0.2.1 1 1\r\n",
      "PROXY \r\n",
      "PROXY " + std::string(110, 'x'),
      "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",  // 108
      "PROXY UNKNOWN " + std::string(93, 'x'),           // 107 without an end
      v2(2, 0x11, kV4),
      v2(1, 0x11, kV4.substr(0, 11)),
      v2(1, 0x21, kV4),
      v2(1, 0x11, std::string(kMaxProxyHeader, 'x')),
      std::string("\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0", 16),
  };
  for (const std::string& text : wrong) {
    CAPTURE(text);
    const ProxyHeader header = parse_proxy_header(as_bytes(text));
    CHECK(header.state == ProxyHeader::State::broken);
    CHECK(header.wrong != nullptr);
  }
}

TEST_CASE("max_connections_per_address: one more is refused, and a place that is free is used") {
  Harness harness;
  harness.options.max_per_address = 2;
  harness.listen();
  Client first(harness.address());
  Client second(harness.address());
  harness.wait_accepted(2);
  Client third(harness.address());
  third.end();
  CHECK(harness.count_accepted() == 2);
  CHECK(harness.loop().counters().refused.value() == 1);
  CHECK_THAT(harness.log_text(), Catch::Contains("max_connections_per_address"));
  first.close();
  harness.wait_closed(1);
  on_loop(harness.loop(), [] {});
  Client again(harness.address());
  again.send("ping");
  CHECK(again.receive(4) == "ping");
}

TEST_CASE("max_accept_rate: the others wait, and all come in") {
  Harness harness(2);
  harness.options.max_accept_rate = 50;
  harness.listen();
  std::list<Client> clients;
  const uint64_t begin = EventLoop::clock_ms();
  for (int i = 0; i < 30; ++i) clients.emplace_back(harness.address());
  harness.wait_accepted(30);
  // Five or six at once, and then one each 20 ms.
  CHECK(EventLoop::clock_ms() - begin >= 400);
}

TEST_CASE("max_accept_rate: looking for one that is not there costs nothing") {
  // Two may come at once, and a third 100 ms later. The first one's turn ends by finding that there
  // is no other. How fast this machine is just now is of no matter: one fast attempt will do.
  bool at_once = false;
  for (int attempt = 0; attempt < 100 && !at_once; ++attempt) {
    Harness harness;
    harness.options.max_accept_rate = 10;
    harness.listen();
    const uint64_t begin = EventLoop::clock_ms();
    const Client first(harness.address());
    harness.wait_accepted(1);
    on_loop(harness.loop(), [] {});
    const Client second(harness.address());
    harness.wait_accepted(2);
    at_once = EventLoop::clock_ms() - begin < 90;
  }
  CHECK(at_once);
}

// What accepted() was told last.
struct Seen {
  std::string address;
  uint32_t flags = 0;
};

struct Proxied {
  Proxied() {
    harness.options.trusted_proxies = "127.0.0.0/8";
    harness.options.proxy_protocol = true;
    harness.accepted = [this](Connection&, const nx_stream_info& info) {
      seen.address = to_view(info.address);
      seen.flags = info.flags;
      return true;
    };
  }
  Seen seen;
  Harness harness;
};

TEST_CASE("PROXY protocol: the address is what the proxy says, and no byte is lost") {
  Proxied test;
  test.harness.listen();
  const bool version_2 = GENERATE(false, true);
  const std::string header =
      version_2 ? v2(1, 0x11, kV4) : "PROXY TCP4 192.0.2.1 198.51.100.1 5123 443\r\n";
  SECTION("in one piece with what follows") {
    Client client(test.harness.address());
    client.send(header + "ping");
    CHECK(client.receive(4) == "ping");
    CHECK(test.seen.address == "192.0.2.1:5123");
    CHECK(test.seen.flags == 0);
  }
  SECTION("byte by byte") {
    Client client(test.harness.address());
    for (const char c : header) {
      client.send(std::string(1, c));
      // The loop has looked at its sockets by the second of two turns that begin from now on.
      for (int turn = 0; turn < 2; ++turn) on_loop(test.harness.loop(), [] {});
    }
    client.send("ping");
    CHECK(client.receive(4) == "ping");
    CHECK(test.seen.address == "192.0.2.1:5123");
  }
  SECTION("the proxy speaks for itself") {
    Client client(test.harness.address());
    client.send((version_2 ? v2(0, 0, "") : "PROXY UNKNOWN\r\n") + "ping");
    CHECK(client.receive(4) == "ping");
    CHECK_THAT(test.seen.address, Catch::StartsWith("127.0.0.1:"));
    CHECK(test.seen.flags == NX_STREAM_TRUSTED_PROXY);
  }
  SECTION("something else") {
    Client client(test.harness.address());
    client.send("GET / HTTP/1.1\r\n");
    client.end();
    CHECK(test.harness.count_accepted() == 0);
    CHECK_THAT(test.harness.log_text(), Catch::Contains("PROXY protocol?"));
  }
}

TEST_CASE("PROXY protocol: only trusted proxies have a say") {
  Proxied test;
  test.harness.options.trusted_proxies = "192.0.2.0/24";
  test.harness.listen();
  Client client(test.harness.address());
  client.send("PROXY TCP4 192.0.2.1 198.51.100.1 5123 443\r\n");
  CHECK(client.receive(6) == "PROXY ");  // it is the connection's own
  CHECK_THAT(test.seen.address, Catch::StartsWith("127.0.0.1:"));
  CHECK(test.seen.flags == 0);
}

TEST_CASE("PROXY protocol: a header that does not come is given up") {
  Proxied test;
  test.harness.options.handshake_timeout_ms = 20;
  test.harness.listen();
  Client client(test.harness.address());
  client.send("PROXY ");
  client.end();
  CHECK(test.harness.count_accepted() == 0);
}

TEST_CASE("PROXY protocol: clients behind it are counted by their own addresses") {
  Proxied test;
  test.harness.options.max_per_address = 1;
  test.harness.listen();
  const auto header = [](const char* address) {
    return "PROXY TCP4 " + std::string(address) + " 198.51.100.1 5123 443\r\n";
  };
  Client first(test.harness.address());
  first.send(header("192.0.2.1") + "ping");
  CHECK(first.receive(4) == "ping");
  Client second(test.harness.address());
  second.send(header("192.0.2.1"));
  second.end();
  Client third(test.harness.address());
  third.send(header("192.0.2.2") + "ping");
  CHECK(third.receive(4) == "ping");
  CHECK(test.harness.count_accepted() == 2);
}

TEST_CASE("PROXY protocol: in front of TLS") {
  TlsHarness test;
  test.harness.options.trusted_proxies = "127.0.0.1";
  test.harness.options.proxy_protocol = true;
  test.harness.listen();
  TlsClient::Settings settings;
  settings.before_tls = "PROXY TCP4 192.0.2.1 198.51.100.1 5123 443\r\n";
  TlsClient client(test.address(), settings);
  REQUIRE(client.connected());
  REQUIRE(client.send("x"));
  CHECK(client.receive(1) == "x");
  CHECK(test.info.address == "192.0.2.1:5123");
}

TEST_CASE("PROXY protocol: without trusted proxies it is a mistake") {
  Harness harness;
  harness.options.proxy_protocol = true;
  CHECK_THAT(harness.try_listen().text(), Catch::Contains("needs trusted_proxies"));
}

}  // namespace
