// What both transports owe a router that pauses: nothing lost, nothing twice, whatever the cut.
// And what they owe a peer that is silent, or that pings and does not read.
#include <catch2/catch.hpp>

#include <random>
#include <tuple>

#include "rawsocket_peer.hpp"
#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

using Messages = std::vector<std::string>;

// Takes one message after the other and pauses now and then, by one of the ways there are.
struct MoodyRouter {
  std::mt19937& random;
  bool paused = false;

  uint32_t operator()(nx_session& session, const nx_bytes*, uint32_t count) {
    const uint32_t taken = random() % (count + 1);
    if (taken == count) {
      if (random() % 4 == 0) pause(session);  // after all of them
      return count;
    }
    switch (random() % 3) {
      case 0:
        pause(session);
        break;
      case 1:  // pauses and resumes before it returns
        session.set_reading(false);
        session.set_reading(true);
        break;
      default:  // says it with the count alone, which means the same
        paused = true;
        break;
    }
    return taken;
  }
  void pause(nx_session& session) {
    session.set_reading(false);
    paused = true;
  }
};

// Feeds `wire` in random pieces to a moody router and answers what it got.
template <typename RigT>
Messages through(RigT& rig, const std::string& wire, std::mt19937& random) {
  nx_session& session = rig.session();
  auto router = std::make_shared<MoodyRouter>(MoodyRouter{random});
  session.take = [router](nx_session& s, const nx_bytes* list, uint32_t count) {
    return (*router)(s, list, count);
  };
  const auto resume = [&] {
    if (!std::exchange(router->paused, false)) return;
    session.set_reading(true);
    rig.host.turn(*rig.stream);
  };
  size_t at = 0;
  while (at < wire.size()) {
    const size_t piece = std::min<size_t>(wire.size() - at, 1 + random() % 40);
    rig.feed(wire.substr(at, piece));
    at += piece;
    if (random() % 3 == 0) resume();
  }
  for (int i = 0; i < 10000 && (router->paused || !rig.stream->inbox.empty()); ++i) resume();
  return session.messages;
}

}  // namespace

TEST_CASE("WebSocket: nothing is lost or doubled by a router that pauses") {
  std::mt19937 random(20240611);
  for (int round = 0; round < 300; ++round) {
    WebSocketRig rig;
    rig.open("wamp.2.json", {});
    std::string wire;
    Messages expected;
    size_t pings = 0;
    for (int i = 0; i < 30; ++i) {
      const std::string text = std::to_string(i) + std::string(random() % 60, 'x') + "\xce\xb1";
      switch (random() % 4) {
        case 0: {
          const size_t cut = random() % text.size();
          wire += frame(1, text.substr(0, cut), 0, static_cast<uint32_t>(random()));
          if (random() % 2 == 0) {
            wire += frame(9, "p" + std::to_string(pings++));
          }
          wire += frame(0, text.substr(cut), 0x80, static_cast<uint32_t>(random()));
          break;
        }
        case 1:
          wire += frame(9, "p" + std::to_string(pings++));
          [[fallthrough]];
        default:
          wire += frame(1, text, 0x80, static_cast<uint32_t>(random()));
          break;
      }
      expected.push_back(text);
    }
    REQUIRE(through(rig, wire, random) == expected);
    for (size_t i = 0; i < pings; ++i) REQUIRE(rig.next().payload == "p" + std::to_string(i));
    REQUIRE(rig.stream->sent.empty());
    REQUIRE_FALSE(rig.stream->closed);
  }
}

TEST_CASE("T-26: RawSocket: nothing is lost or doubled by a router that pauses") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    RawSocketRig rig;
    rig.open();
    std::string wire;
    Messages expected;
    size_t pings = 0;
    for (int i = 0; i < 30; ++i) {
      if (random() % 4 == 0) wire += raw_frame(1, "p" + std::to_string(pings++));
      if (random() % 8 == 0) wire += raw_frame(2, "unasked");
      expected.push_back(std::to_string(i) + std::string(random() % 60, 'x'));
      wire += raw_frame(0, expected.back());
    }
    REQUIRE(through(rig, wire, random) == expected);
    for (size_t i = 0; i < pings; ++i) {
      REQUIRE(rig.next() == raw_frame(2, "p" + std::to_string(i)));
    }
    REQUIRE(rig.stream->sent.empty());
    REQUIRE_FALSE(rig.stream->closed);
  }
}

