// WebSocket frames after the handshake: RFC 6455, chapters 5 to 7, in the manner of the Autobahn
// test suite. Expectations come from the RFC, not from runs.
#include <catch2/catch.hpp>

#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

using Messages = std::vector<std::string>;

constexpr int kFin = 0x80;
const std::string kGreek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";  // 5 characters

// A connection with the text serializer, or with a binary one.
struct Text : WebSocketRig {
  explicit Text(const std::string& json = R"({"listen":":0"})") : WebSocketRig(json) { open(); }
};
struct Binary : WebSocketRig {
  explicit Binary(const std::string& json = R"({"listen":":0"})") : WebSocketRig(json) {
    open("wamp.2.cbor");
  }
};

std::string pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i % 23);
  return out;
}

}  // namespace

TEST_CASE("T-04: one frame is one message, of any size and in either type") {
  for (const size_t size : {0, 1, 7, 8, 15, 16, 17, 125, 126, 127, 128, 65535, 65536, 70001}) {
    Binary rig;
    rig.feed(frame(2, pattern(size)));
    REQUIRE(rig.session().messages == Messages{pattern(size)});
    CHECK(rig.stream->inbox.empty());
  }
  Text rig;
  rig.feed(text_frame("[1, \"" + kGreek + "\"]"));
  CHECK(rig.session().messages == Messages{"[1, \"" + kGreek + "\"]"});
}

TEST_CASE("T-04: messages of one frame are delivered from where they lie") {
  Binary rig;
  const uint8_t* lent = nullptr;
  rig.session().take = [&](nx_session&, const nx_bytes* list, uint32_t count) {
    lent = list[0].data;
    return count;
  };
  const std::string wire = frame(2, pattern(70000));
  std::vector<uint8_t> memory(wire.begin(), wire.end());
  // Straight to the handler, so that the memory is known.
  CHECK(rig.host.handler->received(rig.stream->connection, memory.data(), memory.size()) ==
        memory.size());
  CHECK(lent == memory.data() + 14);
}

TEST_CASE("T-05: an unmasked frame fails the connection with 1002") {
  Text rig;
  rig.feed(bytes({0x81, 2, '[', ']'}));
  CHECK(rig.failed_with(1002));
  CHECK(rig.session().messages.empty());
  CHECK(rig.session().closed == 1);
  CHECK(rig.session().closed_reason == NX_CLOSED_PROTOCOL);
  CHECK_FALSE(rig.session().closed_text.empty());
}

TEST_CASE("T-05: reserved bits and opcodes fail the connection with 1002") {
  for (const int flags : {0xc0, 0xa0, 0x90, 0xf0}) {
    Text rig;
    rig.feed(frame(1, "[]", flags));
    CHECK(rig.failed_with(1002));
  }
  for (const int opcode : {3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf}) {
    Text rig;
    rig.feed(frame(opcode, ""));
    CHECK(rig.failed_with(1002));
  }
}

TEST_CASE("T-05: a bad header is reported before its payload is waited for") {
  Text rig;
  rig.feed(bytes({0x83, 0xff}));  // reserved opcode, eight octets of length to come
  CHECK(rig.failed_with(1002));
}

TEST_CASE("T-05: lengths are in their shortest form and below 2^63") {
  const std::string mask = bytes({0, 0, 0, 0});
  const auto check = [&](const std::string& head) {
    Text rig;
    rig.feed(head + mask);
    return rig.failed_with(1002);
  };
  CHECK(check(bytes({0x81, 0xfe, 0, 125})));
  CHECK(check(bytes({0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff})));
  CHECK(check(bytes({0x81, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0})));
}

TEST_CASE("T-03: a frame of the other type than the serializer's fails with 1003") {
  Text text;
  text.feed(frame(2, "[]"));
  CHECK(text.failed_with(1003));
  CHECK(text.session().messages.empty());
  Binary binary;
  binary.feed(text_frame("[]"));
  CHECK(binary.failed_with(1003));
}

TEST_CASE("T-03: messages go out as text or binary frames, as the serializer says") {
  Text text;
  CHECK(text.session().send("[1]") == 5);  // what is queued, with the header
  text.host.turn(*text.stream);
  ServerFrame got = text.next();
  CHECK(got.opcode == 1);
  CHECK(got.payload == "[1]");
  Binary binary;
  binary.session().send("x");
  binary.host.turn(*binary.stream);
  CHECK(binary.next().opcode == 2);
}

