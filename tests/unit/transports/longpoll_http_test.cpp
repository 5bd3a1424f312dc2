// The long-poll transport's HTTP: requests as they come, and the answers to bad ones.
#include <catch2/catch.hpp>

#include "longpoll_peer.hpp"
#include "plugins/support/first_bytes.hpp"
#include "plugins/transports/longpoll/token.hpp"

using namespace transports_test;

namespace {

constexpr const char* kOpen = R"({"protocols": ["wamp.2.json"]})";

struct Bad {
  std::string request;
  int status;
};

}  // namespace

TEST_CASE("T-50: keep-alive, pipelining, and one byte at a time") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  rig.send(stream, LongPollRig::request(path + "/send", "a") +
                       LongPollRig::request(path + "/send", "b") +
                       LongPollRig::request(path + "/receive"));
  CHECK(rig.session().messages == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(stream.reading);  // while a request waits, the next one stays in the socket
  for (const char c : LongPollRig::request(path + "/send", "c")) {
    stream.inbox += c;
  }
  rig.session().send("x");
  rig.host.turn_all();
  CHECK(rig.session().messages == std::vector<std::string>{"a", "b", "c"});
  stream.sent.clear();
  for (const char c : LongPollRig::request(path + "/send", "d")) rig.send(stream, {&c, 1});
  CHECK(rig.session().messages.back() == "d");
  CHECK(status_of(LongPollRig::answer(stream)) == 204);
  CHECK_FALSE(stream.closed);
}

TEST_CASE("T-50: chunked bodies") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  const std::string head =
      "POST " + path + "/send HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = GENERATE("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                                    "3;x=\"y\"\r\nabc\r\n002 \r\nde\r\n0\r\nTrailer: 1\r\n\r\n");
  const bool slowly = GENERATE(false, true);
  if (slowly) {
    for (const char c : head + body) rig.send(stream, {&c, 1});
  } else {
    rig.send(stream, head + body);
  }
  CHECK(rig.session().messages == std::vector<std::string>{"abcde"});
  CHECK(status_of(LongPollRig::answer(stream)) == 204);
  CHECK_FALSE(stream.closed);
}

TEST_CASE("T-50: Expect, HTTP/1.0 and Connection: close") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  const std::string head =
      "POST " + path +
      "/send HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  CHECK(rig.ask(stream, head) == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(status_of(rig.ask(stream, "x")) == 204);
  CHECK_THAT(rig.ask(stream, head + "x"), Catch::Contains("204"));

  nx_stream& old = *rig.host.connect();
  const std::string answer =
      rig.ask(old, "POST " + path + "/send HTTP/1.0\r\nContent-Length: 1\r\n\r\nx");
  CHECK(status_of(answer) == 204);
  CHECK_THAT(answer, Catch::Contains("Connection: close"));
  CHECK(old.closed);
  nx_stream& kept = *rig.host.connect();
  const std::string kept_answer =
      rig.ask(kept, "POST " + path +
                        "/send HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx");
  CHECK_THAT(kept_answer, Catch::Contains("Connection: keep-alive"));
  CHECK_FALSE(kept.closed);
  const std::string last =
      rig.ask(kept, LongPollRig::request(path + "/send", "x", "Connection: close\r\n"));
  CHECK(status_of(last) == 204);
  CHECK(kept.closed);
}

TEST_CASE("T-48: preflights and methods") {
  LongPollRig rig(R"({"listen": ":0", "origins": ["*.example"]})");
  nx_stream& stream = *rig.host.connect();
  const std::string allowed =
      rig.ask(stream, LongPollRig::request("/lp/open", {},
                                           "Origin: https://a.example\r\n"
                                           "Access-Control-Request-Method: POST\r\n"
                                           "Access-Control-Request-Headers: content-type\r\n",
                                           "OPTIONS"));
  CHECK(status_of(allowed) == 204);
  CHECK_THAT(allowed, Catch::Contains("Access-Control-Allow-Origin: https://a.example\r\n"));
  CHECK_THAT(allowed, Catch::Contains("Access-Control-Allow-Credentials: true"));
  CHECK_THAT(allowed, Catch::Contains("Access-Control-Allow-Methods: POST"));
  CHECK_THAT(allowed, Catch::Contains("Access-Control-Allow-Headers: content-type"));
  CHECK_THAT(allowed, Catch::Contains("Vary: Origin"));
  const std::string opened =
      rig.ask(stream, LongPollRig::request("/lp/open", kOpen, "Origin: https://a.example\r\n"));
  CHECK(status_of(opened) == 200);
  CHECK_THAT(opened, Catch::Contains("Access-Control-Allow-Origin: https://a.example\r\n"));
  const std::string refused =
      rig.ask(stream, LongPollRig::request("/lp/open", kOpen, "Origin: https://evil.test\r\n"));
  CHECK(status_of(refused) == 403);
  CHECK_THAT(refused, !Catch::Contains("Access-Control"));
  nx_stream& other = *rig.host.connect();
  const std::string get = rig.ask(other, LongPollRig::request("/lp/open", {}, {}, "GET"));
  CHECK(status_of(get) == 405);
  CHECK_THAT(get, Catch::Contains("Allow: POST, OPTIONS"));
}

