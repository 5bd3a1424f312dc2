#include "kernel/routing/history.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace nexus {
namespace {

// Reads exactly `digits` decimal digits.
bool read_number(std::string_view& text, int digits, int lowest, int highest, int* out) {
  if (text.size() < static_cast<size_t>(digits)) return false;
  int value = 0;
  for (int i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  if (value < lowest || value > highest) return false;
  text.remove_prefix(static_cast<size_t>(digits));
  *out = value;
  return true;
}

bool read_one_of(std::string_view& text, std::string_view characters) {
  if (text.empty() || characters.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

void History::store(StoredEventPtr event) {
  const std::lock_guard lock(mutex_);
  bytes_ += event->size();
  const uint64_t now = event->kept_since_ms;
  events_.push_back(std::move(event));
  expire(now);
}

void History::expire(uint64_t now_ms) {
  const auto drop_oldest = [this] {
    bytes_ -= events_.front()->size();
    events_.pop_front();
    has_dropped_ = true;
  };
  while (events_.size() > policy_.max_events) drop_oldest();
  while (policy_.max_bytes != 0 && bytes_ > policy_.max_bytes && !events_.empty()) drop_oldest();
  while (policy_.max_age_ms != 0 && !events_.empty() &&
         events_.front()->kept_since_ms + policy_.max_age_ms < now_ms) {
    drop_oldest();
  }
}

std::vector<StoredEventPtr> History::select(const HistoryQuery& q, uint64_t now_ms,
                                            bool* is_limit_reached) {
  const std::lock_guard lock(mutex_);
  expire(now_ms);
  *is_limit_reached = has_dropped_;
  size_t begin = 0;
  size_t end = events_.size();
  // Positions in storage order (P-38: an unknown publication selects nothing).
  const auto position = [this](uint64_t publication, size_t* out) {
    for (size_t i = 0; i < events_.size(); ++i) {
      if (events_[i]->publication == publication) return *out = i, true;
    }
    return false;
  };
  size_t at = 0;
  if (q.from_publication != 0) {
    if (!position(q.from_publication, &at)) return {};
    begin = std::max(begin, at);
  }
  if (q.after_publication != 0) {
    if (!position(q.after_publication, &at)) return {};
    begin = std::max(begin, at + 1);
  }
  if (q.before_publication != 0) {
    if (!position(q.before_publication, &at)) return {};
    end = std::min(end, at);
  }
  if (q.until_publication != 0) {
    if (!position(q.until_publication, &at)) return {};
    end = std::min(end, at + 1);
  }
  std::vector<StoredEventPtr> found;
  for (size_t i = begin; i < end; ++i) {
    const StoredEvent& event = *events_[i];
    const int64_t time = event.timestamp_ms;
    if (q.has_from_time && time < q.from_time_ms) continue;
    if (q.has_after_time && time <= q.after_time_ms) continue;
    if (q.has_before_time && time >= q.before_time_ms) continue;
    if (q.has_until_time && time > q.until_time_ms) continue;
    if (!q.topic.empty() && event.topic != q.topic) continue;
    found.push_back(events_[i]);
  }
  if (q.reverse) std::reverse(found.begin(), found.end());
  return found;
}

bool parse_time(std::string_view text, int64_t* out_ms) {
  std::tm parts{};
  int millis = 0;
  if (!read_number(text, 4, 1970, 9999, &parts.tm_year) || !read_one_of(text, "-") ||
      !read_number(text, 2, 1, 12, &parts.tm_mon) || !read_one_of(text, "-") ||
      !read_number(text, 2, 1, 31, &parts.tm_mday) || !read_one_of(text, "Tt ") ||
      !read_number(text, 2, 0, 23, &parts.tm_hour) || !read_one_of(text, ":") ||
      !read_number(text, 2, 0, 59, &parts.tm_min) || !read_one_of(text, ":") ||
      !read_number(text, 2, 0, 60, &parts.tm_sec)) {
    return false;
  }
  if (read_one_of(text, ".")) {
    int digits = 0;
    int scale = 100;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      millis += (text[0] - '0') * scale;
      scale /= 10;
      ++digits;
      text.remove_prefix(1);
    }
    if (digits == 0) return false;
  }
  int64_t offset_min = 0;
  if (!read_one_of(text, "Zz")) {
    const bool east = !text.empty() && text[0] == '+';
    int hours = 0;
    int minutes = 0;
    if (!read_one_of(text, "+-") || !read_number(text, 2, 0, 23, &hours) ||
        !read_one_of(text, ":") || !read_number(text, 2, 0, 59, &minutes)) {
      return false;
    }
    offset_min = (east ? 1 : -1) * (hours * 60 + minutes);
  }
  if (!text.empty()) return false;
  const int day = parts.tm_mday;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const std::time_t seconds = timegm(&parts);
  if (parts.tm_mday != day && parts.tm_sec < 60) return false;  // the 31st of a shorter month
  *out_ms = (static_cast<int64_t>(seconds) - offset_min * 60) * 1000 + millis;
  return true;
}

std::string format_time(int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(ms % 1000));
  return text.data();
}

}  // namespace nexus
