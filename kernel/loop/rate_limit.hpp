// RateLimit: so many per second, for all loops together, without a lock. [any]
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace nexus {

class RateLimit {
 public:
  explicit RateLimit(uint32_t per_second)
      : interval_us_(per_second == 0 ? 0 : std::max<int64_t>(1, 1000000 / per_second)) {}

  // 0: go ahead, it has been counted. Else how many milliseconds to wait before asking again.
  uint32_t take(uint64_t now_us) {
    if (interval_us_ == 0) return 0;
    int64_t next = next_us_.load(std::memory_order_relaxed);
    for (;;) {
      const auto now = static_cast<int64_t>(now_us);
      // What was not used lately may be used in one go, up to kBurstUs of it.
      const int64_t due = std::max(next, now - kBurstUs);
      if (due > now) return static_cast<uint32_t>((due - now) / 1000 + 1);
      if (next_us_.compare_exchange_weak(next, due + interval_us_, std::memory_order_relaxed))
        return 0;
    }
  }

  // What take() counted did not happen.
  void give_back() { next_us_.fetch_sub(interval_us_, std::memory_order_relaxed); }

 private:
  static constexpr int64_t kBurstUs = 100'000;
  const int64_t interval_us_;        // 0 = no limit
  std::atomic<int64_t> next_us_{0};  // when the next one is due
};

}  // namespace nexus
