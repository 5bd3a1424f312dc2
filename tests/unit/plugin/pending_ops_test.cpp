// PendingOps: the first answer wins, everything else finds nothing. On a loop that is turned by
// hand, and with real threads that answer.
#include "kernel/plugin/pending_ops.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "tests/support/hand_loop.hpp"

using namespace nexus;
using nexus::test::HandGroup;
using nexus::test::HandLoop;

namespace {

struct NumberAnswer : OpAnswer {
  explicit NumberAnswer(int n) : number(n) { ++alive; }
  ~NumberAnswer() override { --alive; }
  int number;
  static std::atomic<int> alive;
};
std::atomic<int> NumberAnswer::alive{0};

const int component = 0;
const Asked kAsked{OpKind::authentication, &component};

std::unique_ptr<OpAnswer> answer(int number) { return std::make_unique<NumberAnswer>(number); }

// What done was called with: the number, or minus the status' size for one without an answer.
struct Told {
  std::vector<int> calls;
  PendingOps::Done done() {
    return [this](nx_status code, PendingOps::Answer given) {
      calls.push_back(given ? static_cast<NumberAnswer&>(*given).number : code);
    };
  }
};

struct World {
  HandGroup group;
  PendingOps ops{group};
  HandLoop& loop = group.first;
  Told told;
};

}  // namespace

TEST_CASE("pending: an answer arrives by mail, and the first one wins") {
  World w;
  const nx_op op = w.ops.begin(w.loop, kAsked, 0, w.told.done());
  REQUIRE(op != 0);
  CHECK(w.ops.complete(op, kAsked, answer(1)) == NX_OK);
  CHECK(w.told.calls.empty());  // never from inside complete()
  CHECK(w.ops.complete(op, kAsked, answer(2)) == NX_E_CLOSED);
  CHECK(w.loop.turn() == 1);
  CHECK(w.told.calls == std::vector<int>{1});
  CHECK(w.ops.complete(op, kAsked, answer(3)) == NX_E_CLOSED);
  CHECK(w.ops.end(op));
  CHECK_FALSE(w.ops.end(op));
  CHECK(w.ops.complete(op, kAsked, answer(4)) == NX_E_CLOSED);
  CHECK(w.loop.turn() == 0);
  CHECK(w.told.calls.size() == 1);
  CHECK(w.ops.size() == 0);
  CHECK(NumberAnswer::alive == 0);
}

TEST_CASE("pending: only who was asked may answer, and only what it was asked") {
  World w;
  const int another = 0;
  const nx_op op = w.ops.begin(w.loop, kAsked, 0, w.told.done());
  CHECK(w.ops.complete(op, {OpKind::authentication, &another}, answer(1)) == NX_E_INVALID);
  CHECK(w.ops.complete(op, {OpKind::authorization, &component}, answer(2)) == NX_E_INVALID);
  CHECK(w.ops.complete(op, {}, answer(3)) == NX_E_INVALID);
  CHECK(w.loop.turn() == 0);
  CHECK(w.told.calls.empty());
  CHECK(w.ops.complete(op, kAsked, answer(4)) == NX_OK);  // it has waited on
  w.loop.turn();
  CHECK(w.told.calls == std::vector<int>{4});
  // Also where nothing is waited for: a stranger does not learn how far it is.
  CHECK(w.ops.complete(op, {OpKind::authentication, &another}, answer(5)) == NX_E_INVALID);
  w.ops.end(op);
  CHECK(w.ops.complete(op, {OpKind::authentication, &another}, answer(6)) == NX_E_CLOSED);
  // The slot may be used again, by another one.
  std::vector<nx_op> more;
  for (int i = 0; i < 200; ++i) {
    more.push_back(w.ops.begin(w.loop, {OpKind::authorization, &another}, 0, w.told.done()));
    w.ops.end(more.back());
  }
  const nx_op next = w.ops.begin(w.loop, {OpKind::authorization, &another}, 0, w.told.done());
  CHECK(w.ops.complete(next, kAsked, answer(7)) == NX_E_INVALID);
  CHECK(w.ops.complete(next, {OpKind::authorization, &another}, answer(8)) == NX_OK);
  w.loop.turn();
  CHECK(w.told.calls == std::vector<int>{4, 8});
  w.ops.end(next);
  CHECK(NumberAnswer::alive == 0);
}

