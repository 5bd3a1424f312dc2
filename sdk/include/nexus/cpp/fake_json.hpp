// JSON, base64 and UTF-8 for the fakes: correct and small, not fast. [any]
//
// Strings that begin with U+0000 are binary in base64, as WAMP has it.
#ifndef NEXUS_CPP_FAKE_JSON_HPP
#define NEXUS_CPP_FAKE_JSON_HPP

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "nexus/cpp/serializer.hpp"

namespace nexus::sdk::fake {

inline bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead < 0x80   ? 0
                        : lead < 0xC2 ? 4
                        : lead < 0xE0 ? 1
                        : lead < 0xF0 ? 2
                        : lead < 0xF5 ? 3
                                      : 4;
    if (more == 4 || text.size() - i <= more) return false;
    uint32_t code = more == 0 ? lead : lead & (0x3Fu >> more);
    for (size_t j = 1; j <= more; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xC0) != 0x80) return false;
      code = (code << 6) | (next & 0x3Fu);
    }
    if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10FFFF)) ||
        (code >= 0xD800 && code < 0xE000)) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

inline constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline std::string base64(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t j = 0; j < 3; ++j) {
      three = (three << 8) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : kBase64[(three >> (18 - 6 * j)) & 63];
    }
  }
  return text;
}

inline bool base64_decode(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t four = 0;
    size_t padding = 0;
    for (size_t j = 0; j < 4; ++j) {
      const char c = text[i + j];
      const size_t digit = kBase64.find(c);
      if (c == '=' && i + 4 == text.size() && j >= 2) {
        ++padding;
      } else if (digit == std::string_view::npos || padding > 0) {
        return false;
      }
      four = (four << 6) | (c == '=' ? 0u : static_cast<uint32_t>(digit));
    }
    for (size_t j = 0; j < 3 - padding; ++j) out += static_cast<char>(four >> (16 - 8 * j));
  }
  return true;
}

inline void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)),
        put(0x80 | (code & 0x3F));
  }
}

// Writes what a walk reports. User of sink() = the JsonWriter.
struct JsonWriter {
  std::string text;

  static const nx_value_sink& sink() { return sink_table<JsonWriter>; }

  nx_status on_null() { return plain("null"); }
  nx_status on_bool(bool value) { return plain(value ? "true" : "false"); }
  nx_status on_int(int64_t value) { return plain(std::to_string(value)); }
  nx_status on_uint(uint64_t value) { return plain(std::to_string(value)); }
  nx_status on_double(double value) {
    if (!std::isfinite(value)) return NX_E_UNREPRESENTABLE;
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", value);
    const bool whole = std::string_view(digits).find_first_of(".e") == std::string_view::npos;
    return plain(std::string(digits) + (whole ? ".0" : ""));
  }
  nx_status on_string(std::string_view value) {
    separate();
    return quoted(value);
  }
  nx_status on_binary(nx_bytes value) {
    return on_string(std::string(1, '\0') + base64(text_of(value)));
  }
  nx_status list_begin(uint64_t) { return open('['); }
  nx_status list_end() { return close(']'); }
  nx_status dict_begin(uint64_t) { return open('{'); }
  nx_status dict_key(std::string_view key) {
    separate();
    quoted(key);
    text += ':';
    fresh_ = true;
    return NX_OK;
  }
  nx_status dict_end() { return close('}'); }

 private:
  void separate() {
    if (!fresh_) text += ',';
    fresh_ = false;
  }
  nx_status plain(std::string_view piece) {
    separate();
    text += piece;
    return NX_OK;
  }
  nx_status open(char bracket) {
    separate();
    text += bracket;
    fresh_ = true;
    return NX_OK;
  }
  nx_status close(char bracket) {
    text += bracket;
    fresh_ = false;
    return NX_OK;
  }
  nx_status quoted(std::string_view value) {
    text += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text += '\\';
        text += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        char escape[8];
        std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
        text += escape;
      } else {
        text += c;
      }
    }
    text += '"';
    return NX_OK;
  }

  bool fresh_ = true;
};

