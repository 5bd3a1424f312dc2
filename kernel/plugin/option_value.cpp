// Reading numbers, durations, sizes, lists and the rest, with a text for everything that is wrong.
//
// A mistake says what was expected and what was found. A secret is never shown, nor are lists and
// dicts, which may hold some.
#include "kernel/plugin/option_value.hpp"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

#include "kernel/base/json.hpp"
#include "kernel/plugin/options.hpp"

namespace nexus {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};
// The largest last: duration_text() and size_text() take the largest that divides.
constexpr Unit kDurations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
constexpr Unit kSizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string out;
  append_json_string(out, text.substr(0, kShown));
  if (text.size() > kShown) out.insert(out.size() - 1, "…");
  return out;
}

std::string found(const nx_option& option, const Value& value) {
  const bool hide = option.type == NX_OPTION_SECRET;
  switch (value.kind()) {
    case NX_BOOL:
      return hide ? "a boolean" : value.as_bool() ? "true" : "false";
    case NX_INT:
    case NX_UINT:
    case NX_DOUBLE:
      return hide ? "a number" : "the number " + to_json(value);
    case NX_STRING:
      return hide ? "a text" : "the text " + in_quotes(value.as_string());
    case NX_LIST:
      return "a list";
    case NX_DICT:
      return "a dict";
    default:
      return "null";
  }
}

OptionValue wrong(std::string mistake) { return {{}, std::move(mistake)}; }

OptionValue expected(const nx_option& option, std::string_view what, const Value& given) {
  return wrong(std::string(what) + " is expected, found " + found(option, given));
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T number{};
  const char* end = text.data() + text.size();
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

// "5s": digits, then one of the units; without a unit, the first one counts.
template <size_t N>
std::optional<int64_t> parse_with_unit(std::string_view text, const Unit (&units)[N]) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number<int64_t>(text.substr(0, digits));
  const std::string name = lower(text.substr(digits));
  if (!number) return std::nullopt;
  if (name.empty()) return *number * units[0].factor;
  for (const Unit& unit : units) {
    if (name != lower(unit.name)) continue;
    if (*number > INT64_MAX / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

template <size_t N>
std::string with_unit(int64_t number, const Unit (&units)[N]) {
  const Unit* best = &units[0];
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) best = &unit;
  }
  return std::to_string(number / best->factor) + std::string(best->name);
}

// A bound of the option's range, as the configuration would say it.
std::string bound_text(const nx_option& option, int64_t bound) {
  if (option.type == NX_OPTION_DURATION) return duration_text(bound);
  if (option.type == NX_OPTION_SIZE) return size_text(bound);
  return std::to_string(bound);
}

bool has_range(const nx_option& option) { return option.min != 0 || option.max != 0; }

std::string range_text(const nx_option& option, std::string_view between, std::string_view to) {
  if (option.max == INT64_MAX) return "at least " + bound_text(option, option.min);
  if (option.min == INT64_MIN) return "at most " + bound_text(option, option.max);
  return std::string(between) + bound_text(option, option.min) + std::string(to) +
         bound_text(option, option.max);
}

OptionValue in_range(const nx_option& option, int64_t number) {
  if (has_range(option) && (number < option.min || number > option.max)) {
    return wrong("must be " + range_text(option, "between ", " and ") + ", found " +
                 bound_text(option, number));
  }
  return {Value::integer(number), {}};
}

OptionValue check_int(const nx_option& option, const Value& given, bool text) {
  constexpr std::string_view kWhat = "a whole number";
  if (given.is(NX_INT)) return in_range(option, given.as_int());
  if (given.is(NX_STRING) && text) {
    if (const auto number = parse_number<int64_t>(trim(given.as_string()))) {
      return in_range(option, *number);
    }
  }
  return expected(option, kWhat, given);
}

OptionValue check_bool(const nx_option& option, const Value& given, bool text) {
  if (given.is(NX_BOOL)) return {given, {}};
  if (given.is(NX_STRING) && text) {
    const std::string word = lower(trim(given.as_string()));
    for (const char* yes : {"true", "yes", "on", "1"}) {
      if (word == yes) return {Value::boolean(true), {}};
    }
    for (const char* no : {"false", "no", "off", "0"}) {
      if (word == no) return {Value::boolean(false), {}};
    }
  }
  return expected(option, "true or false", given);
}

OptionValue check_double(const nx_option& option, const Value& given, bool text) {
  std::optional<double> number;
  if (given.is(NX_DOUBLE) || given.is(NX_INT) || given.is(NX_UINT)) number = given.as_double();
  if (given.is(NX_STRING) && text) number = parse_number<double>(trim(given.as_string()));
  if (!number || !std::isfinite(*number)) return expected(option, "a number", given);
  if (has_range(option) &&
      (*number < static_cast<double>(option.min) || *number > static_cast<double>(option.max))) {
    std::string shown;
    append_json_double(shown, *number);
    return wrong("must be " + range_text(option, "between ", " and ") + ", found " + shown);
  }
  return {Value::real(*number), {}};
}

template <size_t N>
OptionValue check_with_unit(const nx_option& option, const Value& given, const Unit (&units)[N],
                            std::string_view what) {
  std::optional<int64_t> number;
  if (given.is(NX_INT) && given.as_int() >= 0) number = given.as_int();
  if (given.is(NX_STRING)) number = parse_with_unit(trim(given.as_string()), units);
  return number ? in_range(option, *number) : expected(option, what, given);
}

OptionValue check_list(const nx_option& option, const Value& given, bool text) {
  Value list = Value::list();
  if (given.is(NX_STRING) && text) {
    std::string_view rest = given.as_string();
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view word = trim(rest.substr(0, comma));
      if (!word.empty()) list.append(Value::string(word));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return {std::move(list), {}};
  }
  if (!given.is(NX_LIST)) return expected(option, "a list of texts", given);
  for (size_t i = 0; i < given.size(); ++i) {
    const Value item = given.at(i);
    if (!item.is(NX_STRING)) {
      OptionValue bad = expected(option, "a text", item);
      bad.mistake = "entry " + std::to_string(i + 1) + ": " + bad.mistake;
      return bad;
    }
    list.append(item);
  }
  return {std::move(list), {}};
}

OptionValue check_choice(const nx_option& option, const Value& given) {
  const std::string choices(to_view(option.choices));
  if (!given.is(NX_STRING)) return expected(option, "one of " + choices, given);
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= choices.size();) {
    const size_t end = std::min(choices.find('|', begin), choices.size());
    words.push_back(choices.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const std::string& word : words) {
    if (given.as_string() == word) return {given, {}};
  }
  OptionValue bad = expected(option, "one of " + choices, given);
  const std::string near = nearest_word(given.as_string(), words);
  if (!near.empty()) bad.mistake += "; did you mean " + in_quotes(near) + "?";
  return bad;
}

OptionValue check_path(const nx_option& option, const Value& given, const std::string& base) {
  if (!given.is(NX_STRING)) return expected(option, "a path as text", given);
  const std::string_view path = given.as_string();
  if (path.find('\0') != path.npos) return wrong("a path cannot hold a NUL character");
  if (path.empty() || path.front() == '/' || base.empty()) return {given, {}};
  const std::filesystem::path whole = std::filesystem::path(base) / path;
  return {Value::string(whole.lexically_normal().native()), {}};
}

OptionValue check_dict(const nx_option& option, const Value& given, bool text) {
  if (given.is(NX_DICT)) return {given, {}};
  if (!given.is(NX_STRING) || !text) return expected(option, "a dict", given);
  Result<Value> parsed = from_json(given.as_string());
  if (!parsed) return wrong("a JSON object is expected: " + parsed.status().text());
  if (!parsed.value().is(NX_DICT)) {
    return wrong("a JSON object is expected, found " + found(option, parsed.value()));
  }
  return {std::move(parsed).value(), {}};
}

}  // namespace