TEST_CASE("pending: handles that were never given out find nothing") {
  World w;
  CHECK(w.ops.complete(0, kAsked, answer(1)) == NX_E_CLOSED);
  CHECK(w.ops.complete(UINT64_MAX, kAsked, answer(1)) == NX_E_CLOSED);
  const nx_op op = w.ops.begin(w.loop, kAsked, 0, w.told.done());
  for (uint32_t bit = 0; bit < 64; ++bit) {
    CHECK(w.ops.complete(op ^ (nx_op{1} << bit), kAsked, answer(1)) == NX_E_CLOSED);
  }
  CHECK_FALSE(w.ops.end(0));
  CHECK_FALSE(w.ops.end(UINT64_MAX));
  CHECK_FALSE(w.ops.rearm(UINT64_MAX));
  CHECK_FALSE(w.ops.set_deadline(UINT64_MAX, 1));
  CHECK(w.ops.size() == 1);
  CHECK(w.ops.complete(op, kAsked, answer(1)) == NX_OK);
  w.ops.end(op);
}

TEST_CASE("pending: after the end an answer on its way is dropped, and done is freed at once") {
  World w;
  const auto held = std::make_shared<int>(0);
  const nx_op op = w.ops.begin(w.loop, kAsked, 50,
                               [held](nx_status, PendingOps::Answer) { FAIL("called after end"); });
  CHECK(w.ops.complete(op, kAsked, answer(1)) == NX_OK);
  CHECK(w.ops.end(op));
  CHECK(held.use_count() == 1);
  CHECK(w.loop.timers() == 0);
  CHECK(w.loop.turn() == 1);
  w.loop.advance(100);
  CHECK(NumberAnswer::alive == 0);
}

TEST_CASE("pending: the deadline calls done once, what comes later bounces") {
  World w;
  const nx_op op = w.ops.begin(w.loop, kAsked, 50, w.told.done());
  w.loop.advance(49);
  CHECK(w.told.calls.empty());
  w.loop.advance(1);
  CHECK(w.told.calls == std::vector<int>{NX_E_TIMEOUT});
  CHECK(w.ops.complete(op, kAsked, answer(1)) == NX_E_CLOSED);
  CHECK_FALSE(w.ops.set_deadline(op, 10));
  w.loop.turn();
  w.loop.advance(1000);
  CHECK(w.told.calls.size() == 1);
  CHECK(w.ops.end(op));
}

TEST_CASE("pending: an answer that was given in time wins over the deadline") {
  World w;
  const nx_op op = w.ops.begin(w.loop, kAsked, 50, w.told.done());
  CHECK(w.ops.complete(op, kAsked, answer(1)) == NX_OK);
  w.loop.advance(1000);  // the timer comes before the mail
  CHECK(w.told.calls.empty());
  w.loop.turn();
  CHECK(w.told.calls == std::vector<int>{1});
  CHECK(w.loop.timers() == 0);
  w.ops.end(op);
}

TEST_CASE("pending: a deadline can be set later, replaced and removed") {
  World w;
  const nx_op op = w.ops.begin(w.loop, kAsked, 0, w.told.done());
  CHECK(w.loop.timers() == 0);
  CHECK(w.ops.set_deadline(op, 50));
  w.loop.advance(40);
  CHECK(w.ops.set_deadline(op, 50));
  w.loop.advance(40);
  CHECK(w.told.calls.empty());
  CHECK(w.ops.set_deadline(op, 0));
  w.loop.advance(1000);
  CHECK(w.told.calls.empty());
  CHECK(w.ops.set_deadline(op, 5));
  w.loop.advance(5);
  CHECK(w.told.calls == std::vector<int>{NX_E_TIMEOUT});
  w.ops.end(op);
}

