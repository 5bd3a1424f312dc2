// A serializer that comes from somebody else, the test plugin "tlv", in a running router: its
// clients talk to those of every other format, over WebSocket and RawSocket.
#include <cstring>

#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

// ---- the format, as its own author would write it for a client ---------------------------------

void put(std::string& out, const Value& value) {
  const auto number = [&out](char tag, auto v) {
    out += tag;
    out.append(reinterpret_cast<const char*>(&v), sizeof v);
  };
  const auto text = [&](char tag, std::string_view bytes) {
    number(tag, static_cast<uint32_t>(bytes.size()));
    out += bytes;
  };
  switch (value.kind()) {
    case NX_BOOL:
      out += value.as_bool() ? 't' : 'f';
      return;
    case NX_INT:
      return number('i', value.as_int());
    case NX_UINT:
      if (value.as_uint() > INT64_MAX) return number('u', value.as_uint());
      return number('i', static_cast<int64_t>(value.as_uint()));
    case NX_DOUBLE:
      return number('d', value.as_double());
    case NX_STRING:
      return text('s', value.as_string());
    case NX_BINARY:
      return text('b', as_text(value.as_binary()));
    case NX_LIST:
    case NX_DICT:
      out += value.is(NX_LIST) ? 'l' : 'm';
      for (size_t i = 0; i < value.size(); ++i) {
        if (value.is(NX_DICT)) text('s', value.key_at(i));
        put(out, value.at(i));
      }
      out += 'e';
      return;
    default:
      out += 'n';
  }
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  Value value() {
    const char tag = take(1)[0];
    switch (tag) {
      case 'n':
        return Value::null();
      case 't':
      case 'f':
        return Value::boolean(tag == 't');
      case 'i':
        return Value::integer(number<int64_t>());
      case 'u':
        return Value::unsigned_integer(number<uint64_t>());
      case 'd':
        return Value::real(number<double>());
      case 's':
        return Value::string(text());
      case 'b':
        return Value::binary(as_bytes(text()));
      case 'l': {
        Value out = Value::list();
        while (!end()) out.append(value());
        return out;
      }
      case 'm': {
        Value out = Value::dict();
        while (!end()) {
          take(1);  // the key's "s"
          const std::string key(text());
          out.set(key, value());
        }
        return out;
      }
      default:
        throw std::runtime_error(std::string("tlv: unknown tag ") + tag);
    }
  }

 private:
  std::string_view take(size_t size) {
    if (rest_.size() < size) throw std::runtime_error("tlv: too short");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <typename T>
  T number() {
    T out;
    std::memcpy(&out, take(sizeof out).data(), sizeof out);
    return out;
  }
  std::string_view text() { return take(number<uint32_t>()); }
  bool end() {
    if (rest_.empty() || rest_[0] != 'e') return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
};

// ---- a client that speaks it --------------------------------------------------------------------

class TlvClient {
 public:
  // Its own handshakes: the usual ones only know the formats of this project. Frames are as for
  // any binary format.
  TlvClient(const RouterFixture& router, Carrier carrier)
      : wire_(router.url(carrier), WireOptions{.format = Format::msgpack, .handshake = false}) {
    if (carrier != Carrier::websocket) {
      wire_.send_raw(std::string("\x7f\xff\0\0", 4));  // largest messages, serializer 15
      const std::string answer = wire_.receive_raw(4);
      if ((answer[1] & 15) != 15) throw PeerError("the router does not know serializer 15");
      return;
    }
    wire_.send_raw(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: wamp.2.unknown, wamp.2.tlv\r\n\r\n");
    std::string head;
    while (!head.ends_with("\r\n\r\n")) head += wire_.receive_raw(1);
    if (head.find("wamp.2.tlv") == std::string::npos) throw PeerError("refused: " + head);
  }

  void send(const Value& message) {
    std::string bytes;
    put(bytes, message);
    wire_.send_message(bytes);
  }
  Message expect(MessageType type) {
    Message message(Reader(wire_.receive_message()).value());
    if (message.type() != type) throw PeerError("unexpected " + message.text());
    return message;
  }
  Wire& wire() { return wire_; }

 private:
  Wire wire_;
};

TEST_CASE("E-01: a serializer that comes as a plugin of somebody else serves clients") {
  FOR_ALL_SETUPS(setup);
  if (setup.link.carrier == Carrier::longpoll) return;  // names formats as websocket does
  World world(setup, with_test_plugins({"tlv_serializer"}, "{}"));
  TlvClient tlv(world.router, setup.link.carrier);
  tlv.send(list(kHello, "realm1", client_details()));
  tlv.expect(kWelcome);
  Peer& peer = world.join();

  // Everything that a format can say; numbers and text arrive as they were sent.
  const Value args = list(nullptr, true, -5, int64_t{1} << 40, 2.5, "ünïcode", list(1, list()),
                          dict({{"k", dict({{"n", nullptr}})}}));
  const Value kwargs = dict({{"a", 1}, {"b", list("x")}});

  tlv.send(list(kSubscribe, 1, dict(), "com.example.t"));
  tlv.expect(kSubscribed);
  peer.publish_acknowledged("com.example.t", dict(), args, kwargs);
  const Message event = tlv.expect(kEvent);
  CHECK(event.args() == args);
  CHECK(event.kwargs() == kwargs);

  const uint64_t subscription = peer.subscribe("com.example.u");
  tlv.send(list(kPublish, 2, dict({{"acknowledge", true}}), "com.example.u", args, kwargs));
  tlv.expect(kPublished);
  const Message seen = peer.expect_event(subscription);
  CHECK(seen.args() == args);
  CHECK(seen.kwargs() == kwargs);

  const uint64_t registration = peer.register_procedure("com.example.p");
  tlv.send(list(kCall, 3, dict(), "com.example.p", args));
  const Message invocation = peer.expect_invocation(registration);
  CHECK(invocation.args() == args);
  peer.yield(invocation.request(), dict(), list("result"));
  CHECK(tlv.expect(kResult).args() == list("result"));

  tlv.send(list(kRegister, 4, dict(), "com.example.q"));
  tlv.expect(kRegistered);
  const uint64_t call = peer.call("com.example.q", dict(), list(binary("\x01\xff")));
  const Message asked = tlv.expect(kInvocation);
  CHECK(asked.args() == list(binary("\x01\xff")));
  tlv.send(list(kError, kInvocation, asked.request(), dict(), "com.example.failed", list(7)));
  CHECK(peer.expect_call_error(call, "com.example.failed").args() == list(7));

  tlv.send(list(kGoodbye, dict(), "wamp.close.normal"));
  tlv.expect(kGoodbye);
}

TEST_CASE("V-01: what a plugin's serializer calls malformed ends that session only") {
  FOR_ALL_SETUPS(setup);
  if (setup.link.carrier == Carrier::longpoll) return;  // names formats as websocket does
  if (setup.link.format != Format::json) return;        // it is the other peer's only
  World world(setup, with_test_plugins({"tlv_serializer"}, "{}"));
  Peer& peer = world.join();
  for (const std::string bytes : {"l", "x", "le", "lie", "ls\xff\xff\xff\xff"}) {
    CAPTURE(bytes);
    TlvClient tlv(world.router, setup.link.carrier);
    tlv.wire().send_message(bytes);
    CHECK(tlv.expect(kAbort).uri() == "wamp.error.protocol_violation");
    // It takes close_timeout: this client does not answer a closing frame.
    if (bytes == "l") CHECK(tlv.wire().drain_until_closed());
  }
  peer.sync();
}

}  // namespace
}  // namespace nexus::test
