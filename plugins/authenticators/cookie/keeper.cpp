#include "plugins/authenticators/cookie/keeper.hpp"

#include <csignal>

namespace nexus::cookie {
namespace {

constexpr std::chrono::seconds kRetry(10);

}  // namespace

void Keeper::start() {
  // Signals are the router's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Keeper::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Keeper::changed(std::chrono::milliseconds within) {
  const Clock::time_point due = Clock::now() + within;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (dirty_ && due_ <= due) return;
  dirty_ = true;
  due_ = due;
  wake_.notify_all();
}

void Keeper::undisturbed(const std::function<void()>& fn) {
  const std::lock_guard<std::mutex> lock(file_mutex_);
  fn();
}

bool Keeper::write() {
  const std::lock_guard<std::mutex> lock(file_mutex_);
  std::string why;
  try {
    file_.write(snapshot_());
  } catch (const std::exception& error) {
    why = error.what();
  }
  // One line for each new reason, not one for each attempt.
  if (!why.empty() && why != complained_) complain_(why);
  complained_ = why;
  return why.empty();
}

void Keeper::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    while (!ending_ && (!dirty_ || Clock::now() < due_)) {
      if (dirty_) {
        wake_.wait_until(lock, due_);
      } else {
        wake_.wait(lock);
      }
    }
    if (!dirty_) return;  // ending
    dirty_ = false;
    lock.unlock();
    const bool written = write();
    lock.lock();
    // What changed meanwhile has its own time, and at the end an attempt of its own.
    if (written || dirty_) continue;
    if (ending_) return;
    dirty_ = true;
    due_ = Clock::now() + kRetry;
  }
}

}  // namespace nexus::cookie
