// permessage-deflate (RFC 7692), against zlib used directly as the client.
#include <zlib.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <random>

#include "plugins/transports/websocket/deflate.hpp"
#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

using Messages = std::vector<std::string>;

constexpr int kFinRsv1 = 0xc0;

// A client's zlib. Keeps its windows from message to message unless told to forget.
class Codec {
 public:
  explicit Codec(int bits = 15) {
    demand(deflateInit2(&out_, 6, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflate");
    demand(inflateInit2(&in_, -15) == Z_OK, "inflate");
  }
  ~Codec() {
    deflateEnd(&out_);
    inflateEnd(&in_);
  }
  void forget() {
    deflateReset(&out_);
    inflateReset(&in_);
  }
  std::string pack(const std::string& text, int flush = Z_SYNC_FLUSH) {
    std::string result(deflateBound(&out_, text.size()) + 64, '\0');
    out_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    out_.avail_in = static_cast<uInt>(text.size());
    out_.next_out = reinterpret_cast<Bytef*>(result.data());
    out_.avail_out = static_cast<uInt>(result.size());
    deflate(&out_, flush);
    result.resize(result.size() - out_.avail_out);
    if (flush == Z_SYNC_FLUSH) result.resize(result.size() - 4);
    return result;
  }
  std::string unpack(std::string packed, size_t room = 1 << 21) {
    packed += std::string("\0\0\xff\xff", 4);
    std::string result(room, '\0');
    in_.next_in = reinterpret_cast<Bytef*>(packed.data());
    in_.avail_in = static_cast<uInt>(packed.size());
    in_.next_out = reinterpret_cast<Bytef*>(result.data());
    in_.avail_out = static_cast<uInt>(result.size());
    const int code = inflate(&in_, Z_SYNC_FLUSH);
    demand(code == Z_OK && in_.avail_in == 0, "the server's deflate is broken");
    result.resize(result.size() - in_.avail_out);
    return result;
  }

 private:
  z_stream out_{}, in_{};
};

std::string random_text(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

std::string header(const std::string& offer) {
  return "Sec-WebSocket-Extensions: " + offer + "\r\n";
}

const char* const kOn = R"({"listen":":0","compression":true,"compression_min_size":100})";
const char* const kTakeover =
    R"({"listen":":0","compression":true,"compression_min_size":0,
        "compression_context_takeover":true})";

// The Sec-WebSocket-Extensions of the answer to an offer; empty when there is none.
std::string agreed(const std::string& offer, const std::string& json = kOn) {
  WebSocketRig rig(json);
  rig.open("wamp.2.json", header(offer));
  const std::string name = "Sec-WebSocket-Extensions: ";
  const size_t at = rig.answer.find(name);
  if (at == std::string::npos) return {};
  return rig.answer.substr(at + name.size(), rig.answer.find("\r\n", at) - at - name.size());
}

struct Deflating : WebSocketRig {
  explicit Deflating(const std::string& json = kOn, const std::string& protocol = "wamp.2.cbor",
                     const std::string& offer = "permessage-deflate")
      : WebSocketRig(json) {
    open(protocol, header(offer));
    demand(answer.find("permessage-deflate") != std::string::npos, "not agreed");
  }
};

}  // namespace

TEST_CASE("RFC 7692: offers and answers, and nothing is asked that was not offered") {
  const std::string none = "permessage-deflate; server_no_context_takeover";
  CHECK(agreed("permessage-deflate") == none);
  CHECK(agreed("PerMessage-Deflate ; client_max_window_bits") == none);
  CHECK(agreed("permessage-deflate; client_max_window_bits=8") ==
        none + "; client_max_window_bits=8");
  CHECK(agreed("permessage-deflate; client_max_window_bits=\"12\"") ==
        none + "; client_max_window_bits=12");
  CHECK(agreed("permessage-deflate; client_max_window_bits=15") == none);
  CHECK(agreed("permessage-deflate; server_no_context_takeover;client_no_context_takeover") ==
        none + "; client_no_context_takeover");
  CHECK(agreed("permessage-deflate; server_max_window_bits=10") ==
        none + "; server_max_window_bits=10");
  CHECK(agreed("permessage-deflate; server_max_window_bits=\"10\"") ==
        none + "; server_max_window_bits=10");
  CHECK(agreed("permessage-deflate; server_max_window_bits=\"1\\0\"") ==
        none + "; server_max_window_bits=10");
  // An offer with it is accepted by saying it, the largest window too (7.1.2.1).
  CHECK(agreed("permessage-deflate; server_max_window_bits=15") ==
        none + "; server_max_window_bits=15");
  CHECK(agreed("x-webkit-deflate-frame, permessage-deflate") == none);
  // A client's fallback is taken when the first offer cannot be kept.
  CHECK(agreed("permessage-deflate; server_max_window_bits=8, permessage-deflate") == none);
  CHECK(agreed("permessage-deflate; server_max_window_bits=9, permessage-deflate") ==
        none + "; server_max_window_bits=9");
  // Two headers are one list.
  CHECK(agreed("foo\r\nSec-WebSocket-Extensions: permessage-deflate") == none);
}

