// CallWatch: which calls into plugins are under way off the loops, and which of them take too long.
//
// A configure() or a static constructor that never returns would otherwise be a router that does
// not start and does not say why. Not for loops: there a call has to be over at once, and nothing
// on that way takes a lock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kernel/plugin/fatal_note.hpp"

namespace nexus {

// One call, as people read of it.
struct PluginCall {
  std::string section;  // "realms.main.authenticators.ldap"; empty: of no configuration
  std::string text;     // "loading plugin '/x.so'", "configure() of authenticator 'ldap' (/x.so)"
};

class CallWatch {
 public:
  using Report = std::function<void(const PluginCall& call)>;

  CallWatch() = default;
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  // From now on each call that lasts longer than `limit` is reported once, on a thread of the
  // watch. Once, before the first call. Without it nothing is reported. [main]
  void start(std::chrono::milliseconds limit, Report report);
  // The oldest first. [any]
  std::vector<PluginCall> under_way() const;

 private:
  friend class WatchedCall;
  struct Entry {
    PluginCall call;
    std::chrono::steady_clock::time_point begun;
    bool reported = false;
  };
  using Entries = std::list<Entry>;

  Entries::iterator begin(PluginCall call);
  void end(Entries::iterator entry);
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Entries entries_;      // guarded by mutex_
  bool ending_ = false;  // guarded by mutex_
  std::chrono::milliseconds limit_{0};
  Report report_;
  std::thread thread_;
};

// The time of one call, on the thread that makes it. Should the process not survive it, FatalNotes
// names it, too. `watch` may be null. [any, not on a loop]
class WatchedCall {
 public:
  WatchedCall(CallWatch* watch, PluginCall call);
  ~WatchedCall();
  WatchedCall(const WatchedCall&) = delete;
  WatchedCall& operator=(const WatchedCall&) = delete;

 private:
  CallWatch* const watch_;
  const std::string note_;
  const NoteScope scope_;
  CallWatch::Entries::iterator entry_{};
};

}  // namespace nexus
