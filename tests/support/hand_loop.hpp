// HandLoop: a loop whose mail, timers and clock move when the test says so, and a group of two.
// post() [any], the rest by the test's thread.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "kernel/loop/loop.hpp"

namespace nexus::test {

// A loop whose mail and timers run when the test says so.
class HandLoop : public Loop {
 public:
  explicit HandLoop(uint32_t index) { index_ = index; }

  bool post(std::unique_ptr<Mail> mail) override {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    mail_.push_back(std::move(mail));
    return true;
  }
  TimerId start_timer(uint64_t delay_ms, TimerFn fn, void* user, const void* owner) override {
    timers_[++last_timer_] = {now_ms_ + delay_ms, fn, user, owner};
    return last_timer_;
  }
  using Loop::start_timer;
  void cancel_timer(TimerId id) override { timers_.erase(id); }
  Status watch(int, uint32_t, WatchFn, void*, const void*) override { return {}; }
  void forget(const void* owner) override {
    std::erase_if(timers_, [owner](const auto& timer) { return timer.second.owner == owner; });
  }
  void at_end_of_turn(void (*)(void*), void*) override {}

  // Runs what is in the mail; answers how many letters that were.
  size_t turn() {
    std::vector<std::unique_ptr<Mail>> mail;
    {
      const std::lock_guard lock(mutex_);
      mail.swap(mail_);
    }
    for (auto& letter : mail) letter->run(*this);
    return mail.size();
  }
  void advance(uint64_t ms) {
    now_ms_ += ms;
    while (true) {
      const auto due = std::find_if(timers_.begin(), timers_.end(),
                                    [this](const auto& t) { return t.second.at <= now_ms_; });
      if (due == timers_.end()) return;
      const Timer timer = due->second;
      timers_.erase(due);
      timer.fn(timer.user);
    }
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    mail_.clear();
  }
  size_t timers() const { return timers_.size(); }

 private:
  struct Timer {
    uint64_t at;
    TimerFn fn;
    void* user;
    const void* owner;
  };
  std::mutex mutex_;
  std::vector<std::unique_ptr<Mail>> mail_;
  bool ended_ = false;
  std::map<TimerId, Timer> timers_;
  TimerId last_timer_ = 0;
};

class HandGroup : public LoopGroup {
 public:
  uint32_t count() const override { return 2; }
  HandLoop& loop(uint32_t index) override { return index == 0 ? first : second; }
  Status start() override { return {}; }
  uint64_t connections() const override { return more_connections.load(); }
  void stop() override {}

  HandLoop first{0};
  HandLoop second{1};
};

}  // namespace nexus::test
