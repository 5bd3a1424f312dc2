// How often somebody may be wrong.
#include <catch2/catch.hpp>

#include "plugins/support/auth/throttle.hpp"

using namespace nexus::auth;

namespace {

ThrottleLimits limits() {
  ThrottleLimits limits;
  limits.per_authid = 2;
  limits.per_address = 4;
  limits.delay_ms = 100;
  limits.max_delay_ms = 1000;
  limits.memory_ms = 60'000;
  limits.max_entries = 3;
  return limits;
}

}  // namespace

TEST_CASE("throttle: the delay grows with each wrong answer, and ends in a refusal") {
  Throttle throttle;
  throttle.configure(limits());
  uint64_t now = 1000;
  for (int i = 0; i < 2; ++i) {
    CHECK(throttle.begin("192.0.2.1", "joe", now).wait_ms == 0);
    throttle.failed("192.0.2.1", "joe", now);
  }
  for (const uint64_t expected : {100U, 200U, 400U, 800U, 1000U, 1000U}) {
    const Throttle::Turn turn = throttle.begin("", "joe", now);
    CHECK(turn.wait_ms == expected);
    CHECK_FALSE(turn.refused);
    now += turn.wait_ms;
    throttle.failed("", "joe", now);
  }
  // Others do not wait.
  CHECK(throttle.begin("192.0.2.2", "ann", now).wait_ms == 0);
}

TEST_CASE("throttle: attempts at the same time queue up, and the queue is short") {
  Throttle throttle;
  throttle.configure(limits());
  for (int i = 0; i < 6; ++i) throttle.failed("192.0.2.1", "", 1000);
  int admitted = 0;
  uint64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    const Throttle::Turn turn = throttle.begin("192.0.2.1", "", 1000);
    if (turn.refused) continue;
    ++admitted;
    CHECK(turn.wait_ms > last);
    last = turn.wait_ms;
  }
  CHECK(admitted >= 1);
  CHECK(admitted <= 10);
  CHECK(last <= 1000);
}

TEST_CASE("throttle: who is right is forgiven the authid, not the address") {
  Throttle throttle;
  throttle.configure(limits());
  for (int i = 0; i < 4; ++i) throttle.failed("192.0.2.1", "joe", 1000);
  throttle.succeeded("joe");
  CHECK(throttle.begin("", "joe", 1000).wait_ms == 0);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms > 0);
}