// A strict parser that builds with a Maker (null, boolean, …, list, dict, add, put, drop). Throws
// Error(NX_E_MALFORMED).
template <typename Maker>
class JsonParser {
 public:
  using Handle = typename Maker::Handle;
  explicit JsonParser(std::string_view text) : text_(text) {}

  Handle parse() {
    const Handle value = parse_value(0);
    skip_space();
    if (at_ != text_.size()) {
      Maker::drop(value);
      fail("something follows the value");
    }
    return value;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw Error(NX_E_MALFORMED, std::string(what) + " at byte " + std::to_string(at_));
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  Handle made(Handle value) const {
    if (value == nullptr) fail("not a valid string");
    return value;
  }

  Handle parse_value(int depth) {
    if (depth > 64) fail("nested too deeply");
    switch (peek()) {
      case '{':
        return parse_container(depth, true);
      case '[':
        return parse_container(depth, false);
      case '"':
        return made(Maker::string(parse_string()));
      case 't':
        return word("true", Maker::boolean(true));
      case 'f':
        return word("false", Maker::boolean(false));
      case 'n':
        return word("null", Maker::null());
      default:
        return parse_number();
    }
  }

  Handle word(std::string_view expected, Handle value) {
    if (text_.substr(at_, expected.size()) != expected) {
      Maker::drop(value);
      fail("an unknown word");
    }
    at_ += expected.size();
    return value;
  }

  Handle parse_container(int depth, bool is_dict) {
    const char end = is_dict ? '}' : ']';
    ++at_;
    const Handle container = is_dict ? Maker::dict() : Maker::list();
    try {
      if (take(end)) return container;
      do {
        std::string key;
        if (is_dict) {
          if (peek() != '"') fail("a key is missing");
          key = parse_string();
          if (!take(':')) fail("a ':' is missing");
        }
        const Handle item = parse_value(depth + 1);
        is_dict ? Maker::put(container, key, item) : Maker::add(container, item);
      } while (take(','));
      if (!take(end)) fail("a closing bracket is missing");
      return container;
    } catch (...) {
      Maker::drop(container);
      throw;
    }
  }

  uint32_t parse_hex4() {
    if (text_.size() - at_ < 4) fail("an escape is cut off");
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const char* digits = "0123456789abcdef";
      const char* found = c == '\0' ? nullptr : std::strchr(digits, c | (c >= 'A' ? 0x20 : 0));
      if (found == nullptr) fail("an escape is not hexadecimal");
      code = code * 16 + static_cast<uint32_t>(found - digits);
    }
    return code;
  }

  void parse_escape(std::string& out) {
    if (at_ >= text_.size()) fail("an escape is cut off");
    const char c = text_[at_++];
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (const size_t i = kFrom.find(c); i != std::string_view::npos) {
      out += kTo[i];
      return;
    }
    if (c != 'u') fail("an unknown escape");
    uint32_t code = parse_hex4();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const uint32_t low = parse_hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code >= 0xD800 && code < 0xE000) fail("half a surrogate pair");
    append_utf8(out, code);
  }

  std::string parse_string() {
    std::string out;
    for (++at_;;) {
      if (at_ >= text_.size()) fail("a string is not closed");
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      c == '\\' ? parse_escape(out) : static_cast<void>(out += c);
    }
  }

  Handle parse_number() {
    const size_t begin = at_;
    const auto digits = [this] {
      const size_t first = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      if (at_ == first) fail("a value is missing");
      return at_ - first;
    };
    bool whole = true;
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    if (digits() > 1 && zero) fail("a number begins with 0");
    if (at_ < text_.size() && text_[at_] == '.') {
      whole = false;
      ++at_;
      digits();
    }
    if (at_ < text_.size() && (text_[at_] | 0x20) == 'e') {
      whole = false;
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      digits();
    }
    const std::string number(text_.substr(begin, at_ - begin));
    errno = 0;
    if (whole) {
      const long long integer = std::strtoll(number.c_str(), nullptr, 10);
      if (errno == 0) return Maker::integer(integer);
      errno = 0;
      const unsigned long long large = std::strtoull(number.c_str(), nullptr, 10);
      if (errno == 0 && number[0] != '-') return Maker::unsigned_integer(large);
    }
    return Maker::real(std::strtod(number.c_str(), nullptr));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace nexus::sdk::fake

#endif
