// LogQueue: a bounded queue of lines with many writers and one reader. push() is [any] and never
// waits; pop() belongs to one thread.
//
// Dmitry Vyukov's bounded queue: every cell carries a sequence number that says whose turn it is,
// so that writers claim a cell with one compare-and-swap and meet no lock that a preempted reader
// might hold.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace nexus {

class LogQueue {
 public:
  // `lines` is rounded up to a power of two.
  explicit LogQueue(size_t lines)
      : mask_(std::bit_ceil(lines < 2 ? size_t{2} : lines) - 1),
        cells_(std::make_unique<Cell[]>(mask_ + 1)) {
    for (size_t i = 0; i <= mask_; ++i) cells_[i].sequence.store(i, std::memory_order_relaxed);
  }

  // False, and the line untouched, when the queue is full.
  bool push(std::string&& line) {
    uint64_t position = tail_.load(std::memory_order_relaxed);
    while (true) {
      Cell& cell = cells_[position & mask_];
      const uint64_t sequence = cell.sequence.load(std::memory_order_acquire);
      if (sequence == position) {
        if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          cell.line = std::move(line);
          cell.sequence.store(position + 1, std::memory_order_release);
          return true;
        }
      } else if (sequence < position) {
        return false;  // still holds the line of the round before
      } else {
        position = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  bool pop(std::string& line) {
    if (!ready()) return false;
    Cell& cell = cells_[head_ & mask_];
    line = std::move(cell.line);
    cell.line.clear();
    cell.sequence.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    return true;
  }

  // True if pop() would find a line. [reader]
  bool ready() const {
    return cells_[head_ & mask_].sequence.load(std::memory_order_acquire) == head_ + 1;
  }
  uint64_t pushed() const { return tail_.load(std::memory_order_acquire); }  // claimed so far [any]
  uint64_t popped() const { return head_; }

 private:
  struct Cell {
    std::atomic<uint64_t> sequence;
    std::string line;
  };
  const size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) uint64_t head_ = 0;
};

}  // namespace nexus
