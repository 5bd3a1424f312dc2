#include "kernel/routing/reloader.hpp"

#include <system_error>
#include <utility>

#include "kernel/base/thread.hpp"

namespace nexus {

std::string failures_of(const std::vector<Reloaded>& results) {
  std::string text;
  for (const Reloaded& result : results) {
    if (result.status) continue;
    text += (text.empty() ? "" : "; ") + result.section + ": " + result.status.text();
  }
  return text;
}

bool Reloader::ask(Done done) {
  const std::lock_guard lock(mutex_);
  if (ending_ || waiting_.size() >= kMaxWaiting) return false;
  if (!thread_.joinable()) {
    try {
      thread_ = start_thread("nexus-reload", [this] { run(); });
    } catch (const std::system_error&) {
      return false;
    }
  }
  waiting_.push_back(std::move(done));
  changed_.notify_one();
  return true;
}

void Reloader::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_one();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

void Reloader::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    const std::vector<Done> asked = std::exchange(waiting_, {});
    lock.unlock();
    const std::string failures = reload_();
    for (const Done& done : asked) done(failures);
    lock.lock();
  }
}

}  // namespace nexus
