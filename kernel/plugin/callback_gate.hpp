// CallbackGate: whether the loops may still be asked to call a component back.
//
// A component of a realm that is removed is freed while the loops run. What they owe it by then (a
// call that is open, a letter that is under way, a timer, a descriptor that is watched) has to be
// over first. So its gate is closed, which refuses new things of the kind; then each loop, behind
// its mail, ends what it has; and then nothing can come any more. At the end of the router the
// same comes about because the loops have stopped. Any thread unless it says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

namespace nexus {

class CallbackGate {
 public:
  // Held while something is handed to another thread's loop: what was let in is there before
  // close() returns. False: it is closed.
  class Entry {
   public:
    explicit Entry(CallbackGate& gate) : gate_(gate) { gate_.inside_.fetch_add(1); }
    ~Entry() { gate_.inside_.fetch_sub(1, std::memory_order_release); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    explicit operator bool() const { return !gate_.closed_.load(); }

   private:
    CallbackGate& gate_;
  };

  // For what is begun on a loop and ended there as well, by a letter that comes after close().
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  // Closes it, and waits for those who are on their way in; they do not wait for anybody. [main]
  void close() {
    closed_.store(true);
    while (inside_.load() != 0) std::this_thread::yield();
  }

  // The component is not there any more. Letters that nobody has run by then, as those to loops
  // that have not been started, must not call it.
  bool gone() const { return gone_.load(std::memory_order_acquire); }
  void leave() { gone_.store(true, std::memory_order_release); }

 private:
  std::atomic<uint32_t> inside_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> gone_{false};
};

// Shared with letters, which may outlive the component.
using CallbackGatePtr = std::shared_ptr<CallbackGate>;

}  // namespace nexus
