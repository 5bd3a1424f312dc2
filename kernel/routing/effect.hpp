// Effect: what a meta procedure sets off on other loops, and what happens when all of it is done:
// the answer. Whoever hears RESULT finds it so, wherever its next message is handled.
//
// Made on the loop `home` for a number of letters. Each says arrived() on its own loop when it has
// done its work; the last one has `done` called back home. One that is discarded with a loop that
// has ended says nothing: then everything ends, and nobody waits for answers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "kernel/loop/loop.hpp"

namespace nexus {

class Effect : public std::enable_shared_from_this<Effect> {
 public:
  // `letters` is not 0. [loop] home
  Effect(Loop& home, uint32_t letters, std::function<void()> done)
      : home_(home), left_(letters), done_(std::move(done)) {}

  // [any] loop; once for each letter.
  void arrived() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    home_.post([self = shared_from_this()](Loop&) { self->done_(); });
  }

 private:
  Loop& home_;
  std::atomic<uint32_t> left_;
  const std::function<void()> done_;
};

// Null: nobody waits.
using EffectPtr = std::shared_ptr<Effect>;

inline void arrived(const EffectPtr& effect) {
  if (effect != nullptr) effect->arrived();
}

}  // namespace nexus
