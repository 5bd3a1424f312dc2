// Principals: how many sessions each authid of a realm has, where that is limited. [any], behind a
// lock that joining and leaving sessions take.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "kernel/base/text_hash.hpp"
#include "kernel/session/info.hpp"

namespace nexus {

class Principals {
 public:
  // Counts a session in, under the authid that it has now. False when that has `most` already;
  // 0 = no limit, and nothing is counted.
  bool enter(const SessionInfo& info, uint64_t most) {
    if (most == 0) return true;
    const std::lock_guard lock(mutex_);
    uint64_t& count = counts_[info.authid];
    if (count >= most) return false;
    ++count;
    authids_[info.id] = info.authid;
    return true;
  }
  void leave(uint64_t session) {
    const std::lock_guard lock(mutex_);
    const auto at = authids_.find(session);
    if (at == authids_.end()) return;
    const auto count = counts_.find(at->second);
    if (--count->second == 0) counts_.erase(count);
    authids_.erase(at);
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<std::string, uint64_t, TextHash, std::equal_to<>> counts_;
  std::unordered_map<uint64_t, std::string> authids_;  // by session: modify_details changes them
};

}  // namespace nexus
