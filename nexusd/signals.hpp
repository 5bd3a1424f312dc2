// Signals as calls on one thread of their own, instead of handlers that may do next to nothing.
//
// block() has to be the first thing in main(): threads inherit the mask, so that no thread of the
// router, of a plugin or of a library is ever interrupted.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace nexusd {

class Signals {
 public:
  static void block();

  struct Handlers {
    std::function<void()> stop_again;  // the second SIGTERM or SIGINT, and every later one
    std::function<void()> reopen;      // SIGHUP
  };
  // Starts the thread on which the handlers are called. [main]
  explicit Signals(Handlers handlers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Returns the first SIGTERM or SIGINT, at once if it came already. [main]
  int wait_for_stop();

 private:
  void run();

  Handlers handlers_;
  std::atomic<int> stop_signal_{0};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace nexusd
