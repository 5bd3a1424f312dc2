// The timer wheel and the table of numbered timers, without a thread: time is what the test says.
#include "kernel/loop/timers.hpp"

#include <catch2/catch.hpp>
#include <list>
#include <map>
#include <random>
#include <vector>

using namespace nexus;

namespace {

struct Probe : TimerNode {
  explicit Probe(std::vector<Probe*>& into) : TimerNode(&Probe::on_due), fired(into) {}
  static void on_due(TimerNode& timer) {
    auto& probe = static_cast<Probe&>(timer);
    probe.fired.push_back(&probe);
    if (probe.action) probe.action(probe);
  }
  std::vector<Probe*>& fired;
  std::function<void(Probe&)> action;
};

}  // namespace

TEST_CASE("a timer is due at its time and not before") {
  // On both sides of every border between two levels of the wheel.
  const uint64_t delay =
      GENERATE(1, 2, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 262145, 16777216, 100000000);
  const uint64_t start = GENERATE(0, 1, 63, 64, 12345678);
  TimerWheel wheel(start);
  std::vector<Probe*> fired;
  Probe probe(fired);
  wheel.arm(probe, start + delay);
  CHECK(wheel.next() <= start + delay);
  CHECK(wheel.next() > start);
  CHECK(wheel.advance(start + delay - 1) == 0);
  CHECK(probe.armed());
  CHECK(wheel.advance(start + delay) == 1);
  CHECK(fired.size() == 1);
  CHECK_FALSE(probe.armed());
  CHECK(wheel.next() == TimerWheel::kNever);
  CHECK(wheel.advance(start + 2 * delay) == 0);
}

TEST_CASE("timers fire in the order of their times, however far the clock jumps") {
  TimerWheel wheel(1000);
  std::vector<Probe*> fired;
  std::list<Probe> probes;
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    Probe& probe = probes.emplace_back(fired);
    wheel.arm(probe, 1001 + (random() % 300000));
  }
  for (uint64_t now : {1500, 1501, 9000, 200000, 400000}) {
    const size_t before = fired.size();
    wheel.advance(now);
    for (size_t i = before; i < fired.size(); ++i) CHECK(fired[i]->when <= now);
    for (const Probe& probe : probes) CHECK(probe.armed() == (probe.when > now));
  }
  REQUIRE(fired.size() == probes.size());
  for (size_t i = 1; i < fired.size(); ++i) REQUIRE(fired[i - 1]->when <= fired[i]->when);
}

TEST_CASE("of timers with the same time the one armed first fires first") {
  TimerWheel wheel(0);
  std::vector<Probe*> fired;
  std::list<Probe> probes;
  for (uint64_t now = 0; now < 300; now += 3) {  // armed from near and from far
    wheel.advance(now);
    wheel.arm(probes.emplace_back(fired), 300);
  }
  wheel.advance(300);
  REQUIRE(fired.size() == probes.size());
  auto probe = probes.begin();
  for (Probe* one : fired) CHECK(one == &*probe++);
}

TEST_CASE("a cancelled timer does not fire, and leaves no wake-up behind") {
  TimerWheel wheel(0);
  std::vector<Probe*> fired;
  Probe near(fired);
  Probe far(fired);
  wheel.arm(near, 50);
  wheel.arm(far, 50000);
  wheel.cancel(near);
  wheel.cancel(near);  // again is no error
  CHECK(wheel.next() > 50);
  wheel.cancel(far);
  CHECK(wheel.next() == TimerWheel::kNever);
  wheel.advance(100000);
  CHECK(fired.empty());
}

TEST_CASE("arming again moves a timer, to later and to earlier") {
  TimerWheel wheel(0);
  std::vector<Probe*> fired;
  Probe probe(fired);
  wheel.arm(probe, 100);
  wheel.arm(probe, 5000);
  wheel.advance(4999);
  CHECK(fired.empty());
  wheel.arm(probe, 9000);
  wheel.arm(probe, 5005);
  wheel.advance(5005);
  CHECK(fired.size() == 1);
  wheel.advance(10000);
  CHECK(fired.size() == 1);
}

