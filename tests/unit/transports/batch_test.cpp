// Batched subprotocols: negotiation, several messages in one frame each way, and batches that are
// none. Main thread.
#include <catch2/catch.hpp>

#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

using Messages = std::vector<std::string>;

// A connection with a batched text or binary subprotocol; `options` are members of its section.
struct Batched : WebSocketRig {
  explicit Batched(std::string_view protocol, const std::string& options = {},
                   std::string_view extra = {})
      : WebSocketRig(R"({"listen":":0")" + (options.empty() ? "" : "," + options) + "}") {
    open(protocol, extra);
  }
};
struct Text : Batched {
  explicit Text(const std::string& options = {}) : Batched("wamp.2.json.batched", options) {}
};
struct Binary : Batched {
  explicit Binary(const std::string& options = {}) : Batched("wamp.2.cbor.batched", options) {}
};

// Messages as a binary batch.
std::string lengths(const Messages& messages) {
  std::string out;
  for (const std::string& message : messages) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(message.size() >> shift);
    out += message;
  }
  return out;
}
std::string separated(const Messages& messages, char separator) {
  std::string out;
  for (const std::string& message : messages) out += message + separator;
  return out;
}

// Takes one message at a time, and then has to be asked to go on.
void take_one_by_one(nx_session& session) {
  session.take = [](nx_session& self, const nx_bytes*, uint32_t) {
    self.set_reading(false);
    return 1u;
  };
}

Messages many(size_t count) {
  Messages out;
  for (size_t i = 0; i < count; ++i) out.push_back("[" + std::to_string(i) + "]");
  return out;
}

const std::string kDeflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

}  // namespace

TEST_CASE("T-01: batched subprotocols are taken in the client's order") {
  WebSocketRig rig;
  CHECK(rig.open("wamp.2.cbor.batched, wamp.2.cbor, wamp.2.json").serializer == 2);
  CHECK(rig.answer.find("Sec-WebSocket-Protocol: wamp.2.cbor.batched\r\n") != std::string::npos);
  CHECK(rig.open("wamp.2.msgpack, wamp.2.msgpack.batched").serializer == 1);
  CHECK(rig.answer.find("Sec-WebSocket-Protocol: wamp.2.msgpack\r\n") != std::string::npos);
  CHECK(rig.open("wamp.2.flatbuffers.batched,wamp.2.json.batched").serializer == 0);
  for (const char* unknown : {".batched", "wamp.2.json.batched.batched", "wamp.2.json.Batched"}) {
    rig.request(upgrade(unknown));
    CHECK(rig.stream->sent.compare(0, 12, "HTTP/1.1 400") == 0);
  }
  CHECK(rig.stream->sent.find(".batched\" behind it") != std::string::npos);

  WebSocketRig off(R"({"listen":":0","max_batch_size":0})");
  off.request(upgrade("wamp.2.json.batched"));
  CHECK(off.stream->sent.compare(0, 12, "HTTP/1.1 400") == 0);
  CHECK(off.stream->sent.find("behind it") == std::string::npos);
  CHECK(off.open("wamp.2.json.batched, wamp.2.json").serializer == 0);
}

TEST_CASE("E-12: JSON messages of a batch end with a separator, the client's own") {
  for (const char separator : {'\x1e', '\x18'}) {
    Text rig;
    rig.feed(text_frame(separated({"[1]", "[2,\"x\"]", "[3]"}, separator)));
    rig.feed(text_frame(separated({"[4]"}, separator)));
    CHECK(rig.session().messages == Messages{"[1]", "[2,\"x\"]", "[3]", "[4]"});
    rig.session().send("[5]");
    rig.host.turn(*rig.stream);
    const ServerFrame frame = rig.next();
    CHECK(frame.opcode == 1);
    CHECK(frame.payload == std::string("[5]") + separator);
  }
  Text silent;  // until the client has spoken: the specification's
  silent.session().send("[3]");
  silent.host.turn(*silent.stream);
  CHECK(silent.next().payload == "[3]\x1e");
}

TEST_CASE("E-13: binary messages of a batch begin with their length") {
  Binary rig;
  rig.feed(frame(2, lengths({"one", "", std::string(300, 'x')})));
  CHECK(rig.session().messages == Messages{"one", "", std::string(300, 'x')});
  rig.session().send("abc");
  rig.host.turn(*rig.stream);
  const ServerFrame out = rig.next();
  CHECK(out.opcode == 2);
  CHECK(out.payload == lengths({"abc"}));
}

