// WorkPool: a few threads on which plugins may block (an LDAP look-up, a slow hash).
//
// The queue is bounded, so that whoever asks for too much hears it at once. Every accepted job
// runs exactly once; jobs know their owner, so that a component can be stopped after its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "nexus/nx_abi.h"

namespace nexus {

class WorkPool {
 public:
  // threads 0 = 4. max_jobs bounds the jobs that wait, not those that run. [main]
  explicit WorkPool(uint32_t threads = 0, size_t max_jobs = 4096);
  ~WorkPool();  // stop()
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // Queues job() for some thread of the pool. It must not throw. NX_E_LIMIT when the queue is full,
  // NX_E_CLOSED when the pool or this owner has been stopped; the job is destroyed then. [any]
  nx_status run(const void* owner, std::function<void()> job);

  // Refuses new jobs of this owner and waits for the accepted ones. Not from a job. [main]
  void stop(const void* owner);
  // Forgets a stopped owner, so that its address may be used by another one. [main]
  void forget(const void* owner);

  // Refuses new jobs, runs the accepted ones, and joins the threads. Not from a job. [main]
  void stop();

 private:
  struct Job {
    const void* owner;
    std::function<void()> run;
  };
  struct Owner {
    size_t jobs = 0;  // waiting and running
    bool stopped = false;
  };
  void work();

  const size_t max_jobs_;
  // All below is guarded by mutex_, except threads_, which is [main].
  std::mutex mutex_;
  std::condition_variable job_added_;
  std::condition_variable job_done_;
  std::deque<Job> jobs_;
  std::map<const void*, Owner> owners_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace nexus
