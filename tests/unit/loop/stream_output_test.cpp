// Streams: what goes out. Gathering, back-pressure, drained(), shared buffers, and closing.
#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "tests/unit/loop/harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// A connection whose peer does not read, with its output stuck; answers what was written.
std::string fill_up(Harness& harness, Connection& connection, size_t at_least) {
  std::string written;
  harness.with(connection, [&](Connection& c) {
    const std::string block = pattern(64 << 10);
    while (c.stream->queued() < at_least) {
      CHECK(c.write(block) == NX_OK);
      written += block;
    }
  });
  return written;
}

}  // namespace

TEST_CASE("everything a turn writes leaves in one system call") {
  Harness harness;
  harness.listen();
  Client client(harness.address());
  Connection& connection = harness.connection(0);
  const LoopCounters& counters = harness.loop().counters();
  const uint64_t before = counters.writes.value();
  harness.with(connection, [](Connection& c) {
    for (int i = 0; i < 1000; ++i) c.write("0123456789");
    CHECK(c.stream->queued() == 10000);  // nothing has left yet
  });
  CHECK(client.receive(10000).size() == 10000);
  on_loop(*connection.loop, [] {});
  CHECK(counters.writes.value() - before == 1);
}

TEST_CASE(
    "at_flush: flushing() comes once, at the end of the turn, and what it writes leaves with it") {
  Harness harness;
  std::atomic<int> calls{0};
  harness.flushing = [&](Connection& c) {
    ++calls;
    harness.expect(c.write(" and the end") == NX_OK, "flushing() may write");
  };
  harness.listen();
  Client client(harness.address());
  Connection& connection = harness.connection(0);
  const LoopCounters& counters = harness.loop().counters();
  const uint64_t before = counters.writes.value();
  harness.with(connection, [&](Connection& c) {
    CHECK(c.stream->at_flush() == NX_OK);
    CHECK(c.stream->at_flush() == NX_OK);
    CHECK(c.write("the beginning") == NX_OK);
    CHECK(calls == 0);
  });
  CHECK(client.receive(25) == "the beginning and the end");
  on_loop(*connection.loop, [] {});
  CHECK(calls == 1);
  CHECK(counters.writes.value() - before == 1);
  // With nothing queued, and again while the socket takes nothing.
  harness.with(connection, [&](Connection& c) { CHECK(c.stream->at_flush() == NX_OK); });
  CHECK(client.receive(12) == " and the end");
  fill_up(harness, connection, 8 << 20);
  harness.with(connection, [&](Connection& c) { CHECK(c.stream->at_flush() == NX_OK); });
  on_loop(*connection.loop, [] {});
  CHECK(calls == 3);
  // Not for a stream that is closing by then.
  harness.with(connection, [&](Connection& c) {
    CHECK(c.stream->at_flush() == NX_OK);
    c.stream->close(NX_CLOSE_NOW, NX_CLOSED_BY_ROUTER, "enough");
    CHECK(c.stream->at_flush() == NX_E_CLOSED);
  });
  harness.wait_closed(1);
  CHECK(calls == 3);
}

TEST_CASE("a stream with much queued does not wait for the end of the turn") {
  Harness harness;
  harness.listen();
  Client client(harness.address());
  const std::string bytes = pattern(200 << 10);
  harness.with(harness.connection(0), [&](Connection& c) {
    c.write(bytes.substr(0, 1000));
    CHECK(c.stream->queued() == 1000);
    c.write(bytes.substr(1000));
    CHECK(c.stream->queued() < bytes.size());  // some went through at once
  });
  CHECK(client.receive(bytes.size()) == bytes);
}

TEST_CASE("reserve and commit write in place") {
  Harness harness;
  harness.listen();
  Client client(harness.address());
  harness.with(harness.connection(0), [](Connection& c) {
    for (size_t size : {5, 3000, 100000}) {
      uint8_t* const room = c.stream->reserve(size);
      REQUIRE(room != nullptr);
      std::memset(room, 'r', size);
      c.stream->commit(size - 1);
    }
    CHECK(c.write("end") == NX_OK);
  });
  CHECK(client.receive(4 + 2999 + 99999 + 3) == std::string(4 + 2999 + 99999, 'r') + "end");
}