TEST_CASE("E-14: what is no batch ends the connection, after what came before") {
  const std::vector<std::string> texts = {"", "[1]", "[1]\x1e[2]", "[1]\x18[2]\x1e"};
  for (const std::string& payload : texts) {
    INFO(payload);
    Text rig;
    rig.feed(text_frame(payload));
    CHECK(rig.failed_with(1002));
    const size_t whole = payload.find_first_of("\x1e\x18");
    CHECK(rig.session().messages ==
          (whole == std::string::npos ? Messages{} : Messages{payload.substr(0, whole)}));
  }
  const std::vector<std::string> binaries = {"",
                                             bytes({0}),
                                             bytes({0, 0, 0}),
                                             bytes({0, 0, 0, 1}),
                                             bytes({0, 0, 0, 2, 'a'}),
                                             bytes({255, 255, 255, 255, 'a'}),
                                             bytes({128, 0, 0, 0}),
                                             bytes({0, 0, 0, 1, 'a', 0, 0, 0}),
                                             bytes({0, 0, 0, 1, 'a', 0, 0, 0, 2, 'b'})};
  for (const std::string& payload : binaries) {
    for (const bool fragments : {false, true}) {
      Binary rig;
      if (fragments) {
        rig.feed(frame(2, payload.substr(0, payload.size() / 2), 0));
        rig.feed(frame(0, payload.substr(payload.size() / 2)));
      } else {
        rig.feed(frame(2, payload));
      }
      CHECK(rig.failed_with(1002));
      CHECK(rig.session().messages ==
            (payload.size() > 5 && payload[3] == 1 ? Messages{"a"} : Messages{}));
    }
  }
  Text wrong;
  wrong.feed(text_frame("[\"\xff\"]\x1e"));
  CHECK(wrong.failed_with(1007));
}

TEST_CASE("E-15: a router that stops in the middle of a batch goes on there") {
  const Messages all = many(200);
  const auto check = [&](WebSocketRig& rig) {
    nx_session& session = rig.session();
    while (session.messages.size() < all.size()) {
      const size_t before = session.messages.size();
      session.set_reading(true);
      rig.host.turn(*rig.stream);
      REQUIRE(session.messages.size() == before + 1);
    }
    CHECK(session.messages == all);
    session.take = nullptr;
    session.set_reading(true);
    rig.host.turn(*rig.stream);
    rig.feed(frame(rig.host.sessions.back()->serializer == 0 ? 1 : 2,
                   session.serializer == 0 ? separated({"[]"}, '\x1e') : lengths({"[]"})));
    CHECK(session.messages.back() == "[]");
    CHECK(rig.stream->inbox.empty());
  };
  SECTION("one frame") {
    Text rig;
    take_one_by_one(rig.session());
    rig.feed(text_frame(separated(all, '\x1e')));
    check(rig);
  }
  SECTION("one binary frame, and bytes behind it") {
    Binary rig;
    take_one_by_one(rig.session());
    rig.feed(frame(2, lengths(all)) + frame(9, "ping"));
    check(rig);
    CHECK(rig.next().opcode == 10);
  }
  SECTION("fragments") {
    Binary rig;
    take_one_by_one(rig.session());
    const std::string batch = lengths(all);
    rig.feed(frame(2, batch.substr(0, 333), 0) + frame(0, batch.substr(333)));
    check(rig);
  }
  SECTION("takes runs of any length") {
    Text rig;
    rig.session().take = [n = 0u](nx_session& self, const nx_bytes*, uint32_t count) mutable {
      const uint32_t taken = std::min(count, ++n % 7);
      if (taken < count) self.set_reading(false);
      return taken;
    };
    rig.feed(text_frame(separated(all, '\x1e')));
    for (int i = 0; i < 1000 && rig.session().messages.size() < all.size(); ++i) {
      rig.session().set_reading(true);
      rig.host.turn(*rig.stream);
    }
    CHECK(rig.session().messages == all);
  }
  SECTION("closes") {
    Text rig;
    rig.session().take = [](nx_session& self, const nx_bytes*, uint32_t) {
      self.close(NX_CLOSE_VIOLATION, "no");
      return 3u;
    };
    rig.feed(text_frame(separated(all, '\x1e')) + close_frame(1002));
    CHECK(rig.session().messages.size() == 3);
    CHECK(rig.failed_with(1002));
  }
}

