// LogLimits: what Log::limited() has let through and counted. Any thread; a lock is taken for as
// long as it takes to look a cause up, by those only who have a line of this kind.
//
// Memory is bounded: past kMaxCauses the causes of an area share one entry, so that whoever can
// choose what a cause is named neither fills the memory nor the log.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernel/base/log.hpp"
#include "kernel/base/text_hash.hpp"

namespace nexus {

class LogLimits {
 public:
  static constexpr size_t kMaxCauses = 1024;
  static constexpr size_t kMaxCause = 256;  // octets of a cause; what differs after that does not
  static constexpr size_t kMaxText = 256;   // of a line that is said again

  struct Repeated {
    LogLevel level;
    std::string area;
    std::string text;  // of the latest
    uint64_t count;    // how many were not written
  };

  explicit LogLimits(std::chrono::milliseconds every) : every_(every) {}

  // True if the line is to be written; else it has been counted.
  bool first(LogLevel level, std::string_view area, std::string_view cause, std::string_view text) {
    std::string key(area);
    key += '\0';
    key += cause.substr(0, kMaxCause);
    const std::lock_guard lock(mutex_);
    auto found = causes_.find(key);
    if (found == causes_.end() && causes_.size() >= kMaxCauses) {
      key.resize(area.size());
      found = causes_.find(key);
    }
    if (found == causes_.end()) {
      causes_.emplace(std::move(key),
                      Cause{Clock::now() + every_, level, std::string(area), {}, 0});
      return true;
    }
    Cause& known = found->second;
    ++known.count;
    known.level = level;
    known.text = text.substr(0, kMaxText);
    return false;
  }

  // When take_due() has something to do, on the clock that sem_clockwait calls monotonic.
  std::optional<std::chrono::nanoseconds> next_due() const {
    const std::lock_guard lock(mutex_);
    std::optional<Clock::time_point> earliest;
    for (const auto& [key, cause] : causes_) {
      if (!earliest || cause.due < *earliest) earliest = cause.due;
    }
    if (!earliest) return std::nullopt;
    return earliest->time_since_epoch();
  }

  // Those whose time is up and that came again, or, `at_end`, all that did. The others are
  // forgotten: their next line is a first one.
  std::vector<Repeated> take_due(bool at_end) {
    std::vector<Repeated> due;
    const std::lock_guard lock(mutex_);
    if (causes_.empty()) return due;
    const Clock::time_point now = Clock::now();
    for (auto at = causes_.begin(); at != causes_.end();) {
      Cause& cause = at->second;
      if (!at_end && cause.due > now) {
        ++at;
      } else if (cause.count == 0) {
        at = causes_.erase(at);
      } else {
        due.push_back({cause.level, cause.area, std::move(cause.text), cause.count});
        cause.count = 0;
        cause.text.clear();
        cause.due = now + every_;
        ++at;
      }
    }
    return due;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Cause {
    Clock::time_point due;
    LogLevel level;
    std::string area;
    std::string text;
    uint64_t count;
  };

  const std::chrono::milliseconds every_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Cause, TextHash, std::equal_to<>> causes_;
};

}  // namespace nexus
