// The long-poll transport on a fake host: sessions, requests that wait, and what ends them.
#include <catch2/catch.hpp>

#include "longpoll_peer.hpp"

using namespace transports_test;

TEST_CASE("T-40: open answers with the protocol and an id, and a session begins") {
  LongPollRig rig(R"({"listen": ":0", "origins": ["page.example"]})");
  nx_stream& stream = *rig.host.connect();
  const std::string answer = rig.ask(
      stream,
      LongPollRig::request("/lp/open",
                           R"({"protocols": ["wamp.9.x", "wamp.2.cbor.batched", "wamp.2.json"]})",
                           "Origin: http://page.example\r\nCookie: a=b\r\n"));
  CHECK(status_of(answer) == 200);
  CHECK_THAT(answer, Catch::Contains("Content-Type: application/json"));
  CHECK_THAT(answer, Catch::Contains("Cache-Control: no-store"));
  CHECK_THAT(body_of(answer), Catch::Contains("\"protocol\":\"wamp.2.cbor.batched\""));
  REQUIRE(rig.host.sessions.size() == 1);
  nx_session& session = rig.session();
  CHECK(session.serializer == 2);
  CHECK(session.peer_transport == "longpoll");
  CHECK(session.peer_address == "192.0.2.1:5123");
  const nx_host_values_v1& values = FakeHost::values();
  const nx_value* headers = values.get(session.details, str_of("http_headers_received"));
  CHECK(text_of(values.as_string(values.get(headers, str_of("cookie")))) == "a=b");
  CHECK(rig.component.urls() == std::vector<std::string>{"http://127.0.0.1:4711/lp"});
}

TEST_CASE("T-40: what cannot be opened is answered 400") {
  const char* body = GENERATE("", "{", "[]", "{}", R"({"protocols": 1})", R"({"protocols": []})",
                              R"({"protocols": ["wamp.2.xml"]})", R"({"protocols": [1, null]})");
  CAPTURE(body);
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  CHECK(status_of(rig.ask(stream, LongPollRig::request("/lp/open", body))) == 400);
  CHECK(rig.host.sessions.empty());
  CHECK_FALSE(stream.closed);  // the next request may be better
  rig.open(stream);
}

TEST_CASE("T-41: ids differ, and nothing but the id finds a session") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string one = rig.open(stream);
  const std::string two = rig.open(stream);
  CHECK(one != two);
  CHECK(one.size() == std::string("/lp/").size() + 43);
  for (size_t i = 4; i < one.size(); ++i) {
    std::string other = one;
    other[i] = other[i] == 'A' ? 'Q' : 'A';  // the last one has two bits that mean nothing
    nx_stream& next = *rig.host.connect();
    CHECK(status_of(rig.ask(next, LongPollRig::request(other + "/send", "x"))) == 404);
  }
  CHECK(rig.host.sessions[0]->messages.empty());
  CHECK(rig.host.sessions[1]->messages.empty());
}

TEST_CASE("T-42: a message waits for the next request, and a request for the next message") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  rig.session().send("one");
  rig.session().send("two");
  rig.host.turn_all();
  CHECK(rig.session().transport->queued(rig.session().connection) == 6);
  const std::string answer = rig.ask(stream, LongPollRig::request(path + "/receive"));
  CHECK(status_of(answer) == 200);
  CHECK_THAT(answer, Catch::Contains("Content-Type: application/json; charset=utf-8"));
  CHECK(body_of(answer) == "one");
  CHECK(body_of(rig.ask(stream, LongPollRig::request(path + "/receive"))) == "two");
  CHECK(rig.session().drained > 0);
  CHECK(rig.ask(stream, LongPollRig::request(path + "/receive")).empty());
  rig.session().send("three");
  rig.host.turn_all();
  CHECK(body_of(LongPollRig::answer(stream)) == "three");
  CHECK(rig.session().transport->queued(rig.session().connection) == 0);
}

TEST_CASE("T-42: batched, one answer carries all messages, each in its frame") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const bool text = GENERATE(true, false);
  const std::string path =
      rig.open(stream, text ? "wamp.2.json.batched" : "wamp.2.msgpack.batched");
  const std::string sent = text ? std::string(
                                      "a\x1e"
                                      "bc\x1e")
                                : std::string("\0\0\0\1a\0\0\0\2bc", 11);
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/send", sent))) == 204);
  CHECK(rig.session().messages == std::vector<std::string>{"a", "bc"});
  rig.session().send("a");
  rig.session().send("bc");
  CHECK(body_of(rig.ask(stream, LongPollRig::request(path + "/receive"))) == sent);
}

