#include "kernel/plugin/work.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "kernel/base/thread.hpp"

namespace nexus {
namespace {

constexpr size_t kMostExtraThreads = 64;

}  // namespace

WorkPool::WorkPool(const WorkLimits& limits) { set_limits(limits); }

WorkPool::~WorkPool() { stop(); }

void WorkPool::set_limits(const WorkLimits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  limits_.threads = std::max(1u, limits_.threads);
}

uint32_t WorkPool::share() const {
  const uint32_t wanted = limits_.share != 0 ? limits_.share : limits_.threads - 1;
  return std::max(1u, std::min(wanted, limits_.threads));
}

nx_status WorkPool::run(const void* owner, std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return NX_E_CLOSED;
  Owner& entry = owners_[owner];
  if (entry.stopped) return NX_E_CLOSED;
  if (entry.jobs.size() >= limits_.queue) return NX_E_LIMIT;
  if (entry.jobs.empty()) turns_.push_back(&entry);
  entry.jobs.push_back(std::move(job));
  arrange();
  if (workers_.empty()) {  // the system has no thread to give
    entry.jobs.pop_back();
    turns_.pop_back();
    return NX_E_MEMORY;
  }
  return NX_OK;
}

WorkPool::Owner* WorkPool::next() {
  const auto at = std::find_if(turns_.begin(), turns_.end(),
                               [this](const Owner* owner) { return owner->running < share(); });
  if (at == turns_.end()) return nullptr;
  Owner* const owner = *at;
  turns_.erase(at);
  return owner;
}

// Sees to it that somebody comes for what waits: a thread that is idle, a new one, or, for an owner
// that has nothing running, even one more than there should be.
void WorkPool::arrange() {
  size_t can_run = 0;
  size_t starving = 0;
  for (const Owner* owner : turns_) {
    if (owner->running < share()) ++can_run;
    if (owner->running == 0) ++starving;
  }
  const size_t coming = called_ + starting_;
  if (can_run <= coming && starving <= coming) {
    // Owners, not jobs, are counted: whoever takes one asks for the next.
    return;
  }
  if (idle_ > called_) {
    ++called_;
    job_added_.notify_one();
  } else if (workers_.size() < limits_.threads ||
             (starving > coming && workers_.size() < limits_.threads + kMostExtraThreads)) {
    start_worker();
  }
}

bool WorkPool::start_worker() {
  reap();
  const auto self = workers_.emplace(workers_.end());
  try {
    *self = start_thread("nexus-work", [this, self] { work(self); });
  } catch (const std::system_error&) {
    workers_.erase(self);
    return false;
  }
  ++starting_;
  return true;
}

void WorkPool::reap() {
  for (std::thread& thread : ended_) thread.join();
  ended_.clear();
}

void WorkPool::work(std::list<std::thread>::iterator self) {
  std::unique_lock lock(mutex_);
  --starting_;
  while (true) {
    Owner* const owner = next();
    if (owner == nullptr) {
      if (stopping_ && turns_.empty()) break;
      if (workers_.size() > limits_.threads) break;
      ++idle_;
      job_added_.wait(lock);
      --idle_;
      if (called_ > 0) --called_;
      continue;
    }
    std::function<void()> job = std::move(owner->jobs.front());
    owner->jobs.pop_front();
    ++owner->running;
    if (!owner->jobs.empty()) turns_.push_back(owner);
    arrange();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --owner->running;
    if (owner->over()) job_done_.notify_all();
  }
  ended_.splice(ended_.end(), workers_, self);
  if (stopping_) job_added_.notify_all();  // others may wait for a job that they were not allowed
  job_done_.notify_all();
}

WorkLeft WorkPool::stop(const void* owner, Deadline deadline) {
  std::unique_lock lock(mutex_);
  Owner& entry = owners_[owner];
  entry.stopped = true;
  const auto over = [&] { return entry.over(); };
  if (deadline == kNoDeadline) {
    job_done_.wait(lock, over);
    return {};
  }
  if (job_done_.wait_until(lock, deadline, over)) return {};
  const WorkLeft left{entry.running, entry.jobs.size()};
  std::deque<std::function<void()>> dropped = std::move(entry.jobs);
  entry.jobs.clear();
  std::erase(turns_, &entry);
  lock.unlock();  // what they hold is not destroyed under a lock
  return left;
}

void WorkPool::forget(const void* owner) {
  const std::lock_guard lock(mutex_);
  owners_.erase(owner);
}

void WorkPool::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  job_added_.notify_all();
  job_done_.wait(lock, [this] { return workers_.empty(); });
  reap();
}

}  // namespace nexus
