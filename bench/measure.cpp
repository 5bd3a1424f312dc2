// See measure.hpp.
#include "bench/measure.hpp"

#include <unistd.h>

#include <algorithm>

namespace bench {

Meter::Meter(pid_t pid)
    : pid_(pid),
      start_(now_ns()),
      cpu_(cpu_ns(pid)),
      own_cpu_(cpu_ns(getpid())),
      ticks_(cpu_ticks(pid)) {}

Reading Meter::stop(uint64_t operations) const {
  Reading r;
  r.cpu_ns = cpu_ns(pid_) - cpu_;
  r.own_cpu_ns = cpu_ns(getpid()) - own_cpu_;
  r.seconds = static_cast<double>(now_ns() - start_) / 1e9;
  const CpuTicks ticks = cpu_ticks(pid_);
  r.ticks = {ticks.user - ticks_.user, ticks.system - ticks_.system};
  r.operations = operations;
  r.resident = resident_bytes(pid_);
  return r;
}

Summary summarize(const std::vector<Reading>& readings) {
  Summary s;
  std::vector<double> cpu, own, rate, resident;
  CpuTicks ticks;
  for (const Reading& r : readings) {
    const double operations = static_cast<double>(std::max<uint64_t>(r.operations, 1));
    cpu.push_back(static_cast<double>(r.cpu_ns) / 1e3 / operations);
    own.push_back(static_cast<double>(r.own_cpu_ns) / 1e3 / operations);
    rate.push_back(static_cast<double>(r.operations) / std::max(r.seconds, 1e-9));
    resident.push_back(static_cast<double>(r.resident));
    ticks.user += r.ticks.user;
    ticks.system += r.ticks.system;
    s.latency.merge(r.latency);
  }
  s.rounds = static_cast<int>(readings.size());
  if (readings.empty()) return s;
  s.cpu_us = median(cpu);
  s.cpu_us_min = *std::min_element(cpu.begin(), cpu.end());
  s.cpu_us_max = *std::max_element(cpu.begin(), cpu.end());
  s.own_us = median(own);
  s.per_second = median(rate);
  s.resident = static_cast<uint64_t>(median(resident));
  const uint64_t all = ticks.user + ticks.system;
  // Below that the 10 ms of a tick say nothing.
  s.user_share = all < 20 ? -1 : static_cast<double>(ticks.user) / static_cast<double>(all);
  return s;
}

}  // namespace bench
