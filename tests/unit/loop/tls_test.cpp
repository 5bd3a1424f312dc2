// Streams with TLS, against OpenSSL's own client.
#include <openssl/err.h>

#include <atomic>
#include <thread>

#include "tests/unit/loop/tls_client.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("TLS: bytes come back, in every version and size") {
  TlsHarness test;
  test.harness.listen();
  TlsClient::Settings settings;
  settings.max_version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsClient client(test.address(), settings);
  REQUIRE(client.connected());
  for (size_t size : {1, 100, 16384, 16385, 70000}) {
    const std::string bytes = pattern(size);
    REQUIRE(client.send(bytes));
    REQUIRE(client.receive(size) == bytes);
  }
  const bool is_13 = settings.max_version == TLS1_3_VERSION;
  CHECK(test.info.flags == NX_STREAM_TLS);
  CHECK(test.info.version == (is_13 ? "TLSv1.3" : "TLSv1.2"));
  CHECK_THAT(test.info.address, Catch::StartsWith("127.0.0.1:"));
  CHECK(test.info.alpn.empty());
  CHECK(test.info.certificate.empty());
  CHECK(test.harness.loop().counters().tls_handshakes.value() == 1);
}

TEST_CASE("TLS: channel bindings are the same on both sides") {
  TlsHarness test;
  test.harness.listen();
  SECTION("1.3: the exporter only") {
    TlsClient client(test.address());
    test.harness.wait_accepted(1);
    REQUIRE(client.connected());
    CHECK(test.info.exporter == client.exporter());
    CHECK(test.info.unique.empty());
  }
  SECTION("1.2: exporter and Finished, also in a resumed session") {
    TlsClient::Settings settings;
    settings.max_version = TLS1_2_VERSION;
    TlsClient client(test.address(), settings);
    REQUIRE(client.connected());
    test.harness.connection(0);
    CHECK(test.info.exporter == client.exporter());
    char finished[64];
    size_t size = SSL_get_finished(client.ssl(), finished, sizeof finished);
    CHECK(size > 0);
    CHECK(test.info.unique == std::string(finished, size));

    const Owned<SSL_SESSION> session(SSL_get1_session(client.ssl()));
    settings.resume = session.get();
    TlsClient again(test.address(), settings);
    REQUIRE(again.connected());
    CHECK(SSL_session_reused(again.ssl()) == 1);
    test.harness.connection(1);
    size = SSL_get_peer_finished(again.ssl(), finished, sizeof finished);
    CHECK(test.info.unique == std::string(finished, size));
    CHECK(test.info.exporter == again.exporter());
  }
}

TEST_CASE("TLS: sessions are resumed by tickets in 1.3 too") {
  TlsHarness test;
  test.harness.listen();
  TlsClient first(test.address());
  REQUIRE(first.connected());
  REQUIRE(first.send("x"));
  CHECK(first.receive(1) == "x");  // the ticket comes before this
  const Owned<SSL_SESSION> session(SSL_get1_session(first.ssl()));
  TlsClient::Settings settings;
  settings.resume = session.get();
  TlsClient second(test.address(), settings);
  REQUIRE(second.connected());
  CHECK(SSL_session_reused(second.ssl()) == 1);
}

TEST_CASE("TLS: a turn's writes become few records and one system call") {
  TlsHarness test;
  test.harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.connected());
  Connection& connection = test.harness.connection(0);
  // The session ticket leaves at the end of the turn of the handshake, so twice.
  on_loop(*connection.loop, [] {});
  on_loop(*connection.loop, [] {});
  const LoopCounters& counters = test.harness.loop().counters();
  const uint64_t writes = counters.writes.value();
  const uint64_t bytes = counters.bytes_out.value();
  test.harness.with(connection, [](Connection& c) {
    for (int i = 0; i < 1000; ++i) c.write("0123456789");
  });
  CHECK(client.receive(10000).size() == 10000);
  on_loop(*connection.loop, [] {});
  CHECK(counters.writes.value() - writes == 1);
  CHECK(counters.bytes_out.value() - bytes < 10000 + 5 * 64);
}

TEST_CASE("TLS: back-pressure, drained() and shared buffers") {
  std::atomic<int> drained{0};
  TlsHarness test;
  Harness& harness = test.harness;
  harness.drained = [&](Connection&) {
    const std::lock_guard lock(harness.mutex);
    ++drained;
  };
  harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.connected());
  const std::string large = pattern(12 << 20);
  const BufferRef buffer = BufferRef::copy_of(as_bytes(large));
  harness.with(harness.connection(0), [&](Connection& c) {
    const nx_bytes parts[] = {to_nx(as_bytes("<")), to_nx(buffer.bytes()), to_nx(as_bytes(">"))};
    CHECK(c.stream->write(parts, 3, buffer.get()) == NX_OK);
    CHECK(buffer.get()->count == 2);
    CHECK(c.stream->queued() > 0);
  });
  CHECK(drained == 0);
  CHECK(client.receive(large.size() + 2) == "<" + large + ">");
  harness.wait([&] { return drained == 1 && buffer.get()->count == 1; }, "drained()");
}

