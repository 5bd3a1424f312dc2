// SessionTable: who is in a realm, for the meta API. [any], behind a lock that joining and leaving
// sessions and meta procedures take, and nobody else.
//
// It has the last word on a session's SessionInfo: whoever changes one changes it here, and the
// session's own loop follows. A session that is being killed is on its way out: nobody sees it any
// more, but it is there until it has left.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include "kernel/base/id_map.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

class SessionTable {
 public:
  void add(SessionInfoPtr info) {
    const std::lock_guard lock(mutex_);
    const uint64_t id = info->id;
    entries_.insert(id, {std::move(info), false});
  }

  // False when it was not there.
  bool remove(uint64_t id) {
    const std::lock_guard lock(mutex_);
    return entries_.erase(id);
  }

  bool empty() const {
    const std::lock_guard lock(mutex_);
    return entries_.empty();
  }

  SessionInfoPtr find(uint64_t id) const {
    const std::lock_guard lock(mutex_);
    const Entry* entry = entries_.find(id);
    return entry == nullptr || entry->leaving ? nullptr : entry->info;
  }

  // The ids, in order, of those for which wanted(info) is true.
  template <typename Wanted>
  std::vector<uint64_t> ids(Wanted&& wanted) {
    std::vector<uint64_t> found;
    {
      const std::lock_guard lock(mutex_);
      entries_.for_each([&](uint64_t id, const Entry& entry) {
        if (!entry.leaving && wanted(*entry.info)) found.push_back(id);
      });
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  // Marks those for which wanted(info) is true as leaving; each session is marked only once.
  template <typename Wanted>
  std::vector<SessionInfoPtr> mark(Wanted&& wanted) {
    std::vector<SessionInfoPtr> marked;
    const std::lock_guard lock(mutex_);
    entries_.for_each([&](uint64_t, Entry& entry) {
      if (entry.leaving || !wanted(*entry.info)) return;
      entry.leaving = true;
      marked.push_back(entry.info);
    });
    return marked;
  }
  SessionInfoPtr mark(uint64_t id) {
    const std::lock_guard lock(mutex_);
    Entry* entry = entries_.find(id);
    if (entry == nullptr || entry->leaving) return nullptr;
    entry->leaving = true;
    return entry->info;
  }

  // Puts a changed copy in the place of a session's info, and answers it; null: no such session.
  template <typename Change>
  SessionInfoPtr change(uint64_t id, Change&& change) {
    const std::lock_guard lock(mutex_);
    Entry* entry = entries_.find(id);
    if (entry == nullptr || entry->leaving) return nullptr;
    auto changed = std::make_shared<SessionInfo>(*entry->info);
    change(*changed);
    entry->info = std::move(changed);
    return entry->info;
  }

 private:
  struct Entry {
    SessionInfoPtr info;
    bool leaving = false;
  };

  mutable std::mutex mutex_;
  IdMap<Entry> entries_;  // guarded by mutex_
};

}  // namespace nexus
