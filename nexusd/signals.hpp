// Signals as calls on one thread of their own, instead of handlers that may do next to nothing.
//
// block() comes before anything that can start a thread: threads inherit the mask, so that none of
// the router's, a plugin's or a library's is ever interrupted. Tasks that do not serve go without.
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