TEST_CASE("TLS: what is encrypted and not yet taken by the socket is still queued") {
  std::atomic<int> drained{0};
  TlsHarness test;
  Harness& harness = test.harness;
  harness.drained = [&](Connection& c) {
    harness.expect(c.stream->queued() == 0, "drained() means empty");
    const std::lock_guard lock(harness.mutex);
    ++drained;
  };
  harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.connected());
  const std::string bytes = pattern(100000);
  // Turn by turn, until the peer, who reads nothing, takes no more.
  size_t written = 0;
  uint64_t queued = 0;
  while (queued == 0 && written < (64 << 20)) {
    harness.with(harness.connection(0), [&](Connection& c) {
      CHECK(c.write(bytes) == NX_OK);
      written += bytes.size();
    });
    // The turn has ended, so all of it is encrypted.
    harness.with(harness.connection(0), [&](Connection& c) { queued = c.stream->queued(); });
  }
  CHECK(queued > 0);
  CHECK(drained == 0);
  CHECK(client.receive(written).size() == written);
  harness.wait([&] { return drained == 1; }, "drained()");
}

TEST_CASE("TLS: long messages, and pauses with decrypted bytes left over") {
  const size_t size = 700000;
  TlsHarness test;
  Harness& harness = test.harness;
  harness.received = [&](Connection& c, uint8_t* data, uint64_t have) -> uint64_t {
    if (have < size) return 0;
    const std::lock_guard lock(harness.mutex);
    c.got.assign(reinterpret_cast<char*>(data), size);
    ++c.number;
    c.stream->set_reading(false);
    return size;
  };
  harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.connected());
  const std::string bytes = pattern(size);
  REQUIRE(client.send(bytes));
  Connection& connection = harness.connection(0);
  harness.wait([&] { return connection.number == 1; }, "the first message");
  CHECK(connection.got == bytes);
  REQUIRE(client.send(bytes.substr(0, size / 2)));
  harness.with(connection, [](Connection& c) { c.stream->set_reading(true); });
  REQUIRE(client.send(bytes.substr(size / 2)));
  harness.wait([&] { return connection.number == 2; }, "the second message");
  CHECK(connection.got == bytes);
}

TEST_CASE("TLS: bytes that come with the end of the handshake are delivered") {
  const bool paused = GENERATE(false, true);
  TlsHarness test;
  Harness& harness = test.harness;
  const auto info = harness.accepted;
  harness.accepted = [&](Connection& c, const nx_stream_info& from) {
    if (paused) c.stream->set_reading(false);
    return info(c, from);
  };
  harness.listen();
  // TLS 1.3: our Finished and the first record leave the client in one segment.
  Client socket(test.address());
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  BIO_set_mem_eof_return(in, -1);
  const auto flush = [&] {
    char block[65536];
    const int size = BIO_read(out, block, sizeof block);
    if (size > 0) socket.send({block, static_cast<size_t>(size)});
  };
  SSL_set_connect_state(ssl.get());
  while (SSL_do_handshake(ssl.get()) != 1) {
    flush();
    const std::string byte = socket.receive(1);
    REQUIRE(byte.size() == 1);
    BIO_write(in, byte.data(), 1);
  }
  REQUIRE(SSL_write(ssl.get(), "early", 5) == 5);
  flush();  // Finished and "early" together
  Connection& connection = harness.connection(0);
  if (paused) {
    harness.with(connection, [](Connection& c) {
      CHECK(c.stream->unused() == 5);
      c.stream->set_reading(true);
    });
  }
  std::string got;
  while (got.size() < 5) {
    const std::string byte = socket.receive(1);
    REQUIRE(byte.size() == 1);
    BIO_write(in, byte.data(), 1);
    char block[16];
    const int size = SSL_read(ssl.get(), block, sizeof block);
    if (size > 0) got.append(block, static_cast<size_t>(size));
  }
  CHECK(got == "early");
}

TEST_CASE("TLS: a handshake that does not come to its end is given up") {
  TlsHarness test;
  test.harness.options.handshake_timeout_ms = 30;
  test.harness.listen();
  Client silent(test.address());
  CHECK(silent.end() == 0);
  CHECK(test.harness.count_accepted() == 0);
  CHECK_THAT(test.harness.log_text(), Catch::Contains("TLS handshake timed out"));
  CHECK(test.harness.loop().counters().tls_failures.value() == 1);
}

TEST_CASE("TLS: a handshake deadline does not outlive the handshake") {
  TlsHarness test;
  test.harness.options.handshake_timeout_ms = 2000;
  test.harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.connected());
  std::promise<void> later;
  test.harness.deadline = [](Connection& c) { c.harness->expect(false, "no deadline was set"); };
  test.harness.with(test.harness.connection(0), [&](Connection& c) {
    c.loop->start_timer(
        2200, [](void* user) { static_cast<std::promise<void>*>(user)->set_value(); }, &later);
  });
  REQUIRE(later.get_future().wait_for(kPatience) == std::future_status::ready);
  REQUIRE(client.send("x"));
  CHECK(client.receive(1) == "x");
}