TEST_CASE("RFC 7692: offers that are declined") {
  CHECK(agreed("").empty());
  CHECK(agreed("permessage-bzip2").empty());
  for (const std::string parameter :
       {"unknown", "server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=8",
        "server_max_window_bits=16", "server_max_window_bits=010", "client_max_window_bits=16",
        "server_no_context_takeover=1", "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=10; server_max_window_bits=10", "client_max_window_bits=7",
        "client_max_window_bits; client_max_window_bits=10", "server_no_context_takeover=\"1\""}) {
    CHECK(agreed("permessage-deflate; " + parameter).empty());
  }
  CHECK(agreed("permessage-deflate", R"({"listen":":0"})").empty());  // off by default
}

TEST_CASE("RFC 6455, 9.1: a malformed header is refused") {
  for (const std::string offer :
       {"permessage-deflate; ", "permessage-deflate; a=", "; a", "permessage-deflate a",
        "permessage-deflate; a=\"b", "permessage-deflate; a=\"\"", "permessage-deflate; a=\"b\\",
        "permessage-deflate; a=\"b c\"", "permessage-deflate; =1", "a/b"}) {
    WebSocketRig rig(kOn);
    rig.request(upgrade("wamp.2.json", header(offer)));
    CHECK(rig.stream->sent.compare(0, 12, "HTTP/1.1 400") == 0);
  }
}

TEST_CASE("RFC 7692: windows and takeover as configured") {
  const std::string small = R"({"listen":":0","compression":true,"compression_window_bits":9})";
  // Ours may be smaller without a word.
  CHECK(agreed("permessage-deflate", small).find("server_max_window_bits") == std::string::npos);
  CHECK(agreed("permessage-deflate; server_max_window_bits=15", small)
            .find("server_max_window_bits=9") != std::string::npos);
  CHECK(agreed("permessage-deflate", small).find("client_max_window_bits") == std::string::npos);
  CHECK(agreed("permessage-deflate; client_max_window_bits", small)
            .find("client_max_window_bits=9") != std::string::npos);
  CHECK(agreed("permessage-deflate; client_max_window_bits=8", small)
            .find("client_max_window_bits=8") != std::string::npos);
  CHECK(agreed("permessage-deflate", kTakeover) == "permessage-deflate");
  CHECK(agreed("permessage-deflate; server_no_context_takeover", kTakeover) ==
        "permessage-deflate; server_no_context_takeover");
  CHECK(agreed("permessage-deflate; client_no_context_takeover", kTakeover) ==
        "permessage-deflate; client_no_context_takeover");
}

TEST_CASE("RFC 7692: compressed messages are read, in one frame and in fragments") {
  Deflating rig;
  Codec client;
  Messages expected;
  for (const size_t size : {0, 1, 100, 5000, 300000}) {
    const std::string text = random_text(size / 2, 1) + std::string(size - size / 2, 'z');
    for (int pieces = 1; pieces <= 3; ++pieces) {
      client.forget();
      const std::string packed = client.pack(text);
      std::string wire;
      for (int i = 0; i < pieces; ++i) {
        const size_t from = packed.size() * i / pieces;
        const size_t to = packed.size() * (i + 1) / pieces;
        const int flags = (i == 0 ? 0x40 : 0) | (i + 1 == pieces ? 0x80 : 0);
        wire += frame(i == 0 ? 2 : 0, packed.substr(from, to - from), flags) + frame(9, "");
      }
      rig.feed(wire);
      expected.push_back(text);
    }
    rig.feed(frame(2, text));  // uncompressed ones may come in between
    expected.push_back(text);
  }
  CHECK(rig.session().messages == expected);
  CHECK_FALSE(rig.stream->closed);
}

