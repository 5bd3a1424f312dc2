// The log's levels, its queue and the thread that writes. Any thread, except as log.hpp says.
//
// Whoever logs formats the line, pushes it and at most posts a semaphore; only the writer touches
// the file. The mutex is for flush() and never taken by write().
#include "kernel/base/log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "kernel/base/log_format.hpp"
#include "kernel/base/log_limits.hpp"
#include "kernel/base/log_queue.hpp"
#include "kernel/base/thread.hpp"

namespace nexus {
namespace {

struct AreaLevel {
  std::string area;
  LogLevel level;
};

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Splits "a=debug, b=off". Answers the first part that makes no sense, empty if there is none.
std::string_view parse_levels(std::string_view levels, std::vector<AreaLevel>& out) {
  std::string_view bad;
  while (!levels.empty()) {
    const size_t comma = std::min(levels.find(','), levels.size());
    const std::string_view part = trim(levels.substr(0, comma));
    levels.remove_prefix(std::min(comma + 1, levels.size()));
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    LogLevel level;
    if (equals == part.npos || trim(part.substr(0, equals)).empty() ||
        !parse_log_level(trim(part.substr(equals + 1)), &level)) {
      if (bad.empty()) bad = part;
      continue;
    }
    out.push_back({std::string(trim(part.substr(0, equals))), level});
  }
  return bad;
}

// True if `area` is `rule` or something below it.
bool covers(std::string_view rule, std::string_view area) {
  return area.starts_with(rule) && (area.size() == rule.size() || area[rule.size()] == '.');
}

}  // namespace

struct Log::Impl {
  explicit Impl(LogOptions given);
  ~Impl();

  bool enabled(LogLevel level, std::string_view area) const;
  void push(std::string&& line);
  void wake();
  void flush();

  void run();
  bool write_batch();
  void report_dropped();
  bool say(LogLevel level, std::string_view text, std::initializer_list<LogField> fields);
  void sleep();
  void report_repeated(bool at_end);
  bool give_to_sink(const std::string& line);
  int open();
  uint64_t write_out(std::string_view text);
  bool wait_writable();

  // Constant after construction.
  const LogOptions options;
  std::vector<AreaLevel> areas;
  LogLevel lowest;  // that any area writes

  // Any thread.
  LogQueue queue;
  LogLimits limits;
  std::atomic<uint64_t> dropped{0};
  std::atomic<bool> sleeping{false};
  std::atomic<bool> reopen{false};
  std::atomic<bool> stopping{false};
  sem_t bell;

  // The writer's.
  int fd = STDERR_FILENO;
  bool torn = false;  // the last thing in the file is part of a line
  uint64_t reported = 0;
  int patience_at_end_ms = 2000;

  // Guarded by the mutex.
  std::mutex mutex;
  std::condition_variable written_more;
  uint64_t written = 0;
  bool reopening = false;
  std::string problem;

