// The WebSocket opening handshake: what is let in, what is refused and how, and that neither
// depends on how the bytes arrive.
#include <catch2/catch.hpp>

#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  demand(at != std::string::npos, "nothing to replace in a test");
  return text.replace(at, from.size(), to);
}

// Status of the answer to a request, or 0 when there is none yet.
int status_of(const std::string& answer) {
  return answer.size() < 12 ? 0 : std::atoi(answer.c_str() + 9);
}

int ask(const std::string& request, const std::string& json = R"({"listen":"127.0.0.1:0"})") {
  WebSocketRig rig(json);
  rig.request(request);
  const int status = status_of(rig.stream->sent);
  // A refusal is a whole HTTP answer with a text for a person, and then the end.
  if (status != 101 && status != 0) {
    const std::string& sent = rig.stream->sent;
    const size_t body = sent.find("\r\n\r\n") + 4;
    CHECK(sent.find("Content-Length: " + std::to_string(sent.size() - body) + "\r\n") !=
          std::string::npos);
    CHECK(sent.find("close\r\n") != std::string::npos);
    CHECK(sent.back() == '\n');
    CHECK(sent.size() - body > 10);
    CHECK(rig.stream->closed);
    CHECK(rig.host.sessions.empty());
    CHECK(rig.host.log.size() == 1);
  }
  return status;
}

}  // namespace

TEST_CASE("T-01: a client is let in, with the accept key of RFC 6455") {
  WebSocketRig rig;
  nx_session& session = rig.open("wamp.2.json");
  CHECK(rig.answer.find("Sec-WebSocket-Accept: " + std::string(kAccept) + "\r\n") !=
        std::string::npos);
  CHECK(rig.answer.find("Sec-WebSocket-Protocol: wamp.2.json\r\n") != std::string::npos);
  CHECK(rig.answer.find("Upgrade: websocket\r\n") != std::string::npos);
  CHECK(rig.answer.find("Connection: Upgrade\r\n") != std::string::npos);
  CHECK(rig.answer.find("Set-Cookie") == std::string::npos);
  CHECK(rig.answer.find("Sec-WebSocket-Extensions") == std::string::npos);
  CHECK(session.serializer == 0);
  CHECK(session.peer_transport == "websocket");
  CHECK(session.peer_address == "192.0.2.1:5123");
  CHECK(session.peer_local_address == "192.0.2.2:8080");
  CHECK(session.peer_flags == 0);
  CHECK(session.max_send_size == 0);
}

TEST_CASE("T-01: the client's order decides about the subprotocol") {
  WebSocketRig rig;
  CHECK(rig.open("wamp.2.cbor.bunched, wamp.2.cbor, wamp.2.json").serializer == 2);
  CHECK(rig.answer.find("Sec-WebSocket-Protocol: wamp.2.cbor\r\n") != std::string::npos);
  CHECK(rig.open("wamp.2.json,wamp.2.cbor").serializer == 0);
  CHECK(rig.open("x", "Sec-WebSocket-Protocol:wamp.2.msgpack\r\n").serializer == 1);
  CHECK(rig.open(" , ,wamp.2.msgpack").serializer == 1);
}

TEST_CASE("T-01: subprotocol names are compared with their case") {
  CHECK(ask(upgrade("WAMP.2.JSON")) == 400);
}

TEST_CASE("T-02: without a common subprotocol the answer is 400 and names the known ones") {
  WebSocketRig rig;
  rig.request(upgrade("wamp.2.flatbuffers"));
  CHECK(status_of(rig.stream->sent) == 400);
  CHECK(rig.stream->sent.find("wamp.2.json, wamp.2.msgpack, wamp.2.cbor") != std::string::npos);
  CHECK(rig.stream->sent.find("wamp.2.flatbuffers") != std::string::npos);
  CHECK(ask(upgrade("")) == 400);
}