OptionValue check_option(const nx_option& option, const Value& given, bool text,
                         const std::string& base_folder) {
  switch (option.type) {
    case NX_OPTION_STRING:
    case NX_OPTION_SECRET:
      if (given.is(NX_STRING)) return {given, {}};
      return expected(option, "a text", given);
    case NX_OPTION_INT:
      return check_int(option, given, text);
    case NX_OPTION_BOOL:
      return check_bool(option, given, text);
    case NX_OPTION_DOUBLE:
      return check_double(option, given, text);
    case NX_OPTION_DURATION:
      return check_with_unit(option, given, kDurations,
                             "a duration (\"500ms\", \"5s\", \"2m\", \"1h\", or milliseconds)");
    case NX_OPTION_SIZE:
      return check_with_unit(option, given, kSizes, "a size (\"64K\", \"16M\", \"1G\", or bytes)");
    case NX_OPTION_LIST:
      return check_list(option, given, text);
    case NX_OPTION_CHOICE:
      return check_choice(option, given);
    case NX_OPTION_PATH:
      return check_path(option, given, base_folder);
    case NX_OPTION_DICT:
      return check_dict(option, given, text);
    default:
      return wrong("this router does not know the type of this option");
  }
}

std::string duration_text(int64_t ms) { return with_unit(ms, kDurations); }
std::string size_text(int64_t bytes) { return with_unit(bytes, kSizes); }

std::string option_type_text(const nx_option& option) {
  const std::string range = has_range(option) ? ", " + range_text(option, "", " to ") : "";
  switch (option.type) {
    case NX_OPTION_STRING:
      return "text";
    case NX_OPTION_INT:
      return "whole number" + range;
    case NX_OPTION_BOOL:
      return "true or false";
    case NX_OPTION_DOUBLE:
      return "number" + range;
    case NX_OPTION_DURATION:
      return "duration" + range;
    case NX_OPTION_SIZE:
      return "size" + range;
    case NX_OPTION_LIST:
      return "list";
    case NX_OPTION_CHOICE:
      return std::string(to_view(option.choices));
    case NX_OPTION_SECRET:
      return "secret text";
    case NX_OPTION_PATH:
      return "path";
    case NX_OPTION_DICT:
      return "dict";
    default:
      return "unknown";
  }
}

}  // namespace nexus
