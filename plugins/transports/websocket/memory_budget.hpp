// MemoryBudget: how much the compression windows of a listener's connections may take together, and
// a connection's share in that. The budget is shared by all loops; a share belongs to one. [any]
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace nexus::websocket {

class MemoryBudget {
 public:
  // Before anything is taken.
  void set_limit(uint64_t limit) { limit_ = limit; }
  // False when that is more than is left.
  bool take(uint64_t size) {
    uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      if (size > limit_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + size, std::memory_order_relaxed));
    return true;
  }
  void give_back(uint64_t size) {
    // Half of it free again: the next shortage is worth telling.
    if (used_.fetch_sub(size, std::memory_order_relaxed) - size < limit_ / 2) {
      told_.store(false, std::memory_order_relaxed);
    }
  }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  // True once for each time that the budget runs out.
  bool worth_telling() { return !told_.exchange(true, std::memory_order_relaxed); }

 private:
  uint64_t limit_ = 0;
  std::atomic<uint64_t> used_{0};
  std::atomic<bool> told_{false};
};

// What one connection has taken; goes back with it.
class MemoryShare {
 public:
  MemoryShare() = default;
  MemoryShare(MemoryShare&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MemoryShare& operator=(MemoryShare&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MemoryShare() {
    if (size_ != 0) budget_->give_back(size_);
  }
  // Once at the most. False when there is not so much left.
  bool take(MemoryBudget& budget, uint64_t size) {
    if (!budget.take(size)) return false;
    budget_ = &budget;
    size_ = size;
    return true;
  }

 private:
  MemoryBudget* budget_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace nexus::websocket