TEST_CASE("a stalled peer: the queue grows, then drained() is called once it is empty") {
  std::atomic<int> drained{0};
  Harness harness;
  harness.drained = [&](Connection& c) {
    harness.expect(c.stream->queued() == 0, "drained() means empty");
    const std::lock_guard lock(harness.mutex);
    ++drained;
  };
  harness.listen();
  Client client(harness.address(), 4096);
  Connection& connection = harness.connection(0);
  const std::string written = fill_up(harness, connection, 1 << 20);
  CHECK(drained == 0);
  CHECK(harness.loop().counters().stalls.value() >= 1);
  // A stalled stream costs nothing meanwhile.
  Client other(harness.address());
  const uint64_t turns = harness.loop().counters().turns.value();
  for (int i = 0; i < 100; ++i) {
    other.send("ping");
    REQUIRE(other.receive(4) == "ping");
  }
  CHECK(harness.loop().counters().turns.value() - turns <= 250);

  CHECK(client.receive(written.size()) == written);
  harness.wait([&] { return drained == 1; }, "drained()");
  harness.with(connection, [](Connection& c) {
    CHECK(c.stream->queued() == 0);
    c.write("more");
  });
  CHECK(client.receive(4) == "more");
  on_loop(*connection.loop, [] {});
  CHECK(drained == 1);  // not for a queue that fitted
}

TEST_CASE("drained() may write, stall again, and be called again") {
  size_t rounds = 0;
  std::string expected;
  Harness harness;
  harness.drained = [&](Connection& c) {
    const std::lock_guard lock(harness.mutex);
    if (++rounds >= 4) return;
    // The client reads no more than it knows of, so this ends.
    const std::string block = pattern(64 << 10, static_cast<uint32_t>(rounds));
    while (c.stream->queued() < (1 << 20)) {
      c.write(block);
      expected += block;
    }
  };
  harness.listen();
  Client client(harness.address(), 4096);
  Connection& connection = harness.connection(0);
  harness.with(connection, [&](Connection& c) {
    const std::lock_guard lock(harness.mutex);
    while (c.stream->queued() < (1 << 20)) {
      expected += pattern(64 << 10);
      c.write(pattern(64 << 10));
    }
  });
  for (size_t round = 1; round <= 4; ++round) {
    std::string now;
    {
      const std::lock_guard lock(harness.mutex);
      now = std::exchange(expected, {});
    }
    REQUIRE(client.receive(now.size()) == now);
    // It may be further already: the sockets hold something, too.
    harness.wait([&] { return rounds >= round; }, "drained()");
  }
  harness.wait([&] { return rounds == 4; }, "the last drained()");
  CHECK(client.receive(expected.size()) == expected);
}

TEST_CASE("drained() is not called for a queue that the socket took at once") {
  // Transports take it for a sign that the peer reads.
  std::atomic<int> drained{0};
  Harness harness;
  harness.drained = [&](Connection&) { ++drained; };
  harness.listen();
  Client client(harness.address());
  Connection& connection = harness.connection(0);
  for (size_t size : {5, 20000, 60000}) {
    harness.with(connection, [&](Connection& c) {
      c.write(std::string(size, 'x'));
      CHECK(c.stream->queued() == size);
    });
    CHECK(client.receive(size).size() == size);
  }
  on_loop(*connection.loop, [] {});
  on_loop(*connection.loop, [] {});
  CHECK(drained == 0);
}