TEST_CASE("E-12: the separator that the client sends is the one it gets") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream, "wamp.2.json.batched");
  rig.ask(stream, LongPollRig::request(path + "/send", "a\x18"));
  CHECK(rig.session().messages == std::vector<std::string>{"a"});
  rig.session().send("b");
  CHECK(body_of(rig.ask(stream, LongPollRig::request(path + "/receive"))) == "b\x18");
}

TEST_CASE("E-14: a broken batch ends in a message that the router refuses") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream, "wamp.2.cbor.batched");
  const auto body =
      GENERATE(std::string("\0\0\0\1a\0\0", 7), std::string("\0\0\0\1a\0\0\0\2b", 10),
               std::string("\0\0\0\1a\0\0\0\0", 9), std::string("\0\0\0\1a\xff\xff\xff\xff", 9));
  rig.ask(stream, LongPollRig::request(path + "/send", body));
  CHECK(rig.session().messages == std::vector<std::string>{"a", ""});
}

TEST_CASE("T-43: a request that waits too long is answered 204, and the session goes on") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  rig.send(stream, LongPollRig::request(path + "/receive"));
  REQUIRE(rig.host.timers.size() == 1);
  CHECK(rig.host.timers.begin()->second.delay_ms == 10000);
  rig.host.fire_timer();
  const std::string answer = LongPollRig::answer(stream);
  CHECK(status_of(answer) == 204);
  CHECK_THAT(answer, !Catch::Contains("Content-Length"));
  CHECK(rig.session().closed == 0);
  rig.session().send("later");
  CHECK(body_of(rig.ask(stream, LongPollRig::request(path + "/receive"))) == "later");
}

TEST_CASE("T-44: of two requests that wait the older one is answered 204") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  nx_stream& two = *rig.host.connect();
  const std::string path = rig.open(one);
  rig.send(one, LongPollRig::request(path + "/receive"));
  rig.send(two, LongPollRig::request(path + "/receive"));
  CHECK(status_of(LongPollRig::answer(one)) == 204);
  CHECK(LongPollRig::answer(two).empty());
  rig.session().send("a");
  rig.host.turn_all();
  CHECK(body_of(LongPollRig::answer(two)) == "a");
}

TEST_CASE("T-45: what a send is answered") {
  const int status = GENERATE(204, 202);
  LongPollRig rig(R"({"listen": ":0", "send_status": )" + std::to_string(status) + "}");
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/send?x=1", "hello"))) == status);
  CHECK(rig.session().messages == std::vector<std::string>{"hello"});
  rig.session().take = [](nx_session& session, const nx_bytes*, uint32_t count) {
    session.send("abort");
    session.close(NX_CLOSE_VIOLATION, "bad");
    return count;
  };
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/send", "bad"))) == 400);
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/send", "more"))) == 404);
  CHECK(rig.session().closed == 0);
  CHECK(body_of(rig.ask(stream, LongPollRig::request(path + "/receive"))) == "abort");
  CHECK(rig.session().closed == 1);
  CHECK(rig.session().closed_reason == NX_CLOSED_BY_ROUTER);
  CHECK(status_of(rig.ask(stream, LongPollRig::request(path + "/receive"))) == 404);
}

