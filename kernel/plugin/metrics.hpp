// Metrics: named counters and gauges that every thread may change without meeting another.
//
// A thread that is alive owns one stripe, an array with a cell for each counter, and is the only
// one that writes there: adding is a load and a store. Reading sums the stripes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/nx_host.h"

namespace nexus {
class Metrics;
}

// The handle of a counter or gauge.
struct nx_counter {
  nexus::Metrics* owner;
  uint32_t index;
  bool is_gauge;
  std::string name;
  std::string help;
};

namespace nexus {

class Metrics {
 public:
  static constexpr uint32_t kMaxCounters = 1024;

  Metrics() = default;
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Finds or makes the counter of this name ([a-z0-9_]+, as monitoring systems see it). It lives as
  // long as this object. Null when the name is none, is taken by a gauge, or the table is full.
  // [any], but meant for [main]: takes a lock.
  nx_counter* counter(std::string_view name, std::string_view help);
  // The same for something that goes up and down.
  nx_counter* gauge(std::string_view name, std::string_view help);

  // Null is ignored. [any]
  static void add(nx_counter* counter, uint64_t amount = 1) {
    if (counter != nullptr) counter->owner->change(counter->index, amount);
  }
  // For gauges. [any]
  static void subtract(nx_counter* gauge, uint64_t amount = 1) {
    add(gauge, uint64_t{0} - amount);  // sums wrap, so the total comes out right
  }

  // One at a time; others may add meanwhile. [any]
  uint64_t value(const nx_counter* counter) const;

  struct Sample {
    std::string name;
    std::string help;
    bool is_gauge;
    uint64_t value;  // a gauge's as int64_t
  };
  std::vector<Sample> snapshot() const;  // in the order of making [any]
  // What monitoring systems scrape: the Prometheus text format. [any]
  std::string exposition() const;

 private:
  static constexpr uint32_t kStripes = 64;
  using Stripe = std::array<std::atomic<uint64_t>, kMaxCounters>;

  nx_counter* find_or_make(std::string_view name, std::string_view help, bool is_gauge);
  void change(uint32_t index, uint64_t amount);
  Stripe& stripe(uint32_t number);

  std::array<std::atomic<Stripe*>, kStripes + 1> stripes_{};  // made on first use; last one shared
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<nx_counter>> counters_;  // guarded by mutex_
};

}  // namespace nexus