TEST_CASE("RFC 7692, 7.2.3.4: a final block inside a message is legal") {
  Deflating rig;
  Codec client;
  rig.feed(frame(2, client.pack("hello", Z_FINISH) + std::string(1, '\0'), kFinRsv1));
  CHECK(rig.session().messages == Messages{"hello"});
}

TEST_CASE("RFC 7692: the example of section 7.2.3.2") {
  Deflating rig(kTakeover, "wamp.2.json");
  const std::string first = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  const std::string second = bytes({0xf2, 0x00, 0x11, 0x00, 0x00});  // from the window
  rig.feed(frame(1, first, kFinRsv1) + frame(1, second, kFinRsv1));
  CHECK(rig.session().messages == Messages{"Hello", "Hello"});
}

TEST_CASE("RFC 7692: RSV1 stands on first data frames only, and only when agreed") {
  const auto fails = [](const std::string& wire) {
    Deflating rig;
    rig.feed(wire);
    return rig.failed_with(1002);
  };
  CHECK(fails(frame(9, "", kFinRsv1)));
  CHECK(fails(frame(8, "", kFinRsv1)));
  CHECK(fails(frame(2, "", 0x40) + frame(0, "", kFinRsv1)));
  CHECK(fails(frame(2, "", 0xe0)));
  WebSocketRig plain;
  plain.open("wamp.2.cbor", header("permessage-deflate"));
  plain.feed(frame(2, "", kFinRsv1));
  CHECK(plain.failed_with(1002));
}

TEST_CASE("RFC 7692: garbage fails with 1007") {
  Deflating rig;
  rig.feed(frame(2, "\xff\xff\xff\xff", kFinRsv1));
  CHECK(rig.failed_with(1007));
}

TEST_CASE("RFC 7692: text is checked after inflating") {
  Deflating rig(kOn, "wamp.2.json");
  Codec client;
  rig.feed(frame(1, client.pack("caf\xc3\xa9"), kFinRsv1));
  CHECK(rig.session().messages == Messages{"caf\xc3\xa9"});
  client.forget();
  rig.feed(frame(1, client.pack("caf\xe9"), kFinRsv1));
  CHECK(rig.failed_with(1007));
}

TEST_CASE("RFC 7692: a bomb ends at max_message_size, with 1009") {
  const std::string json = R"({"listen":":0","compression":true,"max_message_size":100000})";
  const auto outcome = [&](size_t size) {
    Deflating rig(json);
    Codec client;
    rig.feed(frame(2, client.pack(std::string(size, '\0')), kFinRsv1));
    if (rig.session().messages.size() == 1) return 0;
    CHECK(rig.session().closed_reason == NX_CLOSED_TOO_LARGE);
    return rig.next().close_code();
  };
  CHECK(outcome(99999) == 0);
  CHECK(outcome(100000) == 0);
  CHECK(outcome(100001) == 1009);
  CHECK(outcome(50'000'000) == 1009);
  // Data that does not shrink is a little longer than itself, and still fits.
  Deflating rig(json);
  Codec client;
  const std::string noise = random_text(100000, 3);
  const std::string packed = client.pack(noise);
  REQUIRE(packed.size() > noise.size());
  rig.feed(frame(2, packed, kFinRsv1));
  CHECK(rig.session().messages == Messages{noise});
  // Fragments of compressed data are bounded before they are inflated.
  rig.feed(frame(2, noise, 0x40) + frame(0, noise));
  CHECK(rig.failed_with(1009));
}

TEST_CASE("S-06: compressed data may not grow beyond what the router has room for yet") {
  for (const size_t size : {5000, 5001}) {
    CAPTURE(size);
    Deflating rig;
    Codec client;
    rig.host.message_limit_now = 5000;
    rig.feed(frame(2, client.pack(std::string(size, '\0')), kFinRsv1));
    CHECK(rig.session().messages.size() == (size == 5000 ? 1 : 0));
    if (size > 5000) CHECK(rig.session().closed_reason == NX_CLOSED_TOO_LARGE);
  }
}

TEST_CASE("RFC 7692: messages go out compressed from compression_min_size on") {
  Deflating rig;
  Codec client;
  const std::string text(1000, 'e');
  for (int i = 0; i < 3; ++i) {
    CHECK(rig.session().send(text) < 100);
    rig.host.turn(*rig.stream);
    const ServerFrame got = rig.next();
    CHECK(got.opcode == 2);
    CHECK(got.compressed);
    client.forget();
    CHECK(client.unpack(got.payload) == text);
  }
  rig.session().send(std::string(99, 'e'));
  rig.host.turn(*rig.stream);
  CHECK_FALSE(rig.next().compressed);
  // What does not shrink goes out as it is.
  rig.session().send(random_text(1000, 4));
  rig.host.turn(*rig.stream);
  const ServerFrame got = rig.next();
  CHECK_FALSE(got.compressed);
  CHECK(got.payload == random_text(1000, 4));
}

