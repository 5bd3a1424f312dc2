// Listeners: where they can be, what they refuse, and how they spread connections over loops.
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "tests/unit/loop/harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string refused(Harness& harness, const std::string& address) {
  harness.options.address = address;
  const Status status = harness.try_listen();
  REQUIRE_FALSE(status);
  CHECK_THAT(status.text(), Catch::Contains(address));
  return status.text();
}

std::string port_of(const std::string& address) { return address.substr(address.rfind(':')); }

void echo(const std::string& address) {
  Client client(address);
  REQUIRE(client.connected());
  client.send("ping");
  CHECK(client.receive(4) == "ping");
}

}  // namespace

TEST_CASE("address :0 serves both families on one port") {
  std::string seen;
  Harness harness;
  harness.accepted = [&](Connection&, const nx_stream_info& info) {
    seen = to_view(info.address);
    return true;
  };
  harness.options.address = ":0";
  harness.listen();
  REQUIRE(harness.listener->addresses().size() == 2);
  const std::string port = port_of(harness.address());
  CHECK(port != ":0");
  CHECK(harness.address(0) == "0.0.0.0" + port);
  CHECK(harness.address(1) == "[::]" + port);
  echo("127.0.0.1" + port);
  CHECK_THAT(seen, Catch::StartsWith("127.0.0.1:"));
  echo("[::1]" + port);
  CHECK_THAT(seen, Catch::StartsWith("[::1]:"));
}

TEST_CASE("address [::]:0 serves IPv6 only") {
  Harness harness;
  harness.options.address = "[::]:0";
  harness.listen();
  REQUIRE(harness.listener->addresses().size() == 1);
  echo("[::1]" + port_of(harness.address()));
  CHECK_FALSE(Client("127.0.0.1" + port_of(harness.address())).connected());
}

TEST_CASE("a name listens at each of its addresses, on one port") {
  Harness harness;
  harness.options.address = "localhost:0";
  harness.listen();
  for (const std::string& address : harness.listener->addresses()) {
    CHECK(port_of(address) == port_of(harness.address()));
    echo(address);
  }
}

TEST_CASE("a port that is taken is refused, not shared") {
  Harness first;
  first.listen();
  Harness second;
  const std::string text = refused(second, first.address());
  CHECK_THAT(text, Catch::Contains("in use"));
  CHECK_THAT(text, Catch::Contains("another program uses it"));
}

TEST_CASE("a port is free again as soon as its listener is closed, streams or not") {
  Harness first;
  first.listen();
  const std::string address = first.address();
  Client client(address);
  first.wait_accepted(1);
  first.listener->close();
  CHECK_FALSE(Client(address).connected());
  Harness second;
  second.options.address = address;
  second.listen();
  echo(address);
  client.send("still");
  CHECK(client.receive(5) == "still");
}

TEST_CASE("an address of no interface is refused with a reason") {
  Harness harness;
  CHECK_THAT(refused(harness, "192.0.2.1:8080"), Catch::Contains("no interface"));
}

TEST_CASE("abstract Unix sockets work by their exact name, and take a name once") {
  Harness first;
  const std::string name = "unix:@nexus-test-" + std::to_string(::getpid());
  first.options.address = name;
  first.listen();
  CHECK(first.address() == name);
  echo(name);
  Harness second;
  CHECK_THAT(refused(second, name), Catch::Contains("in use"));
}

