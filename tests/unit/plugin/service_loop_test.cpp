// nexus.loop/1 and nexus.streams/1 as a component meets them: C types only, on real loops.
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "kernel/loop/address.hpp"
#include "kernel/loop/fd.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/services.hpp"

using namespace nexus;

namespace {

constexpr std::chrono::seconds kPatience{90};

struct Router {
  explicit Router(uint32_t count = 2) {
    auto made = LoopGroup::create(count);
    REQUIRE(made);
    loops = std::move(made).value();
    context.loops = loops.get();
    REQUIRE(loops->start());
  }
  ~Router() { loops->stop(); }
  // Runs fn on a loop and waits.
  void run(uint32_t loop, const std::function<void()>& fn) {
    std::promise<void> done;
    const bool posted = loops->loop(loop).post([&](Loop&) {
      fn();
      done.set_value();
    });
    const bool in_time = done.get_future().wait_for(kPatience) == std::future_status::ready;
    REQUIRE(posted);
    REQUIRE(in_time);
  }
  std::unique_ptr<LoopGroup> loops;
  HostContext context;
  Host host{context, "transport.test"};
};

void set(void* user) { static_cast<std::promise<void>*>(user)->set_value(); }

bool wait(std::promise<void>& promise) {
  return promise.get_future().wait_for(kPatience) == std::future_status::ready;
}

const nx_host_loop_v1& loop() { return *loop_service(); }
const nx_host_streams_v1& streams() { return *streams_service(); }

}  // namespace

TEST_CASE("loop service: count and current") {
  Router router;
  CHECK(loop().count(&router.host) == 2);
  CHECK(loop().current(&router.host) == NX_LOOP_NONE);
  uint32_t seen = 99;
  router.run(1, [&] { seen = loop().current(&router.host); });
  CHECK(seen == 1);
  // The loop of another router is none of ours.
  Router other(1);
  other.run(0, [&] { seen = loop().current(&router.host); });
  CHECK(seen == NX_LOOP_NONE);
}

TEST_CASE("loop service: a host without loops says so") {
  HostContext context;
  Host host(context, "x");
  uint64_t timer = 0;
  CHECK(loop().count(&host) == 0);
  CHECK(loop().current(&host) == NX_LOOP_NONE);
  CHECK(loop().post(&host, 0, &set, nullptr) == NX_E_STATE);
  CHECK(loop().timer_start(&host, 1, &set, nullptr, &timer) == NX_E_STATE);
  CHECK(loop().now_ms(&host) > 0);
}

TEST_CASE("loop service: post runs on the loop that was asked for, and is refused after the end") {
  Router router;
  std::promise<void> ran;
  CHECK(loop().post(&router.host, 1, &set, &ran) == NX_OK);
  CHECK(wait(ran));
  CHECK(loop().post(&router.host, 2, &set, nullptr) == NX_E_INVALID);
  CHECK(loop().post(&router.host, 0, nullptr, nullptr) == NX_E_INVALID);
  router.loops->stop();
  CHECK(loop().post(&router.host, 0, &set, nullptr) == NX_E_CLOSED);
}

TEST_CASE("loop service: timers, on loops only") {
  Router router;
  uint64_t timer = 0;
  CHECK(loop().timer_start(&router.host, 1, &set, nullptr, &timer) == NX_E_STATE);
  std::promise<void> fired;
  router.run(0, [&] {
    const auto never = [](void*) { FAIL_CHECK("it was cancelled"); };
    CHECK(loop().timer_start(&router.host, 1, never, nullptr, &timer) == NX_OK);
    CHECK(timer != 0);
    loop().timer_cancel(&router.host, timer);
    CHECK(loop().timer_start(&router.host, 10, &set, &fired, &timer) == NX_OK);
    CHECK(loop().timer_start(&router.host, 10, nullptr, nullptr, &timer) == NX_E_INVALID);
    CHECK(loop().timer_start(&router.host, 10, &set, nullptr, nullptr) == NX_E_INVALID);
  });
  CHECK(wait(fired));
}

TEST_CASE("loop service: watch reports events and ends when told to") {
  Router router;
  const UniqueFd fd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  struct Watcher {
    nx_host* host;
    std::promise<void> seen;
  } watcher{&router.host, {}};
  CHECK(loop().watch(&router.host, fd.get(), NX_FD_READ, nullptr, nullptr) == NX_E_STATE);
  nx_status refused = NX_OK;
  router.run(0, [&] {
    const auto on_ready = [](void* user, int32_t ready, uint32_t events) {
      auto& self = *static_cast<Watcher*>(user);
      if (events == NX_FD_READ && loop().watch(self.host, ready, 0, nullptr, nullptr) == NX_OK) {
        self.seen.set_value();
      }
    };
    refused = loop().watch(&router.host, -1, NX_FD_READ, on_ready, &watcher);
    CHECK(loop().watch(&router.host, fd.get(), NX_FD_READ, on_ready, &watcher) == NX_OK);
  });
  CHECK(refused == NX_E_INVALID);
  CHECK(wait(watcher.seen));
}

