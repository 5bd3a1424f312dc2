#include "kernel/plugin/work.hpp"

#include "kernel/base/thread.hpp"

namespace nexus {
namespace {

constexpr uint32_t kDefaultThreads = 4;

}  // namespace

WorkPool::WorkPool(uint32_t threads, size_t max_jobs) : max_jobs_(max_jobs) {
  const uint32_t count = threads == 0 ? kDefaultThreads : threads;
  for (uint32_t i = 0; i < count; ++i) {
    threads_.push_back(start_thread("nexus-work", [this] { work(); }));
  }
}

WorkPool::~WorkPool() { stop(); }

nx_status WorkPool::run(const void* owner, std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return NX_E_CLOSED;
    if (jobs_.size() >= max_jobs_) return NX_E_LIMIT;
    Owner& entry = owners_[owner];
    if (entry.stopped) return NX_E_CLOSED;
    jobs_.push_back({owner, std::move(job)});
    ++entry.jobs;
  }
  job_added_.notify_one();
  return NX_OK;
}

void WorkPool::stop(const void* owner) {
  std::unique_lock lock(mutex_);
  Owner& entry = owners_[owner];
  entry.stopped = true;
  job_done_.wait(lock, [&] { return entry.jobs == 0; });
}

void WorkPool::forget(const void* owner) {
  const std::lock_guard lock(mutex_);
  owners_.erase(owner);
}

void WorkPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  job_added_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void WorkPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    job_added_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.run();
    job.run = nullptr;
    lock.lock();
    Owner& entry = owners_[job.owner];
    if (--entry.jobs == 0) job_done_.notify_all();
  }
}

}  // namespace nexus
