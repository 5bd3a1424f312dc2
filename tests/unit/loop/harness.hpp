// Harness for the tests of kernel/loop: a loop group with a listener whose handler is made of
// lambdas, and plain blocking clients. Nothing here sleeps; every wait has a generous deadline.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/loop/event_loop.hpp"
#include "kernel/loop/listener.hpp"

namespace nexus::test {

constexpr std::chrono::seconds kPatience{90};

// A folder of its own, removed with what is in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// Runs fn on the loop's thread and waits for it.
void on_loop(Loop& loop, const std::function<void()>& fn);

// A blocking socket with deadlines.
class Client {
 public:
  Client() = default;
  explicit Client(const std::string& address, int receive_buffer = 0);
  bool connected() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void send(std::string_view bytes);
  // Sends until the other side takes no more or `most` bytes are gone; answers how many.
  size_t send_until_full(size_t most);
  std::string receive(size_t size);  // exactly `size` bytes, or fewer at the end
  std::string receive_all();         // to the end of the stream
  // Waits for the end: 0 = orderly, else errno.
  int end();
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  void reset();  // closes with a TCP reset

 private:
  void wait_for(short events);
  UniqueFd fd_;
};

struct Connection;

struct Ended {
  uint32_t reason = 0;
  std::string text;
};

class Harness {
 public:
  explicit Harness(uint32_t loops = 1);
  ~Harness();

  // Called on loop threads. Set before listen().
  std::function<bool(Connection&, const nx_stream_info&)> accepted;
  std::function<uint64_t(Connection&, uint8_t*, uint64_t)> received;  // default: echo
  std::function<void(Connection&)> drained;
  std::function<void(Connection&)> deadline;
  std::function<void(Connection&)> flushing;
  std::function<void(Connection&, const Ended&)> closed;

  ListenOptions options;  // address "127.0.0.1:0" unless changed
  LogOptions log_options;

  void listen();
  Status try_listen();
  std::string address(size_t index = 0) const { return listener->addresses().at(index); }

  // Waits until the predicate holds. It is looked at under the lock, after every callback and
  // every few milliseconds.
  void wait(const std::function<bool()>& predicate, const char* what);
  size_t count_accepted();
  size_t count_closed();
  void wait_accepted(size_t count);
  void wait_closed(size_t count);
  Connection& connection(size_t index);  // in the order of accepting
  Ended ended(size_t index);             // in the order of ending
  // Runs fn on the connection's loop, if it has not ended; waits for it.
  void with(Connection& connection, const std::function<void(Connection&)>& fn);
  EventLoop& loop(uint32_t index = 0) { return static_cast<EventLoop&>(group->loop(index)); }
  std::string log_text();
  // CHECK for callbacks: Catch's own macros are not for several threads at once. Reported when the
  // harness ends. (Inside with() and on_loop() the test's thread waits, and CHECK is fine.)
  void expect(bool holds, const char* what);

  std::unique_ptr<LoopGroup> group;
  std::unique_ptr<Log> log;
  std::unique_ptr<Listener> listener;
  std::mutex mutex;
  std::condition_variable changed;

 private:
  friend struct Connection;
  static const nx_stream_handler* handler();
  void note();

  std::list<Connection> connections_;
  std::vector<Ended> ended_;
  std::string log_text_;
  std::vector<std::string> failures_;
};

struct Connection {
  Harness* harness = nullptr;
  Stream* stream = nullptr;  // null once it has ended
  EventLoop* loop = nullptr;
  std::string got;      // for the tests' own use
  uint64_t number = 0;  // likewise

  nx_status write(std::string_view bytes) {
    const nx_bytes part = to_nx(as_bytes(bytes));
    return stream->write(&part, 1, nullptr);
  }
};

std::string pattern(size_t size, uint32_t seed = 1);

}  // namespace nexus::test