TEST_CASE("loop service: an owner's timers and watches end with forget(), and only his") {
  Router router;
  Host other(router.context, "transport.other");
  const UniqueFd fd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  std::promise<void> fired;
  router.run(0, [&] {
    uint64_t timer = 0;
    const auto never = [](void*) { FAIL_CHECK("its owner is gone"); };
    const auto not_seen = [](void*, int32_t, uint32_t) { FAIL_CHECK("its owner is gone"); };
    CHECK(loop().timer_start(&router.host, 1, never, nullptr, &timer) == NX_OK);
    CHECK(loop().watch(&router.host, fd.get(), NX_FD_READ, not_seen, nullptr) == NX_OK);
    CHECK(loop().timer_start(&other, 10, &set, &fired, &timer) == NX_OK);
    Loop::current()->forget(&router.host);
  });
  CHECK(wait(fired));
}

TEST_CASE("loop service: who is about to be stopped is refused what is new, and has all that was") {
  Router router;
  std::atomic<int> ran{0};
  const auto count = [](void* user) { ++*static_cast<std::atomic<int>*>(user); };
  // Four threads post until they are refused.
  std::vector<std::thread> posters;
  std::atomic<int> accepted{0};
  for (int i = 0; i < 4; ++i) {
    posters.emplace_back([&] {
      while (loop().post(&router.host, 0, count, &ran) == NX_OK) ++accepted;
    });
  }
  while (accepted < 100) std::this_thread::yield();
  router.host.gate->close();
  int before_the_barrier = -1;
  router.run(0, [&] { before_the_barrier = ran; });
  for (std::thread& poster : posters) poster.join();
  CHECK(before_the_barrier == accepted);
  CHECK(loop().post(&router.host, 0, &set, nullptr) == NX_E_CLOSED);
  router.run(0, [&] {
    uint64_t timer = 0;
    const auto ignore = [](void*, int32_t, uint32_t) {};
    CHECK(loop().timer_start(&router.host, 1, &set, nullptr, &timer) == NX_E_CLOSED);
    CHECK(loop().watch(&router.host, 0, NX_FD_READ, ignore, nullptr) == NX_E_CLOSED);
    CHECK(loop().watch(&router.host, 0, 0, nullptr, nullptr) == NX_OK);
  });
}

TEST_CASE("loop service: a letter to a loop that starts later does not reach who is gone") {
  auto made = LoopGroup::create(1);
  REQUIRE(made);
  HostContext context;
  context.loops = made.value().get();
  const auto never = [](void*) { FAIL_CHECK("it is gone"); };
  std::promise<void> ran;
  {
    Host gone(context, "authenticator.gone");
    CHECK(loop().post(&gone, 0, never, nullptr) == NX_OK);
  }
  Host there(context, "authenticator.there");
  CHECK(loop().post(&there, 0, &set, &ran) == NX_OK);
  REQUIRE(context.loops->start());
  CHECK(wait(ran));
  context.loops->stop();
}

TEST_CASE("loop service: now_ms is one clock on every thread") {
  Router router;
  const uint64_t before = loop().now_ms(&router.host);
  uint64_t inside = 0;
  router.run(0, [&] { inside = loop().now_ms(&router.host); });
  const uint64_t after = loop().now_ms(&router.host);
  CHECK(before <= inside + 1000);  // cached once per turn, so it may lag behind a little
  CHECK(inside <= after);
}

namespace {

struct Server {
  std::promise<void> closed;
  uint32_t reason = 0;
  std::string peer;
};
struct Peer {
  Server* server;
  nx_stream* stream;
};

const nx_stream_handler kEcho = {
    sizeof(nx_stream_handler),
    0,
    [](void* user, nx_stream* stream, const nx_stream_info* info) -> void* {
      auto& server = *static_cast<Server*>(user);
      server.peer = to_view(info->address);
      streams().set_deadline(stream, 3600 * 1000);
      return new Peer{&server, stream};
    },
    [](void* self, uint8_t* data, uint64_t size) -> uint64_t {
      nx_stream* const stream = static_cast<Peer*>(self)->stream;
      // Every way to write: in place, and lent.
      uint8_t* const room = streams().reserve(stream, 100);
      room[0] = '<';
      streams().commit(stream, 1);
      const nx_bytes parts[] = {{data, size}, to_nx(as_bytes(">"))};
      if (streams().write(stream, parts, 2, nullptr) != NX_OK) return 0;
      if (streams().queued(stream) != size + 2) return 0;
      if (streams().flush(stream) != 0 || streams().queued(stream) != 0) return 0;
      if (data[0] == 'q') {
        streams().close(stream, NX_CLOSE_FLUSH, NX_CLOSED_PROTOCOL, to_nx("quit"));
      }
      streams().set_reading(stream, 0);
      streams().set_reading(stream, 1);
      return size;
    },
    [](void*) {},
    [](void*) {},
    [](void* self, uint32_t reason, nx_str) {
      auto* const peer = static_cast<Peer*>(self);
      peer->server->reason = reason;
      peer->server->closed.set_value();
      delete peer;
    },
    nullptr};

}  // namespace

