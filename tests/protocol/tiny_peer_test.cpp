// RawSocket clients that accept very little: the handshake refuses whom no WELCOME can reach, and
// everybody else hears a last word (checklist T-21, T-23, T-27).
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

struct Tiny {
  Format format;
  unsigned exponent;
  bool welcome;  // one fits
};

WireOptions accepting(unsigned exponent) {
  WireOptions options;
  options.length_exponent = exponent;
  return options;
}

// What the handshake answers a client that accepts 2^(9+exponent) octets; empty when it is let in.
std::string refusal(const RouterFixture& router, Link link, unsigned exponent) {
  try {
    const Peer peer(router, link, accepting(exponent));
    return {};
  } catch (const WireError& error) {
    return error.what();
  }
}

const char* const kError2 = "7f200000";

}  // namespace

TEST_CASE("T-23: error 2 for a client that accepts less than WELCOME has, and for no other") {
  const auto tiny = GENERATE(Tiny{Format::json, 0, false}, Tiny{Format::json, 1, false},
                             Tiny{Format::json, 2, true}, Tiny{Format::msgpack, 0, false},
                             Tiny{Format::msgpack, 1, true}, Tiny{Format::cbor, 0, false},
                             Tiny{Format::cbor, 1, true}, Tiny{Format::ubjson, 0, false});
  const Carrier carrier = GENERATE(Carrier::raw_tcp, Carrier::raw_unix);
  CAPTURE(static_cast<int>(tiny.format), tiny.exponent);
  const RouterFixture router(1);
  const Link link{carrier, tiny.format};
  if (!tiny.welcome) {
    CHECK_THAT(refusal(router, link, tiny.exponent), Catch::Contains(kError2));
    return;
  }
  Peer peer(router, link, accepting(tiny.exponent));
  peer.join();
  const uint64_t registration = peer.register_procedure("com.example.tiny");
  const uint64_t request = peer.call("com.example.tiny");
  peer.yield(peer.expect_invocation(registration).request());
  peer.expect_result(request);
}

TEST_CASE("T-23: how much WELCOME has, depends on the router's own configuration") {
  const Link link{Carrier::raw_tcp, Format::json};
  const std::string agent = std::string(2000, 'a');
  const RouterFixture long_name(1, R"({"router":{"agent":")" + agent + "\"}}");
  CHECK_THAT(refusal(long_name, link, 2), Catch::Contains(kError2));
  CHECK(refusal(long_name, link, 3).empty());
  // One realm with a short WELCOME is enough, since nobody knows yet which one it will be.
  const RouterFixture short_one(1, R"({"realms":{"two":{"meta_api":false}}})");
  Peer peer(short_one, link, accepting(1));
  peer.join("realm2");
  Peer other(short_one, link, accepting(1));
  CHECK(other.hello("realm1").uri() == "wamp.error.payload_size_exceeded");
}

TEST_CASE("T-27: a WELCOME that turns out to be too large becomes an ABORT that says so") {
  const std::string realm = "com." + std::string(240, 'r');
  const Link link{Carrier::raw_tcp, Format::msgpack};
  RouterFixture router(1, R"({"realms":{"two":{"uri":")" + realm + "\"}}}");
  {
    Peer peer(router, link, accepting(1));
    const Message answer = peer.hello(realm);
    CHECK(answer.type() == kAbort);
    CHECK(answer.uri() == "wamp.error.payload_size_exceeded");
    CHECK_THAT(answer.text(), Catch::Contains("WELCOME has 1"));
    peer.expect_closed();
  }
  // It was never there for the others.
  auto other = Peer::joined(router, link, realm);
  const uint64_t request = other->call("wamp.session.count");
  CHECK(other->expect_result(request).args() == list(1));
}

TEST_CASE("T-27: a last word that is too large comes without its text") {
  const Link link{Carrier::raw_tcp, Format::msgpack};
  RouterFixture router(1, R"({"realms":{"one":{"meta_kill_roles":["*"]}}})");
  Peer tiny(router, link, accepting(1));
  tiny.join();
  auto root = Peer::joined(router, link);
  root->expect_result(
      root->call("wamp.session.kill", dict(), list(tiny.session()),
                 dict({{"reason", "com.example.bye"}, {"message", std::string(2000, 'm')}})));
  const Message goodbye = tiny.expect(kGoodbye);
  CHECK(goodbye.uri() == "com.example.bye");
  CHECK(goodbye.details() == dict());
}

}  // namespace nexus::test
