// Signals as calls on one thread of their own, instead of handlers that may do next to nothing.
//
// block() comes before anything that can start a thread: threads inherit the mask, so that none of
// the router's, a plugin's or a library's is ever interrupted. Tasks that do not serve go without.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace nexusd {

class Signals {
 public:
  static void block();

  struct Handlers {
    std::function<void()> stop;        // the first SIGTERM or SIGINT, beside what wait() answers
    std::function<void()> stop_again;  // the second SIGTERM or SIGINT, and every later one
    std::function<void()> reopen;      // SIGHUP, at once; wait() tells of it too
  };
  // Starts the thread on which the handlers are called. [main]
  explicit Signals(Handlers handlers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Returns the first SIGTERM or SIGINT, or SIGHUP once for however many came since it was last
  // called; at once if it came already. [main]
  int wait();

 private:
  void run();

  Handlers handlers_;
  std::mutex mutex_;
  std::condition_variable came_;
  int stop_signal_ = 0;  // guarded by mutex_
  bool hangup_ = false;  // guarded by mutex_
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace nexusd
