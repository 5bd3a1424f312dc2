// The two shapes of a log line: text for people, JSON for machines. Any thread.
//
// Most of what is logged came from a client at some point. Whatever it holds, a line stays one
// line and a field stays one field.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "kernel/base/log.hpp"

namespace nexus {

// Longest text of a line and of one field, in bytes; the rest becomes "…".
inline constexpr size_t kLogTextMax = 2048;
inline constexpr size_t kLogFieldMax = 1024;

// One line without its newline. `when` is UTC.
std::string format_log_line(bool json, std::chrono::system_clock::time_point when, LogLevel level,
                            std::string_view area, std::string_view text,
                            std::initializer_list<LogField> fields);

std::string_view log_level_name(LogLevel level);  // "trace", …

}  // namespace nexus