TEST_CASE("streams service: a listener and its streams from end to end") {
  Server server;
  Router router;
  nx_listen_options options{};
  options.struct_size = sizeof options;
  options.address = to_nx("127.0.0.1:0");
  nx_listener* listener = nullptr;
  nx_error error{};
  error.struct_size = sizeof error;
  REQUIRE(streams().listen(&router.host, &options, &kEcho, &server, &listener, &error) == NX_OK);
  nx_str address{};
  REQUIRE(streams().address(listener, 0, &address) == NX_OK);
  CHECK(streams().address(listener, 1, &address) == NX_E_INVALID);

  auto target = resolve(*parse_address(to_view(address)));
  REQUIRE(target);
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(::connect(client.get(), target->front().get(), target->front().size) == 0);
  char answer[16];
  REQUIRE(::send(client.get(), "hello", 5, 0) == 5);
  REQUIRE(::recv(client.get(), answer, 7, MSG_WAITALL) == 7);
  CHECK(std::string_view(answer, 7) == "<hello>");
  CHECK_THAT(server.peer, Catch::StartsWith("127.0.0.1:"));

  streams().close_listener(listener);
  const UniqueFd late(::socket(AF_INET, SOCK_STREAM, 0));
  CHECK(::connect(late.get(), target->front().get(), target->front().size) != 0);
  REQUIRE(::send(client.get(), "quit", 4, 0) == 4);  // the stream goes on
  REQUIRE(::recv(client.get(), answer, 6, MSG_WAITALL) == 6);
  CHECK(std::string_view(answer, 6) == "<quit>");
  CHECK(::recv(client.get(), answer, 1, 0) == 0);
  ::shutdown(client.get(), SHUT_RDWR);
  CHECK(wait(server.closed));
  CHECK(server.reason == NX_CLOSED_PROTOCOL);
}

TEST_CASE("streams service: what cannot work is refused with a text") {
  Router router;
  nx_listen_options options{};
  options.struct_size = sizeof options;
  nx_listener* listener = nullptr;
  nx_error error{};
  error.struct_size = sizeof error;
  const auto try_listen = [&](nx_host* host, const nx_stream_handler* handler) {
    error = {};
    error.struct_size = sizeof error;
    return streams().listen(host, &options, handler, nullptr, &listener, &error);
  };
  options.address = to_nx("nonsense");
  CHECK(try_listen(&router.host, &kEcho) == NX_E_CONFIG);
  CHECK_THAT(error.text, Catch::Contains("\"nonsense\""));
  options.address = to_nx("127.0.0.1:0");
  nx_stream_handler incomplete = kEcho;
  incomplete.closed = nullptr;
  CHECK(try_listen(&router.host, &incomplete) == NX_E_INVALID);
  incomplete = kEcho;
  incomplete.struct_size = 16;
  CHECK(try_listen(&router.host, &incomplete) == NX_E_INVALID);
  CHECK(try_listen(&router.host, nullptr) == NX_E_INVALID);
  HostContext without_loops;
  Host host(without_loops, "x");
  CHECK(try_listen(&host, &kEcho) == NX_E_STATE);
  // A null error struct is fine.
  CHECK(streams().listen(&router.host, &options, nullptr, nullptr, &listener, nullptr) ==
        NX_E_INVALID);
  streams().close_listener(nullptr);
}

TEST_CASE("streams service: options of an older, shorter struct have their defaults") {
  Server server;
  Router router;
  nx_listen_options options{};
  options.address = to_nx("127.0.0.1:0");
  options.struct_size = offsetof(nx_listen_options, max_connections);
  // What lies behind the older struct is not the component's.
  options.tls_certificate = to_nx("/not/read");
  options.max_connections = 1;
  nx_listener* listener = nullptr;
  REQUIRE(streams().listen(&router.host, &options, &kEcho, &server, &listener, nullptr) == NX_OK);
  streams().close_listener(listener);
}
