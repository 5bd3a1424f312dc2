// The JSON grammar (RFC 8259), once: split drives it to find where elements end, walk drives it to
// report values. Any loop.
//
// No recursion: an open list or dict is one byte. Half a surrogate pair and nesting beyond the
// limit are no mistakes of the grammar: Text::lone and unfit() tell of them. What is read goes to a
// Sink, a class with
//   bool text(Parser&, const Text&)     a string value
//   bool key(Parser&, const Text&)      a dict key
//   bool number(Parser&, const Number&)
//   bool literal(Parser&, Literal)
//   bool open(Parser&, bool dict), bool close(Parser&, bool dict)
//   static constexpr bool kSkips        only the end is looked for, however deep it goes
// each of which answers whether to go on, and has called fail() if not.
//
// Functions here take the position and return the one behind what they have read, or null after
// fail(): a position that lives in a register instead of the object is worth a quarter of the time.
#pragma once

#include "plugins/serializers/common/common.hpp"
#include "plugins/serializers/common/deep_stack.hpp"
#include "plugins/serializers/json/scan.hpp"
#include "plugins/serializers/json/text.hpp"

namespace nexus::serializers::json {

inline constexpr const char* kFormat = "JSON";
inline constexpr const char* kBadBinary = "binary that is not base64";
inline constexpr const char* kLone = "text with half a surrogate pair";

struct Number {
  const uint8_t* begin = nullptr;
  const uint8_t* end = nullptr;
  bool real = false;  // has a fraction or an exponent
};

enum class Literal : uint8_t { null, no, yes };

class Parser {
 public:
  Parser(nx_bytes text, const nx_limits* limits)
      : begin_(text.data), end_(text.data + text.size), max_depth_(depth_limit(limits)) {}

  const uint8_t* begin() const { return begin_; }
  const uint8_t* end() const { return end_; }
  uint64_t size() const { return static_cast<uint64_t>(end_ - begin_); }
  const Failure& failure() const { return failure_; }

  // Always false. `at` is where the message will point; null: somewhere in the text.
  bool fail(nx_status code, const char* what, const uint8_t* at) {
    failure_ = {code, what, at == nullptr ? 0 : static_cast<uint64_t>(at - begin_)};
    return false;
  }
  const uint8_t* malformed(const char* what, const uint8_t* at) {
    fail(NX_E_MALFORMED, what, at);
    return nullptr;
  }

  // The next byte that is not white space, or the end.
  const uint8_t* skip_space(const uint8_t* p) const {
    while (p != end_ && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
    return p;
  }

  // Reads one value, which begins `depth` lists and dicts deep; *count is the entries of a list or
  // dict.
  template <class Sink>
  const uint8_t* value(const uint8_t* p, Sink& sink, uint32_t depth, uint64_t* count);

  // Why nobody is to get what value() has read since forget_unfit(); null when there is no reason.
  const char* unfit() const { return unfit_; }
  void forget_unfit() { unfit_ = nullptr; }

  // Reads a string whose opening quote is behind us.
  const uint8_t* string(const uint8_t* p, Text& text);
  // Reads a number that begins here.
  const uint8_t* number(const uint8_t* p, Number& number);
  const uint8_t* literal(const uint8_t* p, Literal& value);

 private:
  const uint8_t* escape(const uint8_t* p, bool& lone);
  template <class Sink>
  const uint8_t* key(const uint8_t* p, Sink& sink);

  const uint8_t* const begin_;
  const uint8_t* const end_;
  const uint32_t max_depth_;
  Failure failure_;
  const char* unfit_ = nullptr;
};

[[gnu::always_inline]] inline const uint8_t* Parser::string(const uint8_t* p, Text& text) {
  text.begin = p;
  text.escaped = false;
  text.lone = false;
  text.high = 0;
  for (;;) {
    p = find_special(p, end_, begin_, text.high);
    if (p == end_) return malformed("the message ends inside a string", p);
    if (*p == '"') {
      text.end = p;
      return p + 1;
    }
    if (*p != '\\') return malformed("control character in a string", p);
    text.escaped = true;
    p = escape(p, text.lone);
    if (p == nullptr) return nullptr;
  }
}

// Checks the escape at p; `lone` becomes true for half a surrogate pair.
inline const uint8_t* Parser::escape(const uint8_t* p, bool& lone) {
  const auto hex4 = [this](const uint8_t* digits, uint32_t& code) {
    if (end_ - digits < 4) return false;
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const uint8_t c = digits[i];
      const uint8_t letter = c | 0x20;
      if (c >= '0' && c <= '9') {
        code = code << 4 | static_cast<uint32_t>(c - '0');
      } else if (letter >= 'a' && letter <= 'f') {
        code = code << 4 | static_cast<uint32_t>(letter - 'a' + 10);
      } else {
        return false;
      }
    }
    return true;
  };
  if (end_ - p < 2) return malformed("the message ends inside a string", p);
  switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return p + 2;
    case 'u':
      break;
    default:
      return malformed("unknown escape", p);
  }
  uint32_t code = 0;
  if (!hex4(p + 2, code)) return malformed("bad \\u escape", p);
  if (code < 0xd800 || code > 0xdfff) return p + 6;
  uint32_t low = 0;
  if (code > 0xdbff || end_ - p < 12 || p[6] != '\\' || p[7] != 'u' || !hex4(p + 8, low) ||
      low < 0xdc00 || low > 0xdfff) {
    lone = true;
    return p + 6;
  }
  return p + 12;
}