TEST_CASE("drained() follows a queue that was too long for one turn, blocked or not") {
  std::atomic<int> drained{0};
  Harness harness;
  harness.drained = [&](Connection&) { ++drained; };
  harness.listen();
  Client client(harness.address());
  const std::string bytes = pattern(12 << 20);
  std::thread reader([&] {  // quick, so that the socket may never be full
    size_t have = 0;
    char block[65536];
    while (have < bytes.size()) {
      const ssize_t got = ::recv(client.fd(), block, sizeof block, 0);
      if (got <= 0) break;
      have += static_cast<size_t>(got);
    }
  });
  std::atomic<bool> queue_was_long{false};
  harness.with(harness.connection(0), [&](Connection& c) {
    for (size_t at = 0; at < bytes.size(); at += 65536) {
      c.write(std::string_view(bytes).substr(at, 65536));
    }
    queue_was_long = c.stream->queued() > (128 << 10);
  });
  reader.join();
  if (queue_was_long) harness.wait([&] { return drained > 0; }, "drained()");
}

TEST_CASE("flush_now() writes within the turn and tells what is left") {
  std::atomic<int> drained{0};
  Harness harness;
  harness.drained = [&](Connection&) { ++drained; };
  harness.listen();
  Client client(harness.address());
  Connection& connection = harness.connection(0);
  harness.with(connection, [](Connection& c) {
    c.write("hello");
    CHECK(c.stream->flush_now() == 0);
  });
  CHECK(client.receive(5) == "hello");
  const std::string written = fill_up(harness, connection, 100 << 10);
  harness.with(connection, [](Connection& c) {
    CHECK(c.stream->flush_now() == static_cast<int64_t>(c.stream->queued()));
    CHECK(c.stream->queued() > 0);
  });
  CHECK(client.receive(written.size()) == written);
  harness.wait([&] { return drained > 0; }, "drained()");
  harness.with(connection, [](Connection& c) {
    c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, {});
    CHECK(c.stream->flush_now() == NX_E_CLOSED);
  });
}

TEST_CASE("large parts of a counted buffer are shared, small ones copied") {
  Harness harness;
  harness.listen();
  Client client(harness.address(), 4096);
  Connection& connection = harness.connection(0);
  const std::string large = pattern(9 << 20);
  const BufferRef buffer = BufferRef::copy_of(as_bytes("head" + large));
  harness.with(connection, [&](Connection& c) {
    const nx_bytes small = to_nx(buffer.bytes().first(4));
    CHECK(c.stream->write(&small, 1, buffer.get()) == NX_OK);
    CHECK(buffer.get()->count == 1);
    const nx_bytes parts[] = {to_nx(as_bytes("<")), to_nx(buffer.bytes().subspan(4)),
                              to_nx(as_bytes(">"))};
    CHECK(c.stream->write(parts, 3, buffer.get()) == NX_OK);
    CHECK(buffer.get()->count == 2);  // stuck, not copied
    CHECK(c.stream->queued() > 0);
  });
  CHECK(client.receive(4 + 1 + large.size() + 1) == "head<" + large + ">");
  harness.wait([&] { return buffer.get()->count == 1; }, "the buffer to be released");
}

TEST_CASE("many streams that write much in one turn are flushed before it ends") {
  Harness harness;
  harness.listen();
  std::list<Client> clients;
  constexpr int kClients = 20;
  constexpr size_t kEach = 100 << 10;  // below what is written through
  for (int i = 0; i < kClients; ++i) clients.emplace_back(harness.address());
  harness.wait_accepted(kClients);
  const std::string block = pattern(kEach);
  on_loop(harness.loop(), [&] {
    const uint64_t before = harness.loop().counters().bytes_out.value();
    for (int round = 0; round < 40; ++round) {
      for (size_t i = 0; i < kClients; ++i) harness.connection(i).write(block);
    }
    CHECK(harness.loop().counters().bytes_out.value() > before);
  });
  std::vector<std::thread> readers;
  std::atomic<size_t> total{0};
  for (Client& client : clients) {
    readers.emplace_back([&] { total += client.receive(40 * kEach).size(); });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(total == kClients * 40 * kEach);
}

TEST_CASE("FLUSH: everything queued arrives, and the end is orderly") {
  Harness harness;
  harness.listen();
  Client client(harness.address(), 4096);
  Connection& connection = harness.connection(0);
  const std::string written = fill_up(harness, connection, 2 << 20);
  harness.with(connection, [](Connection& c) {
    c.write("last");
    c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_PROTOCOL, "because");
    CHECK(c.write("too late") == NX_E_CLOSED);
    CHECK(c.stream->reserve(1) == nullptr);
    c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_LOST, "a second close changes nothing");
  });
  CHECK(harness.count_closed() == 0);
  CHECK(client.receive(written.size() + 4) == written + "last");
  CHECK(client.end() == 0);
  client.close();
  CHECK(harness.ended(0).reason == NX_CLOSED_PROTOCOL);
  CHECK(harness.ended(0).text == "because");
}