TEST_CASE("A violation behind messages that are not taken yet waits for them") {
  WebSocketRig rig;
  rig.open();
  rig.session().take = [](nx_session& session, const nx_bytes*, uint32_t) {
    session.set_reading(false);
    return 1u;
  };
  rig.feed(text_frame("[1]") + text_frame("[2]") + frame(3, ""));
  CHECK(rig.session().messages == Messages{"[1]"});
  CHECK_FALSE(rig.stream->closed);
  rig.session().set_reading(true);
  rig.host.turn(*rig.stream);
  CHECK(rig.session().messages == Messages{"[1]", "[2]"});
  CHECK_FALSE(rig.stream->closed);
  rig.session().set_reading(true);
  rig.host.turn(*rig.stream);
  CHECK(rig.failed_with(1002));
}

TEST_CASE("A router that takes less and says nothing more has paused") {
  WebSocketRig rig;
  rig.open();
  int calls = 0;
  rig.session().take = [&](nx_session&, const nx_bytes*, uint32_t) {
    ++calls;
    return 0u;
  };
  rig.feed(text_frame("[]"));
  rig.feed(text_frame("[]"));
  CHECK(calls == 1);
  CHECK_FALSE(rig.stream->reading);
  rig.session().take = nullptr;
  rig.session().set_reading(true);
  rig.host.turn(*rig.stream);
  CHECK(rig.session().messages == Messages{"[]", "[]"});
}

TEST_CASE("A pause after the last message of a batch holds for what is behind it") {
  WebSocketRig rig;
  rig.open();
  rig.session().take = [](nx_session& session, const nx_bytes*, uint32_t count) {
    session.set_reading(false);
    return count;
  };
  rig.feed(frame(1, "[", 0) + frame(0, "1]") + text_frame("[2]") + frame(9, "") +
           text_frame("[3]"));
  CHECK(rig.session().messages == Messages{"[1]"});
  rig.session().set_reading(true);
  rig.host.turn(*rig.stream);
  CHECK(rig.session().messages == Messages{"[1]", "[2]"});
  CHECK(rig.stream->sent.empty());  // the ping waits as well
  rig.session().set_reading(true);
  rig.host.turn(*rig.stream);
  CHECK(rig.session().messages == Messages{"[1]", "[2]", "[3]"});
  CHECK(rig.next().opcode == 10);
}

TEST_CASE("More messages than fit one batch arrive in order") {
  WebSocketRig rig;
  rig.open("wamp.2.cbor");
  std::string wire;
  Messages expected;
  for (int i = 0; i < 1000; ++i) {
    expected.push_back(std::to_string(i));
    wire += frame(2, expected.back());
  }
  rig.feed(wire);
  CHECK(rig.session().messages == expected);
  CHECK(rig.stream->received_calls == 2);  // the handshake, and this
}

TEST_CASE("T-05: every cut of every sequence of frames gives the same") {
  const std::string header = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  const std::string json = R"({"listen":":0","compression":true,"max_message_size":600})";
  const std::string hello = {'\xf2', '\x48', '\xcd', '\xc9', '\xc9', '\x07', '\0'};
  const std::string good = text_frame("[1]") + frame(9, "ping") + frame(1, "[\xce", 0) +
                           frame(10, "") + frame(0, "\xb1]") + frame(1, hello, 0xc0) +
                           frame(1, hello.substr(0, 3), 0x40) + frame(0, hello.substr(3)) +
                           text_frame(std::string(130, 'x'));
  const std::string endings[] = {
      close_frame(1000, "bye"),
      close_frame(1005),
      frame(8, "x"),
      frame(2, ""),
      frame(0, "x"),
      frame(3, "x"),
      text_frame("\xff"),
      frame(1, "x", 0) + frame(1, "x"),
      text_frame(std::string(601, 'x')),
      frame(1, std::string(400, 'x'), 0) + frame(0, std::string(201, 'x')),
      frame(1, "\xff\xff\xff", 0xc0)};
  for (const std::string& ending : endings) {
    const std::string wire = good + ending + text_frame("too late");
    const auto outcome = [&](const std::vector<size_t>& cuts) {
      WebSocketRig rig(json);
      rig.open("wamp.2.json", header);
      size_t at = 0;
      for (const size_t cut : cuts) {
        rig.feed(wire.substr(at, cut - at));
        at = cut;
      }
      rig.feed(wire.substr(at));
      return std::tuple(rig.session().messages, rig.stream->sent, rig.session().closed_reason,
                        rig.session().closed_text);
    };
    const auto whole = outcome({});
    REQUIRE(std::get<0>(whole) ==
            Messages{"[1]", "[\xce\xb1]", "Hello", "Hello", std::string(130, 'x')});
    REQUIRE(std::get<2>(whole) != 0);
    std::vector<size_t> all;
    for (size_t cut = 1; cut < wire.size(); ++cut) {
      REQUIRE(outcome({cut}) == whole);
      all.push_back(cut);
    }
    REQUIRE(outcome(all) == whole);
  }
}

