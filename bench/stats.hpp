// Numbers: the clock, a latency histogram, medians. No thread of its own, no locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

// Monotonic time in nanoseconds.
uint64_t now_ns();

// Latencies in nanoseconds, kept as counts in log-linear buckets: 64 to each power of two, so a
// percentile is off by at most 1/128 of itself whatever its magnitude. Constant memory, so that
// recording never allocates while something is being measured.
class Histogram {
 public:
  Histogram();
  void record(uint64_t ns) {
    ++buckets_[index(ns)];
    ++count_;
    if (ns > max_) max_ = ns;
  }
  void merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  // The value that `q` (0 … 1) of the samples do not exceed, in ns; 0 without samples.
  uint64_t percentile(double q) const;

 private:
  static constexpr int kBits = 6;
  static size_t index(uint64_t ns) {
    if (ns < (1u << kBits)) return static_cast<size_t>(ns);
    const int shift = 63 - __builtin_clzll(ns) - kBits;
    return (static_cast<size_t>(shift) << kBits) + static_cast<size_t>(ns >> shift);
  }
  static uint64_t middle(size_t bucket);

  std::vector<uint32_t> buckets_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

// The middle value, or the mean of the two in the middle; 0 for none.
double median(std::vector<double> values);

}  // namespace bench