TEST_CASE("pending: rearm asks again under the same handle") {
  World w;
  const nx_op op = w.ops.begin(w.loop, kAsked, 50, w.told.done());
  SECTION("after an answer") {
    w.ops.complete(op, kAsked, answer(1));
    w.loop.turn();
    CHECK(w.ops.complete(op, kAsked, answer(2)) == NX_E_CLOSED);  // nothing is being asked
    CHECK(w.ops.rearm(op));
    CHECK(w.ops.complete(op, kAsked, answer(3)) == NX_OK);
    w.loop.turn();
    CHECK(w.told.calls == std::vector<int>{1, 3});
  }
  SECTION("while an answer of the round before is on its way") {
    w.ops.complete(op, kAsked, answer(1));
    CHECK(w.ops.rearm(op));
    CHECK(w.ops.complete(op, kAsked, answer(2)) == NX_OK);
    CHECK(w.loop.turn() == 2);
    CHECK(w.told.calls == std::vector<int>{2});
  }
  SECTION("which removes the deadline") {
    CHECK(w.ops.rearm(op));
    w.loop.advance(1000);
    CHECK(w.told.calls.empty());
  }
  SECTION("after a timeout") {
    w.loop.advance(50);
    CHECK(w.ops.rearm(op));
    CHECK(w.ops.complete(op, kAsked, answer(2)) == NX_OK);
    w.loop.turn();
    CHECK(w.told.calls == std::vector<int>{NX_E_TIMEOUT, 2});
  }
  CHECK(w.ops.end(op));
  CHECK_FALSE(w.ops.rearm(op));
  CHECK(NumberAnswer::alive == 0);
}

TEST_CASE("pending: done may end, rearm or begin") {
  World w;
  nx_op op = 0;
  int calls = 0;
  const auto held = std::make_shared<int>(0);
  SECTION("end") {
    op = w.ops.begin(w.loop, kAsked, 0, [&, held](nx_status, PendingOps::Answer) {
      ++calls;
      CHECK(w.ops.end(op));
      CHECK(held.use_count() > 1);  // not freed while it runs
    });
    w.ops.complete(op, kAsked, answer(1));
    w.loop.turn();
    CHECK(w.ops.size() == 0);
    CHECK(held.use_count() == 1);
  }
  SECTION("rearm") {
    op = w.ops.begin(w.loop, kAsked, 0, [&, held](nx_status, PendingOps::Answer) {
      if (++calls == 1) CHECK(w.ops.rearm(op));
    });
    w.ops.complete(op, kAsked, answer(1));
    w.loop.turn();
    CHECK(w.ops.complete(op, kAsked, answer(2)) == NX_OK);
    w.loop.turn();
    CHECK(calls == 2);
    CHECK(w.ops.end(op));
  }
  SECTION("begin") {
    nx_op next = 0;
    op = w.ops.begin(w.loop, kAsked, 10, [&, held](nx_status, PendingOps::Answer) {
      ++calls;
      w.ops.end(op);
      next = w.ops.begin(w.loop, kAsked, 0, w.told.done());
    });
    w.loop.advance(10);
    CHECK(next != op);
    CHECK(w.ops.complete(op, kAsked, answer(1)) == NX_E_CLOSED);
    CHECK(w.ops.complete(next, kAsked, answer(2)) == NX_OK);
    w.loop.turn();
    CHECK(w.told.calls == std::vector<int>{2});
    w.ops.end(next);
  }
  CHECK(calls > 0);
}

TEST_CASE("pending: handles are not used again soon, and never equal on different loops") {
  World w;
  std::set<nx_op> seen;
  for (int i = 0; i < 10000; ++i) {
    const nx_op op = w.ops.begin(w.group.loop(i % 2), kAsked, 0, w.told.done());
    REQUIRE(op != 0);
    REQUIRE(seen.insert(op).second);
    REQUIRE(w.ops.end(op));
  }
  CHECK(w.ops.size() == 0);
}

TEST_CASE("pending: after the loop has ended nothing is delivered") {
  World w;
  const nx_op op = w.ops.begin(w.loop, kAsked, 0, w.told.done());
  const nx_op other = w.ops.begin(w.loop, kAsked, 0, w.told.done());
  CHECK(w.ops.complete(other, kAsked, answer(1)) == NX_OK);
  w.loop.end();
  CHECK(w.ops.complete(op, kAsked, answer(2)) == NX_E_CLOSED);
  CHECK(w.loop.turn() == 0);
  CHECK(w.told.calls.empty());
  CHECK(NumberAnswer::alive == 0);
}

