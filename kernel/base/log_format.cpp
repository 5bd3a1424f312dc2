#include "kernel/base/log_format.hpp"

#include <charconv>
#include <cstdio>

#include "kernel/base/json.hpp"
#include "kernel/base/utf8.hpp"

namespace nexus {
namespace {

constexpr std::string_view kCut = "…";
constexpr std::string_view kNames[] = {"trace", "debug", "info", "warning", "error", "off"};
constexpr std::string_view kColumns[] = {"TRACE ", "DEBUG ", "INFO  ",
                                         "WARN  ", "ERROR ", "OFF   "};

size_t index_of(LogLevel level) {
  const auto index = static_cast<size_t>(level) - 1;
  return index < std::size(kNames) ? index : 0;
}

// Cuts `text` to at most `limit` bytes between two characters. True if something was lost.
bool cut(std::string_view& text, size_t limit) {
  if (text.size() <= limit) return false;
  while (limit > 0 && (static_cast<uint8_t>(text[limit]) & 0xc0) == 0x80) --limit;
  text = text.substr(0, limit);
  return true;
}

// Characters that a terminal or an editor may act on instead of showing them: C0 and C1 controls,
// line and paragraph separators, and those that change the direction of writing.
bool is_hidden(std::string_view character) {
  const auto byte = [character](size_t i) { return static_cast<uint8_t>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  if (character.size() != 3 || byte(0) != 0xe2) return false;
  if (byte(1) == 0x80)
    return (byte(2) >= 0x8e && byte(2) <= 0x8f) || (byte(2) >= 0xa8 && byte(2) <= 0xae);
  return byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9;
}

// Appends `text` with hidden characters, stray bytes, backslashes and (when quoted) quotes escaped.
void append_escaped(std::string& out, std::string_view text, bool quoted) {
  constexpr char kHex[] = "0123456789abcdef";
  while (!text.empty()) {
    const size_t valid = utf8_sequence(text);
    const size_t size = valid == 0 ? 1 : valid;
    const std::string_view character = text.substr(0, size);
    if (character == "\n") {
      out += "\\n";
    } else if (character == "\\" || (quoted && character == "\"")) {
      out += '\\';
      out += character;
    } else if (valid == 0 || is_hidden(character)) {
      for (const char c : character) {
        out += "\\x";
        out += kHex[static_cast<uint8_t>(c) >> 4];
        out += kHex[static_cast<uint8_t>(c) & 15];
      }
    } else {
      out += character;
    }
    text.remove_prefix(size);
  }
}

// True if a value can stand without quotes and still be told from the next field.
bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (static_cast<uint8_t>(c) <= ' ' || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

void append_text_value(std::string& out, std::string_view text) {
  const bool was_cut = cut(text, kLogFieldMax);
  const bool quoted = was_cut || !is_plain(text);
  if (quoted) out += '"';
  append_escaped(out, text, quoted);
  if (was_cut) out += kCut;
  if (quoted) out += '"';
}

void append_json_text(std::string& out, std::string_view text, size_t limit) {
  const bool was_cut = cut(text, limit);
  append_json_string(out, text);
  if (was_cut) out.insert(out.size() - 1, kCut);
}

void append_field_value(std::string& out, const LogField& field, bool json) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    json ? append_json_text(out, *text, kLogFieldMax) : append_text_value(out, *text);
    return;
  }
  const auto* number = std::get_if<int64_t>(&field.value);
  out +=
      number != nullptr ? std::to_string(*number) : std::to_string(std::get<uint64_t>(field.value));
}

// "2026-11-21T08:00:00.123Z", without gmtime_r, which takes a lock.
void append_time(std::string& out, std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const hh_mm_ss time(floor<milliseconds>(when - day));
  char text[64];
  const int size = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  out.append(text, static_cast<size_t>(size));
}

}  // namespace

std::string_view log_level_name(LogLevel level) { return kNames[index_of(level)]; }

std::string format_log_line(bool json, std::chrono::system_clock::time_point when, LogLevel level,
                            std::string_view area, std::string_view text,
                            std::initializer_list<LogField> fields) {
  std::string line;
  line.reserve(128);
  if (json) {
    line += "{\"time\":\"";
    append_time(line, when);
    line += "\",\"level\":\"";
    line += log_level_name(level);
    line += "\",\"area\":";
    append_json_text(line, area, kLogFieldMax);
    line += ",\"text\":";
    append_json_text(line, text, kLogTextMax);
    for (const LogField& field : fields) {
      line += ',';
      append_json_text(line, field.key, kLogFieldMax);
      line += ':';
      append_field_value(line, field, true);
    }
    line += '}';
    return line;
  }
  append_time(line, when);
  line += ' ';
  line += kColumns[index_of(level)];
  append_escaped(line, area, false);
  line.append(area.size() < 8 ? 8 - area.size() : 0, ' ');
  line += ' ';
  const bool was_cut = cut(text, kLogTextMax);
  append_escaped(line, text, false);
  if (was_cut) line += kCut;
  for (const LogField& field : fields) {
    line += ' ';
    append_escaped(line, field.key, false);
    line += '=';
    append_field_value(line, field, false);
  }
  return line;
}

}  // namespace nexus
