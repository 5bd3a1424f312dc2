// History: the events that a realm keeps for one subscription (P-33 … P-38), and the queries on
// them. [any] thread; has a lock of its own, which only publications to configured topics take.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "kernel/message/code.hpp"
#include "kernel/routing/stored_event.hpp"
#include "kernel/session/policy.hpp"

namespace nexus {

// What wamp.subscription.get_events may ask for; everything that is given must hold.
struct HistoryQuery {
  bool reverse = false;
  uint64_t limit = 0;  // 0 = none
  bool has_from_time = false, has_after_time = false;
  bool has_before_time = false, has_until_time = false;
  int64_t from_time_ms = 0, after_time_ms = 0, before_time_ms = 0, until_time_ms = 0;
  uint64_t from_publication = 0, after_publication = 0;  // 0 = not given
  uint64_t before_publication = 0, until_publication = 0;
  std::string topic;  // empty = any
};

class History {
 public:
  explicit History(const HistoryPolicy& policy) : policy_(policy) {}

  const HistoryPolicy& policy() const { return policy_; }
  void store(StoredEventPtr event);
  // The events that the query selects and `suits` admits, in the query's order. `now_ms` is of
  // Loop::now_ms(), as max_age is how long an event has been here; the query's times are of the
  // epoch.
  // `is_limit_reached` tells that the store has been full, so older events may be missing.
  template <typename Suits>
  std::vector<StoredEventPtr> find(const HistoryQuery& query, uint64_t now_ms, Suits&& suits,
                                   bool* is_limit_reached) {
    std::vector<StoredEventPtr> all = select(query, now_ms, is_limit_reached);
    std::erase_if(all, [&suits](const StoredEventPtr& event) { return !suits(*event); });
    if (query.limit != 0 && all.size() > query.limit) all.resize(query.limit);
    return all;
  }

 private:
  std::vector<StoredEventPtr> select(const HistoryQuery& query, uint64_t now_ms,
                                     bool* is_limit_reached);
  void expire(uint64_t now_ms);

  const HistoryPolicy policy_;
  std::mutex mutex_;
  std::deque<StoredEventPtr> events_;  // guarded by mutex_; the oldest first
  uint64_t bytes_ = 0;                 // guarded by mutex_
  bool has_dropped_ = false;           // guarded by mutex_
};

// RFC 3339 ("2024-06-07T12:00:00.123Z", "…+02:00") to milliseconds of the epoch. False: not one.
bool parse_time(std::string_view text, int64_t* out_ms);
// Milliseconds of the epoch as "2024-06-07T12:00:00.123Z".
std::string format_time(int64_t ms);

}  // namespace nexus
