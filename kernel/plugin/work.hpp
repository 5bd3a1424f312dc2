// WorkPool: a few threads on which plugins may block (an LDAP look-up, a slow hash).
//
// Nobody can take it away from the others, however slow what he waits for: a component has at most
// its share of the threads and a queue of its own, jobs are taken from the components in turn, and
// one that has nothing running never waits for somebody else's to end. Who asks for too much hears
// it at once. Every accepted job runs exactly once, unless a stop with a deadline leaves it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "nexus/nx_abi.h"

namespace nexus {

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kNoDeadline = Deadline::max();

struct WorkLimits {
  // Started when there is work for them. One more for each owner that has nothing running while
  // all of these are taken, at most 64; those end when they find nothing to do.
  uint32_t threads = 4;
  uint32_t share = 0;   // threads that one owner may have; 0 = all but one
  size_t queue = 1024;  // jobs of one owner that may wait, beside those that run
};

// What a stop did not wait for any longer.
struct WorkLeft {
  size_t running = 0;  // jobs that have not returned, and go on
  size_t dropped = 0;  // jobs that had not begun, and never will
  bool nothing() const { return running == 0 && dropped == 0; }
};

class WorkPool {
 public:
  explicit WorkPool(const WorkLimits& limits = {});
  ~WorkPool();  // stop(); waits for what was left, too
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // For jobs from now on. [any]
  void set_limits(const WorkLimits& limits);

  // Queues job() for some thread of the pool. It must not throw. NX_E_LIMIT when this owner's queue
  // is full, NX_E_CLOSED when the pool or this owner has been stopped, NX_E_MEMORY when there is no
  // thread to be had; the job is destroyed then. [any]
  nx_status run(const void* owner, std::function<void()> job);

  // Refuses new jobs of this owner and waits for the accepted ones. Not from a job. [main]
  WorkLeft stop(const void* owner, Deadline deadline = kNoDeadline);
  // Forgets a stopped owner, so that its address may be used by another one. [main]
  void forget(const void* owner);

  // Refuses new jobs, runs the accepted ones, and joins the threads. Not from a job. [main]
  void stop();

 private:
  struct Owner {
    std::deque<std::function<void()>> jobs;  // that wait
    size_t running = 0;
    bool stopped = false;
    bool over() const { return jobs.empty() && running == 0; }
  };
  using Owners = std::map<const void*, Owner>;

  void work(std::list<std::thread>::iterator self);
  // The owner whose job is next, or null. All of these with mutex_ locked.
  Owner* next();
  void arrange();
  bool start_worker();
  uint32_t share() const;
  void reap();

  // All below is guarded by mutex_.
  std::mutex mutex_;
  WorkLimits limits_;
  std::condition_variable job_added_;
  std::condition_variable job_done_;
  Owners owners_;
  std::deque<Owner*> turns_;  // owners with waiting jobs, in the order in which they are served
  std::list<std::thread> workers_;
  std::list<std::thread> ended_;  // to be joined: they have left work()
  size_t idle_ = 0;               // that wait for a job
  size_t called_ = 0;             // of these, told that there is one
  size_t starting_ = 0;           // that have not looked for a job yet
  bool stopping_ = false;
};

}  // namespace nexus
