// The loop and the group: wake-ups, timers on real time, watches, hooks, and the end.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <atomic>
#include <thread>

#include "nexus/nx_host.h"
#include "tests/unit/loop/harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::unique_ptr<LoopGroup> started(uint32_t count) {
  auto made = LoopGroup::create(count);
  REQUIRE(made);
  REQUIRE((*made)->start());
  return std::move(made).value();
}

bool wait(std::future<void> future) {
  return future.wait_for(kPatience) == std::future_status::ready;
}

}  // namespace

TEST_CASE("a group has the loops that were asked for, and at least one by itself") {
  auto three = LoopGroup::create(3);
  REQUIRE(three);
  REQUIRE((*three)->count() == 3);
  for (uint32_t i = 0; i < 3; ++i) CHECK((*three)->loop(i).index() == i);
  auto automatic = LoopGroup::create(0);
  REQUIRE(automatic);
  CHECK((*automatic)->count() >= 1);
  CHECK_FALSE(LoopGroup::create(1000000));
}

TEST_CASE("Loop::current() is the loop of the calling thread") {
  auto group = started(2);
  CHECK(Loop::current() == nullptr);
  for (uint32_t i = 0; i < 2; ++i) {
    Loop* seen = nullptr;
    on_loop(group->loop(i), [&] { seen = Loop::current(); });
    CHECK(seen == &group->loop(i));
  }
}

TEST_CASE("a sleeping loop is woken by a letter") {
  auto group = started(1);
  // Each round finds the loop asleep or about to fall asleep; a lost wake-up would hang here.
  for (int i = 0; i < 2000; ++i) {
    int value = 0;
    on_loop(group->loop(0), [&] { value = i; });
    REQUIRE(value == i);
  }
}

TEST_CASE("loops that answer each other's letters never miss a wake-up") {
  auto group = started(2);
  std::promise<void> done;
  std::function<void(int)> ping = [&](int left) {
    if (left == 0) return done.set_value();
    group->loop(static_cast<uint32_t>(left % 2)).post([&, left](Loop&) { ping(left - 1); });
  };
  ping(5000);
  CHECK(wait(done.get_future()));
}

TEST_CASE("a letter posted by its own loop does not run at once") {
  auto group = started(1);
  bool inner = false;
  bool at_once = true;
  on_loop(group->loop(0), [&] {
    group->loop(0).post([&](Loop&) { inner = true; });
    at_once = inner;
  });
  on_loop(group->loop(0), [] {});
  CHECK_FALSE(at_once);
  CHECK(inner);
}

TEST_CASE("timers fire in order and never before their time") {
  using Clock = std::chrono::steady_clock;
  auto group = started(1);
  struct Shot {
    uint64_t delay;
    Clock::time_point armed;
    std::vector<std::pair<uint64_t, Clock::duration>>* log;
    std::promise<void>* last;
  };
  std::vector<std::pair<uint64_t, Clock::duration>> log;
  std::promise<void> done;
  std::list<Shot> shots;
  on_loop(group->loop(0), [&] {
    for (uint64_t delay : {30, 1, 80, 5, 0, 60}) {
      Shot& shot =
          shots.emplace_back(Shot{delay, Clock::now(), &log, delay == 80 ? &done : nullptr});
      const TimerId id = group->loop(0).start_timer(
          delay,
          [](void* user) {
            auto& fired = *static_cast<Shot*>(user);
            fired.log->push_back({fired.delay, Clock::now() - fired.armed});
            if (fired.last != nullptr) fired.last->set_value();
          },
          &shot);
      CHECK(id != 0);
    }
  });
  REQUIRE(wait(done.get_future()));
  on_loop(group->loop(0), [] {});
  REQUIRE(log.size() == 6);
  const uint64_t order[] = {0, 1, 5, 30, 60, 80};
  for (size_t i = 0; i < 6; ++i) {
    CHECK(log[i].first == order[i]);
    CHECK(log[i].second >= std::chrono::milliseconds(order[i]));
  }
}

TEST_CASE("a cancelled timer is not called") {
  auto group = started(1);
  std::atomic<int> calls{0};
  std::promise<void> later;
  on_loop(group->loop(0), [&] {
    Loop& loop = group->loop(0);
    const TimerId id = loop.start_timer(
        1, [](void* user) { ++*static_cast<std::atomic<int>*>(user); }, &calls);
    loop.start_timer(
        20, [](void* user) { static_cast<std::promise<void>*>(user)->set_value(); }, &later);
    loop.cancel_timer(id);
    loop.cancel_timer(id);
    loop.cancel_timer(12345);
  });
  REQUIRE(wait(later.get_future()));
  CHECK(calls == 0);
}

