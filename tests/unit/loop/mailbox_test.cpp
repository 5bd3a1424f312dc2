// The mailbox: order, the wake-up protocol, and its end.
#include "kernel/loop/mailbox.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <thread>
#include <vector>

#include "tests/unit/loop/harness.hpp"

using namespace nexus;

namespace {

class Letter final : public Mail {
 public:
  explicit Letter(std::function<void()> fn, int* destroyed = nullptr)
      : fn_(std::move(fn)), destroyed_(destroyed) {}
  ~Letter() override {
    if (destroyed_ != nullptr) ++*destroyed_;
  }
  void run(Loop&) override { fn_(); }

 private:
  std::function<void()> fn_;
  int* destroyed_;
};

struct Box {
  Box() {
    auto made = EventLoop::create(0);
    REQUIRE(made);
    loop = std::move(made).value();
  }
  Mailbox::Posted push(std::function<void()> fn, int* destroyed = nullptr) {
    return mailbox.push(std::make_unique<Letter>(std::move(fn), destroyed));
  }
  std::unique_ptr<EventLoop> loop;  // drain() wants one
  Mailbox mailbox;
};

}  // namespace

TEST_CASE("letters run in the order in which they were pushed, and are destroyed") {
  Box box;
  std::vector<int> ran;
  int destroyed = 0;
  for (int i = 0; i < 5; ++i) box.push([&ran, i] { ran.push_back(i); }, &destroyed);
  CHECK(box.mailbox.drain(*box.loop) == 5);
  CHECK(ran == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(destroyed == 5);
  CHECK(box.mailbox.empty());
}

TEST_CASE("a letter pushed by a letter waits for the next drain") {
  Box box;
  bool inner = false;
  box.push([&] { box.push([&] { inner = true; }); });
  CHECK(box.mailbox.drain(*box.loop) == 1);
  CHECK_FALSE(inner);
  CHECK(box.mailbox.drain(*box.loop) == 1);
  CHECK(inner);
}

TEST_CASE("only the first push to a sleeping owner wakes it") {
  Box box;
  CHECK(box.push([] {}) == Mailbox::Posted::queued);
  CHECK_FALSE(box.mailbox.try_sleep());  // something is there
  box.mailbox.drain(*box.loop);
  CHECK(box.mailbox.try_sleep());
  CHECK(box.push([] {}) == Mailbox::Posted::wake);
  CHECK(box.push([] {}) == Mailbox::Posted::queued);
  box.mailbox.awake();
  CHECK(box.mailbox.drain(*box.loop) == 2);
  CHECK(box.mailbox.try_sleep());
  box.mailbox.awake();
  CHECK(box.push([] {}) == Mailbox::Posted::queued);
}

TEST_CASE("after close() letters are refused and destroyed, those before it run") {
  Box box;
  int ran = 0;
  int destroyed = 0;
  box.push([&] { ++ran; }, &destroyed);
  CHECK(box.mailbox.close(*box.loop) == 1);
  CHECK(box.push([&] { ++ran; }, &destroyed) == Mailbox::Posted::closed);
  CHECK(ran == 1);
  CHECK(destroyed == 2);
  CHECK_FALSE(box.mailbox.try_sleep());
}

TEST_CASE("letters left in a mailbox that ends are destroyed unread") {
  int ran = 0;
  int destroyed = 0;
  {
    Box box;
    box.push([&] { ++ran; }, &destroyed);
    box.push([&] { ++ran; }, &destroyed);
  }
  CHECK(ran == 0);
  CHECK(destroyed == 2);
}

TEST_CASE("many senders: nothing is lost and each one's letters keep their order") {
  constexpr int kSenders = 4;
  constexpr int kLetters = 20000;
  auto made = LoopGroup::create(1);
  REQUIRE(made);
  LoopGroup& group = **made;
  REQUIRE(group.start());
  std::vector<int> last(kSenders, -1);
  int out_of_order = 0;
  int total = 0;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < kLetters; ++i) {
        group.loop(0).post(std::make_unique<Letter>([&, sender, i] {
          if (last[static_cast<size_t>(sender)] != i - 1) ++out_of_order;
          last[static_cast<size_t>(sender)] = i;
          ++total;
        }));
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  group.stop();  // letters that are there still run
  CHECK(total == kSenders * kLetters);
  CHECK(out_of_order == 0);
}