TEST_CASE("Messages of every size go out in one frame, in order") {
  Binary rig;
  int64_t expected = 0;
  const std::vector<size_t> sizes = {0, 1, 125, 126, 4095, 4096, 4097, 65535, 65536, 200000};
  for (const size_t size : sizes) {
    expected += static_cast<int64_t>(size) + (size < 126 ? 2 : size < 65536 ? 4 : 10);
    CHECK(rig.session().send(pattern(size)) == expected);
  }
  CHECK(rig.session().transport->queued(rig.session().connection) ==
        static_cast<uint64_t>(expected));
  rig.host.turn(*rig.stream);
  for (const size_t size : sizes) CHECK(rig.next().payload == pattern(size));
  CHECK(rig.stream->sent.empty());
}

TEST_CASE("Small messages are copied behind their header, large ones go with their owner") {
  Binary rig;
  int dummy = 0;
  auto* owner = reinterpret_cast<nx_buffer*>(&dummy);
  rig.session().send(pattern(4096), owner);
  CHECK(rig.stream->owned_writes == 0);
  rig.session().send(pattern(4097), owner);
  CHECK(rig.stream->owned_writes == 1);
  rig.host.turn(*rig.stream);
  CHECK(rig.next().payload == pattern(4096));
  CHECK(rig.next().payload == pattern(4097));
}

TEST_CASE("A message in parts is one frame") {
  Binary rig;
  nx_session& session = rig.session();
  for (const size_t size : {size_t{10}, size_t{5000}}) {
    const std::string a = pattern(size);
    const std::string c = "tail";
    const nx_bytes parts[] = {nexus::sdk::bytes_of(a), {nullptr, 0}, nexus::sdk::bytes_of(c)};
    const nx_message message = {sizeof(nx_message), 3, parts, nullptr, a.size() + c.size()};
    CHECK(session.transport->send(session.connection, &message) > 0);
    rig.host.turn(*rig.stream);
    CHECK(rig.next().payload == a + c);
  }
}

TEST_CASE("A message whose size is not the sum of its parts is refused") {
  Binary rig;
  nx_session& session = rig.session();
  const std::string text = "0123456789";
  const nx_bytes part = nexus::sdk::bytes_of(text);
  for (const uint64_t size : {uint64_t{5}, uint64_t{15}}) {
    const nx_message message = {sizeof(nx_message), 1, &part, nullptr, size};
    CHECK(session.transport->send(session.connection, &message) == NX_E_INVALID);
  }
  rig.host.turn(*rig.stream);
  CHECK(rig.stream->sent.empty());
}

TEST_CASE("T-05: fragments make one message") {
  Text rig;
  rig.feed(frame(1, "[1,", 0) + frame(0, "", 0) + frame(0, "2", 0) + frame(0, "]", kFin));
  CHECK(rig.session().messages == Messages{"[1,2]"});
  rig.feed(frame(1, "", 0) + frame(0, "[]") + text_frame("[3]"));
  CHECK(rig.session().messages == Messages{"[1,2]", "[]", "[3]"});
  CHECK_FALSE(rig.stream->closed);
}

TEST_CASE("T-05: control frames may stand between fragments") {
  Text rig;
  rig.feed(frame(1, "[1,", 0) + frame(9, "ping 1") + frame(0, "2", 0) + frame(10, "pong") +
           frame(9, "ping 2") + frame(0, "]"));
  CHECK(rig.session().messages == Messages{"[1,2]"});
  CHECK(rig.next().payload == "ping 1");
  const ServerFrame pong = rig.next();
  CHECK(pong.opcode == 10);
  CHECK(pong.payload == "ping 2");
}