TEST_CASE("pending: a loop that is none of the group's gets no operation") {
  World w;
  HandLoop stranger(7);
  CHECK(w.ops.begin(stranger, kAsked, 0, w.told.done()) == 0);
}

TEST_CASE("pending: many threads answer the same operations, each done is called once") {
  constexpr size_t kOps = 300;
  World w;
  std::vector<std::atomic<nx_op>> ops(kOps);
  std::vector<int> calls(kOps);
  std::atomic<int> accepted{0};
  std::atomic<bool> finished{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      while (!finished.load()) {
        for (size_t i = 0; i < kOps; ++i) {
          if (w.ops.complete(ops[i].load(), kAsked, answer(t)) == NX_OK) ++accepted;
        }
      }
    });
  }
  // The loop's part: begin, turn, end some early, until every operation had its answer or its end.
  size_t over = 0;
  std::vector<bool> ended(kOps);
  for (size_t i = 0; i < kOps; ++i) {
    ops[i] = w.ops.begin(w.loop, kAsked, 0, [&, i](nx_status code, PendingOps::Answer given) {
      CHECK(code == NX_OK);
      CHECK(given);
      CHECK_FALSE(ended[i]);
      ++calls[i];
      ++over;
      w.ops.end(ops[i].load());
    });
    if (i % 3 == 0 && w.ops.end(ops[i].load())) {
      ended[i] = true;
      ++over;
    }
    w.loop.turn();
  }
  while (over < kOps) w.loop.turn();
  finished = true;
  for (std::thread& thread : threads) thread.join();
  w.loop.turn();
  int delivered = 0;
  for (size_t i = 0; i < kOps; ++i) {
    CHECK(calls[i] == (ended[i] ? 0 : 1));
    delivered += calls[i];
  }
  CHECK(accepted >= delivered);
  CHECK(w.ops.size() == 0);
  CHECK(NumberAnswer::alive == 0);
}

TEST_CASE("pending: on real loops every operation ends with one answer or one timeout") {
  constexpr size_t kPerLoop = 200;
  Result<std::unique_ptr<LoopGroup>> group = LoopGroup::create(2);
  REQUIRE(group);
  LoopGroup& loops = *group.value();
  {
    PendingOps ops(loops);
    std::atomic<int> answers{0};
    std::atomic<int> timeouts{0};
    std::atomic<int> wrong{0};
    std::atomic<size_t> over{0};
    std::promise<void> all_done;
    std::vector<std::atomic<nx_op>> handles(2 * kPerLoop);
    const auto told = [&](size_t i, uint32_t index, nx_status code, PendingOps::Answer given) {
      if (Loop::current() != &loops.loop(index)) ++wrong;
      if ((code == NX_OK) != (given != nullptr)) ++wrong;
      ops.end(handles[i].load());
      ++(given ? answers : timeouts);
      if (++over == 2 * kPerLoop) all_done.set_value();
    };
    REQUIRE(loops.start());
    for (uint32_t index = 0; index < 2; ++index) {
      loops.loop(index).post([&, index](Loop& loop) {
        for (size_t k = 0; k < kPerLoop; ++k) {
          const size_t i = index * kPerLoop + k;
          // Every other one is never answered.
          const nx_op op = ops.begin(loop, kAsked, k % 2 == 0 ? 0 : 1,
                                     [&, i, index](nx_status code, PendingOps::Answer given) {
                                       told(i, index, code, std::move(given));
                                     });
          handles[i].store(op);
        }
      });
    }
    std::atomic<bool> finished{false};
    std::thread answering([&] {
      while (!finished.load()) {
        for (size_t i = 0; i < handles.size(); i += 2)
          ops.complete(handles[i].load(), kAsked, answer(1));
      }
    });
    all_done.get_future().wait();
    finished = true;
    answering.join();
    loops.stop();
    CHECK(answers == kPerLoop);
    CHECK(timeouts == kPerLoop);
    CHECK(wrong == 0);
    CHECK(ops.size() == 0);
    CHECK(ops.complete(handles[0].load(), kAsked, answer(1)) == NX_E_CLOSED);
  }
  CHECK(NumberAnswer::alive == 0);
}