// ---- keepalive -------------------------------------------------------------------------------

TEST_CASE("WebSocket keepalive: pings come at their time, and silence after one is the end") {
  WebSocketRig rig(R"({"listen":":0","ping_interval":1000,"ping_timeout":300})");
  rig.open();
  CHECK(rig.stream->deadline == 1000);
  rig.host.fire_deadline(*rig.stream);
  CHECK(rig.next().opcode == 9);
  CHECK(rig.stream->deadline == 300);
  SECTION("no answer") {
    rig.host.fire_deadline(*rig.stream);
    CHECK(rig.stream->closed);
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("a pong") {
    rig.feed(frame(10, ""));
    rig.host.fire_deadline(*rig.stream);
    CHECK_FALSE(rig.stream->closed);
    CHECK(rig.stream->sent.empty());
    CHECK(rig.stream->deadline == 700);  // the pings keep their time
    rig.host.fire_deadline(*rig.stream);
    CHECK(rig.next().opcode == 9);
    rig.host.fire_deadline(*rig.stream);  // what was heard before counts no more
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("a message") {
    rig.feed(frame(1, "[1]"));
    rig.host.fire_deadline(*rig.stream);
    CHECK_FALSE(rig.stream->closed);
  }
  SECTION("a part of one counts, if it is as long as the minimum rate asks for") {
    rig.feed(frame(1, std::string(1000, 'x')).substr(0, 300));  // 1000 bytes a second, 300 ms
    rig.host.fire_deadline(*rig.stream);
    CHECK_FALSE(rig.stream->closed);
    CHECK(rig.stream->deadline == 300);
    rig.host.fire_deadline(*rig.stream);  // and the next part has to come as well
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("one byte of a message is no progress") {
    rig.feed("\x81");
    rig.host.fire_deadline(*rig.stream);
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("a ping is no answer") {
    for (int i = 0; i < 100; ++i) rig.feed(frame(9, "are you there?"));
    rig.host.fire_deadline(*rig.stream);
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("that the socket takes bytes says nothing about the peer") {
    rig.stream->stuck = true;
    rig.session().send("x");
    rig.host.turn(*rig.stream);
    rig.host.unstick(*rig.stream);
    rig.host.fire_deadline(*rig.stream);
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("while the router does not read, nobody can be heard") {
    rig.session().set_reading(false);
    for (int i = 0; i < 5; ++i) rig.host.fire_deadline(*rig.stream);
    CHECK_FALSE(rig.stream->closed);
    rig.session().set_reading(true);
    while (!rig.stream->closed && rig.next().opcode != -1) continue;
    rig.host.fire_deadline(*rig.stream);
    rig.host.fire_deadline(*rig.stream);
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
}

TEST_CASE("Keepalive with a timeout of one interval, and of more") {
  const auto pings_until_the_end = [](int timeout, bool answer_first) {
    WebSocketRig rig(R"({"listen":":0","ping_interval":1000,"ping_timeout":)" +
                     std::to_string(timeout) + "}");
    rig.open();
    uint64_t time = 0;
    int pings = 0;
    while (!rig.stream->closed && pings < 20) {
      time += rig.stream->deadline;
      rig.host.fire_deadline(*rig.stream);
      while (rig.next().opcode == 9) ++pings;
      if (answer_first && pings == 1) rig.feed(frame(10, ""));
    }
    return std::pair(pings, time);
  };
  CHECK(pings_until_the_end(1000, false) == std::pair(1, uint64_t{2000}));
  CHECK(pings_until_the_end(1000, true) == std::pair(2, uint64_t{3000}));
  CHECK(pings_until_the_end(2500, false) == std::pair(3, uint64_t{3500}));
  CHECK(pings_until_the_end(2500, true) == std::pair(4, uint64_t{4500}));
  CHECK(pings_until_the_end(1, false) == std::pair(1, uint64_t{1001}));
}

TEST_CASE("T-26: RawSocket pings only if it was told to") {
  RawSocketRig quiet;
  quiet.open();
  CHECK(quiet.stream->deadline == 0);
  RawSocketRig rig(R"({"listen":":0","ping_interval":1000,"ping_timeout":300})");
  rig.open();
  CHECK(rig.stream->deadline == 1000);
  rig.host.fire_deadline(*rig.stream);
  CHECK(rig.next() == raw_frame(1, ""));
  CHECK(rig.stream->deadline == 300);
  SECTION("no answer") {
    rig.host.fire_deadline(*rig.stream);
    CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
  }
  SECTION("a pong") {
    rig.feed(raw_frame(2, ""));
    rig.host.fire_deadline(*rig.stream);
    CHECK_FALSE(rig.stream->closed);
  }
}

// ---- peers that ping and do not read ---------------------------------------------------------

TEST_CASE("T-26: a peer that pings without reading stops being read, and loses no answer") {
  RawSocketRig rig;
  rig.open();
  rig.stream->stuck = true;
  const std::string payload(60000, 'p');
  for (int i = 0; i < 100; ++i) rig.feed(raw_frame(1, payload));
  CHECK(rig.stream->queue.size() < 400000);
  CHECK_FALSE(rig.stream->reading);
  CHECK_FALSE(rig.stream->closed);
  // The first look comes too early; the end of the jam makes it go on.
  rig.host.fire_deadline(*rig.stream);
  CHECK_FALSE(rig.stream->reading);
  for (int i = 0; i < 100 && !rig.stream->inbox.empty(); ++i) {
    rig.host.unstick(*rig.stream);
    if (rig.stream->deadline != 0) rig.host.fire_deadline(*rig.stream);
  }
  int pongs = 0;
  while (rig.next() == raw_frame(2, payload)) ++pongs;
  CHECK(pongs == 100);
  CHECK(rig.stream->reading);
}

TEST_CASE("T-26: answers that leave at the end of the turn stop nobody for long") {
  RawSocketRig rig;
  rig.open();
  const std::string payload(300000, 'p');
  rig.feed(raw_frame(1, payload));
  CHECK_FALSE(rig.stream->reading);  // above the bound, and gone by now without drained()
  rig.host.fire_deadline(*rig.stream);
  CHECK(rig.stream->reading);
  CHECK(rig.next() == raw_frame(2, payload));
}

TEST_CASE("WebSocket: a flood of pings is bounded too") {
  WebSocketRig rig;
  rig.open();
  rig.stream->stuck = true;
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += frame(9, std::string(125, 'p'));
  for (int i = 0; i < 100; ++i) rig.feed(flood);
  CHECK(rig.stream->queue.size() < 400000);
  CHECK_FALSE(rig.stream->reading);
}

TEST_CASE("Answers to pings that have been read are not counted against a peer") {
  WebSocketRig rig;
  rig.open();
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += frame(9, std::string(125, 'p'));
  for (int round = 0; round < 5; ++round) {
    rig.feed(pings);
    CHECK(rig.stream->reading);
  }
  // Nor when there was always something else in the queue, as long as it moves.
  for (int round = 0; round < 5; ++round) {
    rig.stream->stuck = true;
    rig.session().send("x");
    rig.feed(pings);
    CHECK(rig.stream->reading);
    rig.host.unstick(*rig.stream);
  }
}

TEST_CASE("A slow reader's single pings do not stop its calls") {
  WebSocketRig rig;
  rig.open();
  rig.stream->stuck = true;
  rig.session().send(std::string(1000000, 'e'));
  for (int i = 0; i < 100; ++i) rig.feed(frame(9, "") + text_frame("[]"));
  CHECK(rig.stream->reading);
  CHECK(rig.session().messages.size() == 100);
}
