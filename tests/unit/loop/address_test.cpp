// Addresses: what may be written, what it means, and what is said about what may not.
#include "kernel/loop/address.hpp"

#include <catch2/catch.hpp>

using namespace nexus;

TEST_CASE("listen addresses are understood") {
  const auto tcp = [](std::string_view text) {
    auto parsed = parse_address(text);
    INFO(text);
    REQUIRE(parsed);
    CHECK(parsed->kind == Address::Kind::tcp);
    return *parsed;
  };
  CHECK(tcp("127.0.0.1:8080").host == "127.0.0.1");
  CHECK(tcp("127.0.0.1:8080").port == 8080);
  CHECK(tcp(":65535").host.empty());
  CHECK(tcp(":65535").port == 65535);
  CHECK(tcp("*:1").host.empty());
  CHECK(tcp("[::1]:0").host == "::1");
  CHECK(tcp("[fe80::1%eth0]:80").host == "fe80::1%eth0");
  CHECK(tcp("localhost:80").host == "localhost");

  auto path = parse_address("unix:/run/nexus.sock");
  REQUIRE(path);
  CHECK(path->kind == Address::Kind::unix_path);
  CHECK(path->path == "/run/nexus.sock");
  auto abstract = parse_address("unix:@nexus");
  REQUIRE(abstract);
  CHECK(abstract->kind == Address::Kind::unix_abstract);
  CHECK(abstract->path == "nexus");
  CHECK(parse_address("unix:" + std::string(107, 'p')));
}

TEST_CASE("a wrong address is told what is wrong with it") {
  const auto said = [](std::string_view text) {
    auto parsed = parse_address(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.status().code() == NX_E_CONFIG);
    const std::string message = parsed.status().text();
    if (text.size() < 40) {
      CHECK_THAT(message, Catch::Contains("\"" + std::string(text) + "\""));
    }
    return message;
  };
  CHECK_THAT(said("localhost"), Catch::Contains("write \"localhost:8080\""));
  CHECK_THAT(said(""), Catch::Contains("no port"));
  CHECK_THAT(said("::1:80"), Catch::Contains("in brackets"));
  CHECK_THAT(said("[::1]"), Catch::Contains("write an IPv6 address as"));
  CHECK_THAT(said("[::1:80"), Catch::Contains("write an IPv6 address as"));
  CHECK_THAT(said("[127.0.0.1]:80"), Catch::Contains("no IPv6 address"));
  CHECK_THAT(said("a:65536"), Catch::Contains("\"65536\" is no port"));
  CHECK_THAT(said("a:-1"), Catch::Contains("is no port"));
  CHECK_THAT(said("a:80x"), Catch::Contains("is no port"));
  CHECK_THAT(said("a:"), Catch::Contains("is no port"));
  CHECK_THAT(said("unix:"), Catch::Contains("no path"));
  CHECK_THAT(said("unix:@"), Catch::Contains("no path"));
  CHECK_THAT(said("unix:/" + std::string(107, 'p')), Catch::Contains("108 bytes"));
  CHECK_THAT(said("unix:@" + std::string(108, 'p')), Catch::Contains("at most 107"));
}

TEST_CASE("addresses resolve, and print as they are written") {
  const auto round = [](std::string_view text) {
    auto found = resolve(*parse_address(text));
    REQUIRE(found);
    REQUIRE(found->size() == 1);
    return to_text(found->front());
  };
  for (const char* text : {"127.0.0.1:8080", "[::1]:443", "[::]:9", "0.0.0.0:1", "unix:/a/b",
                           "unix:@name", "[2001:db8::1]:1"}) {
    CHECK(round(text) == text);
  }
  CHECK(round(":80") == "[::]:80");
}

TEST_CASE("an IPv4 peer of an IPv6 socket is shown as what it is") {
  auto found = resolve(*parse_address("[::ffff:192.0.2.7]:5"));
  REQUIRE(found);
  CHECK(to_text(found->front()) == "192.0.2.7:5");
}

TEST_CASE("a name with several addresses gives all of them, once") {
  auto found = resolve(*parse_address("localhost:80"));
  REQUIRE(found);
  for (size_t i = 0; i < found->size(); ++i) {
    CHECK((*found)[i].port() == 80);
    for (size_t j = 0; j < i; ++j) CHECK(to_text((*found)[i]) != to_text((*found)[j]));
  }
}

TEST_CASE("a name that does not exist is named") {
  auto found = resolve(*parse_address("no.such.host.invalid:80"));
  REQUIRE_FALSE(found);
  CHECK(found.status().code() == NX_E_CONFIG);
  CHECK_THAT(found.status().text(), Catch::Contains("\"no.such.host.invalid\""));
}