  std::thread writer;
};

Log::Impl::Impl(LogOptions given)
    : options(std::move(given)),
      lowest(options.level),
      queue(options.queue_lines),
      limits(options.repeat_after) {
  parse_levels(options.levels, areas);
  for (const AreaLevel& area : areas) lowest = std::min(lowest, area.level);
  if (!options.sink) {
    const int why = open();
    if (why != 0) problem = "cannot open the log file " + options.path + ": " + std::strerror(why);
  }
  sem_init(&bell, 0, 0);
  writer = start_thread("nexus-log", [this] { run(); });
}

Log::Impl::~Impl() {
  stopping.store(true);
  wake();
  writer.join();
  if (fd != STDERR_FILENO) ::close(fd);
  sem_destroy(&bell);
}

bool Log::Impl::enabled(LogLevel level, std::string_view area) const {
  if (level >= LogLevel::off) return false;
  const AreaLevel* best = nullptr;
  for (const AreaLevel& rule : areas) {
    if (covers(rule.area, area) && (best == nullptr || rule.area.size() >= best->area.size())) {
      best = &rule;
    }
  }
  return level >= (best == nullptr ? options.level : best->level);
}

void Log::Impl::push(std::string&& line) {
  if (!queue.push(std::move(line))) dropped.fetch_add(1, std::memory_order_relaxed);
  wake();
}

void Log::Impl::wake() {
  if (sleeping.exchange(false)) sem_post(&bell);
}

void Log::Impl::flush() {
  const uint64_t wanted = queue.pushed();
  std::unique_lock lock(mutex);
  wake();
  written_more.wait(lock, [&] { return written >= wanted && !reopening; });
}

void Log::Impl::run() {
  while (true) {
    const bool last_round = stopping.load();
    report_repeated(last_round);
    while (write_batch()) {
    }
    report_dropped();
    if (last_round) return;
    // Announce the sleep, then look once more: who pushes after the announcement wakes us, who
    // pushed before it is seen by this look.
    sleeping.exchange(true);
    if (stopping.load() || reopen.load() || queue.ready()) {
      sleeping.store(false);
      continue;
    }
    sleep();
  }
}

// Until somebody rings, or a cause of limited() is due.
void Log::Impl::sleep() {
  const std::optional<std::chrono::nanoseconds> due = limits.next_due();
  for (;;) {
    int done = 0;
    if (due) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*due);
      const timespec at = {static_cast<time_t>(seconds.count()),
                           static_cast<long>((*due - seconds).count())};
      done = sem_clockwait(&bell, CLOCK_MONOTONIC, &at);
    } else {
      done = sem_wait(&bell);
    }
    if (done == 0 || errno != EINTR) break;
  }
  sleeping.store(false);
}

// Queues a line for each cause whose time is up and that has come again.
void Log::Impl::report_repeated(bool at_end) {
  for (const LogLimits::Repeated& one : limits.take_due(at_end)) {
    push(format_log_line(options.json, std::chrono::system_clock::now(), one.level, one.area,
                         one.text, {{"repeated", one.count}}));
  }
}

// Writes some of what is queued, in one go. False if there was nothing to do.
bool Log::Impl::write_batch() {
  constexpr size_t kBatchBytes = 64 * 1024;
  std::string batch;
  std::string line;
  uint64_t lines = 0;
  while (batch.size() < kBatchBytes && queue.pop(line)) {
    ++lines;
    if (options.sink) {
      if (!give_to_sink(line)) dropped.fetch_add(1, std::memory_order_relaxed);
    } else {
      batch += line;
      batch += '\n';
    }
  }
  // After the lines were taken: one that was logged after reopen() must not end in the old file.
  const bool asked = reopen.exchange(false);
  const bool again = asked && !options.sink;
  const int why = again ? open() : 0;
  if (lines != 0) dropped.fetch_add(write_out(batch), std::memory_order_relaxed);
  if (why != 0) {
    say(LogLevel::warning, "cannot reopen the log file, going on with the old one",
        {{"path", options.path}, {"error", std::strerror(why)}});
  }
  if (asked) {
    const std::lock_guard lock(mutex);
    if (again) problem = why == 0 ? "" : "cannot reopen the log file " + options.path;
    reopening = false;
  }
  if (asked) written_more.notify_all();
  if (lines == 0) return false;
  {
    const std::lock_guard lock(mutex);
    written = queue.popped();
  }
  written_more.notify_all();
  return true;
}

// Says how many lines are missing since the last time it could say so.
void Log::Impl::report_dropped() {
  const uint64_t total = dropped.load(std::memory_order_relaxed);
  if (total == reported) return;
  if (say(LogLevel::warning, "lines were dropped", {{"count", total - reported}, {"total", total}}))
    reported = total;
}

// A line of the writer's own, past the queue.
bool Log::Impl::say(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
  const std::string line =
      format_log_line(options.json, std::chrono::system_clock::now(), level, "log", text, fields);
  return options.sink ? give_to_sink(line) : write_out(line + '\n') == 0;
}