TEST_CASE("E-15: compressed batches, both ways") {
  Batched rig("wamp.2.json.batched", R"("compression":true,"compression_min_size":10)", kDeflate);
  const Messages all = many(100);
  for (const std::string& message : all) rig.session().send(message);
  CHECK(rig.stream->queue.empty());
  rig.host.turn(*rig.stream);
  const ServerFrame out = rig.next();
  CHECK(out.compressed);
  CHECK(rig.stream->sent.empty());
  // What we compressed, as a client's own.
  take_one_by_one(rig.session());
  rig.feed(frame(1, out.payload, 0xc0));
  while (rig.session().messages.size() < all.size()) {
    const size_t before = rig.session().messages.size();
    rig.session().set_reading(true);
    rig.host.turn(*rig.stream);
    REQUIRE(rig.session().messages.size() == before + 1);
  }
  CHECK(rig.session().messages == all);
  // One that is too large to be gathered.
  rig.session().take = nullptr;
  rig.session().set_reading(true);
  const std::string large(10000, 'x');
  rig.session().send(large);
  rig.host.turn(*rig.stream);
  const ServerFrame alone = rig.next();
  CHECK(alone.compressed);
  rig.feed(frame(1, alone.payload, 0xc0));
  CHECK(rig.session().messages.back() == large);
}

TEST_CASE("E-16: the messages of a turn leave in one frame") {
  Binary rig;
  const Messages all = many(50);
  uint64_t expected = 0;
  for (const std::string& message : all) {
    expected += message.size() + 4;
    CHECK(rig.session().send(message) == static_cast<int64_t>(expected));
  }
  CHECK(rig.session().transport->queued(rig.session().connection) == expected);
  rig.host.turn(*rig.stream);
  CHECK(rig.next().payload == lengths(all));
  CHECK(rig.stream->sent.empty());
  CHECK(rig.session().transport->queued(rig.session().connection) == 0);
  rig.host.turn(*rig.stream);
  CHECK(rig.stream->sent.empty());  // and never an empty one
}

TEST_CASE("E-16: max_batch_size bounds a frame, and large messages go alone") {
  Text rig(R"("max_batch_size":100)");
  const std::string thirty(30, 'x');
  for (int i = 0; i < 7; ++i) rig.session().send(thirty);
  rig.session().send(std::string(97, 'y'));
  rig.session().send(thirty);
  rig.host.turn(*rig.stream);
  std::vector<size_t> sizes;
  for (ServerFrame out = rig.next(); out.opcode == 1; out = rig.next()) {
    sizes.push_back(out.payload.size());
  }
  CHECK(sizes == std::vector<size_t>{93, 93, 31, 98, 31});

  Binary binary;
  nx_buffer* const owner = reinterpret_cast<nx_buffer*>(uintptr_t{64});  // only passed on
  binary.session().send("small");
  binary.session().send(std::string(5000, 'z'), owner);
  binary.session().send("small", owner);
  binary.host.turn(*binary.stream);
  CHECK(binary.next().payload == lengths({"small"}));
  CHECK(binary.next().payload == lengths({std::string(5000, 'z')}));
  CHECK(binary.next().payload == lengths({"small"}));
  CHECK(binary.stream->owned_writes == 1);
}

TEST_CASE("E-16: what was gathered leaves before a close, and is dropped by an abrupt one") {
  Text rig;
  rig.session().send("[3]");
  rig.session().close(NX_CLOSE_FLUSH);
  rig.host.turn(*rig.stream);
  CHECK(rig.next().payload == "[3]\x1e");
  CHECK(rig.next().opcode == 8);

  Text peer;  // the client closes while something waits
  peer.session().take = [](nx_session& self, const nx_bytes*, uint32_t count) {
    self.send("[8]");
    return count;
  };
  peer.feed(text_frame("[1]\x18") + close_frame(1000));
  CHECK(peer.next().payload == "[8]\x18");
  CHECK(peer.next().opcode == 8);
  CHECK(peer.stream->closed);

  Text now;
  now.session().send("[3]");
  now.session().close(NX_CLOSE_NOW);
  now.host.turn(*now.stream);
  CHECK(now.stream->sent.empty());
  CHECK(now.stream->closed);
}

TEST_CASE("E-16: a router that cannot call at the end of its turn gets a frame for each message") {
  Binary rig;
  rig.host.calls_flushing = false;
  rig.session().send("a");
  rig.session().send("b");
  CHECK(rig.stream->queue.size() == 2 * (2 + 4 + 1));
  rig.host.turn(*rig.stream);
  CHECK(rig.next().payload == lengths({"a"}));
  CHECK(rig.next().payload == lengths({"b"}));
}

TEST_CASE("T-05: a batch counts as one message for max_message_size") {
  Binary rig(R"("max_message_size":1000)");
  rig.feed(frame(2, lengths({std::string(1000, 'x')})));
  CHECK(rig.session().messages.size() == 1);
  rig.feed(frame(2, lengths({std::string(500, 'x'), std::string(500, 'y')})));
  CHECK(rig.failed_with(1009));
}
