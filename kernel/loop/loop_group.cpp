// LoopGroup: the loops of a router and their threads. [main]
//
// Stopping is done together: a loop that has ended its streams waits for the others before it
// closes its mailbox, so that what one of them still has to say to another arrives.
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "kernel/base/thread.hpp"
#include "kernel/loop/event_loop.hpp"

namespace nexus {
namespace {

class Gate final : public StopGate {
 public:
  explicit Gate(size_t loops) : loops_(loops) {}

  bool any_busy(bool busy) override {
    std::unique_lock lock(mutex_);
    busy_ = busy_ || busy;
    const uint64_t round = round_;
    if (++arrived_ == loops_) {
      arrived_ = 0;
      ++round_;
      last_busy_ = std::exchange(busy_, false);
      all_here_.notify_all();
    } else {
      all_here_.wait(lock, [&] { return round_ != round; });
    }
    return last_busy_;
  }

  void expect(size_t loops) {  // before any of them arrives
    std::lock_guard lock(mutex_);
    loops_ = loops;
  }

 private:
  size_t loops_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  size_t arrived_ = 0;
  uint64_t round_ = 0;
  bool busy_ = false;
  bool last_busy_ = false;
};

uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
    return static_cast<uint32_t>(CPU_COUNT(&set));
  }
  return 1;
}

class Group final : public LoopGroup {
 public:
  explicit Group(std::vector<std::unique_ptr<EventLoop>> loops)
      : loops_(std::move(loops)), gate_(loops_.size()) {}
  ~Group() override { stop(); }

  uint32_t count() const override { return static_cast<uint32_t>(loops_.size()); }
  Loop& loop(uint32_t index) override { return *loops_[index]; }

  // Loops count for themselves, so that at a limit a few more may slip in at the same moment.
  uint64_t connections() const override {
    uint64_t all = more_connections.load(std::memory_order_relaxed);
    for (const auto& loop : loops_) all += loop->connections.load(std::memory_order_relaxed);
    return all;
  }

  Status start() override {
    if (started_) return Status::error(NX_E_STATE, "the event loops were started before");
    started_ = true;
    // Signals are the business of the program's main thread.
    const sigset_t all = signals_of_others();
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    Status status;
    try {
      for (auto& loop : loops_) {
        loop->running = true;
        threads_.emplace_back([this, &loop] { loop->run(gate_); });
        const std::string name = "nexus-loop-" + std::to_string(loop->index());
        pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
      }
    } catch (const std::system_error& error) {
      status = Status::error(NX_E_IO, std::string("cannot start a thread: ") + error.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!status) {
      gate_.expect(threads_.size());  // those that run must not wait for those that do not
      stop();
    }
    return status;
  }

  void stop() override {
    for (size_t i = 0; i < threads_.size(); ++i) loops_[i]->request_stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    for (auto& loop : loops_) loop->running = false;
  }

 private:
  std::vector<std::unique_ptr<EventLoop>> loops_;
  Gate gate_;
  std::vector<std::thread> threads_;
  bool started_ = false;
};

}  // namespace

Result<std::unique_ptr<LoopGroup>> LoopGroup::create(uint32_t count) {
  constexpr uint32_t kMost = 1024;
  if (count == 0) count = usable_cores();
  if (count > kMost) {
    return Status::error(
        NX_E_INVALID,
        std::to_string(count) + " event loops are too many: at most " + std::to_string(kMost));
  }
  std::vector<std::unique_ptr<EventLoop>> loops;
  for (uint32_t index = 0; index < count; ++index) {
    auto loop = EventLoop::create(index);
    if (!loop) return loop.status();
    loops.push_back(std::move(loop).value());
  }
  return std::unique_ptr<LoopGroup>(std::make_unique<Group>(std::move(loops)));
}

}  // namespace nexus
