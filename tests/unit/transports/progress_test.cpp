// Deadlines that progress puts off, on the fake host: slow is not dead, and dead is found however
// busy its line looks.
#include <catch2/catch.hpp>

#include <algorithm>

#include "longpoll_peer.hpp"
#include "rawsocket_peer.hpp"
#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

// A backlog that lies before the ping, and of which the peer takes what it is told to.
struct Backlog {
  explicit Backlog(WebSocketRig& a_rig) : rig(a_rig) {
    rig.session().send(std::string(100000, 'x'));
    size = rig.stream->appended;
    rig.stream->acknowledged = 0;
    rig.host.turn(*rig.stream);
    rig.host.fire_deadline(*rig.stream);  // the ping
  }
  void take(uint64_t bytes) { rig.stream->acknowledged += bytes; }
  void take_rest() { rig.stream->acknowledged = rig.stream->appended; }
  // Until so much time has passed, or the connection has ended.
  void wait(uint64_t ms) {
    for (uint64_t spent = 0; spent < ms && !rig.stream->closed;) {
      spent += rig.stream->deadline;
      rig.host.fire_deadline(*rig.stream);
    }
  }
  WebSocketRig& rig;
  uint64_t size = 0;
};

constexpr const char* kKeepalive = R"({"listen":":0","ping_interval":100000,"ping_timeout":400})";

}  // namespace

TEST_CASE("keepalive: who takes what lies before the ping is alive, as long as it takes") {
  WebSocketRig rig(kKeepalive);
  rig.open();
  Backlog backlog(rig);
  for (int i = 0; i < 100; ++i) {
    backlog.take(400);  // 1000 bytes a second
    backlog.wait(400);
    REQUIRE_FALSE(rig.stream->closed);
  }
  SECTION("and then it stops") {
    backlog.take(399);
    backlog.wait(400);
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("and then it has taken all, and has the whole time for its answer") {
    backlog.take_rest();
    backlog.wait(100);
    CHECK(rig.stream->deadline == 400);
    SECTION("which comes") {
      rig.feed(frame(10, ""));
      backlog.wait(400);
      CHECK_FALSE(rig.stream->closed);
      CHECK(rig.stream->deadline > 400);
    }
    SECTION("which does not come, and events go on being taken by its system") {
      rig.session().send(std::string(4000, 'x'));
      rig.host.turn(*rig.stream);
      backlog.take_rest();
      backlog.wait(400);
      CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
    }
    SECTION("which it is still reading for: its window opens") {
      for (int i = 0; i < 10; ++i) {
        rig.stream->window += 400;
        backlog.wait(400);
        REQUIRE_FALSE(rig.stream->closed);
      }
      backlog.wait(400);
      CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
    }
  }
}

TEST_CASE("keepalive: who takes nothing is found, whatever it says") {
  WebSocketRig rig(kKeepalive);
  rig.open();
  Backlog backlog(rig);
  SECTION("pongs") {
    for (int i = 0; i < 100; ++i) rig.feed(frame(10, "anything"));
  }
  SECTION("pings") {
    for (int i = 0; i < 100; ++i) rig.feed(frame(9, "anything"));
  }
  SECTION("a small message") { rig.feed(frame(1, "[1]")); }
  SECTION("a byte taken now and then") { backlog.take(10); }
  SECTION("nothing while the router does not read") { rig.session().set_reading(false); }
  backlog.wait(400);
  CHECK(rig.stream->closed);
  CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  CHECK(rig.session().closed_text == "no answer and no progress within ping_timeout after a ping");
}

TEST_CASE("keepalive: who sends at the minimum rate is alive though it takes nothing") {
  WebSocketRig rig(kKeepalive);
  rig.open();
  Backlog backlog(rig);
  for (int i = 0; i < 10; ++i) {
    rig.feed(frame(1, "[" + std::string(400, ' ') + "]"));
    backlog.wait(400);
    REQUIRE_FALSE(rig.stream->closed);
  }
  rig.feed(frame(1, std::string(300, 'x')));
  backlog.wait(400);
  CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
}

TEST_CASE("keepalive: before WELCOME no progress puts anything off") {
  WebSocketRig rig(kKeepalive);
  rig.open();
  rig.host.min_rate_now = 0;
  Backlog backlog(rig);
  backlog.take(50000);
  rig.feed(frame(1, std::string(1000, 'x')).substr(0, 900));
  backlog.wait(400);
  CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
}

TEST_CASE("WebSocket: the time for the peer's close frame is put off while it reads") {
  WebSocketRig rig(R"({"listen":":0","close_timeout":500})");
  rig.open();
  rig.session().send(std::string(100000, 'x'));
  rig.stream->acknowledged = 0;
  rig.session().close(NX_CLOSE_SHUTDOWN, "bye");
  rig.host.turn(*rig.stream);
  CHECK(rig.stream->deadline == 500);
  SECTION("a client that was welcomed") {
    for (int i = 0; i < 20; ++i) {
      rig.stream->acknowledged += 500;
      rig.feed(frame(1, std::string(700, 'x')));  // what it says now brings nothing forward
      rig.host.fire_deadline(*rig.stream);
      REQUIRE_FALSE(rig.stream->closed);
    }
    rig.stream->acknowledged += 499;
  }
  SECTION("a stranger") {
    rig.host.min_rate_now = 0;
    rig.stream->acknowledged += 50000;
  }
  rig.feed(frame(1, std::string(700, 'x')));
  rig.host.fire_deadline(*rig.stream);
  CHECK(rig.stream->closed);
}

TEST_CASE("a last message is left to the stream with the client's minimum rate") {
  RawSocketRig rig;
  rig.open();
  rig.host.min_rate_now = GENERATE(0, 1000);
  rig.stream->stuck = true;
  rig.session().send("goodbye");
  rig.session().close(NX_CLOSE_SHUTDOWN, "bye");
  CHECK(rig.stream->min_rate == rig.host.min_rate_now);
}

// ---- long-poll -------------------------------------------------------------------------------

// The minimum rate is 1000 bytes a second, and request_timeout 10 seconds.
TEST_CASE("a send that comes slowly is not cut off, one that does not come is") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  const std::string path = rig.open(one);
  nx_session& session = rig.session();
  const std::string body = "\"" + std::string(100000, 'x') + "\"";
  const std::string bytes = LongPollRig::request(path + "/send", body);
  size_t at = bytes.size() - body.size();
  const auto send = [&](size_t size) {
    rig.send(one, bytes.substr(at, size));
    at += size;
  };
  rig.send(one, bytes.substr(0, at));
  CHECK(one.deadline == 10000);
  const auto period = [&] {
    rig.host.fire_deadline(one);
    rig.host.turn_all();
  };
  SECTION("at the minimum rate") {
    while (at + 10000 < bytes.size()) {
      send(10000);
      period();
      REQUIRE(one.sent.empty());
    }
    SECTION("to the end") {
      send(10000);
      CHECK(status_of(rig.answer(one)) == 204);
      CHECK(session.messages.back() == body);
      return;
    }
    SECTION("and then slower") { send(9999); }
  }
  SECTION("a byte now and then") { send(5); }
  SECTION("before WELCOME") {
    rig.host.min_rate_now = 0;
    send(90000);
    rig.host.turn_all();
    period();
    CHECK(status_of(rig.answer(one)) == 408);
    return;
  }
  period();
  CHECK(status_of(rig.answer(one)) == 408);
}