TEST_CASE("T-05: fragments out of order fail with 1002") {
  const auto failed = [](const std::string& wire) {
    Text rig;
    rig.feed(wire);
    return rig.failed_with(1002) && rig.session().messages.empty();
  };
  CHECK(failed(frame(0, "[]")));  // nothing to continue
  CHECK(failed(frame(0, "[]", 0)));
  CHECK(failed(frame(1, "[", 0) + text_frame("[]")));  // a new one inside
  CHECK(failed(frame(1, "[", 0) + frame(1, "[", 0)));
  CHECK(failed(frame(1, "[", 0) + frame(2, "]")));
  Text rig;
  rig.feed(frame(1, "[", 0) + frame(0, "]") + frame(0, "]"));  // one continuation too many
  CHECK(rig.failed_with(1002));
  CHECK(rig.session().messages == Messages{"[]"});
}

TEST_CASE("T-05: a ping is answered with its payload, in order with messages") {
  Text rig;
  rig.session().take = [](nx_session& session, const nx_bytes*, uint32_t count) {
    session.send("reply");
    return count;
  };
  const std::string payload = pattern(125) + "";
  rig.feed(text_frame("[]") + frame(9, payload) + frame(9, "") + text_frame("[]"));
  CHECK(rig.next().payload == "reply");
  ServerFrame pong = rig.next();
  CHECK(pong.opcode == 10);
  CHECK(pong.payload == payload);
  pong = rig.next();
  CHECK(pong.opcode == 10);
  CHECK(pong.payload.empty());
  CHECK(rig.next().payload == "reply");
}

TEST_CASE("T-05: a pong that nobody asked for is ignored") {
  Text rig;
  rig.feed(frame(10, "") + frame(10, pattern(125)) + text_frame("[]"));
  CHECK(rig.session().messages == Messages{"[]"});
  CHECK(rig.stream->sent.empty());
}

TEST_CASE("T-05: control frames are whole and have at most 125 bytes") {
  for (const int opcode : {8, 9, 10}) {
    Text fragmented;
    fragmented.feed(frame(opcode, "", 0));
    CHECK(fragmented.failed_with(1002));
    Text large;
    large.feed(frame(opcode, pattern(126)));
    CHECK(large.failed_with(1002));
  }
}

TEST_CASE("T-05: a client's close frame is echoed, and ends the connection in order") {
  const auto echo = [](const std::string& wire) {
    Text rig;
    rig.session().send("last words");
    rig.feed(wire + text_frame("ignored"));
    CHECK(rig.next().payload == "last words");
    const ServerFrame close = rig.next();
    CHECK(close.opcode == 8);
    CHECK(rig.stream->sent.empty());
    CHECK(rig.stream->closed);
    CHECK(rig.stream->close_how == NX_CLOSE_FLUSH);
    CHECK(rig.session().closed == 1);
    CHECK(rig.session().closed_reason == NX_CLOSED_BY_PEER);
    CHECK(rig.session().messages.empty());
    return close.payload;
  };
  CHECK(echo(frame(8, "")) == bytes({0x03, 0xe8}));  // what autobahn-js on Node waits for
  CHECK(echo(close_frame(1000)) == bytes({0x03, 0xe8}));
  CHECK(echo(close_frame(1000, "bye")) == bytes({0x03, 0xe8}));
  CHECK(echo(close_frame(1001, kGreek)) == bytes({0x03, 0xe9}));
  CHECK(echo(close_frame(1000, pattern(123))) == bytes({0x03, 0xe8}));
}

TEST_CASE("T-05: close codes that may be sent, and those that may not") {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    Text rig;
    rig.feed(close_frame(code));
    CHECK(rig.failed_with(code));
    CHECK(rig.session().closed_reason == NX_CLOSED_BY_PEER);
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    Text rig;
    rig.feed(close_frame(code));
    CHECK(rig.failed_with(1002));
    CHECK(rig.session().closed_reason == NX_CLOSED_PROTOCOL);
  }
}

TEST_CASE("T-05: a close frame with half a code is 1002, with a bad reason 1007") {
  Text half;
  half.feed(frame(8, "x"));
  CHECK(half.failed_with(1002));
  Text bad;
  bad.feed(close_frame(1000, "\xce"));
  CHECK(bad.failed_with(1007));
}