TEST_CASE("T-45: while the router takes nothing, sends wait, but not more than may") {
  LongPollRig rig(R"({"listen": ":0", "max_waiting_sends": 1})");
  nx_stream& one = *rig.host.connect();
  nx_stream& two = *rig.host.connect();
  const std::string path = rig.open(one, "wamp.2.json.batched");
  nx_session& session = rig.session();
  session.take = [](nx_session& self, const nx_bytes*, uint32_t) -> uint32_t {
    self.set_reading(false);
    return 1;
  };
  CHECK(rig.ask(one, LongPollRig::request(path + "/send",
                                          "a\x1e"
                                          "b\x1e"
                                          "c\x1e"))
            .empty());
  CHECK(session.messages == std::vector<std::string>{"a"});
  const std::string busy = rig.ask(two, LongPollRig::request(path + "/send", "d\x1e"));
  CHECK(status_of(busy) == 503);
  CHECK_THAT(busy, Catch::Contains("Retry-After"));
  session.take = nullptr;
  session.set_reading(true);
  rig.host.turn_all();
  CHECK(status_of(LongPollRig::answer(one)) == 204);
  CHECK(session.messages == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("T-46: close ends the session, and a request that waits") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  nx_stream& two = *rig.host.connect();
  const std::string path = rig.open(one);
  rig.send(one, LongPollRig::request(path + "/receive"));
  CHECK(status_of(rig.ask(two, LongPollRig::request(path + "/close"))) == 204);
  CHECK(status_of(LongPollRig::answer(one)) == 204);
  CHECK(rig.session().closed == 1);
  CHECK(rig.session().closed_reason == NX_CLOSED_BY_PEER);
  CHECK(status_of(rig.ask(one, LongPollRig::request(path + "/receive"))) == 404);
  // A client that closes what the router has just ended hears that all is well, for a while.
  CHECK(status_of(rig.ask(two, LongPollRig::request(path + "/close"))) == 204);
  rig.host.fire_timer();
  CHECK(status_of(rig.ask(two, LongPollRig::request(path + "/close"))) == 404);
  CHECK(rig.host.timers.empty());
}

TEST_CASE("T-47: a session without requests ends, one with a request that waits does not") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  REQUIRE(rig.host.timers.size() == 1);
  CHECK(rig.host.timers.begin()->second.delay_ms == 30000);
  rig.send(stream, LongPollRig::request(path + "/receive"));
  CHECK(rig.host.timers.begin()->second.delay_ms == 10000);
  // The connection of the waiting request breaks: then the clock runs again.
  rig.host.drop(stream);
  rig.host.turn_all();
  REQUIRE(rig.host.timers.size() == 1);
  CHECK(rig.host.timers.begin()->second.delay_ms == 30000);
  rig.host.fire_timer();
  CHECK(rig.session().closed == 1);
  CHECK(rig.session().closed_reason == NX_CLOSED_TIMEOUT);
}

TEST_CASE("T-49: messages of an answer that could not begin are sent again, in order") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  const std::string path = rig.open(one);
  rig.send(one, LongPollRig::request(path + "/receive"));
  rig.session().send("a");
  rig.session().send("b");
  rig.host.drop(one);  // before the letter that serves it
  rig.host.turn_all();
  nx_stream& two = *rig.host.connect();
  CHECK(body_of(rig.ask(two, LongPollRig::request(path + "/receive"))) == "a");
  CHECK(body_of(rig.ask(two, LongPollRig::request(path + "/receive"))) == "b");
}

TEST_CASE("T-49: a batch that could not begin is sent again, in order") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  const std::string path = rig.open(one, "wamp.2.json.batched");
  rig.send(one, LongPollRig::request(path + "/receive"));
  for (const char* message : {"a", "b", "c"}) rig.session().send(message);
  rig.host.drop(one);
  rig.host.turn_all();
  rig.session().send("d");
  nx_stream& two = *rig.host.connect();
  CHECK(body_of(rig.ask(two, LongPollRig::request(path + "/receive"))) ==
        "a\x1e"
        "b\x1e"
        "c\x1e"
        "d\x1e");
}

TEST_CASE(
    "T-49: an answer counts as queued until the socket has it, and breaks the session if not") {
  LongPollRig rig;
  nx_stream& one = *rig.host.connect();
  nx_stream& two = *rig.host.connect();
  const std::string path = rig.open(one);
  nx_session& session = rig.session();
  rig.send(one, LongPollRig::request(path + "/receive"));
  one.stuck = true;
  session.send("abc");
  rig.host.turn_all();
  CHECK(session.transport->queued(session.connection) == 3);
  // Another request has to wait, so that messages cannot overtake.
  session.send("d");
  rig.send(two, LongPollRig::request(path + "/receive"));
  CHECK(LongPollRig::answer(two).empty());
  SECTION("taken later") {
    rig.host.unstick(one);
    rig.host.turn_all();
    CHECK(body_of(LongPollRig::answer(one)) == "abc");
    CHECK(body_of(LongPollRig::answer(two)) == "d");
    CHECK(session.closed == 0);
  }
  SECTION("broken in the middle") {
    rig.host.drop(one);
    rig.host.turn_all();
    CHECK(session.closed == 1);
    CHECK(session.closed_reason == NX_CLOSED_LOST);
    CHECK(status_of(LongPollRig::answer(two)) == 204);
  }
  SECTION("not taken in time") {
    CHECK(one.deadline == 10000);
    rig.host.fire_deadline(one);
    rig.host.turn_all();
    CHECK(session.closed_reason == NX_CLOSED_LOST);
  }
}