TEST_CASE("RFC 7692: large messages in parts are compressed as one") {
  Deflating rig;
  Codec client;
  const std::string a(70000, 'a'), b = random_text(70000, 5);
  const nx_bytes parts[] = {
      nexus::sdk::bytes_of(a), {nullptr, 0}, nexus::sdk::bytes_of(b), {nullptr, 0}};
  const nx_message message = {sizeof(nx_message), 4, parts, nullptr, a.size() + b.size()};
  nx_session& session = rig.session();
  CHECK(session.transport->send(session.connection, &message) > 70000);
  rig.host.turn(*rig.stream);
  const ServerFrame got = rig.next();
  CHECK(got.compressed);
  CHECK(client.unpack(got.payload) == a + b);
}

TEST_CASE("RFC 7692: with a small window the client can read with one as small") {
  const std::string json = R"({"listen":":0","compression":true,"compression_window_bits":9})";
  Deflating rig(json);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i * 7919) + ",";
  rig.session().send(text);
  rig.host.turn(*rig.stream);
  z_stream in{};
  demand(inflateInit2(&in, -9) == Z_OK, "inflate");
  std::string packed = rig.next().payload + std::string("\0\0\xff\xff", 4);
  std::string out(text.size() + 100, '\0');
  in.next_in = reinterpret_cast<Bytef*>(packed.data());
  in.avail_in = static_cast<uInt>(packed.size());
  in.next_out = reinterpret_cast<Bytef*>(out.data());
  in.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&in, Z_SYNC_FLUSH) == Z_OK);
  out.resize(out.size() - in.avail_out);
  inflateEnd(&in);
  CHECK(out == text);
}

TEST_CASE("RFC 7692: with context takeover, both directions look back") {
  Deflating rig(kTakeover);
  Codec client;
  const std::string text = random_text(2000, 6);
  std::vector<size_t> sizes;
  for (int i = 0; i < 3; ++i) {
    const std::string packed = client.pack(text);
    rig.feed(frame(2, packed, kFinRsv1));
    rig.session().send(text);
    rig.host.turn(*rig.stream);
    const ServerFrame got = rig.next();
    CHECK(got.compressed);  // noise too: it is in the window now
    CHECK(client.unpack(got.payload) == text);
    sizes.push_back(got.payload.size());
  }
  CHECK(rig.session().messages == Messages{text, text, text});
  CHECK(sizes[0] > 2000);
  CHECK(sizes[1] < 100);
  CHECK(sizes[2] < 100);
}

TEST_CASE("RFC 7692: a client that keeps its context is understood, as configured by default") {
  // Apple's does, whatever the answer says; so does every client that is not told otherwise.
  for (const std::string offer :
       {"permessage-deflate", "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=9"}) {
    Deflating rig(kOn, "wamp.2.cbor", offer);
    Codec client(offer.back() == '9' ? 9 : 15);
    const std::string text = random_text(100, 7);
    for (int i = 0; i < 4; ++i) {
      const std::string packed = client.pack(text);
      CHECK((packed.size() < text.size()) == (i > 0));
      rig.feed(frame(2, packed, kFinRsv1));
    }
    CHECK(rig.session().messages == Messages{text, text, text, text});
    CHECK_FALSE(rig.stream->closed);
  }
}

