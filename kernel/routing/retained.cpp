#include "kernel/routing/retained.hpp"

#include <algorithm>

#include "kernel/message/uri.hpp"

namespace nexus {
namespace {

// Somebody would get everything: no list restricts it. (A publisher that is left out of its own
// events is a restriction that matters to one session only; find() looks at it.)
bool unrestricted(const StoredEvent& event) {
  return !event.receivers.any() && !event.has_rkey && !event.passthru.ppt();
}

// P-32: is there still anybody that an `eligible` list of sessions names?
bool reachable(const StoredEvent& event, const std::function<bool(uint64_t)>& alive) {
  const Receivers& to = event.receivers;
  if (!to.has_eligible || to.eligible.empty()) return true;
  return std::any_of(to.eligible.begin(), to.eligible.end(), alive);
}

}  // namespace

Retained::Events Retained::events_of(std::string_view topic) const {
  const std::lock_guard lock(mutex_);
  const auto at = topics_.find(topic);
  return at == topics_.end() ? Events{} : at->second;
}

bool Retained::store(StoredEventPtr event, const std::function<bool(uint64_t)>& alive) {
  Events gone;  // whom nobody is left for; decided before the lock is held
  if (!unrestricted(*event)) {
    gone = events_of(event->topic);
    std::erase_if(gone, [&](const StoredEventPtr& old) { return reachable(*old, alive); });
  }
  const std::lock_guard lock(mutex_);
  const auto at = topics_.find(event->topic);
  Events kept;
  if (at != topics_.end() && !unrestricted(*event)) {
    for (const StoredEventPtr& old : at->second) {
      if (std::find(gone.begin(), gone.end(), old) == gone.end()) kept.push_back(old);
    }
    // The first one may be the one for everybody; that one stays. The new one is restricted.
    const ptrdiff_t first = !kept.empty() && unrestricted(*kept.front()) ? 1 : 0;
    while (kept.size() - static_cast<size_t>(first) + 1 > max_restricted_ &&
           kept.size() > static_cast<size_t>(first)) {
      kept.erase(kept.begin() + first);
    }
  }
  uint64_t freed_events = 0;
  uint64_t freed_bytes = 0;
  if (at != topics_.end()) {
    freed_events = at->second.size() - kept.size();
    for (const StoredEventPtr& old : at->second) freed_bytes += old->size();
    for (const StoredEventPtr& old : kept) freed_bytes -= old->size();
  }
  if (events_ - freed_events + 1 > max_events_ ||
      bytes_ - freed_bytes + event->size() > max_bytes_) {
    return false;
  }
  events_ += 1 - freed_events;
  bytes_ += event->size() - freed_bytes;
  kept.push_back(event);
  topics_[event->topic] = std::move(kept);
  return true;
}

std::vector<StoredEventPtr> Retained::find(
    std::string_view uri, Match match, const std::function<bool(const StoredEvent&)>& suits) const {
  std::vector<StoredEventPtr> found;
  const auto look = [&](const Events& events) {
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      if (!suits(**event)) continue;
      found.push_back(*event);
      return;
    }
  };
  const std::lock_guard lock(mutex_);
  switch (match) {
    case Match::exact: {
      const auto at = topics_.find(uri);
      if (at != topics_.end()) look(at->second);
      break;
    }
    case Match::prefix:
      for (auto at = topics_.lower_bound(uri); at != topics_.end() && at->first.starts_with(uri);
           ++at) {
        look(at->second);
      }
      break;
    case Match::wildcard:
      for (const auto& [topic, events] : topics_) {
        if (uri_matches(topic, uri, match)) look(events);
      }
      break;
  }
  return found;
}

size_t Retained::count() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace nexus
