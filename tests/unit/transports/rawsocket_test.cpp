// RawSocket: T-20 to T-31 of the WAMP specification's chapter 15.1.
#include <catch2/catch.hpp>

#include "rawsocket_peer.hpp"

using namespace transports_test;

namespace {

using Messages = std::vector<std::string>;

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out += static_cast<char>(b);
  return out;
}

// What the server answers to a handshake that it refuses; the connection has ended.
std::string refusal(const std::string& wire, const std::string& json = R"({"listen":":0"})") {
  RawSocketRig rig(json);
  rig.request(wire);
  CHECK(rig.stream->closed);
  CHECK(rig.stream->close_how == NX_CLOSE_FLUSH);
  CHECK(rig.host.sessions.empty());
  CHECK(rig.host.log.size() == 1);
  return rig.stream->sent;
}

// True when this input, after a handshake, ends the connection for a broken rule.
bool breaks(const std::string& wire, uint32_t reason = NX_CLOSED_PROTOCOL,
            const std::string& json = R"({"listen":":0"})") {
  RawSocketRig rig(json);
  rig.open();
  rig.feed(wire);
  return rig.stream->closed && rig.session().closed == 1 && rig.session().closed_reason == reason &&
         !rig.session().closed_text.empty() && rig.session().messages.empty();
}

}  // namespace

TEST_CASE("T-20: a first octet other than 7F ends the connection at once, without an answer") {
  CHECK(refusal("G").empty());
  CHECK(refusal(bytes({0x7e, 0xf1, 0, 0})).empty());
  CHECK(refusal(bytes({0x16})).empty());
}

TEST_CASE("T-21: the answer carries the router's own length, rounded up to a power of two") {
  const std::pair<const char*, int> cases[] = {{"512", 0},      {"513", 1},   {"1024", 1},
                                               {"65536", 7},    {"65537", 8}, {"16777215", 15},
                                               {"16777216", 15}};
  for (const auto& [size, exponent] : cases) {
    RawSocketRig rig(R"({"listen":":0","max_message_size":)" + std::string(size) + "}");
    rig.open();
    CHECK(rig.answer == bytes({0x7f, exponent << 4 | 1, 0, 0}));
  }
  RawSocketRig router_default;  // 1 MiB in this router
  router_default.open();
  CHECK(router_default.answer == bytes({0x7f, 11 << 4 | 1, 0, 0}));
  RawSocketRig large_router;
  large_router.host.max_message_size = 64 << 20;
  demand(large_router.component.listen() == NX_OK, "listen");
  large_router.open();
  CHECK(large_router.answer == bytes({0x7f, 15 << 4 | 1, 0, 0}));
}

TEST_CASE("T-21: the client's length is honoured, and 2^24 octets are never sent") {
  for (int exponent = 0; exponent < 15; ++exponent) {
    RawSocketRig rig;
    nx_session& session = rig.open(exponent);
    const size_t limit = size_t{512} << exponent;
    CHECK(session.max_send_size == limit);
    CHECK(session.send(std::string(limit + 1, 'x')) == NX_E_LIMIT);
    CHECK(session.send(std::string(limit, 'x')) == static_cast<int64_t>(limit + 4));
    rig.host.turn(*rig.stream);
    CHECK(rig.next() == raw_frame(0, std::string(limit, 'x')));
    CHECK(rig.stream->sent.empty());
  }
  RawSocketRig rig;
  nx_session& session = rig.open(15);
  CHECK(session.max_send_size == (1 << 24) - 1);
  CHECK(session.send(std::string(1 << 24, 'x')) == NX_E_LIMIT);
  CHECK(session.send(std::string((1 << 24) - 1, 'x')) == (1 << 24) + 3);
}

TEST_CASE("T-22: the serializer is chosen by its number") {
  for (int id = 1; id <= 3; ++id) {
    RawSocketRig rig;
    CHECK(rig.open(10, id).serializer == static_cast<uint32_t>(id - 1));
    CHECK((rig.answer[1] & 0x0f) == id);
    CHECK(rig.session().peer_transport == "rawsocket");
    CHECK(rig.session().peer_address == "192.0.2.1:5123");
  }
}

