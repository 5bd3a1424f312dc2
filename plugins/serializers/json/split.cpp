// split: validates a whole message and returns its top-level elements. Any loop.
//
// What makes JSON of a message is validated here and nowhere later: a span that passes may be
// copied to a receiver of the same format without another look. What a string stands for is looked
// at by whoever needs to know: half a surrogate pair, and binary that is no base64, are between
// those who send and receive them.
#include "plugins/serializers/common/utf8.hpp"
#include "plugins/serializers/json/json.hpp"
#include "plugins/serializers/json/number.hpp"
#include "plugins/serializers/json/parser.hpp"

namespace nexus::serializers::json {
namespace {

// Reports nothing. UTF-8 is left to one look at the whole message at the end: bytes that are not
// ASCII can only stand in strings.
struct Skip {
  static constexpr bool kSkips = true;
  uint32_t high = 0;

  bool text(Parser&, const Text& text) {
    high |= text.high;
    return true;
  }
  bool key(Parser&, const Text& text) {
    high |= text.high;
    return true;
  }
  bool number(Parser&, const Number&) { return true; }
  bool literal(Parser&, Literal) { return true; }
  bool open(Parser&, bool) { return true; }
  bool close(Parser&, bool) { return true; }
};

// Decoded text goes behind what is in the scratch writer already. Room for the whole message is
// made at the first escape, so that nothing moves afterwards.
class Scratch {
 public:
  Scratch(Parser& parser, nx_writer* writer) : parser_(parser), writer_(writer) {}

  // Where to write the next at most `size` bytes; null when there is no memory.
  uint8_t* begin(const Text& text) {
    if (!reserved_) {
      const nx_status status = nx_writer_reserve(writer_, parser_.size());
      if (status != NX_OK) {
        parser_.fail(status, kNoRoom, text.begin);
        return nullptr;
      }
      reserved_ = true;
    }
    return writer_->data + writer_->size;
  }
  nx_bytes end(const uint8_t* begin, size_t size) {
    writer_->size += size;
    return {begin, size};
  }

 private:
  Parser& parser_;
  nx_writer* const writer_;
  bool reserved_ = false;
};

// Each of these reads what begins at p into `element` and returns the position behind it, or null
// when the parser has failed.

const uint8_t* read_text(const uint8_t* p, Parser& parser, Skip& skip, Scratch& scratch,
                         nx_element& element) {
  Text text;
  p = parser.string(p, text);
  if (p == nullptr) return nullptr;
  skip.high |= text.high;
  element.kind = NX_STRING;
  if (!text.escaped) {
    element.text = {text.begin, text.size()};
    return p;
  }
  if (text.lone) {
    element.kind = NX_OTHER;
    return p;
  }
  uint8_t* const out = scratch.begin(text);
  if (out == nullptr) return nullptr;
  if (!text.is_binary()) {
    element.text = scratch.end(out, static_cast<size_t>(unescape(text, out) - out));
    return p;
  }
  size_t size = 0;
  if (!decode_binary(text, out, &size)) {
    element.kind = NX_OTHER;
    return p;
  }
  element.kind = NX_BINARY;
  element.text = scratch.end(out, size);
  return p;
}

const uint8_t* read_number(const uint8_t* p, Parser& parser, nx_element& element) {
  Number number;
  p = parser.number(p, number);
  if (p == nullptr) return nullptr;
  const Decoded decoded = decode(number);
  element.kind = decoded.kind;
  if (decoded.kind == NX_DOUBLE) {
    element.number.d = decoded.d;
  } else if (decoded.kind == NX_UINT) {
    element.number.u = decoded.u;
  } else if (decoded.kind == NX_INT) {
    element.number.i = decoded.i;
  }
  return p;
}

const uint8_t* read_element(const uint8_t* p, Parser& parser, Skip& skip, Scratch& scratch,
                            nx_element& element) {
  const uint8_t* const begin = p;
  element = nx_element{};
  if (p == parser.end()) return parser.malformed("the message ends inside its list", p);
  switch (*p) {
    case '"':
      p = read_text(p + 1, parser, skip, scratch, element);
      break;
    case '[':
    case '{': {
      uint64_t entries = 0;
      parser.forget_unfit();
      p = parser.value(p, skip, 1, &entries);
      if (entries > UINT32_MAX) return parser.malformed("too many entries", begin);
      element.kind = *begin == '[' ? NX_LIST : NX_DICT;
      element.count = static_cast<uint32_t>(entries);
      if (parser.unfit() != nullptr) make_unfit(element, parser.unfit());
      break;
    }
    case 't':
    case 'f':
    case 'n': {
      Literal word = Literal::null;
      p = parser.literal(p, word);
      element.kind = word == Literal::null ? NX_NULL : NX_BOOL;
      element.number.i = word == Literal::yes ? 1 : 0;
      break;
    }
    default:
      p = read_number(p, parser, element);
  }
  if (p != nullptr) element.span = {begin, static_cast<uint64_t>(p - begin)};
  return p;
}

bool read_message(Parser& parser, nx_writer* scratch_writer, const nx_limits* limits,
                  nx_element* out, uint32_t capacity, uint32_t* count) {
  Skip skip;
  Scratch scratch(parser, scratch_writer);
  const uint8_t* const end = parser.end();
  const uint8_t* p = parser.skip_space(parser.begin());
  const auto malformed = [&](const char* what) { return parser.fail(NX_E_MALFORMED, what, p); };
  if (p == end || *p != '[') return malformed(kNotList);
  if (limits->max_depth == 0) return parser.fail(NX_E_LIMIT, kTooDeep, p);
  uint32_t n = 0;
  p = parser.skip_space(p + 1);
  if (p != end && *p == ']') {
    ++p;
  } else {
    for (;;) {
      if (n == capacity) return malformed(kTooMany);
      p = read_element(p, parser, skip, scratch, out[n]);
      if (p == nullptr) return false;
      ++n;
      p = parser.skip_space(p);
      if (p == end) return malformed("the message ends inside its list");
      if (*p == ']') break;
      if (*p != ',') return malformed("expected ',' or ']'");
      p = parser.skip_space(p + 1);
    }
    ++p;
  }
  p = parser.skip_space(p);
  if (p != end) return malformed(kTrailing);
  if (skip.high != 0 && !utf8_valid(parser.begin(), parser.size())) {
    return parser.fail(NX_E_MALFORMED, kBadText, parser.begin());
  }
  *count = n;
  return true;
}

}  // namespace

nx_status split(void*, nx_bytes message, const nx_limits* limits, nx_writer* scratch,
                nx_element* out, uint32_t capacity, uint32_t* count, nx_error* error) {
  *count = 0;
  Parser parser(message, limits);
  if (read_message(parser, scratch, limits, out, capacity, count)) return NX_OK;
  return report(error, kFormat, parser.failure());
}

}  // namespace nexus::serializers::json