TEST_CASE("a send that comes slowly keeps its session") {
  LongPollRig rig(R"({"listen": ":0", "session_timeout": 4000})");
  nx_stream& one = *rig.host.connect();
  const std::string path = rig.open(one);
  const uint64_t before = rig.host.last_timer;
  const std::string bytes = LongPollRig::request(path + "/send", std::string(100000, ' '));
  rig.send(one, bytes.substr(0, 1000));
  CHECK(one.deadline == 2000);
  CHECK(rig.host.last_timer > before);  // its timer began anew
  const uint64_t begun = rig.host.last_timer;
  rig.host.fire_deadline(one);
  rig.host.turn_all();
  CHECK(rig.host.last_timer > begun);
  CHECK(rig.session().closed == 0);
}

TEST_CASE("an answer that is read slowly is not cut off, one that is not read is") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  const std::string path = rig.open(one);
  nx_session& session = rig.session();
  rig.send(one, LongPollRig::request(path + "/receive"));
  one.stuck = true;
  one.acknowledged = one.appended;
  session.send(std::string(100000, 'x'));
  rig.host.turn_all();
  CHECK(one.deadline == 10000);
  const auto queued = [&] { return session.transport->queued(session.connection); };
  CHECK(queued() == 100000);
  one.queue.clear();  // the system's buffer has it
  const auto period = [&] {
    rig.host.fire_deadline(one);
    rig.host.turn_all();
  };
  SECTION("read at the minimum rate") {
    for (int i = 1; i <= 9; ++i) {
      one.acknowledged += 10000;
      period();
      REQUIRE_FALSE(one.closed);
      CHECK(queued() == 100000 - 10000 * static_cast<uint64_t>(i));
    }
    SECTION("while the session waits for a request") {
      rig.host.fire_timer();
      CHECK(session.closed == 0);
    }
    SECTION("though the router has closed it") {
      session.close(NX_CLOSE_SHUTDOWN);
      rig.host.turn_all();
      for (int i = 0; i < 5; ++i) rig.host.fire_timer();
      CHECK(session.closed == 0);
      one.acknowledged += 10000;
      rig.host.unstick(one);
      one.queue.clear();
    }
    SECTION("and then no more") {
      period();
      CHECK(one.closed);
      CHECK(session.closed_reason == NX_CLOSED_LOST);
    }
  }
  SECTION("too slowly") {
    one.acknowledged += 9999;
    period();
    CHECK(one.closed);
    CHECK(session.closed_reason == NX_CLOSED_LOST);
  }
  SECTION("before WELCOME") {
    rig.host.min_rate_now = 0;
    period();
    CHECK(one.closed);
  }
}

TEST_CASE("an answer that the system has taken whole is watched until it is read") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  const std::string path = rig.open(one);
  nx_session& session = rig.session();
  rig.send(one, LongPollRig::request(path + "/receive"));
  one.acknowledged = one.appended;
  session.send(std::string(30000, 'x'));
  rig.host.turn_all();
  CHECK(status_of(rig.answer(one)) == 200);
  CHECK(one.deadline == 10000);
  for (int i = 0; i < 2; ++i) {
    const uint64_t begun = rig.host.last_timer;
    one.acknowledged += 10000;
    rig.host.fire_deadline(one);
    rig.host.turn_all();
    CHECK(one.deadline == 10000);
    CHECK(rig.host.last_timer > begun);  // the session is not taken for gone
  }
  SECTION("to the end") { one.acknowledged = one.appended; }
  SECTION("or until it is not read any more") {}
  rig.host.fire_deadline(one);
  CHECK(one.deadline == 60000);
  CHECK_FALSE(one.closed);
}