TEST_CASE("T-23: error 1 for a serializer that is not loaded, and for none") {
  for (const int id : {0, 4, 5, 6, 15}) CHECK(refusal(hello(15, id)) == bytes({0x7f, 0x10, 0, 0}));
  RawSocketRig rig;
  rig.host.serializers.push_back({"web only", "wamp.2.web", 0, 0});
  demand(rig.component.listen() == NX_OK, "listen");
  rig.request(hello(15, 0));
  CHECK(rig.stream->sent == bytes({0x7f, 0x10, 0, 0}));
}

TEST_CASE("T-23: error 2 for a client that accepts less than min_peer_size") {
  const std::string json = R"({"listen":":0","min_peer_size":4096})";
  CHECK(refusal(hello(2, 1), json) == bytes({0x7f, 0x20, 0, 0}));
  RawSocketRig rig(json);
  rig.open(3);
  CHECK(rig.host.sessions.size() == 1);
}

TEST_CASE("T-23: error 2 for a client that accepts less than WELCOME has, as the router knows") {
  RawSocketRig rig;
  rig.host.open_answer = NX_E_UNREPRESENTABLE;
  rig.request(hello(1, 1));
  CHECK(rig.stream->sent == bytes({0x7f, 0x20, 0, 0}));
  CHECK(rig.stream->closed);
  REQUIRE(rig.host.log.size() == 1);
  CHECK_THAT(rig.host.log[0], Catch::Contains("1024 octets"));
}

TEST_CASE("T-23: error 3 for reserved octets, whatever else is wrong") {
  CHECK(refusal(hello(15, 1, 1, 0)) == bytes({0x7f, 0x30, 0, 0}));
  CHECK(refusal(hello(15, 1, 0, 0x80)) == bytes({0x7f, 0x30, 0, 0}));
  CHECK(refusal(hello(15, 9, 0, 1)) == bytes({0x7f, 0x30, 0, 0}));
}

TEST_CASE("T-23: error 4 for one connection too many, nothing for many too many") {
  RawSocketRig rig(R"({"listen":":0","max_connections":1})");
  rig.open();
  nx_stream* first = rig.stream;
  rig.request(hello(15, 1));
  CHECK(rig.stream->sent == bytes({0x7f, 0x40, 0, 0}));
  CHECK(rig.stream->closed);
  CHECK(rig.host.listen_options.max_connections == 0);  // or the stream service would hang up
  rig.host.drop(*first);
  rig.open();
  int silent = 0;
  for (int i = 0; i < 50; ++i) silent += rig.host.connect() == nullptr ? 1 : 0;
  CHECK(silent == 50 - 16);
}

TEST_CASE("T-23: error 4 when the router takes no sessions") {
  RawSocketRig rig;
  rig.host.open_answer = NX_E_CLOSED;
  rig.request(hello(15, 1));
  CHECK(rig.stream->sent == bytes({0x7f, 0x40, 0, 0}));
  CHECK(rig.stream->closed);
}

TEST_CASE("T-23: a session that is closed while it is opened is told once") {
  RawSocketRig rig;
  rig.host.on_open = [](nx_session& session) { session.close(NX_CLOSE_FLUSH); };
  rig.request(hello(15, 1));
  CHECK(rig.stream->sent == bytes({0x7f, 0x40, 0, 0}));
  CHECK(rig.session().closed == 1);
}

TEST_CASE("T-24: reserved bits and frame types end the connection") {
  for (const int bit : {0x10, 0x20, 0x40, 0x80}) CHECK(breaks(raw_frame(bit, "[]")));
  for (int type = 3; type <= 7; ++type) CHECK(breaks(raw_frame(type, "")));
}

