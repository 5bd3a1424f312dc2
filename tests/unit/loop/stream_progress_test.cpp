// Streams: how far the other side has come, and deadlines that this puts off. And TCP's own
// patience with a peer that is cut off.
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "kernel/loop/address.hpp"
#include "tests/unit/loop/harness.hpp"
#include "tests/unit/loop/tls_client.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// Writes until much is queued that the socket does not take; answers how much in all.
size_t fill_up(Harness& harness, Connection& connection, size_t at_least) {
  size_t written = 0;
  harness.with(connection, [&](Connection& c) {
    const std::string block = pattern(64 << 10);
    while (c.stream->queued() < at_least) {
      REQUIRE(c.write(block) == NX_OK);
      written += block.size();
    }
  });
  return written;
}

// Asks again and again, each time by a letter to the loop.
void until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) REQUIRE(std::chrono::steady_clock::now() < end);
}

StreamProgress progress_of(Harness& harness, Connection& connection) {
  StreamProgress now;
  harness.with(connection, [&](Connection& c) { now = c.stream->progress(); });
  return now;
}

// From here on the client's machine answers nothing any more, as if its cable were cut.
void cut_off(const Client& client) {
  sock_filter drop_all[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  const sock_fprog program{1, drop_all};
  REQUIRE(::setsockopt(client.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
}

}  // namespace

TEST_CASE("progress: what the peer's side has, not what the system's buffers took") {
  Harness harness;
  TempFolder folder;
  const bool is_unix = GENERATE(false, true);
  CAPTURE(is_unix);
  if (is_unix) harness.options.address = "unix:" + folder.path("socket");
  harness.received = [](Connection&, uint8_t*, uint64_t size) { return size; };
  harness.listen();
  Client client(harness.address(), 16 << 10);
  Connection& connection = harness.connection(0);
  client.send("hello");
  until([&] { return progress_of(harness, connection).received == 5; });
  const StreamProgress first = progress_of(harness, connection);
  CHECK(first.appended == 0);
  CHECK(first.acknowledged == 0);
  CHECK((is_unix ? first.room == 0 : first.room > 0));

  const size_t written = fill_up(harness, connection, 1 << 20);
  const auto queued = [&] {
    size_t size = 0;
    harness.with(connection, [&](Connection& c) { size = c.stream->queued(); });
    return size;
  };
  const StreamProgress full = progress_of(harness, connection);
  CHECK(full.appended == written);
  // A receive buffer of 16 KB is doubled by the system; a Unix socket has none.
  CHECK(full.acknowledged <= 64 << 10);
  CHECK(written - queued() > 0);

  // What it reads it has.
  const size_t part = 600 << 10;
  CHECK(client.receive(part).size() == part);
  until([&] { return progress_of(harness, connection).acknowledged >= part / 2; });
  const StreamProgress later = progress_of(harness, connection);
  CHECK(later.acknowledged < written);
  CHECK(later.room >= later.acknowledged);
  CHECK(client.receive(written - part).size() == written - part);
  until([&] { return progress_of(harness, connection).acknowledged == written; });
}

TEST_CASE("progress: with TLS it counts the bytes inside") {
  TlsHarness test;
  Harness& harness = test.harness;
  harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.send("hello"));
  CHECK(client.receive(5) == "hello");
  Connection& connection = harness.connection(0);
  until([&] { return progress_of(harness, connection).acknowledged == 5; });
  const StreamProgress now = progress_of(harness, connection);
  CHECK(now.received == 5);
  CHECK(now.appended == 5);
  // What was encrypted and is not acknowledged does not count, nor what was not encrypted yet.
  const size_t written = fill_up(harness, connection, 1 << 20);
  const StreamProgress full = progress_of(harness, connection);
  CHECK(full.appended == written + 5);
  CHECK(full.acknowledged < written);
  CHECK(client.receive(written).size() == written);
  until([&] { return progress_of(harness, connection).acknowledged == written + 5; });
}

TEST_CASE(
    "closing: with a minimum rate a slow reader gets everything, and a reader of none is cut off") {
  Harness harness;
  TempFolder folder;
  const bool is_unix = GENERATE(false, true);
  CAPTURE(is_unix);
  if (is_unix) harness.options.address = "unix:" + folder.path("socket");
  harness.options.close_timeout_ms = 1000;
  harness.listen();
  Client client(harness.address(), 128 << 10);
  Connection& connection = harness.connection(0);
  const size_t written = fill_up(harness, connection, 4 << 20);
  uint64_t begun = 0;
  const auto close = [&](uint64_t rate) {
    harness.with(connection, [&](Connection& c) {
      begun = EventLoop::clock_ms();
      c.stream->set_min_rate(rate);
      c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, "bye");
    });
  };
  SECTION("reads for longer than that") {
    close(1);
    size_t got = 0;
    while (EventLoop::clock_ms() < begun + 2500) {
      const size_t size = client.receive(1 << 10).size();  // the size of the steps is TCP's
      REQUIRE(size == 1 << 10);
      got += size;
      ::poll(nullptr, 0, 1);
    }
    CHECK(got + client.receive_all().size() == written);
  }
  SECTION("does not read") {
    close(1);
    harness.wait_closed(1);
    CHECK(client.receive_all().size() < written);
  }
  SECTION("reads less than it should") {
    close(uint64_t{1} << 30);
    client.receive(256 << 10);
    harness.wait_closed(1);
    CHECK(client.receive_all().size() < written);
  }
  SECTION("without a rate") {
    close(0);
    client.receive(256 << 10);
    harness.wait_closed(1);
    CHECK(client.receive_all().size() < written);
  }
}

TEST_CASE("TCP_USER_TIMEOUT: twice keepalive, or what the listener says") {
  const auto timeout_of = [](uint32_t keepalive_s, uint32_t said_ms) {
    Harness harness;
    harness.options.socket.keepalive_s = keepalive_s;
    harness.options.user_timeout_ms = said_ms;
    harness.listen();
    Client client(harness.address());
    client.send("x");
    CHECK(client.receive(1) == "x");
    // The accepted descriptor is found by asking each one for its peer.
    SocketAddress mine;
    mine.size = sizeof mine.storage;
    REQUIRE(::getsockname(client.fd(), mine.get(), &mine.size) == 0);
    int timeout = -1;
    for (int fd = 3; fd < 1024 && timeout < 0; ++fd) {
      SocketAddress peer;
      peer.size = sizeof peer.storage;
      if (::getpeername(fd, peer.get(), &peer.size) != 0 || peer.port() != mine.port()) continue;
      socklen_t size = sizeof timeout;
      REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &size) == 0);
    }
    return timeout;
  };
  CHECK(timeout_of(60, 0) == 120000);
  CHECK(timeout_of(60, 200000) == 200000);
  CHECK(timeout_of(0, 0) == 0);
}

TEST_CASE("a peer that is cut off ends, whether something is under way to it or not") {
  Harness harness;
  harness.options.socket.keepalive_s = 1;
  harness.options.user_timeout_ms = 1500;
  harness.listen();
  Client client(harness.address());
  Connection& connection = harness.connection(0);
  client.send("x");
  CHECK(client.receive(1) == "x");
  SECTION("idle") { cut_off(client); }
  SECTION("events flow") {
    cut_off(client);
    harness.with(connection, [](Connection& c) { c.write("an event"); });
  }
  SECTION("its queue is full") {
    fill_up(harness, connection, 1 << 20);
    cut_off(client);
  }
  harness.wait_closed(1);
  CHECK(harness.ended(0).reason == NX_CLOSED_LOST);
}
