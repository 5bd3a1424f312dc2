// Reloader: the thread on which components read their data again when a client asks for it. Loops
// may not wait, and components may. It starts with the first request. [any]
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kernel/nexus.hpp"

namespace nexus {

// What failed, for people: "section: reason; section: reason"; empty when nothing did.
std::string failures_of(const std::vector<Reloaded>& results);

class Reloader {
 public:
  using Done = std::function<void(const std::string& failures)>;

  explicit Reloader(std::function<std::string()> reload) : reload_(std::move(reload)) {}
  ~Reloader() { stop(); }

  // One run answers everybody who asked before it began. False when kMaxWaiting do so already, or
  // after stop().
  bool ask(Done done);
  // Ends the thread; who still waits is not answered. [main]
  void stop();

  static constexpr size_t kMaxWaiting = 64;

 private:
  void run();

  const std::function<std::string()> reload_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Done> waiting_;
  std::thread thread_;
  bool ending_ = false;
};

}  // namespace nexus