TEST_CASE("T-05: text is UTF-8, or the connection fails with 1007") {
  const std::string good[] = {
      kGreek,
      "\xf0\x90\x80\x80",
      "\xf4\x8f\xbf\xbf",  // U+10FFFF
      "\xed\x9f\xbf",      // U+D7FF
      "\xee\x80\x80",      // U+E000
      "\xef\xbf\xbf",      // U+FFFF
      std::string("\0", 1),
      pattern(40) + kGreek + pattern(40) + kGreek,
  };
  for (const std::string& text : good) {
    Text rig;
    rig.feed(text_frame(text));
    CHECK(rig.session().messages == Messages{text});
  }
  const std::string wrong[] = {
      "\x80",      // a continuation first
      "\xce",      // an end inside a character
      "\xc0\xaf",  // overlong
      "\xc1\xbf",
      "\xe0\x80\xaf",
      "\xe0\x9f\xbf",
      "\xf0\x80\x80\xaf",
      "\xf0\x8f\xbf\xbf",
      "\xed\xa0\x80",  // surrogates
      "\xed\xbf\xbf",
      "\xf4\x90\x80\x80",      // above U+10FFFF
      "\xf8\x88\x80\x80\x80",  // five bytes
      "\xfe",
      "\xff",
      "\xce" + pattern(1),
      pattern(64) + "\xce\xce" + pattern(64),
      pattern(15) + "\x80",
  };
  for (const std::string& text : wrong) {
    Text whole;
    whole.feed(text_frame("[]") + text_frame(text));
    CHECK(whole.failed_with(1007));
    CHECK(whole.session().messages == Messages{"[]"});  // what came before is good
    // In fragments, cut anywhere.
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      Text parts;
      parts.feed(frame(1, text.substr(0, cut), 0) + frame(0, text.substr(cut)));
      CHECK(parts.failed_with(1007));
    }
  }
  // Binary messages are nobody's text.
  Binary rig;
  rig.feed(frame(2, "\xff\xfe"));
  CHECK(rig.session().messages == Messages{"\xff\xfe"});
}

TEST_CASE("T-05: a character may be cut by fragments and control frames") {
  for (size_t cut = 0; cut <= kGreek.size(); ++cut) {
    Text rig;
    rig.feed(frame(1, kGreek.substr(0, cut), 0) + frame(9, "") + frame(0, kGreek.substr(cut)));
    CHECK(rig.session().messages == Messages{kGreek});
  }
}

TEST_CASE("T-05: max_message_size holds for frames, from the header alone, and for fragments") {
  const std::string json = R"({"listen":":0","max_message_size":1024})";
  {
    Binary rig(json);
    rig.feed(frame(2, pattern(1024)));
    CHECK(rig.session().messages.size() == 1);
    rig.feed(frame(2, pattern(1025)).substr(0, 8));  // nothing of the payload yet
    CHECK(rig.failed_with(1009));
    CHECK(rig.session().closed_reason == NX_CLOSED_TOO_LARGE);
  }
  {
    Binary rig(json);
    rig.feed(frame(2, pattern(1000), 0) + frame(0, pattern(24)));
    CHECK(rig.session().messages.size() == 1);
    rig.feed(frame(2, pattern(1000), 0) + frame(0, pattern(25)));
    CHECK(rig.failed_with(1009));
  }
  {
    Binary rig;  // the router's limit, when there is no own one
    const std::string head = frame(2, pattern(70000)).substr(0, 2);
    rig.feed(head + bytes({0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0}));  // 2^20 + 1
    CHECK(rig.failed_with(1009));
  }
}

TEST_CASE("A router that closes gets a closing handshake with the right code") {
  const std::pair<uint32_t, int> cases[] = {
      {NX_CLOSE_FLUSH, 1000}, {NX_CLOSE_VIOLATION, 1002}, {NX_CLOSE_SHUTDOWN, 1001}};
  for (const auto& [how, code] : cases) {
    Text rig(R"({"listen":":0","close_timeout":777})");
    nx_session& session = rig.session();
    session.send("abort");
    session.close(how, "wamp.error.protocol_violation");
    rig.host.turn(*rig.stream);
    CHECK(rig.next().payload == "abort");
    const ServerFrame close = rig.next();
    CHECK(close.close_code() == code);
    CHECK(close.payload.substr(2) == "wamp.error.protocol_violation");
    CHECK(rig.stream->deadline == 777);
    CHECK(session.send("too late") == NX_E_CLOSED);
    // What the client still had under way is not delivered any more, and not buffered.
    rig.feed(text_frame("[]") + frame(9, "ping") + frame(1, pattern(500)).substr(0, 100));
    CHECK(rig.stream->inbox.empty());
    CHECK_FALSE(rig.stream->closed);
    rig.feed(frame(1, pattern(500)).substr(100) + close_frame(code));
    CHECK(rig.stream->closed);
    CHECK(session.closed == 1);
    CHECK(session.closed_reason == NX_CLOSED_BY_ROUTER);
    CHECK(session.messages.empty());
    CHECK(rig.stream->sent.empty());
  }
}