TEST_CASE("T-50: requests that cannot be understood in one way only are refused") {
  const std::string head = "POST /lp/open HTTP/1.1\r\nHost: h\r\n";
  const auto bad = GENERATE_COPY(values<Bad>({
      {head + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
      {head + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {head + "Content-Length: +1\r\n\r\nx", 400},
      {head + "Content-Length: 1, 1\r\n\r\nx", 400},
      {head + "Content-Length: -1\r\n\r\nx", 400},
      {head + "Content-Length:\r\n\r\nx", 400},
      {head + "Content-Length: 99999999999999999999999\r\n\r\nx", 413},
      {head + "Content-Length: 8193\r\n\r\n", 413},
      {head + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {head + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
      {head + "Transfer-Encoding: gzip\r\n\r\n", 400},
      {head + "Transfer-Encoding: identity\r\n\r\n", 400},
      {head + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
      {head + "Transfer-Encoding:\r\n\r\n", 400},
      {head + "Transfer-Encoding: xchunked\r\n\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1\nx", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1\r\nxy", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n2001\r\n", 413},
      {head + "Transfer-Encoding: chunked\r\n\r\n123456789\r\n", 413},
      {head + "Transfer-Encoding: chunked\r\n\r\n0\r\nA\n\r\n", 400},
      {head + "Expect: 200-ok\r\n\r\n", 417},
      {"POST /lp/open HTTP/1.1\r\n\r\n", 400},
      {"POST /lp/open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"POST /lp/open HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"POST /lp/open HTTP/1.1\nHost: a\n\n", 400},
      {"POST /lp/open HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"POST /lp HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"POST /lpx/open HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"POST /lp/open/ HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"POST /lp/../lp/open HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"POST /lp/x/send HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"POST /lp//send HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"\x7f\x11\r\n\r\n", 400},
      {"POST /" + std::string(9000, 'x'), 414},
      {std::string(9000, 'P'), 501},
      {"POST / HTTP/1.1\r\nX: " + std::string(9000, 'x'), 431},
  }));
  CAPTURE(bad.request.substr(0, 200));
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  CHECK(status_of(rig.ask(stream, bad.request)) == bad.status);
  CHECK(stream.closed);
  CHECK(rig.host.sessions.empty());
}

TEST_CASE("chunk extensions and trailers have an end") {
  const bool trailer = GENERATE(true, false);
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  rig.send(stream, "POST /lp/open HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  rig.send(stream, trailer ? "0\r\n" : "1;");
  for (int i = 0; i < 50 && !stream.closed; ++i) {
    rig.send(stream, trailer ? "A: " + std::string(100, 'b') + "\r\n" : std::string(100, 'b'));
  }
  CHECK(status_of(LongPollRig::answer(stream)) == 400);
  CHECK(stream.closed);
}

TEST_CASE(
    "T-27: messages and bodies above max_message_size are answered 413, and end the session") {
  const size_t size = GENERATE(1001, 1005);  // found in the session, and by the body's length
  LongPollRig rig(R"({"listen": ":0", "max_message_size": 1000})");
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/send", std::string(1000, 'a')))) ==
        204);
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/send", std::string(size, 'a')))) ==
        413);
  CHECK(rig.session().messages.size() == 1);
  CHECK(rig.session().closed == 1);
  CHECK(rig.session().closed_reason == NX_CLOSED_TOO_LARGE);
}

TEST_CASE("every wait of a connection has a deadline") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  CHECK(stream.deadline == 5000);  // handshake_timeout
  rig.send(stream, "POST /lp");
  CHECK(stream.deadline == 10000);  // request_timeout
  stream.deadline = 1234;
  rig.send(stream, "/op");
  CHECK(stream.deadline == 1234);  // not moved by every byte
  rig.host.fire_deadline(stream);
  CHECK(status_of(LongPollRig::answer(stream)) == 408);
  CHECK(stream.closed);
  nx_stream& idle = *rig.host.connect();
  const std::string path = rig.open(idle);
  CHECK(idle.deadline == 60000);  // http_keepalive
  rig.send(idle, LongPollRig::request(path + "/receive"));
  CHECK(idle.deadline == 0);  // the session has one
  rig.session().send("x");
  rig.host.turn_all();
  CHECK(idle.deadline == 60000);
  rig.host.fire_deadline(idle);
  CHECK(idle.closed);
  CHECK(rig.session().closed == 0);
}

TEST_CASE("T-41: an id is never logged") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/sent", "x"))) == 404);
  CHECK_FALSE(rig.host.log.empty());
  for (const std::string& line : rig.host.log) CHECK_THAT(line, !Catch::Contains(path));
}

TEST_CASE("ids: one id has one spelling") {
  using nexus::longpoll::Token;
  Token token, parsed;
  REQUIRE(Token::make(3, token));
  const std::string text = token.text();
  REQUIRE(text.size() == Token::kTextSize);
  REQUIRE(Token::parse(text, parsed));
  CHECK(parsed.loop == 3);
  CHECK(parsed.finder == token.finder);
  CHECK(parsed.same_secret(token));
  CHECK(parsed.text() == text);
  CHECK_FALSE(Token::parse(text + "A", parsed));
  CHECK_FALSE(Token::parse(text.substr(1), parsed));
  CHECK_FALSE(Token::parse({}, parsed));
  int spellings = 0;
  for (const char c :
       std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
    spellings += Token::parse(text.substr(0, 42) + c, parsed) && parsed.same_secret(token) ? 1 : 0;
  }
  CHECK(spellings == 1);
  CHECK_FALSE(Token::parse(text.substr(0, 42) + "=", parsed));
  CHECK_FALSE(Token::make(70000, token));
}

TEST_CASE("T-63: first bytes of HTTP, and whose they are") {
  struct Case {
    std::string bytes;
    uint32_t answer, websocket, longpoll;
  };
  constexpr uint32_t kNo = NX_RECOGNIZE_NO, kMore = NX_RECOGNIZE_MORE, kWrong = NX_RECOGNIZE_WRONG,
                     kFits = NX_RECOGNIZE_FITS, kExact = NX_RECOGNIZE_EXACT;
  const std::vector<Case> cases = {
      {"", kMore, kMore, kMore},
      {"\x7f", kNo, kNo, kNo},
      {"get /", kNo, kNo, kNo},
      {"GET", kMore, kMore, kMore},
      {"GET /ws", kMore, kMore, kMore},
      {"GET /ws HTTP", kFits, kExact, kWrong},
      {"GET /ws?a=b HTTP", kFits, kExact, kWrong},
      {"GET / ", kFits, kWrong, kWrong},
      {"POST /lp/open ", kFits, kWrong, kExact},
      {"OPTIONS /lp/open ", kFits, kWrong, kExact},
      {"POST http://h:1/lp/open ", kFits, kWrong, kExact},
      {"POST /lp ", kFits, kWrong, kWrong},
      {"POST /ws ", kFits, kWrong, kWrong},
      {"OPTIONS * ", kWrong, kWrong, kWrong},
      {"\r\n\r\nGET /ws ", kFits, kExact, kWrong},
      {"\r\n", kMore, kMore, kMore},
      {"\r\n\r", kMore, kMore, kMore},
      {"\r\nget", kNo, kNo, kNo},
      {"\n", kNo, kNo, kNo},
      {"HEAD /ws ", kFits, kExact, kWrong},
      {"GET\t/", kWrong, kWrong, kWrong},
      {"AAAAAAAAAAAAAAAAAA", kWrong, kWrong, kWrong},
      {"GET /" + std::string(3000, 'x'), kWrong, kWrong, kWrong},
  };
  LongPollRig poll;
  Rig ws(nexus_plugin_entry_v1_nexus_transport_websocket(), R"({"listen": ":0", "path": "/ws"})");
  Rig any(nexus_plugin_entry_v1_nexus_transport_websocket(), R"({"listen": ":0"})");
  Rig raw(nexus_plugin_entry_v1_nexus_transport_rawsocket(), R"({"listen": ":0"})");
  const auto ask = [](Rig& rig, const std::string& bytes) {
    return rig.host.handler->recognize(
        rig.host.listener_user, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  };
  for (const Case& c : cases) {
    CAPTURE(c.bytes.substr(0, 50));
    CHECK(nexus::support::look_at_request(reinterpret_cast<const uint8_t*>(c.bytes.data()),
                                          c.bytes.size())
              .answer == c.answer);
    CHECK(ask(ws, c.bytes) == c.websocket);
    CHECK(ask(poll, c.bytes) == c.longpoll);
  }
  CHECK(ask(any, "GET /x ") == kFits);
  CHECK(ask(raw, "\x7f") == kExact);
  CHECK(ask(raw, "GET") == kNo);
  CHECK(any.host.listen_texts["shares_as"] == "WebSocket at any path");
  CHECK(ws.host.listen_texts["shares_as"] == "WebSocket at /ws");
  CHECK(raw.host.listen_texts["shares_as"] == "RawSocket");
  CHECK(poll.host.listen_texts["shares_as"] == "long-poll at /lp/");
}
