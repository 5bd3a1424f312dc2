// A transport without sockets: connections that a test makes on a loop of its choice, and looks
// into while they live. Written against the ABI like any other transport, so that the sessions on
// top take the very path that network clients take. MemoryLink is the client's end. [any]
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/nexus.hpp"
#include "kernel/session/session.hpp"
#include "tests/support/codec.hpp"

namespace nexus::test {

// Wakes a thread that serves several links. [any]
class Bell {
 public:
  void ring() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      rung_ = true;
    }
    wake_.notify_one();
  }
  // Until it has rung since the last wait, or so long.
  void wait(std::chrono::milliseconds most) {
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait_for(lock, most, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool rung_ = false;
};

// One client's connection: whole messages in and out. One thread.
class ClientLink {
 public:
  virtual ~ClientLink() = default;
  virtual void send(std::string message) = 0;
  // Moves what has arrived to the end of `out`. False when nothing more can come.
  virtual bool take(std::vector<std::string>& out) = 0;
  // Ends the connection without a word.
  virtual void drop() = 0;
  // Calls fn(session) on the session's loop and waits for it; false where nobody can look in.
  virtual bool look(const std::function<void(Session&)>& fn) = 0;
};

// For RouterEnvironment::static_plugins: transport "memory", of which one may listen at a time.
StaticPlugin memory_transport();
// A connection on that loop (modulo their number) to the router that listens now. `bell` rings when
// something has arrived, and outlives the link. Throws std::runtime_error when nobody listens.
std::unique_ptr<ClientLink> memory_link(uint32_t loop, Format format, Bell& bell);

}  // namespace nexus::test
