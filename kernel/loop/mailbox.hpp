// Mailbox: the one door into a loop from other threads. push() [any], everything else [loop].
//
// A stack of letters under one atomic word, which the loop takes whole and turns round: no lock,
// no allocation, and one sender's letters keep their order. The same word says that the loop
// sleeps, so the sender that finds it asleep knows, without a second look, that it is the one to
// wake it; those after it find a letter and leave the wake-up alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernel/loop/loop.hpp"

namespace nexus {

class Mailbox {
 public:
  enum class Posted { queued, wake, closed };

  Mailbox() = default;
  ~Mailbox();  // destroys what is left, unread
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // `wake`: the owner sleeps, and this caller has to wake it. `closed`: the letter was destroyed.
  // [any]
  Posted push(std::unique_ptr<Mail> mail);

  bool empty() const { return head_.load(std::memory_order_relaxed) <= kAsleep; }
  // True: nothing is there, and the next push() answers `wake`.
  bool try_sleep();
  void awake();
  // Runs the letters that are there; those they cause come with the next call. Returns how many.
  size_t drain(Loop& loop);
  // As drain(), and from now on push() answers `closed`.
  size_t close(Loop& loop);

 private:
  static constexpr uintptr_t kEmpty = 0;
  static constexpr uintptr_t kAsleep = 1;
  static constexpr uintptr_t kClosed = 2;  // anything larger is the newest letter

  static Mail* in_order(uintptr_t head);
  static size_t run_all(Mail* first, Loop& loop);

  std::atomic<uintptr_t> head_{kEmpty};
};

}  // namespace nexus