TEST_CASE("hooks run once at the end of the turn, after what caused them") {
  auto group = started(1);
  struct Trace {
    Loop* loop;
    std::string text;
  } trace{&group->loop(0), {}};
  on_loop(group->loop(0), [&] {
    trace.loop->at_end_of_turn(
        [](void* user) {
          auto& t = *static_cast<Trace*>(user);
          t.text += 'b';
          t.loop->at_end_of_turn([](void* inner) { static_cast<Trace*>(inner)->text += 'd'; }, &t);
        },
        &trace);
    trace.loop->at_end_of_turn([](void* user) { static_cast<Trace*>(user)->text += 'c'; }, &trace);
    trace.text += 'a';
  });
  on_loop(group->loop(0), [&] { trace.text += 'e'; });
  on_loop(group->loop(0), [] {});
  CHECK(trace.text == "abcde");
}

TEST_CASE("a hook that adds itself for ever does not stop the loop") {
  auto group = started(1);
  struct Forever {
    Loop* loop;
    uint64_t runs = 0;
    bool stop = false;
    static void run(void* user) {
      auto& self = *static_cast<Forever*>(user);
      ++self.runs;
      if (!self.stop) self.loop->at_end_of_turn(&Forever::run, &self);
    }
  } forever{&group->loop(0)};
  on_loop(group->loop(0), [&] { forever.loop->at_end_of_turn(&Forever::run, &forever); });
  uint64_t runs = 0;
  for (int i = 0; i < 100; ++i) on_loop(group->loop(0), [&] { runs = forever.runs; });
  CHECK(runs > 50);
  on_loop(group->loop(0), [&] { forever.stop = true; });
}

TEST_CASE("a watch reports what it was asked for, level triggered, until it ends") {
  auto group = started(1);
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_NONBLOCK | O_CLOEXEC) == 0);
  const UniqueFd reader(pipe[0]);
  UniqueFd writer(pipe[1]);
  struct Seen {
    std::atomic<int> reads{0};
    std::atomic<int> errors{0};
    std::promise<void> third;
    std::promise<void> error;
  } seen;
  const auto fn = [](void* user, int fd, uint32_t events) {
    auto& s = *static_cast<Seen*>(user);
    if ((events & NX_FD_READ) != 0 && ++s.reads == 3) {  // reported again: nobody read it
      char byte;
      CHECK(::read(fd, &byte, 1) == 1);
      s.third.set_value();
    }
    if ((events & NX_FD_ERROR) != 0 && ++s.errors == 1) {
      CHECK(Loop::current()->watch(fd, 0, nullptr, nullptr));
      s.error.set_value();
    }
  };
  on_loop(group->loop(0),
          [&] { CHECK(group->loop(0).watch(reader.get(), NX_FD_READ, fn, &seen)); });
  REQUIRE(::write(writer.get(), "x", 1) == 1);
  REQUIRE(wait(seen.third.get_future()));
  writer.reset();
  REQUIRE(wait(seen.error.get_future()));
  on_loop(group->loop(0), [] {});
  on_loop(group->loop(0), [] {});
  CHECK(seen.errors == 1);
}

TEST_CASE("a watch can be changed, and a number that came back as another file can be watched") {
  auto group = started(1);
  Loop& loop = group->loop(0);
  UniqueFd fd(::eventfd(1, EFD_NONBLOCK));
  const int number = fd.get();
  struct Seen {
    std::promise<void> writable;
    std::promise<void> readable;
  } seen;
  on_loop(loop, [&] {
    CHECK(loop.watch(
        number, NX_FD_WRITE,
        [](void* user, int watched, uint32_t events) {
          CHECK(events == NX_FD_WRITE);
          CHECK(Loop::current()->watch(watched, 0, nullptr, nullptr));
          static_cast<Seen*>(user)->writable.set_value();
        },
        &seen));
  });
  REQUIRE(wait(seen.writable.get_future()));
  on_loop(loop, [&] {
    CHECK(loop.watch(
        number, NX_FD_READ, [](void*, int, uint32_t) { FAIL_CHECK("old watch"); }, nullptr));
    fd.reset();  // closed while watched
    UniqueFd other(::eventfd(1, EFD_NONBLOCK));
    REQUIRE(::dup2(other.get(), number) == number);
    fd = UniqueFd(number);
    if (other.get() == number) other.release();
    CHECK(loop.watch(
        number, NX_FD_READ,
        [](void* user, int watched, uint32_t) {
          CHECK(Loop::current()->watch(watched, 0, nullptr, nullptr));
          static_cast<Seen*>(user)->readable.set_value();
        },
        &seen));
  });
  REQUIRE(wait(seen.readable.get_future()));
}