TEST_CASE("throttle: it forgets after a while, and when its table is full") {
  Throttle throttle;
  throttle.configure(limits());
  for (int i = 0; i < 5; ++i) throttle.failed("", "joe", 1000);
  CHECK(throttle.begin("", "joe", 1000).wait_ms > 0);
  CHECK(throttle.begin("", "joe", 900).wait_ms > 0);  // another loop's clock
  CHECK(throttle.begin("", "joe", 61'001).wait_ms == 0);

  for (int i = 0; i < 5; ++i) throttle.failed("", "old", 70'000);
  throttle.failed("", "ann", 70'001);
  throttle.failed("", "bob", 70'002);
  throttle.failed("", "old", 70'003);  // attacked again, so not the oldest
  throttle.failed("", "eve", 70'004);
  CHECK(throttle.remembered() == 3);
  CHECK(throttle.begin("", "old", 70'004).wait_ms > 0);
}

TEST_CASE("throttle: the memory begins anew with each wrong answer") {
  Throttle throttle;
  throttle.configure(limits());
  throttle.failed("", "joe", 0);
  throttle.failed("", "joe", 59'999);
  // The first was more than the memory ago, and both count.
  CHECK(throttle.begin("", "joe", 60'001).wait_ms > 0);
}

TEST_CASE("throttle: who guesses from one address does not keep the owner out") {
  Throttle throttle;
  throttle.configure(limits());
  uint64_t now = 1000;
  for (int i = 0; i < 100; ++i) {
    const Throttle::Turn turn = throttle.begin("192.0.2.66", "joe", now);
    now += turn.wait_ms;
    throttle.failed("192.0.2.66", "joe", now);
    const Throttle::Turn owner = throttle.begin("192.0.2.1", "joe", now);
    CHECK_FALSE(owner.refused);
    CHECK(owner.wait_ms == 0);
    now += 100;
  }
  CHECK(throttle.begin("192.0.2.66", "joe", now).wait_ms > 0);
}

TEST_CASE("throttle: guesses from very many addresses are slowed together") {
  Throttle throttle;
  throttle.configure(limits());
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) {  // one in each millisecond
    const std::string address = "192.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    const uint64_t now = 1000 + static_cast<uint64_t>(i);
    const Throttle::Turn turn = throttle.begin(address, "joe", now);
    if (turn.refused) continue;
    ++admitted;
    throttle.failed(address, "joe", now + turn.wait_ms);
  }
  // Two that are free, ten turns in this second, ten that wait.
  CHECK(admitted >= 10);
  CHECK(admitted <= 23);
}

TEST_CASE("throttle: where the owner came in before, guesses from elsewhere cost nothing") {
  Throttle throttle;
  throttle.configure(limits());
  throttle.succeeded("joe", "192.0.2.1");
  for (int i = 0; i < 10; ++i) {  // a crowd that leaves no turn to anybody
    const std::string address = "198.51.100." + std::to_string(i);
    throttle.failed(address, "joe", 1000);
  }
  while (!throttle.begin("203.0.113.1", "joe", 1000).refused) {
  }
  CHECK(throttle.begin("203.0.113.2", "joe", 1000).refused);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms == 0);
  // But that address is not another's, and its owner's patience is that of everybody.
  throttle.failed("192.0.2.1", "joe", 1000);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms == 0);
  throttle.failed("192.0.2.1", "joe", 1000);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms > 0);
  // An owner who comes in does not give those elsewhere new guesses.
  throttle.succeeded("joe", "192.0.2.1");
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms == 0);
  CHECK(throttle.begin("203.0.113.2", "joe", 1000).refused);
}

TEST_CASE("throttle: two names of one user count together") {
  Throttle throttle;
  throttle.configure(limits());
  throttle.failed("", "Joe", 1000, "joe");
  throttle.failed("", "JOE", 1000, "joe");
  CHECK(throttle.begin("", "jOE", 1000).wait_ms == 0);  // nobody knows yet whom it means
  CHECK(throttle.begin("", "jOE", 1000, "joe").wait_ms > 0);
  CHECK(throttle.begin("", "joe", 1000, "joe").wait_ms > 0);
  // One attempt with the same name twice is one.
  throttle.failed("", "ann", 1000, "ann");
  CHECK(throttle.begin("", "ann", 1000, "ann").wait_ms == 0);
  CHECK(folded_authid(" \tJoe@Example.COM\n") == "joe@example.com");
  CHECK(folded_authid("Jo\u00CB e") == "jo\u00CB e");
  CHECK(folded_authid(" ").empty());
}

TEST_CASE("throttle: an attempt with two turns has one by its address") {
  Throttle throttle;
  throttle.configure(limits());
  for (int i = 0; i < 4; ++i) throttle.failed("192.0.2.1", "", 1000);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000, {}, true).wait_ms == 0);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms > 0);
}

TEST_CASE("throttle: what it remembers of owners is bounded") {
  Throttle throttle;
  throttle.configure(limits());
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) {
    throttle.succeeded("joe", address);
  }
  for (int i = 0; i < 9; ++i) throttle.failed("", "joe", 1000);
  for (const char* address : {"192.0.2.2", "192.0.2.3", "192.0.2.4"}) {
    CHECK(throttle.begin(address, "joe", 1000).wait_ms == 0);
  }
  throttle.begin("192.0.2.5", "joe", 1000);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms > 0);  // seen longest ago
}

TEST_CASE("throttle: zero is no limit") {
  ThrottleLimits none = limits();
  none.per_address = none.per_authid = 0;
  Throttle throttle;
  throttle.configure(none);
  for (int i = 0; i < 100; ++i) throttle.failed("192.0.2.1", "joe", 1000);
  CHECK(throttle.begin("192.0.2.1", "joe", 1000).wait_ms == 0);
  CHECK(throttle.remembered() == 0);
}

TEST_CASE("throttle: what counts as one address") {
  CHECK(throttle_address("192.0.2.1:5123") == "192.0.2.1");
  CHECK(throttle_address("[2001:db8:1:2:3:4:5:6]:80") == "2001:db8:1:2::/64");
  CHECK(throttle_address("[2001:db8:1:2:ffff::1]:81") == "2001:db8:1:2::/64");
  CHECK(throttle_address("[::ffff:192.0.2.1]:80") == "192.0.2.1");
  CHECK(throttle_address("[::1]:80") == "::/64");
  // Without a port, as X-Forwarded-For has them.
  CHECK(throttle_address("192.0.2.1") == "192.0.2.1");
  CHECK(throttle_address("2001:db8:1:2::1") == "2001:db8:1:2::/64");
  CHECK(throttle_address("::ffff:192.0.2.1") == "192.0.2.1");
  for (const char* none : {"", "/tmp/sock", "unix:", "nonsense:1", "[::1:1", ":80"}) {
    CHECK(throttle_address(none).empty());
  }
}