TEST_CASE("A serializer without a subprotocol is not on WebSocket") {
  WebSocketRig rig;
  rig.host.serializers.push_back({"odd", "", 9, 0});
  demand(rig.component.listen() == NX_OK, "listen");
  rig.request(upgrade(""));
  CHECK(status_of(rig.stream->sent) == 400);
}

TEST_CASE("Headers are read as HTTP has them: any case, lists, white space") {
  CHECK(ask(with(upgrade(), "Connection: Upgrade", "connection: keep-alive, uPGRADE")) == 101);
  CHECK(ask(with(upgrade(), "Connection: Upgrade",
                 "Connection: keep-alive\r\nConnection:\tUpgrade ")) == 101);
  CHECK(ask(with(upgrade(), "Upgrade: websocket", "UPGRADE: h2c , WebSocket")) == 101);
  CHECK(ask(with(upgrade(), "Host: ", "hOST:")) == 101);
  CHECK(ask(upgrade("wamp.2.json", "Content-Length: 0\r\n")) == 101);
  CHECK(ask(upgrade("wamp.2.json", "X-Empty:\r\n")) == 101);
  CHECK(ask(upgrade("wamp.2.json", "X-Old: caf\xe9\r\n")) == 101);
  CHECK(ask(with(upgrade(), "GET /ws?token=1", "GET http://router.example/ws?token=1")) == 101);
  CHECK(ask(with(upgrade(), "GET /ws?token=1", "GET http://router.example?token=1")) == 101);
}

TEST_CASE("Requests that are no HTTP are refused with 400") {
  const std::string good = upgrade();
  CHECK(ask(with(good, "HTTP/1.1\r\n", "HTTP/1.1\n")) == 400);                // bare LF
  CHECK(ask(with(good, "Version: 13\r\n", "Version: 13\n")) == 400);          // bare LF
  CHECK(ask(with(good, "Version: 13\r\n", "Version: 13\rX: 1\r\n")) == 400);  // bare CR
  CHECK(ask(with(good, "websocket", "web\x01socket")) == 400);
  CHECK(ask(with(good, "websocket", std::string("web\0socket", 10))) == 400);
  CHECK(ask(with(good, "websocket", "web\x7fsocket")) == 400);
  CHECK(ask(with(good, "Upgrade: ", "Upgrade : ")) == 400);  // space before the colon
  CHECK(ask(with(good, "Upgrade: websocket", "Upgrade:\r\n websocket")) == 400);  // folded
  CHECK(ask(with(good, "Host: ", " Host: ")) == 400);
  CHECK(ask(with(good, "Upgrade: websocket", "nothing here")) == 400);
  CHECK(ask(with(good, "Upgrade: websocket", ": value")) == 400);
  CHECK(ask(with(good, "GET /ws", "GET  /ws")) == 400);
  CHECK(ask(with(good, "GET /ws", "GET ws")) == 400);
  CHECK(ask(with(good, "GET /ws", "GET /ws#top")) == 400);
  CHECK(ask(with(good, " HTTP/1.1", "")) == 400);
  CHECK(ask(with(good, " HTTP/1.1", " HTTP/11")) == 400);
  CHECK(ask("get / HTTP/1.1\r\n\r\n") == 400);
  CHECK(ask(bytes({0x16, 3, 1, 0, 200, 1})) == 400);  // TLS on a plain port
  CHECK(ask(bytes({0x7f, 0xf1, 0, 0})) == 400);       // RawSocket
  CHECK(ask(with(good, "Host: router.example:8080\r\n", "")) == 400);
  CHECK(ask(upgrade("wamp.2.json", "Host: other\r\n")) == 400);
  CHECK(ask(upgrade("wamp.2.json", "Content-Length: 5\r\n")) == 400);
  CHECK(ask(upgrade("wamp.2.json", "Transfer-Encoding: chunked\r\n")) == 400);
}

