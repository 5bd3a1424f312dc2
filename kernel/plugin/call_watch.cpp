#include "kernel/plugin/call_watch.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "kernel/base/thread.hpp"

namespace nexus {

CallWatch::~CallWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CallWatch::start(std::chrono::milliseconds limit, Report report) {
  limit_ = limit;
  report_ = std::move(report);
  try {
    thread_ = start_thread("nexus-watch", [this] { run(); });
  } catch (const std::system_error&) {
    // Nothing is reported then; what else needs a thread will fail, and says so.
  }
}

std::vector<PluginCall> CallWatch::under_way() const {
  const std::lock_guard lock(mutex_);
  std::vector<PluginCall> calls;
  for (const Entry& entry : entries_) calls.push_back(entry.call);
  return calls;
}

CallWatch::Entries::iterator CallWatch::begin(PluginCall call) {
  Entries::iterator entry;
  {
    const std::lock_guard lock(mutex_);
    entry = entries_.insert(entries_.end(), {std::move(call), std::chrono::steady_clock::now()});
  }
  changed_.notify_one();
  return entry;
}

void CallWatch::end(Entries::iterator entry) {
  const std::lock_guard lock(mutex_);
  entries_.erase(entry);
}

void CallWatch::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    const auto next = std::find_if(entries_.begin(), entries_.end(),
                                   [](const Entry& entry) { return !entry.reported; });
    if (next == entries_.end()) {
      changed_.wait(lock);
      continue;
    }
    // Entries are in the order in which they began, so this one is due first.
    const auto due = next->begun + limit_;
    if (std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    next->reported = true;
    const PluginCall call = next->call;
    lock.unlock();
    report_(call);
    lock.lock();
  }
}

WatchedCall::WatchedCall(CallWatch* watch, PluginCall call)
    : watch_(watch), note_("while " + call.text), scope_(note_.c_str()) {
  if (watch_ != nullptr) entry_ = watch_->begin(std::move(call));
}

WatchedCall::~WatchedCall() {
  if (watch_ != nullptr) watch_->end(entry_);
}

}  // namespace nexus