TEST_CASE("the file of a Unix socket comes with its rights and goes with its listener") {
  TempFolder folder;
  Harness harness;
  harness.options.address = "unix:" + folder.path("socket");
  harness.options.socket.unix_mode = 0627;
  harness.options.socket.unix_owner = std::to_string(::getuid());
  harness.options.socket.unix_group = std::to_string(::getgid());
  harness.listen();
  struct stat info;
  REQUIRE(::lstat(folder.path("socket").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0627);
  CHECK(info.st_uid == ::getuid());
  echo(harness.address());
  harness.listener->close();
  CHECK(::lstat(folder.path("socket").c_str(), &info) != 0);
}

TEST_CASE("a stale socket file is replaced") {
  TempFolder folder;
  const std::string path = folder.path("socket");
  {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    auto address = resolve(*parse_address("unix:" + path));
    REQUIRE(::bind(fd.get(), address->front().get(), address->front().size) == 0);
    REQUIRE(::listen(fd.get(), 1) == 0);
  }
  REQUIRE(std::filesystem::exists(path));
  Harness harness;
  harness.options.address = "unix:" + path;
  harness.listen();
  echo(harness.address());
}

TEST_CASE("a live socket file is refused, and left alone") {
  TempFolder folder;
  Harness first;
  first.options.address = "unix:" + folder.path("socket");
  first.listen();
  {
    Harness second;
    CHECK_THAT(refused(second, first.address()), Catch::Contains("another process is listening"));
  }
  echo(first.address());
}

TEST_CASE("a file that somebody else has put there since is not removed") {
  TempFolder folder;
  Harness first;
  first.options.address = "unix:" + folder.path("socket");
  first.listen();
  REQUIRE(std::filesystem::remove(folder.path("socket")));
  Harness second;
  second.options.address = first.options.address;
  second.listen();
  first.listener->close();
  echo(second.address());
}

TEST_CASE("what cannot be a socket's place is refused with a hint") {
  TempFolder folder;
  Harness harness;
  std::ofstream(folder.path("file")) << "precious";
  CHECK_THAT(refused(harness, "unix:" + folder.path("file")), Catch::Contains("is no socket"));
  CHECK(std::filesystem::exists(folder.path("file")));
  CHECK_THAT(refused(harness, "unix:" + folder.path("none/socket")),
             Catch::Contains("create the folder"));
  harness.options.socket.unix_owner = "no-such-user";
  CHECK_THAT(refused(harness, "unix:" + folder.path("a")),
             Catch::Contains("no user \"no-such-user\""));
  CHECK_FALSE(std::filesystem::exists(folder.path("a")));
  harness.options.socket.unix_owner.clear();
  harness.options.socket.unix_group = "no-such-group";
  CHECK_THAT(refused(harness, "unix:" + folder.path("b")),
             Catch::Contains("no group \"no-such-group\""));
}

TEST_CASE("max_connections: one more is closed at once, and a place that is free is used") {
  Harness harness;
  harness.options.max_connections = 2;
  harness.listen();
  Client first(harness.address());
  Client second(harness.address());
  harness.wait_accepted(2);
  Client third(harness.address());
  third.end();
  CHECK(harness.count_accepted() == 2);
  CHECK(harness.listener->connections() == 2);
  CHECK(harness.loop().counters().refused.value() == 1);
  CHECK_THAT(harness.log_text(), Catch::Contains("max_connections"));
  first.close();
  harness.wait_closed(1);
  on_loop(harness.loop(), [] {});
  CHECK(harness.listener->connections() == 1);
  echo(harness.address());
}

TEST_CASE("connections are spread evenly over the loops") {
  constexpr uint32_t kLoops = 4;
  Harness harness(kLoops);
  harness.listen();
  std::list<Client> clients;
  constexpr size_t kEach = 10;
  for (size_t i = 0; i < kLoops * kEach; ++i) clients.emplace_back(harness.address());
  harness.wait_accepted(kLoops * kEach);
  std::map<EventLoop*, size_t> count;
  for (size_t i = 0; i < kLoops * kEach; ++i) ++count[harness.connection(i).loop];
  REQUIRE(count.size() == kLoops);
  // Two loops that place at the same moment may choose the same one.
  for (const auto& [loop, connections] : count) {
    CHECK(connections + kLoops >= kEach);
    CHECK(connections <= kEach + kLoops);
    CHECK(loop->connections == connections);
  }
  // Each answers, wherever it lives.
  for (Client& client : clients) {
    client.send("hi");
    REQUIRE(client.receive(2) == "hi");
  }
}

TEST_CASE("running out of descriptors pauses accepting, says so, and does not spin") {
  Harness harness;
  harness.listen();
  Client before(harness.address());
  harness.wait_accepted(1);
  // Everything that is used below is used once before: the first time that UBSan meets a type it
  // opens a pipe to look at it.
  before.send("ping");
  REQUIRE(before.receive(4) == "ping");
  // Room for exactly one more descriptor: the client's own.
  rlimit limit;
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit old = limit;
  {
    const UniqueFd next(::dup(0));
    limit.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  }
  // Fill the holes below, so that the limit is really reached.
  std::list<UniqueFd> filling;
  const bool limited = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) filling.emplace_back(fd);
  filling.pop_back();
  Client waiting(harness.address());  // connects: the kernel queues it
  const bool connected = waiting.connected();
  const LoopCounters& counters = harness.loop().counters();
  const auto patience = std::chrono::steady_clock::now() + kPatience;
  while (counters.accept_pauses.value() < 3 && std::chrono::steady_clock::now() < patience) {
    before.send("ping");  // the streams that are there work on
    if (before.receive(4) != "ping") break;
  }
  const uint64_t turns = counters.turns.value();
  const uint64_t pauses = counters.accept_pauses.value();
  for (int i = 0; i < 200; ++i) {
    before.send("ping");
    before.receive(4);
  }
  const uint64_t more_turns = counters.turns.value() - turns;
  const uint64_t more_pauses = counters.accept_pauses.value() - pauses;
  const size_t accepted = harness.count_accepted();
  filling.clear();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &old) == 0);

  CHECK(limited);
  CHECK(connected);
  CHECK(pauses >= 3);
  CHECK(more_turns <= 2 * 200 + 4 * (more_pauses + 1));
  CHECK(accepted == 1);
  waiting.send("hi");
  CHECK(waiting.receive(2) == "hi");  // once there are descriptors again
  const std::string log = harness.log_text();
  CHECK_THAT(log, Catch::Contains("cannot accept connections: Too many open files"));
  CHECK_THAT(log, Catch::Contains("LimitNOFILE"));
}