TEST_CASE("FLUSH: last bytes survive a peer that is still sending") {
  TempFolder folder;
  Harness harness;
  if (GENERATE(false, true)) harness.options.address = "unix:" + folder.path("socket");
  harness.received = [&](Connection& c, uint8_t*, uint64_t) -> uint64_t {
    c.write("abort");
    c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_TOO_LARGE, {});
    return 0;
  };
  harness.listen();
  Client client(harness.address());
  // More than fits into the sockets: the close finds unread input, which must not become a reset.
  client.send(pattern(6 << 20));
  CHECK(client.receive(5) == "abort");
  CHECK(client.end() == 0);
  client.close();
  CHECK(harness.ended(0).reason == NX_CLOSED_TOO_LARGE);
}

TEST_CASE("FLUSH: nothing is delivered after it") {
  int calls = 0;
  Harness harness;
  harness.received = [&](Connection& c, uint8_t*, uint64_t) -> uint64_t {
    const std::lock_guard lock(harness.mutex);
    ++calls;
    c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, {});
    return 1;
  };
  harness.listen();
  Client client(harness.address());
  client.send("abc");
  CHECK(client.end() == 0);
  client.send("more");
  client.close();
  harness.wait_closed(1);
  CHECK(calls == 1);
}

TEST_CASE("FLUSH: a peer that takes nothing is dropped when the close timeout has passed") {
  Harness harness;
  harness.options.close_timeout_ms = 50;
  harness.listen();
  Client client(harness.address(), 4096);
  Connection& connection = harness.connection(0);
  fill_up(harness, connection, 1 << 20);
  harness.with(connection,
               [](Connection& c) { c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, "slow"); });
  CHECK(harness.ended(0).reason == NX_CLOSED_BY_ROUTER);
  CHECK(client.end() == ECONNRESET);  // and its memory in the kernel is free
}

TEST_CASE("FLUSH: a peer that does not hang up is left after a while") {
  Harness harness;
  harness.options.close_timeout_ms = 50;
  harness.listen();
  Client client(harness.address());
  harness.with(harness.connection(0), [](Connection& c) {
    c.write("bye");
    c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, {});
  });
  CHECK(harness.ended(0).reason == NX_CLOSED_BY_ROUTER);  // although the client stays
  CHECK(client.receive_all() == "bye");
}

TEST_CASE("NOW: what is queued is dropped, also after a FLUSH that got stuck") {
  const bool flush_first = GENERATE(false, true);
  Harness harness;
  harness.listen();
  Client client(harness.address(), 4096);
  Connection& connection = harness.connection(0);
  const std::string written = fill_up(harness, connection, 1 << 20);
  harness.with(connection, [&](Connection& c) {
    if (flush_first) c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_TIMEOUT, "first");
    c.stream->close(NX_CLOSE_NOW, NX_CLOSED_BY_ROUTER, "second");
    CHECK(c.harness->count_closed() == 0);  // never from inside
  });
  const Ended ended = harness.ended(0);
  CHECK(ended.reason == (flush_first ? NX_CLOSED_TIMEOUT : NX_CLOSED_BY_ROUTER));
  CHECK(ended.text == (flush_first ? "first" : "second"));
  CHECK(client.receive(written.size()).size() < written.size());
}