TEST_CASE("T-49: the router closes with messages that nobody asks for") {
  LongPollRig rig;
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  nx_session& session = rig.session();
  session.send("goodbye");
  session.close(NX_CLOSE_FLUSH, "bye");
  rig.host.turn_all();
  CHECK(session.closed == 0);
  SECTION("and somebody does") {
    CHECK(body_of(rig.ask(stream, LongPollRig::request(path + "/receive"))) == "goodbye");
  }
  SECTION("and nobody does") {
    CHECK(rig.host.timers.rbegin()->second.delay_ms == 2000);
    rig.host.fire_timer();
  }
  SECTION("and has no patience") {
    session.close(NX_CLOSE_NOW);
    rig.host.turn_all();
  }
  CHECK(session.closed == 1);
  CHECK(session.closed_reason == NX_CLOSED_BY_ROUTER);
}

TEST_CASE("a listener has as many sessions and connections as it may") {
  LongPollRig rig(R"({"listen": ":0", "max_sessions": 1, "max_connections": 1})");
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  const std::string again =
      rig.ask(stream, LongPollRig::request("/lp/open", R"({"protocols": ["wamp.2.json"]})"));
  CHECK(status_of(again) == 503);
  nx_stream& other = *rig.host.connect();
  CHECK(status_of(rig.ask(other, LongPollRig::request(path + "/send", "x"))) == 503);
  CHECK(other.closed);
  rig.ask(stream, LongPollRig::request(path + "/close"));
  rig.open(stream);
  rig.host.open_answer = NX_E_CLOSED;
  rig.ask(stream, LongPollRig::request(path + "/close"));
}

TEST_CASE("X-Forwarded-For: each request of a trusted proxy has its own client") {
  LongPollRig rig(R"({"listen": ":0", "bind_address": true})");
  rig.host.trusted_proxies = {"192.0.2.1:5123"};
  nx_stream_info info{};
  info.flags = NX_STREAM_TRUSTED_PROXY;
  nx_stream& proxy = *rig.host.connect(0, &info);
  const std::string body = R"({"protocols": ["wamp.2.json"]})";
  const auto open_for = [&](std::string_view headers) {
    rig.ask(proxy, LongPollRig::request("/lp/open", body, headers));
    return rig.session().peer_address;
  };
  CHECK(open_for("X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n") == "198.51.100.7");
  CHECK(open_for("X-Forwarded-For: 198.51.100.8\r\n") == "198.51.100.8");
  CHECK(open_for("") == "192.0.2.1:5123");
  CHECK(open_for("X-Forwarded-For: nonsense\r\n") == "192.0.2.1:5123");

  // Whose requests are whose the proxy says too.
  const std::string text =
      rig.ask(proxy, LongPollRig::request("/lp/open", body, "X-Forwarded-For: 198.51.100.7\r\n"));
  const size_t at = text.find("\"transport\":\"") + 13;
  const std::string path = "/lp/" + text.substr(at, text.find('"', at) - at);
  CHECK(status_of(rig.ask(proxy, LongPollRig::request(path + "/send", "[1]",
                                                      "X-Forwarded-For: 198.51.100.8\r\n"))) ==
        404);
  CHECK(status_of(rig.ask(proxy, LongPollRig::request(path + "/send", "[1]",
                                                      "X-Forwarded-For: 198.51.100.7\r\n"))) ==
        204);

  // Nobody else is asked.
  nx_stream& stranger = *rig.host.connect();
  rig.ask(stranger, LongPollRig::request("/lp/open", body, "X-Forwarded-For: 198.51.100.9\r\n"));
  CHECK(rig.session().peer_address == "192.0.2.1:5123");
}

TEST_CASE("T-41: a session can be bound to the address that opened it") {
  const bool bound = GENERATE(true, false);
  LongPollRig rig(std::string(R"({"listen": ":0", "bind_address": )") +
                  (bound ? "true}" : "false}"));
  nx_stream& stream = *rig.host.connect();
  const std::string path = rig.open(stream);
  nx_stream_info info{};
  info.address = str_of("192.0.2.1:99");
  nx_stream& same = *rig.host.connect(0, &info);
  CHECK(status_of(rig.ask(same, LongPollRig::request(path + "/send", "x"))) == 204);
  info.address = str_of("192.0.2.77:5123");
  nx_stream& other = *rig.host.connect(0, &info);
  const int status = status_of(rig.ask(other, LongPollRig::request(path + "/send", "x")));
  CHECK(status == (bound ? 404 : 204));
}
