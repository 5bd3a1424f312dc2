// The harness of this folder's tests; see harness.hpp. (Named *_test.cpp because that is what the
// build collects.)
#include "tests/unit/loop/harness.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "kernel/loop/address.hpp"

namespace nexus::test {

TempFolder::TempFolder() {
  std::string name = std::filesystem::temp_directory_path() / "nexus-loop-XXXXXX";
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void on_loop(Loop& loop, const std::function<void()>& fn) {
  std::promise<void> done;
  const bool posted = loop.post([&](Loop&) {
    fn();
    done.set_value();
  });
  REQUIRE(posted);
  // Not inside the macro: fn may contain assertions, which must not be nested.
  const bool in_time = done.get_future().wait_for(kPatience) == std::future_status::ready;
  REQUIRE(in_time);
}

Client::Client(const std::string& address, int receive_buffer) {
  auto parsed = parse_address(address);
  REQUIRE(parsed);
  auto targets = resolve(*parsed);
  REQUIRE(targets);
  const SocketAddress& target = targets->front();
  fd_ = UniqueFd(::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(fd_);
  if (receive_buffer > 0) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (::connect(fd_.get(), target.get(), target.size) != 0) fd_.reset();
}

void Client::wait_for(short events) {
  pollfd entry{fd_.get(), events, 0};
  const auto patience = std::chrono::milliseconds(kPatience).count();
  REQUIRE(::poll(&entry, 1, static_cast<int>(patience)) == 1);
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    wait_for(POLLOUT);
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    REQUIRE(sent > 0);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

size_t Client::send_until_full(size_t most) {
  const std::string block(16 << 10, 'x');
  size_t total = 0;
  while (total < most) {
    const size_t size = std::min(block.size(), most - total);
    const ssize_t sent = ::send(fd_.get(), block.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) break;
    total += static_cast<size_t>(sent);
  }
  return total;
}

std::string Client::receive(size_t size) {
  std::string result(size, 0);
  size_t have = 0;
  while (have < size) {
    wait_for(POLLIN);
    const ssize_t got = ::recv(fd_.get(), result.data() + have, size - have, 0);
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  result.resize(have);
  return result;
}

std::string Client::receive_all() {
  std::string result;
  for (;;) {
    const std::string piece = receive(1);
    if (piece.empty()) return result;
    result += piece;
    char block[65536];
    const ssize_t got = ::recv(fd_.get(), block, sizeof block, MSG_DONTWAIT);
    if (got > 0) result.append(block, static_cast<size_t>(got));
  }
}

int Client::end() {
  char block[65536];
  for (;;) {
    wait_for(POLLIN);
    const ssize_t got = ::recv(fd_.get(), block, sizeof block, 0);
    if (got == 0) return 0;
    if (got < 0) return errno;
  }
}

void Client::reset() {
  const linger drop{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  fd_.reset();
}

Harness::Harness(uint32_t loops) {
  options.address = "127.0.0.1:0";
  log_options.sink = [this](std::string_view line) {
    const std::lock_guard lock(mutex);
    log_text_ += line;
    log_text_ += '\n';
    changed.notify_all();
  };
  auto made = LoopGroup::create(loops);
  REQUIRE(made);
  group = std::move(made).value();
  REQUIRE(group->start());
}

Harness::~Harness() {
  listener.reset();
  group->stop();
  group.reset();
  log.reset();
  for (const std::string& failure : failures_) FAIL_CHECK("on a loop: " << failure);
}

void Harness::expect(bool holds, const char* what) {
  if (holds) return;
  const std::lock_guard lock(mutex);
  failures_.emplace_back(what);
}

Status Harness::try_listen() {
  log = std::make_unique<Log>(log_options);
  auto opened = Listener::open(*group, options, handler(), this, log.get(), "transport.test");
  if (!opened) return opened.status();
  listener = std::move(opened).value();
  return Status::ok();
}

void Harness::listen() {
  const Status status = try_listen();
  INFO(status.text());
  REQUIRE(status);
}

const nx_stream_handler* Harness::handler() {
  static const nx_stream_handler table = {
      sizeof(nx_stream_handler),
      0,
      [](void* user, nx_stream* stream, const nx_stream_info* info) -> void* {
        auto& harness = *static_cast<Harness*>(user);
        Connection* connection = nullptr;
        {
          const std::lock_guard lock(harness.mutex);
          connection = &harness.connections_.emplace_back();
          connection->harness = &harness;
          connection->stream = &Stream::of(stream);
          connection->loop = EventLoop::current_loop();
        }
        const bool keep = !harness.accepted || harness.accepted(*connection, *info);
        harness.note();
        return keep ? connection : nullptr;
      },
      [](void* self, uint8_t* data, uint64_t size) -> uint64_t {
        auto& connection = *static_cast<Connection*>(self);
        Harness& harness = *connection.harness;
        uint64_t used = size;
        if (harness.received) {
          used = harness.received(connection, data, size);
        } else {
          connection.write({reinterpret_cast<const char*>(data), static_cast<size_t>(size)});
        }
        harness.note();
        return used;
      },
      [](void* self) {
        auto& connection = *static_cast<Connection*>(self);
        if (connection.harness->drained) connection.harness->drained(connection);
        connection.harness->note();
      },
      [](void* self) {
        auto& connection = *static_cast<Connection*>(self);
        if (connection.harness->deadline) connection.harness->deadline(connection);
        connection.harness->note();
      },
      [](void* self, uint32_t reason, nx_str text) {
        auto& connection = *static_cast<Connection*>(self);
        Harness& harness = *connection.harness;
        const Ended ended{reason, std::string(to_view(text))};
        if (harness.closed) harness.closed(connection, ended);
        const std::lock_guard lock(harness.mutex);
        connection.stream = nullptr;
        harness.ended_.push_back(ended);
        harness.changed.notify_all();
      },
      [](void* self) {
        auto& connection = *static_cast<Connection*>(self);
        if (connection.harness->flushing) connection.harness->flushing(connection);
      },
      nullptr};
  return &table;
}

void Harness::note() {
  const std::lock_guard lock(mutex);
  changed.notify_all();
}

void Harness::wait(const std::function<bool()>& predicate, const char* what) {
  std::unique_lock lock(mutex);
  INFO("waiting for: " << what);
  // Counters change without a callback, so it is looked at now and then as well.
  const auto end = std::chrono::steady_clock::now() + kPatience;
  bool in_time = predicate();
  while (!in_time && std::chrono::steady_clock::now() < end) {
    in_time = changed.wait_for(lock, std::chrono::milliseconds(10), predicate);
  }
  lock.unlock();
  REQUIRE(in_time);
}

size_t Harness::count_accepted() {
  const std::lock_guard lock(mutex);
  return connections_.size();
}

size_t Harness::count_closed() {
  const std::lock_guard lock(mutex);
  return ended_.size();
}

void Harness::wait_accepted(size_t count) {
  wait([&] { return connections_.size() >= count; }, "accepted()");
}

void Harness::wait_closed(size_t count) {
  wait([&] { return ended_.size() >= count; }, "closed()");
}

Connection& Harness::connection(size_t index) {
  wait_accepted(index + 1);
  const std::lock_guard lock(mutex);
  return *std::next(connections_.begin(), static_cast<long>(index));
}

Ended Harness::ended(size_t index) {
  wait_closed(index + 1);
  const std::lock_guard lock(mutex);
  return ended_[index];
}

void Harness::with(Connection& connection, const std::function<void(Connection&)>& fn) {
  on_loop(*connection.loop, [&] {
    if (connection.stream != nullptr) fn(connection);
  });
}

std::string Harness::log_text() {
  log->flush();
  const std::lock_guard lock(mutex);
  return log_text_;
}

std::string pattern(size_t size, uint32_t seed) {
  std::string result(size, 0);
  uint32_t state = seed;
  for (char& c : result) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return result;
}

}  // namespace nexus::test