TEST_CASE("compression_memory: clients beyond it go without compression, until there is room") {
  // Room for two clients that keep their context.
  const std::string json =
      R"({"listen":":0","compression":true,"compression_min_size":0,"compression_memory":90000})";
  WebSocketRig rig(json);
  const auto compressed = [&](const std::string& offer = "permessage-deflate") {
    rig.open("wamp.2.cbor", header(offer));
    return rig.answer.find("permessage-deflate") != std::string::npos;
  };
  CHECK(compressed());
  nx_stream* const first = rig.stream;
  CHECK(compressed());
  CHECK(rig.host.log.empty());
  CHECK_FALSE(compressed());
  CHECK_FALSE(compressed());
  REQUIRE(rig.host.log.size() == 1);  // and not a line for each of them
  CHECK_THAT(rig.host.log[0], Catch::Contains("compression_memory"));
  rig.feed(frame(2, "as it is"));
  CHECK(rig.session().messages == Messages{"as it is"});
  // Who forgets needs none, and a fallback that says so is taken.
  CHECK(compressed("permessage-deflate; client_no_context_takeover"));
  CHECK(compressed("permessage-deflate, permessage-deflate; client_no_context_takeover"));
  // A smaller window is cheaper.
  CHECK(compressed("permessage-deflate; client_max_window_bits=9") == false);
  rig.host.drop(*first);
  CHECK(compressed());
  CHECK_FALSE(compressed());
  // A handshake that fails keeps nothing.
  rig.host.drop(*rig.host.streams[1]);
  rig.host.open_answer = NX_E_CLOSED;
  for (int i = 0; i < 3; ++i) {
    rig.request(upgrade("wamp.2.cbor", header("permessage-deflate")));
    CHECK(rig.stream->closed);
  }
  rig.host.open_answer = NX_OK;
  CHECK(compressed());
}

TEST_CASE("compression_memory: the router drops its own context first") {
  const std::string takeover =
      R"({"listen":":0","compression":true,"compression_context_takeover":true,)";
  CHECK(agreed("permessage-deflate", takeover + R"("compression_memory":400000})") ==
        "permessage-deflate");
  CHECK(agreed("permessage-deflate", takeover + R"("compression_memory":100000})") ==
        "permessage-deflate; server_no_context_takeover");
  CHECK(agreed("permessage-deflate; client_no_context_takeover",
               takeover + R"("compression_memory":0})") ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  CHECK(agreed("permessage-deflate", takeover + R"("compression_memory":0})").empty());
}

TEST_CASE("compression_memory counts no less than zlib takes") {
  static uint64_t taken;
  const auto allocate = [](voidpf, uInt items, uInt size) -> voidpf {
    taken += uint64_t{items} * size;
    return std::malloc(size_t{items} * size);
  };
  const auto release = [](voidpf, voidpf memory) { std::free(memory); };
  for (uint8_t bits = 9; bits <= 15; ++bits) {
    CAPTURE(bits);
    z_stream out{};
    out.zalloc = allocate;
    out.zfree = release;
    taken = 0;
    REQUIRE(deflateInit2(&out, 1, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    CHECK(taken <= nexus::websocket::deflater_memory(bits));
    deflateEnd(&out);
    z_stream in{};
    in.zalloc = allocate;
    in.zfree = release;
    taken = 0;
    REQUIRE(inflateInit2(&in, -bits) == Z_OK);
    std::string packed = Codec(bits).pack(random_text(100000, 8));
    std::string room(200000, '\0');
    in.next_in = reinterpret_cast<Bytef*>(packed.data());
    in.avail_in = static_cast<uInt>(packed.size());
    in.next_out = reinterpret_cast<Bytef*>(room.data());
    in.avail_out = static_cast<uInt>(room.size());
    REQUIRE(inflate(&in, Z_SYNC_FLUSH) == Z_OK);
    CHECK(taken <= nexus::websocket::inflater_memory(bits));
    CHECK(taken > (1u << bits));  // the window is there by now
    inflateEnd(&in);
  }
}

TEST_CASE("RFC 7692: a compressed message that is not taken is there when it comes again") {
  for (const char* json : {kOn, kTakeover}) {
    for (const bool fragmented : {false, true}) {
      Deflating rig(json);
      Codec client;
      const bool takeover = json == kTakeover;
      std::string wire;
      Messages expected;
      for (int i = 0; i < 5; ++i) {
        expected.push_back("message number " + std::to_string(i) + " message number");
        if (!takeover) client.forget();
        const std::string packed = client.pack(expected.back());
        wire += fragmented ? frame(2, packed.substr(0, 5), 0x40) + frame(0, packed.substr(5))
                           : frame(2, packed, kFinRsv1);
      }
      int calls = 0;
      rig.session().take = [&](nx_session& session, const nx_bytes*, uint32_t) {
        if (++calls % 3 != 0) {
          session.set_reading(false);
          return 0u;
        }
        return 1u;
      };
      rig.feed(wire);
      for (int i = 0; i < 20; ++i) {
        rig.session().set_reading(true);
        rig.host.turn(*rig.stream);
      }
      CHECK(rig.session().messages == expected);
      CHECK(calls == 15);
    }
  }
}