TEST_CASE("T-25: the 25th length bit stands for 2^24 octets, for those who may send them") {
  const std::string huge(1 << 24, 'h');
  const std::string all = R"({"listen":":0","max_message_size":16777216})";
  RawSocketRig rig(all);
  rig.open();
  rig.feed(bytes({0x08, 0, 0, 0}) + huge + raw_frame(0, "[]"));
  CHECK(rig.session().messages == Messages{huge, "[]"});
  SECTION("other length bits beside it") {
    CHECK(breaks(bytes({0x08, 0, 0, 1}), NX_CLOSED_PROTOCOL, all));
  }
  SECTION("not advertised") {
    CHECK(breaks(bytes({0x08, 0, 0, 0}), NX_CLOSED_PROTOCOL,
                 R"({"listen":":0","max_message_size":8388608})"));
  }
  SECTION("a ping of that size cannot be answered without it") {
    CHECK(breaks(bytes({0x09, 0, 0, 0}) + huge, NX_CLOSED_PROTOCOL, all));
  }
}

TEST_CASE("T-26: a ping is answered with its payload, in order with messages") {
  RawSocketRig rig;
  rig.open();
  rig.session().take = [](nx_session& session, const nx_bytes*, uint32_t count) {
    session.send("reply");
    return count;
  };
  const std::string payload(100000, 'p');
  rig.feed(raw_frame(1, "before") + raw_frame(0, "[]") + raw_frame(1, payload) +
           raw_frame(0, "[]") + raw_frame(1, ""));
  CHECK(rig.next() == raw_frame(2, "before"));
  CHECK(rig.next() == raw_frame(0, "reply"));
  CHECK(rig.next() == raw_frame(2, payload));
  CHECK(rig.next() == raw_frame(0, "reply"));
  CHECK(rig.next() == raw_frame(2, ""));
  CHECK(rig.stream->sent.empty());
}

TEST_CASE("T-26: a pong that nobody asked for is ignored") {
  RawSocketRig rig;
  rig.open();
  rig.feed(raw_frame(2, "") + raw_frame(2, "x") + raw_frame(0, "[]"));
  CHECK(rig.session().messages == Messages{"[]"});
  CHECK(rig.stream->sent.empty());
}

TEST_CASE("T-26: a ping that the peer itself would not accept back is a violation") {
  RawSocketRig rig;
  rig.open(0);
  rig.feed(raw_frame(1, std::string(512, 'p')));
  CHECK(rig.next() == raw_frame(2, std::string(512, 'p')));
  rig.feed(raw_frame(1, std::string(513, 'p')));
  CHECK(rig.session().closed_reason == NX_CLOSED_PROTOCOL);
}

TEST_CASE("T-27: a frame above the advertised length ends the connection, from its header alone") {
  const std::string json = R"({"listen":":0","max_message_size":1024})";
  RawSocketRig rig(json);
  rig.open();
  rig.feed(raw_frame(0, std::string(1024, 'x')));
  CHECK(rig.session().messages.size() == 1);
  rig.feed(bytes({0, 0, 4, 1}));
  CHECK(rig.session().closed_reason == NX_CLOSED_TOO_LARGE);
  CHECK(rig.stream->closed);
  CHECK(breaks(bytes({1, 0, 4, 1}), NX_CLOSED_TOO_LARGE, json));  // pings too
  CHECK(breaks(bytes({2, 0xff, 0xff, 0xff}), NX_CLOSED_TOO_LARGE, json));
}

TEST_CASE("T-28: an empty frame is delivered as an empty message, for the router to refuse") {
  RawSocketRig rig;
  rig.open();
  rig.feed(raw_frame(0, ""));
  CHECK(rig.session().messages == Messages{""});
}

TEST_CASE("T-29: the handshake may come octet by octet, and with frames behind it") {
  RawSocketRig rig;
  rig.stream = rig.host.connect();
  CHECK(rig.stream->deadline == 5000);
  rig.feed_bytewise(hello(15, 1).substr(0, 3));
  CHECK(rig.stream->sent.empty());
  rig.feed(hello(15, 1).substr(3) + raw_frame(0, "[1]") + raw_frame(1, "p") + raw_frame(0, "[2]"));
  CHECK(rig.session().messages == Messages{"[1]", "[2]"});
  CHECK(rig.stream->sent == bytes({0x7f, 0xb1, 0, 0}) + raw_frame(2, "p"));
  CHECK(rig.stream->deadline == 0);
}

