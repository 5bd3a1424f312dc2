// WorkPool: every accepted job runs exactly once, and stopping waits for the right ones.
#include "kernel/plugin/work.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <vector>

using namespace nexus;

namespace {

const int kOwner = 0;
const int kOther = 0;

// A gate that jobs wait at until it is opened.
class Gate {
 public:
  void open() { promise_.set_value(); }
  void pass() const { future_.wait(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_{promise_.get_future()};
};

}  // namespace

TEST_CASE("work: every accepted job runs once, whatever races with the stop") {
  constexpr int kJobs = 2000;
  std::vector<std::atomic<int>> runs(kJobs);
  std::vector<int> accepted(kJobs);
  {
    WorkPool pool(3, 64);
    std::vector<std::thread> askers;
    for (int t = 0; t < 4; ++t) {
      askers.emplace_back([&, t] {
        for (int i = t; i < kJobs; i += 4) {
          const nx_status status = pool.run(&kOwner, [&runs, i] { runs[i].fetch_add(1); });
          accepted[i] = status == NX_OK ? 1 : 0;
          if (status != NX_OK && status != NX_E_LIMIT && status != NX_E_CLOSED) std::abort();
        }
      });
    }
    askers[0].join();
    pool.stop();
    for (size_t t = 1; t < askers.size(); ++t) askers[t].join();
    CHECK(pool.run(&kOwner, [] {}) == NX_E_CLOSED);
  }
  int total = 0;
  for (int i = 0; i < kJobs; ++i) {
    CHECK(runs[i].load() == accepted[i]);
    total += accepted[i];
  }
  CHECK(total > 0);
}

TEST_CASE("work: a full queue says so at once, and keeps nothing of the job") {
  Gate gate;
  std::promise<void> running;
  WorkPool pool(1, 2);
  REQUIRE(pool.run(&kOwner, [&] {
    running.set_value();
    gate.pass();
  }) == NX_OK);
  running.get_future().wait();
  std::atomic<int> ran{0};
  CHECK(pool.run(&kOwner, [&] { ++ran; }) == NX_OK);
  CHECK(pool.run(&kOwner, [&] { ++ran; }) == NX_OK);
  const auto held = std::make_shared<int>(1);
  CHECK(pool.run(&kOwner, [&ran, held] { ++ran; }) == NX_E_LIMIT);
  CHECK(held.use_count() == 1);
  gate.open();
  pool.stop();
  CHECK(ran == 2);
}

TEST_CASE("work: stopping one owner waits for its jobs and refuses new ones, of it alone") {
  Gate others_gate;
  Gate gate;
  WorkPool pool(2, 100);
  REQUIRE(pool.run(&kOther, [&] { others_gate.pass(); }) == NX_OK);
  std::atomic<int> ran{0};
  REQUIRE(pool.run(&kOwner, [&] {
    gate.pass();
    ++ran;
  }) == NX_OK);
  for (int i = 0; i < 10; ++i) REQUIRE(pool.run(&kOwner, [&] { ++ran; }) == NX_OK);
  std::thread opener([&] { gate.open(); });
  pool.stop(&kOwner);  // returns although the other owner's job is still running
  CHECK(ran == 11);
  opener.join();
  CHECK(pool.run(&kOwner, [] {}) == NX_E_CLOSED);
  CHECK(pool.run(&kOther, [] {}) == NX_OK);
  pool.forget(&kOwner);
  CHECK(pool.run(&kOwner, [&] { ++ran; }) == NX_OK);
  others_gate.open();
  pool.stop();
  CHECK(ran == 12);
}

TEST_CASE("work: what a job holds is freed before its owner counts as done") {
  WorkPool pool(1);
  const auto held = std::make_shared<int>(1);
  REQUIRE(pool.run(&kOwner, [held] {}) == NX_OK);
  pool.stop(&kOwner);
  CHECK(held.use_count() == 1);
}