TEST_CASE("a watch on what cannot be watched says so") {
  auto group = started(1);
  on_loop(group->loop(0), [&] {
    Loop& loop = group->loop(0);
    const auto fn = [](void*, int, uint32_t) {};
    CHECK(loop.watch(-1, NX_FD_READ, fn, nullptr).code() == NX_E_INVALID);
    CHECK(loop.watch(0, NX_FD_READ, nullptr, nullptr).code() == NX_E_INVALID);
    CHECK(loop.watch(0, 64, fn, nullptr).code() == NX_E_INVALID);
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    CHECK(loop.watch(file.get(), NX_FD_READ, fn, nullptr).code() == NX_E_IO);
    CHECK(loop.watch(777, 0, nullptr, nullptr).code() == NX_OK);  // never watched
  });
}

TEST_CASE("stop() runs the letters that are there, and then letters are refused") {
  auto group = started(2);
  std::atomic<int> ran{0};
  constexpr int kLetters = 1000;
  for (int i = 0; i < kLetters; ++i) {
    group->loop(static_cast<uint32_t>(i % 2)).post([&](Loop&) { ++ran; });
  }
  group->stop();
  CHECK(ran == kLetters);
  struct Marked final : Mail {
    explicit Marked(bool& flag) : gone(flag) {}
    ~Marked() override { gone = true; }
    void run(Loop&) override { FAIL_CHECK("a letter ran after the end"); }
    bool& gone;
  };
  bool gone = false;
  CHECK_FALSE(group->loop(0).post(std::make_unique<Marked>(gone)));
  CHECK(gone);
  group->stop();  // again is no error
}

TEST_CASE("what loops tell each other while they stop still arrives") {
  auto group = started(2);
  std::atomic<int> hops{0};
  std::function<void(int)> hop = [&](int left) {
    ++hops;
    if (left > 0) {
      CHECK(group->loop(static_cast<uint32_t>(left % 2)).post([&, left](Loop&) { hop(left - 1); }));
    }
  };
  std::promise<void> started_hopping;
  group->loop(0).post([&](Loop&) {
    started_hopping.set_value();
    hop(20);
  });
  REQUIRE(wait(started_hopping.get_future()));
  group->stop();
  CHECK(hops == 21);
}

TEST_CASE("letters that never end cannot keep a group from stopping") {
  auto group = started(1);
  std::function<void()> again = [&] { group->loop(0).post([&](Loop&) { again(); }); };
  on_loop(group->loop(0), [&] { again(); });
  group->stop();
  SUCCEED("it came back");
}

TEST_CASE("a group that was never started can be destroyed with letters in it") {
  auto made = LoopGroup::create(2);
  REQUIRE(made);
  auto alive = std::make_shared<int>(1);
  (*made)->loop(1).post([alive](Loop&) { FAIL_CHECK("nobody runs this"); });
  made->reset();
  CHECK(alive.use_count() == 1);
}

TEST_CASE("letters posted before the start run after it, a second start is refused") {
  auto made = LoopGroup::create(1);
  REQUIRE(made);
  std::promise<void> ran;
  (*made)->loop(0).post([&](Loop&) { ran.set_value(); });
  REQUIRE((*made)->start());
  CHECK(wait(ran.get_future()));
  CHECK((*made)->start().code() == NX_E_STATE);
}

TEST_CASE("loop threads leave signals to the program") {
  auto group = started(1);
  sigset_t blocked;
  on_loop(group->loop(0), [&] { pthread_sigmask(SIG_BLOCK, nullptr, &blocked); });
  CHECK(sigismember(&blocked, SIGTERM) == 1);
  CHECK(sigismember(&blocked, SIGINT) == 1);
  sigset_t mine;
  pthread_sigmask(SIG_BLOCK, nullptr, &mine);
  CHECK(sigismember(&mine, SIGTERM) == 0);
}

TEST_CASE("an idle loop does not turn") {
  auto group = started(1);
  Loop& loop = group->loop(0);
  on_loop(loop, [] {});
  const uint64_t before = loop.counters().turns.value();
  for (int i = 0; i < 100; ++i) on_loop(loop, [] {});
  // One turn for each letter; a wake-up that comes late can cost one more each.
  CHECK(loop.counters().turns.value() - before <= 210);
  CHECK(loop.counters().mails.value() >= 100);
}