TEST_CASE("closing inside received(), drained() and deadline() is safe") {
  const uint32_t how = GENERATE(NX_CLOSE_NOW, NX_CLOSE_FLUSH);
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t size) -> uint64_t {
    if (size < 20000) return 0;  // let it become a spill
    c.stream->close(how, NX_CLOSED_BY_ROUTER, "in received");
    // The bytes stay readable and writable until the call returns.
    for (uint64_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(data[i] ^ 1);
    return 1;
  };
  harness.drained = [&](Connection& c) { c.stream->close(how, NX_CLOSED_BY_ROUTER, "in drained"); };
  harness.deadline = [&](Connection& c) {
    c.stream->close(how, NX_CLOSED_BY_ROUTER, "in deadline");
  };
  harness.listen();
  Client first(harness.address());
  first.send(pattern(18000));
  harness.with(harness.connection(0), [](Connection&) {});
  first.send(pattern(18000));
  harness.wait_accepted(1);
  Client second(harness.address(), 4096);
  const std::string written = fill_up(harness, harness.connection(1), 1 << 20);
  second.receive(written.size());
  Client third(harness.address());
  harness.with(harness.connection(2), [](Connection& c) { c.stream->set_deadline(1); });
  first.end();
  first.close();
  second.end();
  second.close();
  third.end();
  third.close();
  harness.wait_closed(3);
  std::multiset<std::string> texts;
  for (size_t i = 0; i < 3; ++i) texts.insert(harness.ended(i).text);
  CHECK(texts == std::multiset<std::string>{"in received", "in drained", "in deadline"});
}

TEST_CASE("closed() may close and write to other streams") {
  Harness harness;
  harness.closed = [](Connection& c, const Ended&) {
    // The one accepted after this one goes with it.
    Connection& next = c.harness->connection(c.number);
    if (next.stream != nullptr && &next != &c) {
      next.write("you are next");
      next.stream->close(NX_CLOSE_NOW, NX_CLOSED_BY_ROUTER, "chain");
    }
  };
  constexpr size_t kCount = 20;
  harness.accepted = [&](Connection& c, const nx_stream_info&) {
    c.number = std::min(c.harness->count_accepted(), kCount - 1);
    return true;
  };
  harness.listen();
  std::list<Client> clients;
  for (size_t i = 0; i < kCount; ++i) {
    clients.emplace_back(harness.address());
    harness.wait_accepted(i + 1);
  }
  clients.front().close();
  harness.wait_closed(kCount);
  CHECK(harness.count_closed() == kCount);
}

TEST_CASE("a stream may be closed while its events wait in the same batch") {
  constexpr size_t kCount = 50;
  Harness harness;
  // The first one to hear something closes all the others, whose bytes have arrived too.
  harness.received = [&](Connection& c, uint8_t*, uint64_t size) -> uint64_t {
    for (size_t i = 0; i < kCount; ++i) {
      Connection& other = c.harness->connection(i);
      if (&other != &c && other.stream != nullptr) {
        other.stream->close(NX_CLOSE_NOW, NX_CLOSED_BY_ROUTER, {});
      }
    }
    c.write("survivor");
    return size;
  };
  harness.listen();
  std::list<Client> clients;
  for (size_t i = 0; i < kCount; ++i) clients.emplace_back(harness.address());
  harness.wait_accepted(kCount);
  std::promise<void> go;
  auto gate = go.get_future().share();
  harness.loop().post([gate](Loop&) { gate.wait(); });  // so that all are ready at once
  for (Client& client : clients) client.send("x");
  go.set_value();
  harness.wait_closed(kCount - 1);
  size_t survivors = 0;
  for (Client& client : clients) {
    if (client.receive(8) == "survivor") ++survivors;
  }
  CHECK(survivors == 1);
}
