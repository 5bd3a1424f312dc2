// JSON text to Value and back. Any thread.
//
// Poco's parser would lose what this project needs: integers above 2^63, the position of an
// error, and duplicate keys (which it merges silently). So both directions are written out here;
// they are not on the way of a message.
#include "kernel/base/json.hpp"

#include <charconv>
#include <cmath>

#include "kernel/base/base64.hpp"
#include "kernel/base/json_places.hpp"
#include "kernel/base/utf8.hpp"
#include "kernel/base/value.hpp"

namespace nexus {
namespace {

// ---- writing ---------------------------------------------------------------------------------

template <typename T>
void append_integer(std::string& out, T value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void append_value(std::string& out, const Value& value) {
  switch (value.kind()) {
    case NX_BOOL:
      out += value.as_bool() ? "true" : "false";
      break;
    case NX_INT:
      append_integer(out, value.as_int());
      break;
    case NX_UINT:
      append_integer(out, value.as_uint());
      break;
    case NX_DOUBLE:
      append_json_double(out, value.as_double());
      break;
    case NX_STRING:
      append_json_string(out, value.as_string());
      break;
    case NX_BINARY:
      out += "\"\\u0000" + base64_encode(value.as_binary()) + '"';
      break;
    case NX_LIST:
      out += '[';
      for (size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        append_value(out, value.at(i));
      }
      out += ']';
      break;
    case NX_DICT:
      out += '{';
      for (size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        append_json_string(out, value.key_at(i));
        out += ':';
        append_value(out, value.at(i));
      }
      out += '}';
      break;
    default:
      out += "null";
  }
}

// ---- reading ---------------------------------------------------------------------------------

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

constexpr const char* kSingleQuotes = "a text stands in double quotes, not in single ones";

// Recursive descent, no deeper than kMaxValueDepth. A function that fails has called fail(), and
// answers no value or false; `at_` then is where the mistake is.
class Parser {
 public:
  explicit Parser(std::string_view text, JsonPlaces* places = nullptr)
      : text_(text), places_(places) {}

  Result<Value> run() {
    if (text_.starts_with("\xef\xbb\xbf")) {
      fail("the text begins with a byte order mark; it must be plain UTF-8");
      return error();
    }
    Value value = parse_value(0);
    if (!value) return error();
    skip_space();
    if (at_ < text_.size()) {
      fail("nothing may follow the value");
      return error();
    }
    return value;
  }

 private:
  bool fail(const char* what) {
    if (what_ == nullptr) what_ = what;
    return false;
  }

  Status error() const {
    size_t line = 1;
    size_t column = 1;
    for (const char c : text_.substr(0, at_)) {
      if (c == '\n') {
        ++line;
        column = 1;
      } else if ((static_cast<uint8_t>(c) & 0xc0) != 0x80) {
        ++column;
      }
    }
    return Status::error(NX_E_MALFORMED, "line " + std::to_string(line) + ", column " +
                                             std::to_string(column) + ": " + what_);
  }

  // The current character, or 0 at the end.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
    // Nothing but a text can have these in it, so whoever called fails, with this for a reason.
    if (peek() == '/' || peek() == '#') fail("JSON has no comments; remove this one");
  }
  // After a comma: false where a list or dict ends instead of going on.
  bool goes_on(size_t comma) {
    skip_space();
    if (peek() != ']' && peek() != '}') return true;
    at_ = comma;
    return fail("nothing follows this comma; remove it");
  }
  // Remembers the line of what begins here.
  void note_place() {
    for (; counted_ < at_; ++counted_) line_ += text_[counted_] == '\n' ? 1 : 0;
    if (places_ != nullptr) (*places_)[path_] = line_;
  }

  Value parse_value(uint32_t depth) {
    skip_space();
    if (at_ == text_.size()) {
      fail("the text ends where a value is expected");
      return {};
    }
    switch (peek()) {
      case '{':
        return parse_dict(depth + 1);
      case '[':
        return parse_list(depth + 1);
      case '"':
        return parse_string_value();
      case 't':
        return parse_word("true", Value::boolean(true));
      case 'f':
        return parse_word("false", Value::boolean(false));
      case 'n':
        return parse_word("null", Value::null());
      case '\'':
        fail(kSingleQuotes);
        return {};
      default:
        return parse_number();
    }
  }

  Value parse_word(std::string_view word, Value value) {
    if (!text_.substr(at_).starts_with(word)) {
      fail("a value is expected");
      return {};
    }
    at_ += word.size();
    return value;
  }

  Value parse_list(uint32_t depth) {
    Value list = Value::list();
    if (!enter(depth)) return {};
    if (take(']')) return list;
    const size_t outer = path_.size();
    do {
      if (list.size() != 0 && !goes_on(at_ - 1)) return {};
      if (places_ != nullptr) {
        skip_space();
        path_.append("[").append(std::to_string(list.size())).append("]");
        note_place();
      }
      Value item = parse_value(depth);
      if (!item) return {};
      path_.resize(outer);
      list.append(std::move(item));
      skip_space();
    } while (take(','));
    if (!take(']')) {
      fail("',' or ']' is expected");
      return {};
    }
    return list;
  }

  Value parse_dict(uint32_t depth) {
    Value dict = Value::dict();
    if (!enter(depth)) return {};
    if (take('}')) return dict;
    const size_t outer = path_.size();
    do {
      if (dict.size() != 0 && !goes_on(at_ - 1)) return {};
      std::string key;
      if (peek() != '"') {
        fail(peek() == '\'' ? kSingleQuotes : "a key in double quotes is expected");
        return {};
      }
      if (!parse_string(key)) return {};
      if (places_ != nullptr) {  // no text spans lines, so it is still the key's
        path_.append(outer == 0 ? "" : ".").append(key);
        note_place();
      }
      skip_space();
      if (!take(':')) {
        fail("':' is expected");
        return {};
      }
      Value item = parse_value(depth);
      if (!item) return {};
      path_.resize(outer);
      dict.append(key, std::move(item));
      skip_space();
    } while (take(','));
    if (!take('}')) {
      fail("',' or '}' is expected");
      return {};
    }
    return dict;
  }

  bool enter(uint32_t depth) {
    if (depth > kMaxValueDepth) return fail("this is nested too deep");
    ++at_;
    skip_space();
    return true;
  }

  Value parse_string_value() {
    const size_t begin = at_;
    std::string text;
    if (!parse_string(text)) return {};
    if (!text.starts_with('\0')) return Value::string(text);
    const auto bytes = base64_decode(std::string_view(text).substr(1));
    if (!bytes) {
      at_ = begin;
      fail("a string that begins with \\u0000 must go on with base64");
      return {};
    }
    return Value::binary(*bytes);
  }

  bool parse_string(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!parse_escape(out)) return false;
      } else if (static_cast<uint8_t>(c) < 0x20) {
        return fail("a control character in a string must be escaped");
      } else {
        const size_t size = utf8_sequence(text_.substr(at_));
        if (size == 0) return fail("this is not UTF-8");
        out.append(text_, at_, size);
        at_ += size;
      }
    }
    return fail("the string has no end");
  }

  bool parse_escape(std::string& out) {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (c == 'u') return parse_unicode_escape(out);
    const size_t index = kNames.find(c);
    if (c == '\0' || index == kNames.npos) return fail("there is no such escape");
    out += kValues[index];
    at_ += 2;
    return true;
  }

  bool parse_unicode_escape(std::string& out) {
    uint32_t code = 0;
    if (!hex4(at_, code)) return fail("\\u needs four hexadecimal digits");
    if (code >= 0xd800 && code < 0xe000) {
      uint32_t low = 0;
      if (code >= 0xdc00 || !hex4(at_ + 6, low) || low < 0xdc00 || low >= 0xe000) {
        return fail("a lone surrogate is no character");
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at_ += 6;
    }
    at_ += 6;
    append_utf8(out, code);
    return true;
  }

  // Reads "\uXXXX" at `at`.
  bool hex4(size_t at, uint32_t& out) const {
    if (at + 6 > text_.size() || text_[at] != '\\' || text_[at + 1] != 'u') return false;
    const char* end = text_.data() + at + 6;
    return std::from_chars(text_.data() + at + 2, end, out, 16).ptr == end;
  }

  Value parse_number() {
    const size_t begin = at_;
    take('-');
    if (!is_digit(peek())) {
      at_ = begin;
      fail("a value is expected");
      return {};
    }
    if (take('0')) {
      if (is_digit(peek())) {
        fail("a number may not have leading zeros");
        return {};
      }
    } else {
      skip_digits();
    }
    bool integral = true;
    if (take('.')) {
      integral = false;
      if (!some_digits()) return {};
    }
    if (take('e') || take('E')) {
      integral = false;
      if (!take('+')) take('-');
      if (!some_digits()) return {};
    }
    const std::string_view digits = text_.substr(begin, at_ - begin);
    const char* end = digits.data() + digits.size();
    if (integral) {
      int64_t number = 0;
      if (std::from_chars(digits.data(), end, number).ec == std::errc()) {
        return Value::integer(number);
      }
      uint64_t large = 0;
      if (digits[0] != '-' && std::from_chars(digits.data(), end, large).ec == std::errc()) {
        return Value::unsigned_integer(large);
      }
    }
    double number = 0;
    if (std::from_chars(digits.data(), end, number).ec != std::errc()) {
      at_ = begin;
      fail("this number is out of range");
      return {};
    }
    return Value::real(number);
  }

  void skip_digits() {
    while (is_digit(peek())) ++at_;
  }
  bool some_digits() {
    if (!is_digit(peek())) return fail("a digit is expected");
    skip_digits();
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  const char* what_ = nullptr;
  JsonPlaces* const places_;
  std::string path_;    // of what is being read, if somebody wants to know
  size_t line_ = 1;     // of counted_
  size_t counted_ = 0;  // how far lines have been counted
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const char c = text[0];
    const size_t size = utf8_sequence(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      constexpr std::string_view kValues = "\b\f\n\r\t";
      constexpr std::string_view kNames = "bfnrt";
      const size_t index = kValues.find(c);
      if (index != kValues.npos) {
        out += '\\';
        out += kNames[index];
      } else {
        out += "\\u00";
        out += kHex[static_cast<uint8_t>(c) >> 4];
        out += kHex[c & 15];
      }
    } else if (size == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(text, 0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

void append_json_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const std::string_view text(digits, static_cast<size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == text.npos) out += ".0";
}

std::string to_json(const Value& value) {
  std::string out;
  append_value(out, value);
  return out;
}

Result<Value> from_json(std::string_view text) { return Parser(text).run(); }

Result<Value> from_json(std::string_view text, JsonPlaces& places) {
  return Parser(text, &places).run();
}

}  // namespace nexus
