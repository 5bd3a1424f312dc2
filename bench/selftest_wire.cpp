// What goes over the wire, against bytes written down from the specifications: RFC 6455 5.7, the
// msgpack and CBOR encodings, WAMP's RawSocket, the NATS protocol. See selftest.hpp.
#include <functional>

#include "bench/error.hpp"
#include "bench/framing.hpp"
#include "bench/link.hpp"
#include "bench/nats.hpp"
#include "bench/selftest.hpp"

namespace bench {

namespace {

// Bytes from hexadecimal digits, spaces ignored.
std::string hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high >= 0) bytes += static_cast<char>(high << 4 | value);
    high = high < 0 ? value : -1;
  }
  return bytes;
}

std::string number(Format format, uint64_t value) {
  uint8_t bytes[20];
  return {reinterpret_cast<char*>(bytes), put_uint(format, bytes, value)};
}

std::string whole(Format format, const Template& t, uint64_t id, const std::string& payload) {
  return t.head + number(format, id) + t.middle + payload + t.tail;
}

bool throws(const std::function<void()>& what) {
  try {
    what();
  } catch (const Failure&) {
    return true;
  }
  return false;
}

void check_numbers(Checks& checks) {
  EQUAL(number(Format::kJson, 0), "0");
  EQUAL(number(Format::kJson, 9007199254740992), "9007199254740992");
  EQUAL(number(Format::kMsgpack, 127), hex("7f"));
  EQUAL(number(Format::kMsgpack, 128), hex("cc 80"));
  EQUAL(number(Format::kMsgpack, 256), hex("cd 01 00"));
  EQUAL(number(Format::kMsgpack, 65536), hex("ce 00 01 00 00"));
  EQUAL(number(Format::kMsgpack, 9007199254740992), hex("cf 00 20 00 00 00 00 00 00"));
  EQUAL(number(Format::kCbor, 23), hex("17"));
  EQUAL(number(Format::kCbor, 24), hex("18 18"));
  EQUAL(number(Format::kCbor, 255), hex("18 ff"));
  EQUAL(number(Format::kCbor, 256), hex("19 01 00"));
  EQUAL(number(Format::kCbor, 65536), hex("1a 00 01 00 00"));
  EQUAL(number(Format::kCbor, 9007199254740992), hex("1b 00 20 00 00 00 00 00 00"));
}

void check_messages(Checks& checks) {
  const std::string text = "nxb:0000002a1234", text64(64, 'x'), text300(300, 'x'),
                    text70000(70000, 'x');
  const auto publish = [&](Format f, const std::string& payload) {
    return whole(f, make_template(f, 16, "com.x", payload.size()), 300, payload);
  };
  EQUAL(publish(Format::kJson, text), "[16,300,{},\"com.x\",[\"" + text + "\"]]");
  const std::string topic = "com.x";
  EQUAL(publish(Format::kMsgpack, text), hex("95 10 cd 012c 80 a5") + topic + hex("91 b0") + text);
  EQUAL(publish(Format::kMsgpack, text64),
        hex("95 10 cd 012c 80 a5") + topic + hex("91 d9 40") + text64);
  EQUAL(publish(Format::kMsgpack, text300),
        hex("95 10 cd 012c 80 a5") + topic + hex("91 da 012c") + text300);
  EQUAL(publish(Format::kMsgpack, text70000),
        hex("95 10 cd 012c 80 a5") + topic + hex("91 db 00011170") + text70000);
  EQUAL(publish(Format::kCbor, text), hex("85 10 19 012c a0 65") + topic + hex("81 70") + text);
  EQUAL(publish(Format::kCbor, text64),
        hex("85 10 19 012c a0 65") + topic + hex("81 78 40") + text64);
  EQUAL(publish(Format::kCbor, text300),
        hex("85 10 19 012c a0 65") + topic + hex("81 79 012c") + text300);

  const auto yield = [&](Format f) {
    return whole(f, make_template(f, 70, {}, text.size(), "progress"), 5, text);
  };
  EQUAL(yield(Format::kJson), "[70,5,{\"progress\":true},[\"" + text + "\"]]");
  EQUAL(yield(Format::kMsgpack), hex("94 46 05 81 a8") + "progress" + hex("c3 91 b0") + text);
  EQUAL(yield(Format::kCbor), hex("84 1846 05 a1 68") + "progress" + hex("f5 81 70") + text);

  EQUAL(make_request(Format::kJson, 32, 7, "a.b"), "[32,7,{},\"a.b\"]");
  EQUAL(make_request(Format::kJson, 32, 7, "a.b", "prefix"),
        "[32,7,{\"match\":\"prefix\"},\"a.b\"]");
  EQUAL(make_request(Format::kMsgpack, 64, 7, "a.b"), hex("94 40 07 80 a3") + "a.b");
  EQUAL(make_hello(Format::kJson, "realm1"),
        "[1,\"realm1\",{\"agent\":\"nexus-bench\",\"roles\":{"
        "\"publisher\":{\"features\":{\"publisher_exclusion\":true}},"
        "\"subscriber\":{\"features\":{\"pattern_based_subscription\":true}},"
        "\"caller\":{\"features\":{\"progressive_call_results\":true,\"call_canceling\":true}},"
        "\"callee\":{\"features\":{\"progressive_call_results\":true,\"call_canceling\":true,"
        "\"shared_registration\":true}}}}]");
}