inline const uint8_t* Parser::number(const uint8_t* p, Number& number) {
  const auto digit = [this](const uint8_t* at) {
    return at != end_ && static_cast<uint8_t>(*at - '0') < 10;
  };
  number.begin = p;
  number.real = false;
  if (*p == '-') ++p;
  if (!digit(p)) return malformed("not a value", p);
  if (*p == '0') {
    ++p;
  } else {
    while (digit(p)) ++p;
  }
  if (p != end_ && *p == '.') {
    number.real = true;
    ++p;
    if (!digit(p)) return malformed("a number without digits after the point", p);
    while (digit(p)) ++p;
  }
  if (p != end_ && (*p | 0x20) == 'e') {
    number.real = true;
    ++p;
    if (p != end_ && (*p == '+' || *p == '-')) ++p;
    if (!digit(p)) return malformed("a number without digits in its exponent", p);
    while (digit(p)) ++p;
  }
  number.end = p;
  return p;
}

inline const uint8_t* Parser::literal(const uint8_t* p, Literal& value) {
  const ptrdiff_t left = end_ - p;
  if (left >= 4 && std::memcmp(p, "true", 4) == 0) {
    value = Literal::yes;
    return p + 4;
  }
  if (left >= 5 && std::memcmp(p, "false", 5) == 0) {
    value = Literal::no;
    return p + 5;
  }
  if (left >= 4 && std::memcmp(p, "null", 4) == 0) {
    value = Literal::null;
    return p + 4;
  }
  return malformed("not a value", p);
}

// Reads a dict key and the colon.
template <class Sink>
[[gnu::always_inline]] inline const uint8_t* Parser::key(const uint8_t* p, Sink& sink) {
  p = skip_space(p);
  if (p == end_ || *p != '"') return malformed(kBadKey, p);
  Text text;
  p = string(p + 1, text);
  if (p == nullptr || !sink.key(*this, text)) return nullptr;
  p = skip_space(p);
  if (p == end_ || *p != ':') return malformed("expected ':'", p);
  return p + 1;
}

template <class Sink>
const uint8_t* Parser::value(const uint8_t* p, Sink& sink, uint32_t depth, uint64_t* count) {
  uint8_t closing[kMaxDepth + 1];  // the bracket that closes each level; [base] closes none
  DeepStack deeper;                // those around the innermost one, where there are more
  uint64_t beyond = 0;             // levels beyond the limit; the innermost is in closing[depth]
  const uint32_t base = depth;
  closing[base] = 0;
  uint64_t entries = 0;
  for (;;) {
    // A value begins here.
    p = skip_space(p);
    if (p == end_) return malformed("the message ends where a value should be", p);
    switch (*p) {
      case '"': {
        Text text;
        p = string(p + 1, text);
        if (p == nullptr || !sink.text(*this, text)) return nullptr;
        break;
      }
      case '[':
      case '{': {
        const bool dict = *p == '{';
        const uint8_t bracket = dict ? '}' : ']';
        if (depth >= max_depth_) {
          if constexpr (!Sink::kSkips) {
            fail(NX_E_LIMIT, kTooDeep, p);
            return nullptr;
          }
          unfit_ = kTooDeep;
        }
        if (!sink.open(*this, dict)) return nullptr;
        p = skip_space(p + 1);
        if (p != end_ && *p == bracket) {
          ++p;
          if (!sink.close(*this, dict)) return nullptr;
          break;
        }
        if (depth < max_depth_) {
          ++depth;
        } else {
          if (!deeper.push(closing[depth] == '}' ? 1 : 0)) {
            fail(NX_E_MEMORY, kNoMemory, p);
            return nullptr;
          }
          ++beyond;
        }
        closing[depth] = bracket;
        if (depth == base + 1 && beyond == 0) entries = 1;
        if (dict) {
          p = key(p, sink);
          if (p == nullptr) return nullptr;
        }
        continue;
      }
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': {
        Number n;
        p = number(p, n);
        if (p == nullptr || !sink.number(*this, n)) return nullptr;
        break;
      }
      default: {
        Literal word;
        p = literal(p, word);
        if (p == nullptr || !sink.literal(*this, word)) return nullptr;
      }
    }
    // A value has ended here, and maybe the lists and dicts around it.
    for (;;) {
      if (depth == base && beyond == 0) {
        *count = entries;
        return p;
      }
      p = skip_space(p);
      if (p == end_) return malformed("the message ends inside a list or dict", p);
      const uint8_t bracket = closing[depth];
      if (*p == ',') {
        ++p;
        if (depth == base + 1 && beyond == 0) ++entries;
        if (bracket == '}') {
          p = key(p, sink);
          if (p == nullptr) return nullptr;
        }
        break;
      }
      if (*p != bracket) {
        return malformed(bracket == ']' ? "expected ',' or ']'" : "expected ',' or '}'", p);
      }
      ++p;
      if (!sink.close(*this, bracket == '}')) return nullptr;
      if (beyond == 0) {
        --depth;
      } else {
        --beyond;
        closing[depth] = deeper.pop() != 0 ? '}' : ']';
      }
    }
  }
}

}  // namespace nexus::serializers::json