TEST_CASE("T-29: a handshake that does not come in time ends the connection") {
  RawSocketRig rig(R"({"listen":":0","handshake_timeout":321})");
  rig.request("\x7f");
  CHECK(rig.stream->deadline == 321);
  rig.host.fire_deadline(*rig.stream);
  CHECK(rig.stream->closed);
  CHECK(rig.stream->close_reason == NX_CLOSED_TIMEOUT);
}

TEST_CASE("T-29: every cut of a session gives the same") {
  const std::string wire = hello(15, 1) + raw_frame(0, "[1]") + raw_frame(1, "ping") +
                           raw_frame(0, std::string(300, 'x')) + raw_frame(2, "") +
                           raw_frame(0, "[2]") + raw_frame(5, "");
  RawSocketRig whole;
  whole.request(wire);
  REQUIRE(whole.session().messages.size() == 3);
  REQUIRE(whole.session().closed_reason == NX_CLOSED_PROTOCOL);
  for (size_t cut = 1; cut < wire.size(); ++cut) {
    RawSocketRig parts;
    parts.request(wire.substr(0, cut));
    parts.feed(wire.substr(cut));
    REQUIRE(parts.session().messages == whole.session().messages);
    REQUIRE(parts.stream->sent == whole.stream->sent);
    REQUIRE(parts.session().closed_text == whole.session().closed_text);
  }
  RawSocketRig single;
  single.stream = single.host.connect();
  single.feed_bytewise(wire);
  CHECK(single.session().messages == whole.session().messages);
  CHECK(single.stream->sent == whole.stream->sent);
}

TEST_CASE("T-27: large messages go with their owner, small ones behind their header") {
  RawSocketRig rig;
  nx_session& session = rig.open();
  int dummy = 0;
  auto* owner = reinterpret_cast<nx_buffer*>(&dummy);
  session.send(std::string(4096, 'a'), owner);
  CHECK(rig.stream->owned_writes == 0);
  session.send(std::string(4097, 'b'), owner);
  CHECK(rig.stream->owned_writes == 1);
  rig.host.turn(*rig.stream);
  CHECK(rig.next() == raw_frame(0, std::string(4096, 'a')));
  CHECK(rig.next() == raw_frame(0, std::string(4097, 'b')));
}

TEST_CASE("RawSocket: a router's close is flushed, or not, as it says") {
  RawSocketRig rig;
  nx_session& session = rig.open();
  rig.stream->stuck = true;
  session.send("abort");
  session.close(NX_CLOSE_VIOLATION, "no");
  CHECK(session.send("more") == NX_E_CLOSED);
  rig.host.turn(*rig.stream);
  SECTION("flushed") {
    CHECK(session.closed == 0);
    rig.host.unstick(*rig.stream);
    CHECK(rig.next() == raw_frame(0, "abort"));
  }
  SECTION("and then dropped after all") {
    session.close(NX_CLOSE_FLUSH);
    session.close(NX_CLOSE_NOW);
    rig.host.turn(*rig.stream);
    CHECK(rig.stream->sent.empty());
  }
  CHECK(session.closed == 1);
  CHECK(session.closed_reason == NX_CLOSED_BY_ROUTER);
}

TEST_CASE("RawSocket: a router may close from within messages()") {
  RawSocketRig rig;
  rig.open();
  rig.session().take = [](nx_session& session, const nx_bytes*, uint32_t) {
    session.close(NX_CLOSE_FLUSH);
    return 1u;
  };
  rig.feed(raw_frame(0, "[1]") + raw_frame(0, "[2]") + raw_frame(7, ""));
  CHECK(rig.session().messages == Messages{"[1]"});
  CHECK(rig.session().closed_reason == NX_CLOSED_BY_ROUTER);
}
