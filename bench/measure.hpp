// Meter and Reading: what a subject used while a number of operations ran.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "bench/process.hpp"
#include "bench/stats.hpp"

namespace bench {

// One measured round.
struct Reading {
  uint64_t operations = 0;
  double seconds = 0;
  uint64_t cpu_ns = 0;      // of the subject
  uint64_t own_cpu_ns = 0;  // of this program: should be less, or it limits what is measured
  CpuTicks ticks;
  uint64_t resident = 0;  // bytes, at the end
  Histogram latency;
};

class Meter {
 public:
  // Starts reading.
  explicit Meter(pid_t pid);
  Reading stop(uint64_t operations) const;

 private:
  pid_t pid_;
  uint64_t start_, cpu_, own_cpu_;
  CpuTicks ticks_;
};

// The rounds of one measurement: medians, and all latencies together.
struct Summary {
  int rounds = 0;
  double cpu_us = 0;  // of the subject, per operation
  double cpu_us_min = 0, cpu_us_max = 0;
  double user_share = 0;  // of its CPU time, 0 … 1; negative: too little to tell
  double own_us = 0;      // of this program, per operation
  double per_second = 0;
  uint64_t resident = 0;
  Histogram latency;
};

Summary summarize(const std::vector<Reading>& readings);

}  // namespace bench
