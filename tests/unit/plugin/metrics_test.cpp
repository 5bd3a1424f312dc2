// Metrics: nothing is lost between threads, and names are what monitoring systems allow.
#include "kernel/plugin/metrics.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <thread>

using namespace nexus;

TEST_CASE("metrics: a counter is found again by its name") {
  Metrics metrics;
  nx_counter* counter = metrics.counter("events_total", "Events.");
  REQUIRE(counter != nullptr);
  CHECK(metrics.counter("events_total", "other help") == counter);
  CHECK(metrics.counter("events", "") != counter);
  CHECK(metrics.gauge("events_total", "") == nullptr);
  for (const char* bad : {"", "Events", "a-b", "a b", "a\n", "ä"}) {
    CHECK(metrics.counter(bad, "") == nullptr);
  }
  Metrics::add(counter, 2);
  Metrics::add(counter);
  Metrics::add(nullptr);
  CHECK(metrics.value(counter) == 3);
  CHECK(metrics.value(nullptr) == 0);
}

TEST_CASE("metrics: the table of counters has an end") {
  Metrics metrics;
  for (uint32_t i = 0; i < Metrics::kMaxCounters; ++i) {
    REQUIRE(metrics.counter("c" + std::to_string(i), "") != nullptr);
  }
  CHECK(metrics.counter("one_more", "") == nullptr);
  nx_counter* last = metrics.counter("c" + std::to_string(Metrics::kMaxCounters - 1), "");
  REQUIRE(last != nullptr);
  Metrics::add(last, 7);
  CHECK(metrics.value(last) == 7);
}

TEST_CASE("metrics: a gauge goes up and down, on different threads, and below zero") {
  Metrics metrics;
  nx_counter* sessions = metrics.gauge("sessions", "");
  Metrics::add(sessions, 5);
  std::thread([&] { Metrics::subtract(sessions, 3); }).join();
  CHECK(metrics.value(sessions) == 2);
  Metrics::subtract(sessions, 3);
  CHECK(static_cast<int64_t>(metrics.value(sessions)) == -1);
}

TEST_CASE("metrics: nothing is lost, with more threads than stripes, and while others read") {
  // Threads stay alive together, so that the last ones share a stripe; then come as many again, so
  // that stripes change hands.
  constexpr uint64_t kThreads = 80;
  constexpr uint64_t kAdds = 500;
  Metrics one;
  Metrics two;
  nx_counter* a = one.counter("a", "");
  nx_counter* b = two.counter("b", "");
  for (int round = 0; round < 2; ++round) {
    std::mutex mutex;
    std::condition_variable all_there;
    uint64_t there = 0;
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        Metrics::add(a);
        {
          std::unique_lock lock(mutex);
          if (++there == kThreads) all_there.notify_all();
          all_there.wait(lock, [&] { return there == kThreads; });
        }
        for (uint64_t i = 1; i < kAdds; ++i) Metrics::add(a);
        for (uint64_t i = 0; i < kAdds; ++i) Metrics::add(b, 2);
      });
    }
    uint64_t before = 0;
    for (int i = 0; i < 100; ++i) {
      const uint64_t now = one.value(a);
      CHECK(now >= before);
      before = now;
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(one.value(a) == 2 * kThreads * kAdds);
  CHECK(two.value(b) == 2 * kThreads * kAdds * 2);
}

TEST_CASE("metrics: snapshot and exposition") {
  Metrics metrics;
  Metrics::add(metrics.counter("events_total", "Events\\with\nnewline."), 18);
  Metrics::subtract(metrics.gauge("balance", "Balance."), 2);
  const auto samples = metrics.snapshot();
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].name == "events_total");
  CHECK(samples[0].value == 18);
  CHECK_FALSE(samples[0].is_gauge);
  CHECK(samples[1].is_gauge);
  CHECK(metrics.exposition() ==
        "# HELP events_total Events\\\\with\\nnewline.\n"
        "# TYPE events_total counter\n"
        "events_total 18\n"
        "# HELP balance Balance.\n"
        "# TYPE balance gauge\n"
        "balance -2\n");
}
