// Log: structured lines, levels per area, written by a thread of its own. Any thread.
//
// A line goes into a bounded queue; when the writer falls behind, lines are dropped and counted,
// so that nothing that logs can ever wait for a disk or a pipe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace nexus {

enum class LogLevel : uint8_t { trace = 1, debug, info, warning, error, off };

// One key and its value; numbers are written without quotes in JSON.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, int64_t, uint64_t> value;
};

struct LogOptions {
  LogLevel level = LogLevel::info;
  // "session=debug,transport=warning": levels of single areas.
  std::string levels;
  bool json = false;
  std::string path;              // empty = standard error
  size_t queue_lines = 8192;
  // For tests and embedders: gets every finished line instead of the file; called on the log's thread.
  std::function<void(std::string_view)> sink;
};

class Log {
 public:
  Log();  // silent
  explicit Log(LogOptions options);
  ~Log();  // writes what is queued
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(LogLevel level, std::string_view area) const;
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
  uint64_t dropped() const;
  void flush();   // waits until everything queued so far is written [not on a loop]
  void reopen();  // after log rotation

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

bool parse_log_level(std::string_view text, LogLevel* out);

}  // namespace nexus