bool Log::Impl::give_to_sink(const std::string& line) {
  try {
    options.sink(line);
    return true;
  } catch (...) {
    return false;
  }
}

// Opens the file; on failure goes on with what is open already and answers errno.
int Log::Impl::open() {
  if (options.path.empty()) return 0;
  const int opened = ::open(options.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (opened < 0) return errno;
  if (fd != STDERR_FILENO) ::close(fd);
  fd = opened;
  torn = false;
  return 0;
}

// Answers how many lines could not be written.
uint64_t Log::Impl::write_out(std::string_view text) {
  const std::string whole = (torn ? "\n" : "") + std::string(text);
  std::string_view rest = whole;
  while (!rest.empty() && wait_writable()) {
    // A pipe that is writable takes this much without blocking.
    const ssize_t done = ::write(fd, rest.data(), std::min<size_t>(rest.size(), PIPE_BUF));
    if (done > 0) {
      rest.remove_prefix(static_cast<size_t>(done));
    } else if (errno != EINTR && errno != EAGAIN) {
      break;
    }
  }
  if (rest.size() < whole.size()) torn = whole[whole.size() - rest.size() - 1] != '\n';
  return static_cast<uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
}

// Waits for a slow reader of standard error: meanwhile the queue fills up, nothing else. False when
// the log is ending and that reader does not take anything.
bool Log::Impl::wait_writable() {
  constexpr int kStepMs = 100;
  pollfd waiting = {fd, POLLOUT, 0};
  while (patience_at_end_ms > 0) {
    if (::poll(&waiting, 1, kStepMs) != 0) return true;  // an error shows in the write
    if (stopping.load()) patience_at_end_ms -= kStepMs;
  }
  return false;
}

Log::Log() = default;
Log::Log(LogOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))), lowest_(impl_->lowest) {}
Log::~Log() = default;

bool Log::enabled_in(LogLevel level, std::string_view area) const {
  return impl_ != nullptr && impl_->enabled(level, area);
}

void Log::write(LogLevel level, std::string_view area, std::string_view text,
                std::initializer_list<LogField> fields) {
  if (!enabled(level, area)) return;
  impl_->push(format_log_line(impl_->options.json, std::chrono::system_clock::now(), level, area,
                              text, fields));
}

void Log::limited(LogLevel level, std::string_view area, std::string_view cause,
                  std::string_view text, std::initializer_list<LogField> fields) {
  if (enabled(level, area) && impl_->limits.first(level, area, cause, text)) {
    write(level, area, text, fields);
  }
}

uint64_t Log::dropped() const {
  return impl_ == nullptr ? 0 : impl_->dropped.load(std::memory_order_relaxed);
}

void Log::flush() {
  if (impl_ != nullptr) impl_->flush();
}

void Log::reopen() {
  if (impl_ == nullptr) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->reopening = true;
    impl_->reopen.store(true);
  }
  impl_->wake();
}

std::string Log::problem() const {
  if (impl_ == nullptr) return {};
  const std::lock_guard lock(impl_->mutex);
  return impl_->problem;
}

bool parse_log_level(std::string_view text, LogLevel* out) {
  if (text == "warn") text = "warning";
  for (auto level = LogLevel::trace; level <= LogLevel::off;
       level = static_cast<LogLevel>(static_cast<uint8_t>(level) + 1)) {
    if (text == log_level_name(level)) {
      *out = level;
      return true;
    }
  }
  return false;
}

Status check_log_levels(std::string_view levels) {
  std::vector<AreaLevel> areas;
  const std::string_view bad = parse_levels(levels, areas);
  if (bad.empty()) return {};
  return Status::error(NX_E_CONFIG, "\"" + std::string(bad) +
                                        "\" is not an area and a level, as in session=debug; "
                                        "levels are trace, debug, info, warning, error, off");
}

}  // namespace nexus
