// Streams: what comes in. Echo over every family, partial consumption, deadlines, the beginning
// and the end.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <atomic>
#include <thread>

#include "tests/unit/loop/harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string_view view(const uint8_t* data, uint64_t size) {
  return {reinterpret_cast<const char*>(data), static_cast<size_t>(size)};
}

}  // namespace

TEST_CASE("bytes come back over TCP, IPv6 and Unix sockets") {
  TempFolder folder;
  nx_stream_info seen{};
  std::string address;
  std::string local;
  Harness harness;
  harness.options.address = GENERATE(std::string("127.0.0.1:0"), std::string("[::1]:0"),
                                     std::string("unix:"), std::string("localhost:0"));
  if (harness.options.address == "unix:") harness.options.address += folder.path("socket");
  harness.accepted = [&](Connection&, const nx_stream_info& info) {
    seen = info;
    address = to_view(info.address);
    local = to_view(info.local_address);
    return true;
  };
  harness.listen();
  Client client(harness.address());
  REQUIRE(client.connected());
  for (size_t size : {1, 100, 5000, 300000}) {
    const std::string bytes = pattern(size);
    client.send(bytes);
    REQUIRE(client.receive(size) == bytes);
  }
  const bool is_unix = harness.options.address.starts_with("unix:");
  CHECK(seen.struct_size == sizeof(nx_stream_info));
  CHECK(seen.flags == (is_unix ? NX_STREAM_UNIX : 0u));
  CHECK(local == harness.address());
  CHECK(seen.tls_version.size == 0);
  if (is_unix) {
    CHECK(address == local);
  } else {
    CHECK(address.substr(0, address.rfind(':')) == local.substr(0, local.rfind(':')));
    CHECK(address != local);
  }
  client.close();
  CHECK(harness.ended(0).reason == NX_CLOSED_BY_PEER);
}

TEST_CASE("an idle stream is small") {
  // 10,000 idle sessions have 3 KiB each for everything; this is the part of the socket.
  CHECK(sizeof(Stream) <= 300);
}

TEST_CASE("what is not used comes back in front of the next bytes, as it was left") {
  std::vector<std::string> calls;
  Harness harness;
  harness.received = [&](Connection&, uint8_t* data, uint64_t size) -> uint64_t {
    {
      const std::lock_guard lock(harness.mutex);
      calls.emplace_back(view(data, size));
    }
    if (size < 6) {
      data[0] = static_cast<uint8_t>(data[0] + 1);  // the transport may write
      return 0;
    }
    return size;
  };
  harness.listen();
  Client client(harness.address());
  client.send("abc");
  harness.wait([&] { return calls.size() == 1; }, "first call");
  client.send("de");
  harness.wait([&] { return calls.size() == 2; }, "second call");
  client.send("fg");
  harness.wait([&] { return calls.size() == 3; }, "third call");
  CHECK(calls == std::vector<std::string>{"abc", "bbcde", "cbcdefg"});
  harness.with(harness.connection(0), [](Connection& c) { CHECK(c.stream->unused() == 0); });
}

TEST_CASE("received() is called again while it makes progress, and not when it makes none") {
  std::vector<uint64_t> sizes;
  Harness harness;
  harness.received = [&](Connection&, uint8_t*, uint64_t size) -> uint64_t {
    const std::lock_guard lock(harness.mutex);
    sizes.push_back(size);
    return size >= 3 ? 3 : 0;
  };
  harness.listen();
  Client client(harness.address());
  client.send("0123456789x");  // three whole, a rest of two
  harness.wait([&] { return sizes.size() == 4; }, "four calls");
  harness.with(harness.connection(0), [](Connection& c) { CHECK(c.stream->unused() == 2); });
  CHECK(sizes == std::vector<uint64_t>{11, 8, 5, 2});
}

TEST_CASE("a transport that claims to have used more than there was is not believed") {
  Harness harness;
  harness.received = [&](Connection& c, uint8_t*, uint64_t size) -> uint64_t {
    c.write("ok");
    return size + 1000;
  };
  harness.listen();
  Client client(harness.address());
  for (int i = 0; i < 3; ++i) {
    client.send("x");
    REQUIRE(client.receive(2) == "ok");
  }
}

TEST_CASE("one byte at a time works like everything at once") {
  std::string got;
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t size) -> uint64_t {
    if (size < 10) return 0;
    c.write(view(data, 10));
    return 10;
  };
  harness.listen();
  Client client(harness.address());
  const std::string bytes = pattern(200);
  for (char byte : bytes) client.send({&byte, 1});
  CHECK(client.receive(200) == bytes);
}

TEST_CASE("a message far larger than the read buffer arrives whole") {
  const size_t size = 3 * EventLoop::kReadBuffer + 12345;
  int calls = 0;
  Harness harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t have) -> uint64_t {
    const std::lock_guard lock(harness.mutex);
    ++calls;
    if (have < size) return 0;
    c.got.assign(view(data, size));
    c.number = have;
    return size;
  };
  harness.listen();
  Client client(harness.address());
  const std::string bytes = pattern(size);
  client.send(bytes);
  client.send("tail");
  Connection& connection = harness.connection(0);
  harness.wait([&] { return !connection.got.empty(); }, "the message");
  CHECK(connection.got == bytes);
  client.send(bytes.substr(4));  // the tail is the beginning of a second message
  harness.wait([&] { return connection.number > 0 && connection.got.substr(0, 4) == "tail"; },
               "the second message");
  CHECK(connection.got == "tail" + bytes.substr(4));
}

