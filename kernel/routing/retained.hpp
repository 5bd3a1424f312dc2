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
  // max_restricted: events of one topic that are not for everybody; the oldest goes first.
  Retained(uint64_t max_events, uint64_t max_bytes, uint64_t max_restricted)
      : max_events_(max_events), max_bytes_(max_bytes), max_restricted_(max_restricted) {}

  // False: the limits of the realm leave no room for it, and the topic keeps what it had. `alive`
  // is called without the lock: it may take one of its own.
  bool store(StoredEventPtr event, const std::function<bool(uint64_t session)>& alive);

  // For each topic under (uri, match), the most recent event that `suits`; in order of topics.
  std::vector<StoredEventPtr> find(std::string_view uri, Match match,
                                   const std::function<bool(const StoredEvent&)>& suits) const;

  size_t count() const;

 private:
  using Events = std::vector<StoredEventPtr>;  // the oldest first

  Events events_of(std::string_view topic) const;

  const uint64_t max_events_;
  const uint64_t max_bytes_;
  const uint64_t max_restricted_;
  mutable std::mutex mutex_;
  std::map<std::string, Events, std::less<>> topics_;  // guarded by mutex_
  uint64_t events_ = 0;                                // guarded by mutex_
  uint64_t bytes_ = 0;                                 // guarded by mutex_
};

}  // namespace nexus