bool head_is(Format f, const std::string& message, uint64_t type, uint64_t first, uint64_t second) {
  Head head;
  return read_head(f, message, head) && head.type == type && head.first == first &&
         head.second == second;
}

void check_reading(Checks& checks) {
  EXPECT(head_is(Format::kJson, "[36,12,9007199254740992,{},[\"x\"]]", 36, 12, 9007199254740992));
  EXPECT(head_is(Format::kJson, " [ 50 , 7 , {} , [ ] ]", 50, 7, 0));
  EXPECT(head_is(Format::kJson, "[8,48,3,{},\"wamp.error.x\"]", 8, 48, 3));
  EXPECT(head_is(Format::kJson, "[3,{},\"wamp.error.x\"]", 3, 0, 0));
  EXPECT(head_is(Format::kMsgpack, hex("94 44 cd 0100 ce 00010000 80"), 68, 256, 65536));
  EXPECT(head_is(Format::kMsgpack, hex("93 02 cf 0020000000000000 80"), 2, 9007199254740992, 0));
  EXPECT(head_is(Format::kMsgpack, hex("dc 0004 cc 44 d3 0000000000000005 07 80"), 68, 5, 7));
  EXPECT(head_is(Format::kCbor, hex("84 18 44 19 0100 1a 00010000 a0"), 68, 256, 65536));
  EXPECT(head_is(Format::kCbor, hex("83 02 1b 0020000000000000 a0"), 2, 9007199254740992, 0));
  EXPECT(head_is(Format::kCbor, hex("9f 18 24 01 02 a0 ff"), 36, 1, 2));
  Head head;
  for (const char* bad : {"", "[", "{}", "[\"x\"]", "HTTP"})
    EXPECT(!read_head(Format::kJson, bad, head));
  for (const char* bad : {"", "94", "80", "94 cd 01", "94 a1 61"})
    EXPECT(!read_head(Format::kMsgpack, hex(bad), head));
  for (const char* bad : {"", "84", "a0", "84 19 01", "84 61 61"})
    EXPECT(!read_head(Format::kCbor, hex(bad), head));

  EQUAL(std::string(trailing_text(Format::kJson, "[36,1,2,{},[\"abcd\"]]", 4)), "abcd");
  EQUAL(std::string(trailing_text(Format::kJson, "[36,1,2,{},[\"abcd\"],{}]", 4)), "");
  EQUAL(std::string(trailing_text(Format::kMsgpack, hex("91 a4") + "abcd", 4)), "abcd");
  EQUAL(std::string(trailing_text(Format::kMsgpack, "abc", 4)), "");

  std::string payload = make_payload(20);
  EXPECT(payload.size() == 20 && sequence_of(payload) == 0);
  for (const uint32_t sequence : {1u, 0x9au, 0xdeadbeefu}) {
    set_sequence(payload, sequence);
    EXPECT(sequence_of(payload) == sequence && payload.size() == 20);
  }
  EXPECT(sequence_of("something else") == UINT32_MAX);
}

void check_nats(Checks& checks) {
  NatsHead head;
  EXPECT(read_nats_head("MSG bench.topic 2 64", head));
  EXPECT(head.subject == "bench.topic" && head.subscription == 2 && head.size == 64);
  EXPECT(head.reply_to.empty());
  EXPECT(read_nats_head("MSG p 17 _INBOX.3.41 16384", head));
  EXPECT(head.subject == "p" && head.subscription == 17 && head.reply_to == "_INBOX.3.41");
  EXPECT(head.size == 16384);
  for (const char* other : {"PING", "INFO {}", "MSG", "+OK"}) EXPECT(!read_nats_head(other, head));
}

