// WorkPool: every accepted job runs exactly once, nobody keeps the others from theirs, and stopping
// waits for the right ones, or only so long.
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
    WorkPool pool({.threads = 3, .queue = 64});
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
  WorkPool pool({.threads = 1, .queue = 2});
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
  WorkPool pool({.threads = 2, .queue = 100});
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
  WorkPool pool({.threads = 1});
  const auto held = std::make_shared<int>(1);
  REQUIRE(pool.run(&kOwner, [held] {}) == NX_OK);
  pool.stop(&kOwner);
  CHECK(held.use_count() == 1);
}

TEST_CASE("work: an owner whose jobs do not end has its share of the threads and no more") {
  Gate gate;
  std::atomic<int> slow{0};
  std::promise<void> three;
  WorkPool pool({.threads = 4, .queue = 100});
  for (int i = 0; i < 50; ++i) {
    REQUIRE(pool.run(&kOwner, [&] {
      if (++slow == 3) three.set_value();
      gate.pass();
    }) == NX_OK);
  }
  three.get_future().wait();
  // The others have the fourth, one after the other.
  for (int i = 0; i < 20; ++i) {
    std::promise<void> ran;
    REQUIRE(pool.run(&kOther, [&] { ran.set_value(); }) == NX_OK);
    ran.get_future().wait();
  }
  CHECK(slow == 3);
  gate.open();
  pool.stop();
  CHECK(slow == 50);
}

TEST_CASE("work: a share that is configured holds, also for an owner that is alone") {
  Gate gate;
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  WorkPool pool({.threads = 4, .share = 2, .queue = 100});
  for (int i = 0; i < 100; ++i) {
    REQUIRE(pool.run(&kOwner, [&] {
      const int now = ++at_once;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      --at_once;
    }) == NX_OK);
  }
  pool.stop();
  CHECK(most <= 2);
  gate.open();
}

TEST_CASE("work: one that has nothing running never waits for the jobs of others") {
  Gate gate;
  WorkPool pool({.threads = 2, .queue = 100});
  // More owners than threads, each of whom would keep a thread for ever.
  std::vector<int> owners(10);
  for (const int& owner : owners) {
    std::promise<void> runs;
    REQUIRE(pool.run(&owner, [&] {
      runs.set_value();
      gate.pass();
    }) == NX_OK);
    for (int i = 0; i < 5; ++i) REQUIRE(pool.run(&owner, [&] { gate.pass(); }) == NX_OK);
    runs.get_future().wait();
  }
  gate.open();
  pool.stop();
}

TEST_CASE("work: a queue that one owner has filled is not the others' queue") {
  Gate gate;
  std::promise<void> running;
  std::promise<void> ran;
  WorkPool pool({.threads = 2, .queue = 3});
  REQUIRE(pool.run(&kOwner, [&] {
    running.set_value();
    gate.pass();
  }) == NX_OK);
  running.get_future().wait();
  for (int i = 0; i < 3; ++i) REQUIRE(pool.run(&kOwner, [] {}) == NX_OK);
  CHECK(pool.run(&kOwner, [] {}) == NX_E_LIMIT);
  CHECK(pool.run(&kOther, [&] { ran.set_value(); }) == NX_OK);
  ran.get_future().wait();
  gate.open();
  pool.stop();
}

TEST_CASE("work: a stop with a deadline leaves what runs, and drops what waits") {
  Gate gate;
  std::promise<void> running;
  std::atomic<int> ran{0};
  WorkPool pool({.threads = 1, .queue = 100});
  REQUIRE(pool.run(&kOwner, [&] {
    running.set_value();
    gate.pass();
    ++ran;
  }) == NX_OK);
  running.get_future().wait();
  const auto held = std::make_shared<int>(1);
  for (int i = 0; i < 5; ++i) REQUIRE(pool.run(&kOwner, [&ran, held] { ++ran; }) == NX_OK);
  const WorkLeft left =
      pool.stop(&kOwner, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  CHECK(left.running == 1);
  CHECK(left.dropped == 5);
  CHECK(held.use_count() == 1);
  CHECK(ran == 0);
  gate.open();
  CHECK(pool.stop(&kOwner).nothing());  // this waits
  CHECK(ran == 1);
  CHECK(pool.stop(&kOther, std::chrono::steady_clock::now()).nothing());
}
