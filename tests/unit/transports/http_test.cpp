// RFC 9112's rules for requests, chapter by chapter, where WebSocket and long-poll do not differ.
#include <catch2/catch.hpp>

#include "longpoll_peer.hpp"
#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
  bool closed = false;
};

Answer read_answer(const nx_stream& stream) {
  Answer out;
  out.status = status_of(stream.sent);
  out.head = stream.sent.substr(0, stream.sent.find("\r\n\r\n") + 4);
  out.body = body_of(stream.sent);
  out.closed = stream.closed;
  return out;
}

Answer websocket(const std::string& request, const std::string& json = R"({"listen":":0"})") {
  WebSocketRig rig(json);
  nx_stream& stream = *rig.host.connect();
  rig.host.feed(stream, request);
  return read_answer(stream);
}

Answer longpoll(const std::string& request) {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  rig.send(stream, request);
  return read_answer(stream);
}

// The status that both give, and the connection is over.
int refused(const std::string& request) {
  const Answer a = websocket(request);
  const Answer b = longpoll(request);
  CHECK(a.status == b.status);
  CHECK(a.closed);
  CHECK(b.closed);
  return a.status;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  demand(at != std::string::npos, "nothing to replace in a test");
  return text.replace(at, from.size(), to);
}

const std::string kOpenBody = R"({"protocols": ["wamp.2.json"]})";
const std::string kOpen = LongPollRig::request("/lp/open", kOpenBody);
const std::string kGet = "GET /lp/open HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace

TEST_CASE("RFC 9112, 2.2: empty lines in front of a request are passed over") {
  for (const std::string lines : {"\r\n", "\r\n\r\n\r\n"}) {
    CHECK(websocket(lines + upgrade()).status == 101);
    CHECK(longpoll(lines + kOpen).status == 200);
  }
  CHECK(refused("\n" + kGet) == 400);
  CHECK(refused("\r" + kGet) == 400);
  CHECK(refused("\r\n " + kGet) == 400);
  CHECK(refused("\r\n\n" + kGet) == 400);
  CHECK(refused("\r\n\r" + kGet) == 400);
}

TEST_CASE("RFC 9112, 2.2: an empty line behind a body starts no deadline and moves none") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  stream.deadline = 1234;  // of http_keepalive, some time later
  for (const char* piece : {"\r", "\n", "\r\n\r\n", "\r"}) rig.send(stream, piece);
  CHECK(stream.deadline == 1234);
  CHECK(status_of(rig.ask(stream, "\n" + LongPollRig::request(path + "/send", "a"))) == 204);
  CHECK(rig.session().messages == std::vector<std::string>{"a"});
  // And before the first request the deadline is the handshake's.
  nx_stream& fresh = *rig.host.connect();
  fresh.deadline = 1234;
  rig.send(fresh, "\r\n\r\n");
  CHECK(fresh.deadline == 1234);
}

TEST_CASE("RFC 9112, 2.2 and 5: what two implementations could read differently is refused") {
  CHECK(refused(with(kGet, "HTTP/1.1\r\n", "HTTP/1.1\n")) == 400);         // bare LF
  CHECK(refused(with(kGet, "Host: h\r\n", "Host: h\rX: 1\r\n")) == 400);   // bare CR
  CHECK(refused(with(kGet, "Host", " Host")) == 400);                      // space behind the start
  CHECK(refused(with(kGet, "Host: h\r\n", "Host: h\r\n x\r\n")) == 400);   // folded
  CHECK(refused(with(kGet, "Host: h\r\n", "Host: h\r\n\tx\r\n")) == 400);  // folded
  CHECK(refused(with(kGet, "Host:", "Host :")) == 400);
  CHECK(refused(with(kGet, "Host: h\r\n", "Host: h\r\n: x\r\n")) == 400);
  CHECK(refused(with(kGet, "Host: h\r\n", "Host: h\r\nX\r\n")) == 400);
  CHECK(refused(with(kGet, "Host: h", std::string("Host: h\0", 8))) == 400);
}