TEST_CASE("a deadline comes once, moves in both directions, and can be taken back") {
  std::vector<uint64_t> fired;
  Harness harness;
  harness.deadline = [&](Connection& c) {
    const std::lock_guard lock(harness.mutex);
    fired.push_back(c.loop->now_ms());
  };
  harness.listen();
  Client client(harness.address());
  Connection& connection = harness.connection(0);
  uint64_t start = 0;
  SECTION("later") {
    harness.with(connection, [&](Connection& c) {
      start = c.loop->now_ms();
      c.stream->set_deadline(5);
      c.stream->set_deadline(60);
    });
    harness.wait([&] { return fired.size() == 1; }, "deadline");
    CHECK(fired[0] >= start + 60);
  }
  SECTION("earlier") {
    harness.with(connection, [&](Connection& c) {
      start = c.loop->now_ms();
      c.stream->set_deadline(3600 * 1000);
      c.stream->set_deadline(20);
    });
    harness.wait([&] { return fired.size() == 1; }, "deadline");
    CHECK(fired[0] >= start + 20);
  }
  SECTION("none") {
    std::promise<void> later;
    harness.with(connection, [&](Connection& c) {
      c.stream->set_deadline(5);
      c.stream->set_deadline(0);
      c.loop->start_timer(
          40, [](void* user) { static_cast<std::promise<void>*>(user)->set_value(); }, &later);
    });
    REQUIRE(later.get_future().wait_for(kPatience) == std::future_status::ready);
    CHECK(fired.empty());
  }
  SECTION("again, from inside the callback") {
    harness.deadline = [&](Connection& c) {
      const std::lock_guard lock(harness.mutex);
      fired.push_back(c.loop->now_ms());
      if (fired.size() < 3) c.stream->set_deadline(2);
    };
    harness.with(connection, [&](Connection& c) { c.stream->set_deadline(1); });
    harness.wait([&] { return fired.size() == 3; }, "three deadlines");
  }
}

TEST_CASE("a transport can refuse a stream, with or without a last word") {
  bool say = GENERATE(false, true);
  Harness harness;
  harness.accepted = [&](Connection& c, const nx_stream_info&) {
    if (say) {
      c.write("no");
      c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_PROTOCOL, "refused");
    }
    return false;
  };
  harness.listen();
  Client client(harness.address());
  CHECK(client.receive_all() == (say ? "no" : ""));
  CHECK(harness.count_closed() == 0);  // it was never the transport's
}

TEST_CASE("accepted() may write, pause and close") {
  Harness harness;
  harness.accepted = [](Connection& c, const nx_stream_info&) {
    c.write("hello");
    c.stream->set_reading(false);
    c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_TIMEOUT, "enough");
    return true;
  };
  harness.listen();
  Client client(harness.address());
  CHECK(client.receive_all() == "hello");
  client.close();
  CHECK(harness.ended(0).reason == NX_CLOSED_TIMEOUT);
  CHECK(harness.ended(0).text == "enough");
}

TEST_CASE("accepted sockets have TCP_NODELAY, and keepalive when it is asked for") {
  Harness harness;
  harness.options.socket.keepalive_s = 77;
  harness.listen();
  Client client(harness.address());
  harness.wait_accepted(1);
  // The accepted descriptor is found by asking each one for its peer.
  SocketAddress mine;
  mine.size = sizeof mine.storage;
  REQUIRE(::getsockname(client.fd(), mine.get(), &mine.size) == 0);
  int found = -1;
  for (int fd = 3; fd < 1024 && found < 0; ++fd) {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    if (::getpeername(fd, peer.get(), &peer.size) == 0 && peer.port() == mine.port()) found = fd;
  }
  REQUIRE(found >= 0);
  const auto option = [&](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    CHECK(::getsockopt(found, level, name, &value, &size) == 0);
    return value;
  };
  CHECK(option(IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 77);
}

TEST_CASE("stopping the loops ends every stream, once, and flushes what was said") {
  Harness harness(2);
  harness.closed = [](Connection& c, const Ended&) {
    // What is said to a stream that is over goes nowhere, and does no harm.
    c.harness->expect(c.write("x") == NX_E_CLOSED, "write() after the end");
    c.harness->expect(c.stream->reserve(10) == nullptr, "reserve() after the end");
    c.stream->close(NX_CLOSE_NOW, NX_CLOSED_LOST, {});
    c.stream->set_reading(true);
    c.stream->set_deadline(1);
  };
  harness.listen();
  std::list<Client> clients;
  for (int i = 0; i < 10; ++i) clients.emplace_back(harness.address());
  harness.wait_accepted(10);
  harness.with(harness.connection(0), [](Connection& c) { c.write("bye"); });
  harness.listener.reset();
  harness.group->stop();
  CHECK(harness.count_closed() == 10);
  CHECK(harness.ended(3).reason == NX_CLOSED_BY_ROUTER);
  size_t total = 0;
  for (Client& client : clients) total += client.receive_all().size();
  CHECK(total == 3);
}

TEST_CASE("counters follow what happens") {
  Harness harness;
  harness.listen();
  const LoopCounters& counters = harness.loop().counters();
  Client client(harness.address());
  client.send("12345678");
  CHECK(client.receive(8).size() == 8);
  client.close();
  harness.wait_closed(1);
  harness.group->stop();
  CHECK(counters.accepted.value() == 1);
  CHECK(counters.ended.value() == 1);
  CHECK(counters.bytes_in.value() == 8);
  CHECK(counters.bytes_out.value() == 8);
  CHECK(counters.reads.value() >= 1);
  CHECK(counters.writes.value() >= 1);
  CHECK(counters.refused.value() == 0);
}