TEST_CASE("a timer that arms itself with no delay does not hold up the turn") {
  TimerWheel wheel(0);
  std::vector<Probe*> fired;
  Probe probe(fired);
  probe.action = [&](Probe& self) { wheel.arm(self, 0); };
  wheel.arm(probe, 0);
  CHECK(wheel.advance(10) <= 10);  // at most once a millisecond
  CHECK(wheel.next() == 11);
  wheel.cancel(probe);
}

TEST_CASE("timers may cancel, move and destroy each other while they fire") {
  TimerWheel wheel(0);
  std::vector<Probe*> fired;
  Probe first(fired);
  Probe second(fired);
  auto third = std::make_unique<Probe>(fired);
  Probe fourth(fired);
  for (Probe* probe : {&first, &second, third.get(), &fourth}) wheel.arm(*probe, 64);
  first.action = [&](Probe&) {
    wheel.cancel(second);
    wheel.cancel(*third);
    third.reset();
    wheel.arm(fourth, 70);
  };
  wheel.advance(64);
  CHECK(fired == std::vector<Probe*>{&first});
  wheel.advance(70);
  CHECK(fired == std::vector<Probe*>{&first, &fourth});
}

TEST_CASE("the wheel agrees with a sorted list about everything") {
  TimerWheel wheel(99);
  std::vector<Probe*> fired;
  std::list<Probe> probes;
  for (int i = 0; i < 64; ++i) probes.emplace_back(fired);
  std::vector<Probe*> all;
  for (Probe& probe : probes) all.push_back(&probe);
  std::map<Probe*, uint64_t> expected;
  std::mt19937 random(3);
  uint64_t now = 99;
  for (int step = 0; step < 20000; ++step) {
    Probe* const probe = all[random() % all.size()];
    switch (random() % 4) {
      case 0:
      case 1: {
        const uint64_t when = now + 1 + random() % (1u << (random() % 20));
        wheel.arm(*probe, when);
        expected[probe] = when;
        break;
      }
      case 2:
        wheel.cancel(*probe);
        expected.erase(probe);
        break;
      default: {
        now += random() % (1u << (random() % 14));
        fired.clear();
        wheel.advance(now);
        size_t due = 0;
        for (auto entry = expected.begin(); entry != expected.end();) {
          if (entry->second > now) {
            ++entry;
            continue;
          }
          ++due;
          REQUIRE(std::count(fired.begin(), fired.end(), entry->first) == 1);
          entry = expected.erase(entry);
        }
        REQUIRE(fired.size() == due);
        uint64_t earliest = TimerWheel::kNever;
        for (const auto& [one, when] : expected) earliest = std::min(earliest, when);
        REQUIRE(wheel.next() <= earliest);
        if (earliest != TimerWheel::kNever) REQUIRE(wheel.next() > now);
      }
    }
  }
  for (Probe& probe : probes) wheel.cancel(probe);
}

TEST_CASE("a timer's number dies with it") {
  TimerWheel wheel(0);
  TimerTable table(wheel);
  int calls = 0;
  const auto count = [](void* user) { ++*static_cast<int*>(user); };
  const TimerId first = table.start(10, count, &calls);
  CHECK(first != 0);
  wheel.advance(10);
  CHECK(calls == 1);
  const TimerId second = table.start(20, count, &calls);  // takes the same place
  CHECK(second != first);
  table.cancel(first);
  table.cancel(0);
  table.cancel(UINT64_MAX);
  wheel.advance(20);
  CHECK(calls == 2);
  const TimerId third = table.start(30, count, &calls);
  table.cancel(third);
  table.cancel(third);
  wheel.advance(1000);
  CHECK(calls == 2);
}

TEST_CASE("a deadline beyond every horizon is accepted and stays silent") {
  TimerWheel wheel(5);
  std::vector<Probe*> fired;
  Probe probe(fired);
  wheel.arm(probe, UINT64_MAX);
  CHECK(wheel.advance(uint64_t{1} << 40) == 0);
  CHECK(probe.armed());
  wheel.cancel(probe);
}