TEST_CASE("100 headers pass, 101 do not") {
  const auto with_headers = [](size_t count) {
    std::string more;
    for (size_t i = 6; i < count; ++i) more += "X: 1\r\n";  // upgrade() has six
    return upgrade("wamp.2.json", more);
  };
  CHECK(ask(with_headers(100)) == 101);
  CHECK(ask(with_headers(101)) == 431);
}

TEST_CASE("Requests that are HTTP but no WebSocket are answered helpfully") {
  const std::string good = upgrade();
  CHECK(ask(with(good, "GET ", "POST ")) == 405);
  CHECK(ask(with(good, "HTTP/1.1", "HTTP/1.0")) == 505);
  CHECK(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n") == 426);
  CHECK(ask(with(good, "Upgrade: websocket\r\n", "")) == 426);
  CHECK(ask(with(good, "Upgrade: websocket", "Upgrade: websockets")) == 426);
  CHECK(ask(with(good, "Connection: Upgrade", "Connection: close")) == 400);
  CHECK(ask(with(good, "Version: 13", "Version: 8")) == 426);
  CHECK(ask(with(good, "Sec-WebSocket-Version: 13\r\n", "")) == 426);
  CHECK(ask(with(good, kKey, "dGhlIHNhbXBsZSBub25jZQ=")) == 400);
  CHECK(ask(with(good, kKey, "dGhlIHNhbXBsZSBub25jZ!==")) == 400);
  CHECK(ask(with(good, kKey, "")) == 400);
  CHECK(ask(upgrade("wamp.2.json", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")) == 400);

  WebSocketRig rig;
  rig.request(with(good, "Version: 13", "Version: 7"));
  CHECK(rig.stream->sent.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
  rig.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(rig.stream->sent.find("WAMP") != std::string::npos);
  CHECK(rig.stream->sent.find("Connection: Upgrade, close\r\n") != std::string::npos);
}

TEST_CASE("A head above max_header_size is refused, whether it would have ended or not") {
  const std::string json = R"({"listen":":0","max_header_size":1024})";
  CHECK(ask(upgrade("wamp.2.json", "X: " + std::string(1200, 'x') + "\r\n"), json) == 431);
  CHECK(ask("GET /" + std::string(1200, 'x'), json) == 414);
  const std::string fitting = upgrade("wamp.2.json", "X: \r\n");
  const std::string fill(1024 - fitting.size(), 'x');
  CHECK(ask(upgrade("wamp.2.json", "X: " + fill + "\r\n"), json) == 101);
  CHECK(ask(upgrade("wamp.2.json", "X: " + fill + "x\r\n"), json) == 431);
}

TEST_CASE("path: only that one is served, with or without a query") {
  const std::string json = R"({"listen":":0","path":"/ws"})";
  CHECK(ask(upgrade(), json) == 101);
  CHECK(ask(with(upgrade(), "/ws?token=1", "/ws"), json) == 101);
  CHECK(ask(with(upgrade(), "/ws?token=1", "/wss"), json) == 404);
  CHECK(ask(with(upgrade(), "/ws?token=1", "/"), json) == 404);
}

TEST_CASE("max_connections: one too many gets 503, many too many get nothing") {
  WebSocketRig rig(R"({"listen":":0","max_connections":2})");
  rig.open();
  nx_stream* first = rig.stream;
  rig.open();
  rig.request(upgrade());
  CHECK(status_of(rig.stream->sent) == 503);
  CHECK(rig.stream->closed);
  // One that leaves makes room for another.
  rig.host.drop(*first);
  rig.open();
  // Beyond the limit there is room for politeness, and that is bounded too.
  int silent = 0;
  for (int i = 0; i < 100; ++i) silent += rig.host.connect() == nullptr ? 1 : 0;
  CHECK(silent == 100 - 16);
}

TEST_CASE("A router that takes no sessions makes the answer 503") {
  WebSocketRig rig;
  rig.host.open_answer = NX_E_CLOSED;
  rig.request(upgrade());
  CHECK(status_of(rig.stream->sent) == 503);
  CHECK(rig.stream->closed);
}

TEST_CASE("A session that is closed while it is opened is told once, and the client gets 503") {
  WebSocketRig rig;
  rig.host.on_open = [](nx_session& session) {
    CHECK(session.send("too early") == NX_E_CLOSED);
    session.close(NX_CLOSE_FLUSH);
  };
  rig.request(upgrade());
  CHECK(status_of(rig.stream->sent) == 503);
  CHECK(rig.session().closed == 1);
}

TEST_CASE("The handshake has a deadline, and a request that came too late is told so") {
  WebSocketRig rig(R"({"listen":":0","handshake_timeout":1234})");
  rig.request("GET / HTT");
  CHECK(rig.stream->deadline == 1234);
  rig.host.fire_deadline(*rig.stream);
  CHECK(status_of(rig.stream->sent) == 408);
  CHECK(rig.stream->close_reason == NX_CLOSED_TIMEOUT);
  CHECK(rig.stream->closed);
}

TEST_CASE("T-07: details tell authenticators about the request") {
  WebSocketRig rig(
      R"({"listen":":0","tracking_cookie":"nexus-id","origins":["https://app.example"]})");
  const std::string known = "abcdefghijklmnopqrstuvwxyz-_0123";
  rig.open("wamp.2.json", "Origin: https://app.example\r\nCookie: a=1; nexus-id=" + known +
                              "\r\nX-Twice: 1\r\nx-twice: 2\r\nX-Latin: caf\xe9\r\n");
  const auto& v = FakeHost::values();
  const nx_value* details = rig.session().details;
  const auto get = [&](const nx_value* dict, const char* key) {
    return text_of(v.as_string(v.get(dict, str_of(key))));
  };
  CHECK(get(details, "http_request_path") == "/ws");
  CHECK(get(details, "http_request_query") == "token=1");
  CHECK(get(details, "origin") == "https://app.example");
  CHECK(get(details, "cookie") == known);
  CHECK(get(details, "websocket_protocol") == "wamp.2.json");
  const nx_value* headers = v.get(details, str_of("http_headers_received"));
  CHECK(get(headers, "host") == "router.example:8080");
  CHECK(get(headers, "cookie") == "a=1; nexus-id=" + known);
  CHECK(get(headers, "x-twice") == "1, 2");
  CHECK(get(headers, "x-latin") == "caf\xc3\xa9");
  CHECK(rig.answer.find("Set-Cookie") == std::string::npos);  // it had one
}

TEST_CASE("T-07: TLS facts are in the details") {
  WebSocketRig rig(R"({"listen":":0","tracking_cookie":"nexus-id"})");
  nx_stream_info info{};
  info.flags = NX_STREAM_TLS;
  info.tls_version = str_of("TLSv1.3");
  const uint8_t der[] = {0x30, 0x00};
  info.tls_peer_certificate = {der, 2};
  const std::string exporter(32, 'e');
  info.tls_exporter = nexus::sdk::bytes_of(exporter);
  nx_value* const client = FakeHost::values().new_dict();
  info.tls_client = client;
  info.struct_size = sizeof info;
  rig.stream = rig.host.connect(0, &info);
  rig.feed(upgrade());
  const auto& v = FakeHost::values();
  const nx_value* details = rig.session().details;
  CHECK(rig.session().peer_flags == NX_PEER_TLS);
  CHECK(v.get(details, str_of("tls_client")) == client);
  v.unref(client);
  CHECK(text_of(v.as_string(v.get(details, str_of("tls_version")))) == "TLSv1.3");
  CHECK(text_of(v.as_binary(v.get(details, str_of("peer_certificate")))) == bytes({0x30, 0}));
  const nx_value* channel = v.get(details, str_of("channel_id"));
  CHECK(text_of(v.as_binary(v.get(channel, str_of("tls-exporter")))) == exporter);
  CHECK(v.get(channel, str_of("tls-unique")) == nullptr);
  CHECK(rig.stream->sent.find("SameSite=Lax; Secure\r\n") != std::string::npos);
}

TEST_CASE("T-07: how long browsers keep the tracking cookie") {
  for (const auto& [age, seconds] :
       {std::pair{"1", "1"}, std::pair{"3600000", "3600"}, std::pair{"1001", "2"}}) {
    WebSocketRig rig(R"({"listen":":0","tracking_cookie":"id","tracking_cookie_max_age":)" +
                     std::string(age) + "}");
    rig.open("wamp.2.json", "");
    CHECK(rig.answer.find("; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::string(seconds) +
                          "\r\n") != std::string::npos);
  }
}

TEST_CASE("T-07: a client without a tracking cookie is given one that cannot be guessed") {
  WebSocketRig rig(R"({"listen":":0","tracking_cookie":"nexus-id"})");
  const auto& v = FakeHost::values();
  std::string seen;
  for (const std::string given : {"", "Cookie: nexus-id=short\r\n", "Cookie: other=1\r\n"}) {
    rig.open("wamp.2.json", given);
    const std::string value = text_of(v.as_string(v.get(rig.session().details, str_of("cookie"))));
    CHECK(value.size() == 32);
    CHECK(value != seen);
    CHECK(rig.answer.find("Set-Cookie: nexus-id=" + value +
                          "; Path=/; HttpOnly; SameSite=Lax\r\n") != std::string::npos);
    seen = value;
  }
}

TEST_CASE("T-07 N-70: a tracking cookie that nobody can come in with is replaced") {
  WebSocketRig rig(R"({"listen":":0","tracking_cookie":"nexus-id"})");
  const auto& v = FakeHost::values();
  const std::string brought = "abcdefghijklmnopqrstuvwxyz-_0123";
  for (const bool unknown : {false, true}) {
    rig.host.unknown_cookies.clear();
    if (unknown) rig.host.unknown_cookies.insert(brought);
    rig.open("wamp.2.json", "Cookie: nexus-id=" + brought + "\r\n");
    const nx_value* details = rig.session().details;
    const std::string value = text_of(v.as_string(v.get(details, str_of("cookie"))));
    CHECK((value == brought) == !unknown);
    CHECK(value.size() == 32);
    const bool set = rig.answer.find("Set-Cookie: nexus-id=" + value + ";") != std::string::npos;
    CHECK(set == unknown);
    CHECK((v.as_bool(v.get(details, str_of("cookie_new")), 0) != 0) == unknown);
  }
}

TEST_CASE("T-05: every cut of a request gives the same answer") {
  const std::string json = R"({"listen":":0"})";
  const std::string good =
      upgrade("wamp.2.cbor, wamp.2.json", "Origin: http://router.example\r\n") + frame(2, "hello");
  for (const std::string& request :
       {good, "\r\n\r\n" + good, with(good, "GET", "HEAD"), with(good, "Version: 13", "Version: 1"),
        with(good, "Key: ", "Key:\r\n "), with(good, "Version: 13\r\n", "Version: 13\n"),
        std::string("GET /\r\r\n\r\n")}) {
    WebSocketRig whole(json);
    whole.request(request);
    for (size_t cut = 1; cut < request.size(); ++cut) {
      WebSocketRig parts(json);
      parts.request(request.substr(0, cut));
      parts.feed(request.substr(cut));
      REQUIRE(parts.stream->sent == whole.stream->sent);
      REQUIRE(parts.stream->closed == whole.stream->closed);
    }
    WebSocketRig single(json);
    single.stream = single.host.connect();
    single.feed_bytewise(request);
    CHECK(single.stream->sent == whole.stream->sent);
    CHECK(single.host.sessions.size() == whole.host.sessions.size());
    if (request.ends_with(good)) {
      CHECK(single.session().messages == std::vector<std::string>{"hello"});
    }
  }
}

TEST_CASE("A frame that follows the request in the same segment is not lost") {
  WebSocketRig rig;
  rig.request(upgrade() + text_frame("[1]") + text_frame("[2]"));
  CHECK(rig.session().messages == std::vector<std::string>{"[1]", "[2]"});
}

TEST_CASE("X-Forwarded-For: believed from its end on, as far as proxies are trusted") {
  const auto client = [](std::string_view headers) {
    WebSocketRig rig(R"({"listen":":0"})");
    rig.host.trusted_proxies = {"192.0.2.1:5123", "10.0.0.1", "10.0.0.2"};
    nx_stream_info info{};
    info.flags = NX_STREAM_TRUSTED_PROXY;
    rig.stream = rig.host.connect(0, &info);
    rig.feed(upgrade("wamp.2.json", headers));
    return rig.session().peer_address;
  };
  const std::string own = "192.0.2.1:5123";
  CHECK(client("") == own);
  CHECK(client("X-Forwarded-For: 198.51.100.7\r\n") == "198.51.100.7");
  CHECK(client("X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n") == "198.51.100.7");
  CHECK(client("X-Forwarded-For: 203.0.113.9, 198.51.100.7 ,10.0.0.1\r\n") == "198.51.100.7");
  CHECK(client("X-Forwarded-For: 198.51.100.7\r\nx-forwarded-for: 10.0.0.1, 10.0.0.2\r\n") ==
        "198.51.100.7");
  CHECK(client("X-Forwarded-For: 10.0.0.1\r\n") == "10.0.0.1");
  CHECK(client("X-Forwarded-For: unknown\r\n") == own);
  CHECK(client("X-Forwarded-For: 198.51.100.7, unknown, 10.0.0.1\r\n") == "10.0.0.1");
  CHECK(client("X-Forwarded-For: 2001:db8::1\r\n") == "2001:db8::1");
  CHECK(client("X-Forwarded-For: \r\n") == own);
}

TEST_CASE("X-Forwarded-For: behind a Unix socket the client is no longer local") {
  for (const bool forwarded : {true, false}) {
    WebSocketRig rig(R"({"listen":":0"})");
    rig.host.trusted_proxies = {"unix:/run/proxy"};
    nx_stream_info info{};
    info.flags = NX_STREAM_TRUSTED_PROXY | NX_STREAM_UNIX;
    info.address = str_of("unix:/run/proxy");
    rig.stream = rig.host.connect(0, &info);
    rig.feed(upgrade("wamp.2.json", forwarded ? "X-Forwarded-For: 198.51.100.7\r\n" : ""));
    CHECK(rig.session().peer_flags == (forwarded ? 0 : NX_PEER_LOCAL));
  }
}

TEST_CASE("X-Forwarded-For: of no interest from anybody else") {
  WebSocketRig rig(R"({"listen":":0"})");
  rig.stream = rig.host.connect();
  rig.feed(upgrade("wamp.2.json", "X-Forwarded-For: 198.51.100.7\r\n"));
  CHECK(rig.session().peer_address == "192.0.2.1:5123");
}

TEST_CASE("X-Forwarded-For: an address with too many connections is refused politely") {
  WebSocketRig rig(R"({"listen":":0"})");
  rig.host.trusted_proxies = {"192.0.2.1:5123"};
  rig.host.client_status = NX_E_LIMIT;
  nx_stream_info info{};
  info.flags = NX_STREAM_TRUSTED_PROXY;
  rig.stream = rig.host.connect(0, &info);
  rig.feed(upgrade("wamp.2.json", "X-Forwarded-For: 198.51.100.7\r\n"));
  CHECK(rig.stream->sent.find("HTTP/1.1 503 ") == 0);
}