TEST_CASE("after close() no connection is announced any more") {
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> closed{false};
    Harness harness(2);
    harness.accepted = [&](Connection&, const nx_stream_info&) {
      harness.expect(!closed, "accepted() after close() had returned");
      return true;
    };
    harness.listen();
    const std::string address = harness.address();
    std::atomic<bool> stop{false};
    std::thread crowd([&] {
      auto target = resolve(*parse_address(address));
      while (!stop) {
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
        if (::connect(fd.get(), target->front().get(), target->front().size) != 0) return;
      }
    });
    harness.wait_accepted(5);
    harness.listener->close();
    closed = true;
    stop = true;
    crowd.join();
    harness.listener->close();  // again is no error
  }
}

TEST_CASE("a listener can be opened before its loops start, and closed without them") {
  auto group = LoopGroup::create(2);
  REQUIRE(group);
  ListenOptions options;
  options.address = "127.0.0.1:0";
  const nx_stream_handler handler{};
  std::string address;
  {
    auto listener = Listener::open(**group, options, &handler, nullptr, nullptr, "test");
    REQUIRE(listener);
    address = (*listener)->addresses()[0];
  }
  options.address = address;  // free again
  auto again = Listener::open(**group, options, &handler, nullptr, nullptr, "test");
  CHECK(again);
  REQUIRE((*group)->start());
  again->reset();
  CHECK_FALSE(Client(address).connected());
}

TEST_CASE("a listener may be closed after its loops have stopped, and cannot be opened then") {
  Harness harness;
  harness.listen();
  const std::string address = harness.address();
  harness.group->stop();
  CHECK_THAT(refused(harness, "127.0.0.1:0"), Catch::Contains("have ended"));
  harness.listener.reset();
  CHECK_FALSE(Client(address).connected());
}

TEST_CASE("a listener may be closed on a loop") {
  Harness harness(2);
  harness.listen();
  const std::string address = harness.address();
  on_loop(harness.loop(), [&] { harness.listener->close(); });
  on_loop(harness.loop(0), [] {});
  on_loop(harness.loop(1), [] {});
  on_loop(harness.loop(0), [] {});
  CHECK_FALSE(Client(address).connected());
}