TEST_CASE("TLS: what is no TLS is refused with an alert and a line in the log") {
  TlsHarness test;
  test.harness.listen();
  Client client(test.address());
  client.send(GENERATE(std::string("GET / HTTP/1.1\r\nHost: example\r\n\r\n"), pattern(3000)));
  client.end();
  CHECK(test.harness.count_accepted() == 0);
  CHECK_THAT(test.harness.log_text(), Catch::Contains("127.0.0.1:"));
  CHECK_THAT(test.harness.log_text(), Catch::Contains("TLS handshake failed"));
}

TEST_CASE("TLS: a damaged record ends the stream with NX_CLOSED_TLS and a text") {
  TlsHarness test;
  test.harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.connected());
  REQUIRE(client.send("x"));
  CHECK(client.receive(1) == "x");
  std::string record = pattern(64);
  record.replace(0, 5, std::string("\x17\x03\x03\x00\x3b", 5));
  client.socket().send(record);
  const Ended ended = test.harness.ended(0);
  CHECK(ended.reason == NX_CLOSED_TLS);
  CHECK_THAT(ended.text, Catch::StartsWith("TLS record: "));
  CHECK(client.end() == SSL_ERROR_SSL);  // an alert tells the client why
}

TEST_CASE("TLS: the end is said with close_notify, and heard") {
  TlsHarness test;
  test.harness.listen();
  TlsClient client(test.address());
  REQUIRE(client.connected());
  Connection& connection = test.harness.connection(0);
  // A client that closes without having read its session ticket would cause a reset.
  REQUIRE(client.send("x"));
  REQUIRE(client.receive(1) == "x");
  SECTION("ours") {
    test.harness.with(connection, [](Connection& c) {
      c.write("bye");
      c.stream->close(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, "done");
    });
    CHECK(client.receive(3) == "bye");
    CHECK(client.end() == SSL_ERROR_ZERO_RETURN);
    client.socket().close();
    CHECK(test.harness.ended(0).reason == NX_CLOSED_BY_ROUTER);
  }
  SECTION("theirs") {
    REQUIRE(client.send("bye"));
    SSL_shutdown(client.ssl());
    CHECK(client.receive(3) == "bye");
    CHECK(client.end() == SSL_ERROR_ZERO_RETURN);  // answered
    CHECK(test.harness.ended(0).reason == NX_CLOSED_BY_PEER);
  }
  SECTION("theirs, while reading is paused") {
    test.harness.with(connection, [](Connection& c) { c.stream->set_reading(false); });
    SSL_shutdown(client.ssl());
    client.socket().close();
    CHECK(test.harness.ended(0).reason == NX_CLOSED_BY_PEER);
  }
  SECTION("theirs, behind bytes that were not used yet") {
    test.harness.with(connection, [](Connection& c) { c.stream->set_reading(false); });
    REQUIRE(client.send("bye"));
    SSL_shutdown(client.ssl());
    client.socket().half_close();
    // Until the loop has seen all of it, which it may not act upon.
    for (int i = 0; i < 100; ++i) on_loop(*connection.loop, [] {});
    CHECK(test.harness.count_closed() == 0);
    test.harness.with(connection, [](Connection& c) { c.stream->set_reading(true); });
    CHECK(client.receive(3) == "bye");
    CHECK(test.harness.ended(0).reason == NX_CLOSED_BY_PEER);
  }
  SECTION("none at all") {
    client.socket().close();
    CHECK(test.harness.ended(0).reason == NX_CLOSED_BY_PEER);
  }
}

TEST_CASE("TLS: many handshakes at once succeed") {
  TlsHarness test;
  test.harness.listen();
  std::vector<std::thread> threads;
  std::atomic<int> connected{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        auto target = resolve(*parse_address(test.address()));
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
        if (::connect(fd.get(), target->front().get(), target->front().size) != 0) continue;
        const Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
        const Owned<SSL> ssl(SSL_new(context.get()));
        SSL_set_fd(ssl.get(), fd.get());
        if (SSL_connect(ssl.get()) == 1) ++connected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(connected == 100);
  test.harness.wait_closed(test.harness.count_accepted());
}

TEST_CASE("TLS: no stream is announced after its listener is closed") {
  TlsHarness test;
  test.harness.listen();
  Client socket(test.address());
  test.harness.wait([&] { return test.harness.listener->connections() == 1; }, "connection");
  test.harness.listener->close();
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), socket.fd());
  SSL_connect(ssl.get());
  char byte;
  CHECK(SSL_read(ssl.get(), &byte, 1) <= 0);
  CHECK(test.harness.count_accepted() == 0);
}
