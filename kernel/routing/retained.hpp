// Retained: the events that a realm keeps for those who subscribe later (P-30 … P-32). [any]
// thread; has a lock of its own, which only publications with `retain` and subscriptions with
// `get_retained` take.
//
// For each topic it keeps the last event that everybody may get, and the restricted ones that came
// after it, so that a new subscriber gets the most recent one that it would have received.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kernel/message/code.hpp"
#include "kernel/routing/stored_event.hpp"

namespace nexus {

class Retained {
 public:
  Retained(uint64_t max_events, uint64_t max_bytes)
      : max_events_(max_events), max_bytes_(max_bytes) {}

  // False: the limits of the realm leave no room for it, and the topic keeps what it had.
  bool store(StoredEventPtr event, const std::function<bool(uint64_t session)>& alive);

  // For each topic under (uri, match), the most recent event that `suits`; in order of topics.
  std::vector<StoredEventPtr> find(std::string_view uri, Match match,
                                   const std::function<bool(const StoredEvent&)>& suits) const;

  size_t count() const;

 private:
  static constexpr size_t kMaxRestricted = 16;  // per topic; the oldest goes first

  using Events = std::vector<StoredEventPtr>;  // the oldest first

  const uint64_t max_events_;
  const uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::map<std::string, Events, std::less<>> topics_;  // guarded by mutex_
  uint64_t events_ = 0;                                // guarded by mutex_
  uint64_t bytes_ = 0;                                 // guarded by mutex_
};

}  // namespace nexus
