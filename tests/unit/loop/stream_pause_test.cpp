// Streams: pauses, and the ends of peers, which must be noticed during a pause without spinning.
#include <atomic>
#include <thread>

#include "tests/unit/loop/harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string_view view(const uint8_t* data, uint64_t size) {
  return {reinterpret_cast<const char*>(data), static_cast<size_t>(size)};
}

// Round trips on one connection, each of which takes the loop one turn.
void round_trips(Client& client, int count) {
  for (int i = 0; i < count; ++i) {
    client.send("ping");
    REQUIRE(client.receive(4) == "ping");
  }
}

// Fails if the loop of `client`'s stream turns without having a reason to.
void check_no_spin(Harness& harness, Client& client) {
  round_trips(client, 1);
  const uint64_t before = harness.loop().counters().turns.value();
  round_trips(client, 300);
  CHECK(harness.loop().counters().turns.value() - before <= 2 * 300);
}

}  // namespace

TEST_CASE("nothing is delivered while reading is off, and everything afterwards") {
  Harness harness;
  harness.accepted = [](Connection& c, const nx_stream_info&) {
    c.stream->set_reading(false);
    return true;
  };
  harness.listen();
  Client client(harness.address());
  Client other(harness.address());
  client.send("first");
  harness.with(harness.connection(1), [](Connection& c) { c.stream->set_reading(true); });
  check_no_spin(harness, other);
  client.send("second");
  check_no_spin(harness, other);
  harness.with(harness.connection(0), [](Connection& c) { c.stream->set_reading(true); });
  CHECK(client.receive(11) == "firstsecond");
}

TEST_CASE("a pause in the middle of a batch keeps the rest until set_reading(1)") {
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t size) -> uint64_t {
    if (size < 4) return 0;
    const std::lock_guard lock(harness.mutex);
    c.got += view(data, 4);
    if (view(data, 4) == "stop") c.stream->set_reading(false);
    return 4;
  };
  harness.listen();
  Client client(harness.address());
  client.send("one.stoptwo.stopend.re");
  Connection& connection = harness.connection(0);
  harness.wait([&] { return connection.got == "one.stop"; }, "the first pause");
  // Not a byte more, whatever else the loop does.
  harness.with(connection, [](Connection& c) {
    CHECK(c.stream->unused() == 14);
    CHECK(c.got == "one.stop");
    c.stream->set_reading(true);
    CHECK(c.got == "one.stop");  // never from inside a function of the stream
  });
  harness.wait([&] { return connection.got == "one.stoptwo.stop"; }, "the second pause");
  harness.with(connection, [](Connection& c) { c.stream->set_reading(true); });
  harness.wait([&] { return connection.got == "one.stoptwo.stopend."; }, "the rest");
  client.send("st");
  harness.wait([&] { return connection.got == "one.stoptwo.stopend.rest"; }, "the last");
}

TEST_CASE("pausing and resuming within one call delivers the rest") {
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t size) -> uint64_t {
    c.stream->set_reading(false);
    c.write(view(data, 1));
    c.stream->set_reading(true);
    (void)size;
    return 1;
  };
  harness.listen();
  Client client(harness.address());
  client.send("abcdef");
  CHECK(client.receive(6) == "abcdef");
}

TEST_CASE("a long stream pauses and resumes without losing a byte") {
  const size_t size = 4 << 20;
  std::string got;
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t have) -> uint64_t {
    const uint64_t used = have > 1000 ? have / 3 + 1 : have;
    const std::lock_guard lock(harness.mutex);
    got += view(data, used);
    c.stream->set_reading(false);
    Stream* const stream = c.stream;
    c.loop->post([stream](Loop&) { stream->set_reading(true); });
    return used;
  };
  harness.listen();
  Client client(harness.address());
  const std::string bytes = pattern(size);
  client.send(bytes);
  harness.wait([&] { return got.size() == size; }, "all bytes");
  CHECK(got == bytes);
}

TEST_CASE("one stream that sends without end does not starve the others") {
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t size) -> uint64_t {
    if (size == 4) c.write(view(data, size));
    return size;
  };
  harness.listen();
  Client greedy(harness.address());
  Client modest(harness.address());
  const std::string block(1 << 20, 'x');
  std::atomic<bool> stop{false};
  std::thread flood([&] {
    while (!stop) greedy.send_until_full(block.size());
  });
  round_trips(modest, 100);
  stop = true;
  flood.join();
}