TEST_CASE("A long reason is cut between characters") {
  Text rig;
  std::string reason;
  for (int i = 0; i < 40; ++i) reason += kGreek.substr(0, 5);  // 200 bytes of 2 and 3 byte letters
  rig.session().close(NX_CLOSE_FLUSH, reason);
  rig.host.turn(*rig.stream);
  const std::string payload = rig.next().payload.substr(2);
  CHECK(payload.size() <= 123);
  CHECK(payload.size() >= 120);
  CHECK(reason.compare(0, payload.size(), payload) == 0);
  CHECK((static_cast<uint8_t>(reason[payload.size()]) & 0xc0) != 0x80);
}

TEST_CASE("A peer that does not answer the close frame is dropped at the deadline") {
  Text rig;
  rig.session().close(NX_CLOSE_FLUSH);
  rig.host.turn(*rig.stream);
  rig.host.fire_deadline(*rig.stream);
  CHECK(rig.stream->closed);
  CHECK(rig.stream->close_how == NX_CLOSE_NOW);
  CHECK(rig.session().closed_reason == NX_CLOSED_BY_ROUTER);
}

TEST_CASE("close(NOW) drops what is queued, also during a closing handshake") {
  Text rig;
  rig.stream->stuck = true;
  rig.session().send("never read");
  SECTION("at once") { rig.session().close(NX_CLOSE_NOW); }
  SECTION("after FLUSH") {
    rig.session().close(NX_CLOSE_FLUSH);
    rig.session().close(NX_CLOSE_FLUSH);
    rig.session().close(NX_CLOSE_NOW);
  }
  CHECK(rig.session().closed == 0);  // never from inside
  rig.host.turn(*rig.stream);
  CHECK(rig.stream->closed);
  CHECK(rig.stream->sent.empty());
  CHECK(rig.session().closed == 1);
}

TEST_CASE("A router that closes while it is paused still sees the end of the handshake") {
  Text rig;
  rig.session().set_reading(false);
  rig.feed(text_frame("[]"));
  rig.session().close(NX_CLOSE_SHUTDOWN);
  rig.host.turn(*rig.stream);
  rig.feed(close_frame(1001));
  CHECK(rig.stream->closed);
  CHECK(rig.session().messages.empty());
}

TEST_CASE("A router may close from within messages()") {
  Text rig;
  const std::string big = pattern(3000);
  rig.session().take = [&](nx_session& session, const nx_bytes* list, uint32_t) {
    session.close(NX_CLOSE_VIOLATION, "no");
    CHECK(text_of(list[0]) == big);  // still lent
    return 1u;
  };
  SECTION("in a batch") { rig.feed(text_frame(big) + text_frame("[2]") + close_frame(1002)); }
  SECTION("in fragments") {
    rig.feed(frame(1, big.substr(0, 1500), 0) + frame(0, big.substr(1500)) + text_frame("[2]") +
             close_frame(1002));
  }
  CHECK(rig.session().messages == Messages{big});
  CHECK(rig.failed_with(1002));
  CHECK(rig.session().closed == 1);
}

TEST_CASE("T-08: a connection that breaks ends the session, once") {
  Text rig;
  rig.host.drop(*rig.stream, NX_CLOSED_LOST, "connection reset");
  CHECK(rig.session().closed == 1);
  CHECK(rig.session().closed_reason == NX_CLOSED_LOST);
  CHECK(rig.session().closed_text == "connection reset");
}

TEST_CASE("drained() is passed on") {
  Text rig;
  rig.stream->stuck = true;
  rig.session().send("x");
  rig.host.turn(*rig.stream);
  CHECK(rig.session().drained == 0);
  rig.host.unstick(*rig.stream);
  CHECK(rig.session().drained == 1);
}