std::string framed(Carrier carrier, Format format, uint32_t mask, const std::string& message) {
  Buffer out;
  Framer framer(carrier, format, mask);
  uint8_t* to = framer.begin(out, message.size());
  std::copy(message.begin(), message.end(), to);
  framer.finish(to, message.size());
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

// Reads `data` as one frame; the shorter prefixes of it must all be incomplete.
bool one_frame(Carrier carrier, const std::string& data, Frame& frame) {
  for (size_t size = 0; size < data.size(); ++size)
    if (read_frame(carrier, std::string_view(data).substr(0, size), frame) != 0) return false;
  static std::string stream;  // outlives the frame, whose content lies in it
  stream = data + "more";
  return read_frame(carrier, stream, frame) == data.size();
}

void check_websocket(Checks& checks) {
  const auto ws = Carrier::kWebsocket;
  // The key bytes 37 fa 21 3d as they lie in memory.
  EQUAL(framed(ws, Format::kJson, 0x3d21fa37, "Hello"), hex("81 85 37fa213d 7f9f4d5158"));
  EQUAL(framed(ws, Format::kCbor, 0x3d21fa37, "Hello"), hex("82 85 37fa213d 7f9f4d5158"));
  EQUAL(framed(ws, Format::kJson, 0x3d21fa37, std::string(256, 'x')).substr(0, 8),
        hex("81 fe 0100 37fa213d"));
  EQUAL(framed(ws, Format::kJson, 0x3d21fa37, std::string(65536, 'x')).substr(0, 14),
        hex("81 ff 0000000000010000 37fa213d"));
  std::string twice = "a text of some twenty bytes";
  const std::string before = twice;
  apply_mask(reinterpret_cast<uint8_t*>(twice.data()), twice.size(), 0x3d21fa37);
  EXPECT(twice != before);
  EXPECT(twice[8] == static_cast<char>(before[8] ^ 0x37));  // whole words and the rest agree
  EXPECT(twice[25] == static_cast<char>(before[25] ^ 0xfa));

  Frame f;
  EXPECT(one_frame(ws, hex("81 05") + "Hello", f) && f.kind == Frame::kMessage && f.first);
  EQUAL(std::string(f.content), "Hello");
  EXPECT(one_frame(ws, hex("01 03") + "Hel", f) && f.kind == Frame::kPart && f.first);
  EXPECT(one_frame(ws, hex("80 02") + "lo", f) && f.kind == Frame::kMessage && !f.first);
  EXPECT(one_frame(ws, hex("89 05") + "Hello", f) && f.kind == Frame::kPing);
  EXPECT(one_frame(ws, hex("88 02 03e8"), f) && f.kind == Frame::kClose);
  const std::string long_text(256, 'x'), longer_text(65536, 'y');
  EXPECT(one_frame(ws, hex("82 7e 0100") + long_text, f) && f.content == long_text);
  EXPECT(one_frame(ws, hex("82 7f 0000000000010000") + longer_text, f) && f.content == longer_text);
  for (const char* bad : {"c1 00", "81 80", "83 00", "82 7f ff00000000000000"})
    EXPECT(throws([&] { read_frame(ws, hex(bad), f); }));
  Buffer pong;
  put_pong(ws, pong, "Hello", 0x3d21fa37);
  EQUAL(std::string(reinterpret_cast<const char*>(pong.data()), pong.size()),
        hex("8a 85 37fa213d 7f9f4d5158"));
}

void check_rawsocket(Checks& checks) {
  const auto raw = Carrier::kRawsocket;
  EQUAL(framed(raw, Format::kMsgpack, 1, "Hello"), hex("00 000005") + "Hello");
  EQUAL(framed(raw, Format::kMsgpack, 1, std::string(66051, 'x')).substr(0, 4), hex("00 010203"));
  Frame f;
  EXPECT(one_frame(raw, hex("00 000005") + "Hello", f) && f.kind == Frame::kMessage);
  EQUAL(std::string(f.content), "Hello");
  EXPECT(one_frame(raw, hex("01 000002") + "hi", f) && f.kind == Frame::kPing);
  EXPECT(one_frame(raw, hex("02 000000"), f) && f.kind == Frame::kPong);
  for (const char* bad : {"03 000000", "10 000000"})
    EXPECT(throws([&] { read_frame(raw, hex(bad), f); }));

  Address a;
  EQUAL(make_opening(a, Format::kMsgpack), hex("7f f2 00 00"));
  EXPECT(read_opening_answer(a, Format::kMsgpack, hex("7f f2 00")) == 0);
  EXPECT(read_opening_answer(a, Format::kMsgpack, hex("7f 72 00 00 55")) == 4);
  EXPECT(throws([&] { read_opening_answer(a, Format::kMsgpack, hex("7f 10 00 00")); }));
  EXPECT(throws([&] { read_opening_answer(a, Format::kMsgpack, hex("7f f1 00 00")); }));
  a.carrier = Carrier::kWebsocket;
  const std::string yes =
      "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n";
  EXPECT(read_opening_answer(a, Format::kJson, yes + "rest") == yes.size());
  EXPECT(read_opening_answer(a, Format::kJson, yes.substr(0, yes.size() - 1)) == 0);
  EXPECT(throws([&] { read_opening_answer(a, Format::kCbor, yes); }));
  EXPECT(throws([&] { read_opening_answer(a, Format::kJson, "HTTP/1.1 400 No\r\n\r\n"); }));
}

}  // namespace

void check_formats(Checks& checks) {
  check_numbers(checks);
  check_messages(checks);
  check_reading(checks);
  check_nats(checks);
}

void check_framing(Checks& checks) {
  check_websocket(checks);
  check_rawsocket(checks);
}

}  // namespace bench
