// The histogram's slow half: merging and reading. See stats.hpp.
#include "bench/stats.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>

namespace bench {

uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

Histogram::Histogram() : buckets_((64 - kBits + 1) << kBits) {}

void Histogram::merge(const Histogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::middle(size_t bucket) {
  if (bucket < (2u << kBits)) return bucket;  // these buckets are one value wide
  const size_t shift = (bucket >> kBits) - 1;
  const uint64_t low = ((bucket & ((1u << kBits) - 1)) + (1u << kBits)) << shift;
  return low + (uint64_t{1} << shift) / 2;
}

uint64_t Histogram::percentile(double q) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(q * static_cast<double>(count_));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(middle(i), max_);
  }
  return max_;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace bench