TEST_CASE("the peer's end is noticed while reading is paused") {
  TempFolder folder;
  const bool is_unix = GENERATE(false, true);
  Harness harness;
  if (is_unix) harness.options.address = "unix:" + folder.path("socket");
  harness.accepted = [&](Connection& c, const nx_stream_info&) {
    if (c.harness->count_accepted() == 1) c.stream->set_reading(false);
    return true;
  };
  harness.listen();
  Client client(harness.address());
  harness.wait_accepted(1);
  Client other(harness.address());
  SECTION("an orderly end") {
    client.close();
    CHECK(harness.ended(0).reason == NX_CLOSED_BY_PEER);
  }
  SECTION("one direction closed only") {
    client.half_close();
    CHECK(harness.ended(0).reason == NX_CLOSED_BY_PEER);
  }
  SECTION("a reset") {
    client.reset();
    const uint32_t reason = harness.ended(0).reason;
    CHECK(reason == (is_unix ? NX_CLOSED_BY_PEER : NX_CLOSED_LOST));
  }
  check_no_spin(harness, other);
}

TEST_CASE("an end behind unread bytes is told after those bytes, without spinning meanwhile") {
  TempFolder folder;
  const bool is_unix = GENERATE(false, true);
  Harness harness;
  if (is_unix) harness.options.address = "unix:" + folder.path("socket");
  harness.accepted = [&](Connection& c, const nx_stream_info&) {
    if (c.harness->count_accepted() == 1) c.stream->set_reading(false);
    return true;
  };
  harness.received = [&](Connection& c, uint8_t* data, uint64_t size) -> uint64_t {
    const std::lock_guard lock(harness.mutex);
    c.got += view(data, size);
    if (size == 4) c.write(view(data, size));
    return size;
  };
  harness.listen();
  Client client(harness.address());
  harness.wait_accepted(1);
  client.send("last words");
  client.close();
  Client other(harness.address());
  check_no_spin(harness, other);
  CHECK(harness.count_closed() == 0);
  harness.with(harness.connection(0), [](Connection& c) { c.stream->set_reading(true); });
  CHECK(harness.ended(0).reason == NX_CLOSED_BY_PEER);
  CHECK(harness.connection(0).got == "last words");
}

TEST_CASE("an end behind bytes that were read and not used waits for them too") {
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t size) -> uint64_t {
    const std::lock_guard lock(harness.mutex);
    c.got += view(data, 1);
    c.stream->set_reading(false);
    (void)size;
    return 1;
  };
  harness.listen();
  Client client(harness.address());
  client.send("abc");
  client.close();
  Connection& connection = harness.connection(0);
  for (size_t i = 1; i <= 3; ++i) {
    harness.wait([&] { return connection.got.size() == i; }, "a byte");
    if (i < 3) CHECK(harness.count_closed() == 0);
    harness.with(connection, [](Connection& c) { c.stream->set_reading(true); });
  }
  CHECK(harness.ended(0).reason == NX_CLOSED_BY_PEER);
  CHECK(connection.got == "abc");
}

TEST_CASE(
    "whoever hangs up both ways with bytes queued for it does not live as long as the pause") {
  TempFolder folder;
  Harness harness;
  harness.options.address = "unix:" + folder.path("socket");
  harness.accepted = [](Connection& c, const nx_stream_info&) {
    c.stream->set_reading(false);
    return true;
  };
  harness.listen();
  Client client(harness.address());
  harness.wait_accepted(1);
  harness.with(harness.connection(0), [](Connection& c) { c.write(pattern(4 << 20)); });
  client.send("never read");
  ::shutdown(client.fd(), SHUT_RDWR);
  CHECK(harness.ended(0).reason == NX_CLOSED_LOST);
}

TEST_CASE("a reset ends a stream with a text that says so") {
  Harness harness;
  harness.listen();
  Client client(harness.address());
  client.send("ping");
  CHECK(client.receive(4) == "ping");
  client.reset();
  CHECK(harness.ended(0).reason == NX_CLOSED_LOST);
  CHECK_THAT(harness.ended(0).text, Catch::Contains("reset"));
}

TEST_CASE("the last bytes before the peer's end are answered") {
  Harness harness;
  harness.listen();
  Client client(harness.address());
  client.send("goodbye");
  client.half_close();
  CHECK(client.receive_all() == "goodbye");
  CHECK(harness.ended(0).reason == NX_CLOSED_BY_PEER);
}
