// Which thread owns which stripe. Any thread.
//
// Stripe numbers are dealt out for the whole process, because a thread may serve several Metrics.
// A thread gives its number back when it ends, and the lock of that makes its last stores visible
// to the next owner. Threads beyond the last number share one stripe, with atomic additions.
#include "kernel/plugin/metrics.hpp"

#include <utility>

namespace nexus {
namespace {

constexpr uint32_t kUnknown = UINT32_MAX;

// The numbers that no thread owns.
class Numbers {
 public:
  explicit Numbers(uint32_t count) {
    for (uint32_t i = count; i > 0; --i) free_.push_back(i - 1);
  }
  uint32_t take(uint32_t otherwise) {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return otherwise;
    const uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  void give_back(uint32_t number) {
    const std::lock_guard lock(mutex_);
    free_.push_back(number);
  }

 private:
  std::mutex mutex_;
  std::vector<uint32_t> free_;
};

// Never destroyed: threads may end after the statics are gone.
Numbers& numbers(uint32_t count) {
  static auto& all = *new Numbers(count);
  return all;
}

// Apart from the guard below, so that the hot path reads a plain variable.
thread_local uint32_t own_number = kUnknown;

struct NumberGuard {
  uint32_t shared = 0;
  ~NumberGuard() {
    // What is counted after this, by destructors of other thread-locals, goes to the shared stripe.
    const uint32_t number = std::exchange(own_number, shared);
    if (number != shared) numbers(shared).give_back(number);
  }
};

uint32_t take_number(uint32_t count) {
  thread_local NumberGuard guard;
  guard.shared = count;
  own_number = numbers(count).take(count);
  return own_number;
}

bool is_name(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && name.find_first_not_of(kLetters) == name.npos;
}

}  // namespace

Metrics::~Metrics() {
  for (const auto& stripe : stripes_) delete stripe.load(std::memory_order_acquire);
}

nx_counter* Metrics::counter(std::string_view name, std::string_view help) {
  return find_or_make(name, help, false);
}

nx_counter* Metrics::gauge(std::string_view name, std::string_view help) {
  return find_or_make(name, help, true);
}

nx_counter* Metrics::find_or_make(std::string_view name, std::string_view help, bool is_gauge) {
  if (!is_name(name)) return nullptr;
  const std::lock_guard lock(mutex_);
  for (const auto& counter : counters_) {
    if (counter->name == name) return counter->is_gauge == is_gauge ? counter.get() : nullptr;
  }
  if (counters_.size() == kMaxCounters) return nullptr;
  counters_.push_back(
      std::make_unique<nx_counter>(nx_counter{this, static_cast<uint32_t>(counters_.size()),
                                              is_gauge, std::string(name), std::string(help)}));
  return counters_.back().get();
}

Metrics::Stripe& Metrics::stripe(uint32_t number) {
  std::atomic<Stripe*>& slot = stripes_[number];
  Stripe* stripe = slot.load(std::memory_order_acquire);
  if (stripe != nullptr) return *stripe;
  auto made = std::make_unique<Stripe>();
  if (slot.compare_exchange_strong(stripe, made.get(), std::memory_order_acq_rel)) {
    stripe = made.release();
  }
  return *stripe;
}

void Metrics::change(uint32_t index, uint64_t amount) {
  const uint32_t number = own_number != kUnknown ? own_number : take_number(kStripes);
  std::atomic<uint64_t>& cell = stripe(number)[index];
  if (number == kStripes) {
    cell.fetch_add(amount, std::memory_order_relaxed);
  } else {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
}

uint64_t Metrics::value(const nx_counter* counter) const {
  uint64_t sum = 0;
  if (counter == nullptr) return sum;
  for (const auto& slot : stripes_) {
    const Stripe* stripe = slot.load(std::memory_order_acquire);
    if (stripe != nullptr) sum += (*stripe)[counter->index].load(std::memory_order_relaxed);
  }
  return sum;
}

std::vector<Metrics::Sample> Metrics::snapshot() const {
  const std::lock_guard lock(mutex_);
  std::vector<Sample> samples;
  samples.reserve(counters_.size());
  for (const auto& counter : counters_) {
    samples.push_back({counter->name, counter->help, counter->is_gauge, value(counter.get())});
  }
  return samples;
}

std::string Metrics::exposition() const {
  std::string out;
  for (const Sample& sample : snapshot()) {
    out += "# HELP " + sample.name + ' ';
    for (const char c : sample.help) {
      if (c == '\\') {
        out += "\\\\";
      } else if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += "\n# TYPE " + sample.name + (sample.is_gauge ? " gauge\n" : " counter\n");
    out += sample.name + ' ';
    out += sample.is_gauge ? std::to_string(static_cast<int64_t>(sample.value))
                           : std::to_string(sample.value);
    out += '\n';
  }
  return out;
}

}  // namespace nexus