TEST_CASE("RFC 9112, 3: the request line") {
  for (const std::string line :
       {"GET  /lp/open HTTP/1.1", "GET /lp/open  HTTP/1.1", "GET\t/lp/open HTTP/1.1",
        "GET /lp/open HTTP/1.1 ", "GET /lp/open", "GET /lp/open http/1.1", "GET /lp/open HTTP/11",
        "GET /lp/open HTTP/1.1.1", "GET lp/open HTTP/1.1", "GET /lp/open#x HTTP/1.1",
        "GET http:///lp/open HTTP/1.1", "GET * HTTP/1.1", "G:T /lp/open HTTP/1.1",
        "get /lp/open HTTP/1.1"}) {
    INFO(line);
    CHECK(refused(line + "\r\nHost: h\r\n\r\n") == 400);
  }
  CHECK(refused(with(kGet, "GET", "Get")) == 501);  // methods have a case
  CHECK(refused(with(kGet, "GET", "MKCOL")) == 501);
  CHECK(refused(std::string(9000, 'G')) == 501);
  CHECK(refused("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n") == 414);
  CHECK(refused("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(9000, 'x')) == 431);
}

TEST_CASE("RFC 9112, 2.3: versions") {
  for (const std::string version : {"HTTP/0.9", "HTTP/2.0", "HTTP/3.0"}) {
    CHECK(refused(with(kGet, "HTTP/1.1", version)) == 505);
  }
  CHECK(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505);
  // A later minor version is 1.1 to who knows no more.
  CHECK(websocket(with(upgrade(), "HTTP/1.1", "HTTP/1.2")).status == 101);
  CHECK(longpoll(with(kOpen, "HTTP/1.1", "HTTP/1.9")).status == 200);
}

TEST_CASE("RFC 9110, 9.1: methods that are not for here get 405, and hear which are") {
  for (const std::string method : {"PUT", "DELETE", "PATCH", "TRACE"}) {
    const std::string request = with(kGet, "GET", method);
    const Answer a = websocket(request);
    CHECK(a.status == 405);
    CHECK_THAT(a.head, Catch::Contains("Allow: GET, HEAD\r\n"));
    const Answer b = longpoll(request);
    CHECK(b.status == 405);
    CHECK_THAT(b.head, Catch::Contains("Allow: POST, OPTIONS\r\n"));
  }
  CHECK(websocket("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n").status == 405);
  CHECK(longpoll("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n").status == 404);
  const Answer a = websocket("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(a.status == 204);
  CHECK_THAT(a.head, Catch::Contains("Allow: GET, HEAD\r\n"));
  const Answer b = longpoll("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(b.status == 204);
  CHECK_THAT(b.head, Catch::Contains("Allow: POST, OPTIONS\r\n"));
}

TEST_CASE("RFC 9110, 9.3.2: HEAD is answered as GET is, without a body") {
  for (const std::string path : {"/", "/lp/open", "/lp/x/send"}) {
    const std::string get = "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
    for (const auto& ask : {+[](const std::string& r) { return websocket(r); }, &longpoll}) {
      const Answer whole = ask(get);
      const Answer head = ask(with(get, "GET", "HEAD"));
      CHECK(head.head == whole.head);
      CHECK(head.body.empty());
      CHECK(head.closed);
      CHECK_FALSE(whole.body.empty());
    }
  }
  const Answer upgraded = websocket(with(upgrade(), "GET", "HEAD"));
  CHECK(upgraded.status == 426);
  CHECK(upgraded.body.empty());
}

TEST_CASE("RFC 9112, 9.6: Connection: close is the last word, whatever else it says") {
  CHECK(
      longpoll(with(kOpen, "Host: h\r\n", "Host: h\r\nConnection: keep-alive, Close\r\n")).closed);
  CHECK(longpoll(with(with(kOpen, "HTTP/1.1", "HTTP/1.0"), "Host: h\r\n",
                      "Connection: keep-alive\r\nConnection: close\r\n"))
            .closed);
  CHECK_FALSE(longpoll(kOpen).closed);
}

TEST_CASE("A PROXY header that nobody is configured for is named") {
  for (const std::string& header :
       {std::string("PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n") + kGet,
        std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) + std::string(12, 'x') + kGet}) {
    const Answer answer = websocket(header);
    CHECK(answer.status == 400);
    CHECK_THAT(answer.body, Catch::Contains("proxy_protocol"));
  }
}
