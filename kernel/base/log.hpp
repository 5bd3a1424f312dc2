// Log: structured lines, levels per area, written by a thread of its own. Any thread.
//
// A line goes into a bounded queue; when the writer falls behind, lines are dropped and counted,
// so that nothing that logs can ever wait for a disk or a pipe.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "kernel/base/status.hpp"

namespace nexus {

enum class LogLevel : uint8_t { trace = 1, debug, info, warning, error, off };

// One key and its value; numbers are written without quotes in JSON. Text may be anything a client
// sent: control characters and bytes that are not UTF-8 are escaped, long text is cut.
struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(std::string_view(v ? "true" : "false")) {}
  LogField(std::string_view k, std::signed_integral auto v) : key(k), value(int64_t{v}) {}
  LogField(std::string_view k, std::unsigned_integral auto v) : key(k), value(uint64_t{v}) {}

  std::string_view key;
  std::variant<std::string_view, int64_t, uint64_t> value;
};

struct LogOptions {
  LogLevel level = LogLevel::info;
  // "session=debug,authenticator=warning": levels of single areas and, unless these have their own,
  // of what is below them ("authenticator.ticket"). See check_log_levels().
  std::string levels;
  bool json = false;
  std::string path;  // empty = standard error
  size_t queue_lines = 8192;
  // How often limited() may say the same again.
  std::chrono::milliseconds repeat_after = std::chrono::minutes(1);
  // For tests and embedders: gets every finished line, without its newline, instead of the file;
  // called on the log's thread.
  std::function<void(std::string_view)> sink;
};

class Log {
 public:
  Log();  // silent
  explicit Log(LogOptions options);
  ~Log();  // writes what is queued
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Cheap enough for every message: most levels are written in no area at all.
  bool enabled(LogLevel level, std::string_view area) const {
    return level >= lowest_ && enabled_in(level, area);
  }
  void write(LogLevel level, std::string_view area, std::string_view text,
             std::initializer_list<LogField> fields = {});
  void info(std::string_view area, std::string_view text, std::initializer_list<LogField> f = {}) {
    write(LogLevel::info, area, text, f);
  }
  void warning(std::string_view area, std::string_view text,
               std::initializer_list<LogField> f = {}) {
    write(LogLevel::warning, area, text, f);
  }
  void error(std::string_view area, std::string_view text, std::initializer_list<LogField> f = {}) {
    write(LogLevel::error, area, text, f);
  }
  // For what a client, or a shortage, can make happen over and over: the first line of a cause is
  // written at once; of those that follow, one every LogOptions::repeat_after, the latest, with
  // their number as `repeated`. `cause` tells them apart within the area; it may hold what a client
  // chose, because causes are counted together when there are very many.
  void limited(LogLevel level, std::string_view area, std::string_view cause, std::string_view text,
               std::initializer_list<LogField> fields = {});
  // Lines lost so far, because the queue was full or the file could not be written. The log reports
  // new ones as a line of its own as soon as it can.
  uint64_t dropped() const;
  // Waits until everything queued so far is written [not on a loop].
  void flush();
  // After log rotation: goes on in a newly opened file, and says whether it could. Does not wait.
  void reopen();
  // Why the file could not be opened at the start, lines go to standard error then; empty if it
  // could.
  std::string problem() const;

 private:
  struct Impl;
  bool enabled_in(LogLevel level, std::string_view area) const;

  std::unique_ptr<Impl> impl_;
  LogLevel lowest_ = LogLevel::off;  // that any area writes; constant after construction
};

// "trace", "debug", "info", "warning" (or "warn"), "error", "off".
bool parse_log_level(std::string_view text, LogLevel* out);
// Whether LogOptions::levels can be understood; a Log ignores the parts that cannot.
Status check_log_levels(std::string_view levels);

}  // namespace nexus
