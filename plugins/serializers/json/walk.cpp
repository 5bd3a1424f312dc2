// walk: reports one JSON value to a sink. Any loop.
#include "plugins/serializers/common/utf8.hpp"
#include "plugins/serializers/json/json.hpp"
#include "plugins/serializers/json/number.hpp"
#include "plugins/serializers/json/parser.hpp"

namespace nexus::serializers::json {
namespace {

class Reporter {
 public:
  static constexpr bool kSkips = false;

  Reporter(const nx_value_sink* sink, void* user, nx_writer* scratch)
      : sink_(sink), user_(user), scratch_(scratch) {}

  bool text(Parser& parser, const Text& text) {
    if (text.lone) return other(parser, kLone, text.begin);
    if (!text.is_binary()) {
      nx_str view;
      return plain(parser, text, view) && go_on(parser, sink_->on_string(user_, view));
    }
    uint8_t* const out = room(parser, text);
    if (out == nullptr) return false;
    size_t size = 0;
    if (!decode_binary(text, out, &size)) return other(parser, kBadBinary, text.begin);
    return go_on(parser, sink_->on_binary(user_, {out, size}));
  }

  bool key(Parser& parser, const Text& text) {
    if (text.lone) {
      const nx_status status = nx_sink_key_other(sink_, user_);
      return status == NX_OK ||
             parser.fail(status, status == NX_E_UNREPRESENTABLE ? kLone : kStopped, text.begin);
    }
    nx_str view;
    return plain(parser, text, view) && go_on(parser, sink_->dict_key(user_, view));
  }

  bool number(Parser& parser, const Number& number) {
    const Decoded decoded = decode(number);
    switch (decoded.kind) {
      case NX_INT:
        return go_on(parser, sink_->on_int(user_, decoded.i));
      case NX_UINT:
        return go_on(parser, sink_->on_uint(user_, decoded.u));
      case NX_DOUBLE:
        return go_on(parser, sink_->on_double(user_, decoded.d));
      default:
        return other(parser, "a number beyond 64 bit", number.begin);
    }
  }

  bool literal(Parser& parser, Literal word) {
    if (word == Literal::null) return go_on(parser, sink_->on_null(user_));
    return go_on(parser, sink_->on_bool(user_, word == Literal::yes ? 1 : 0));
  }

  bool open(Parser& parser, bool dict) {
    return go_on(parser, dict ? sink_->dict_begin(user_, NX_COUNT_UNKNOWN)
                              : sink_->list_begin(user_, NX_COUNT_UNKNOWN));
  }
  bool close(Parser& parser, bool dict) {
    return go_on(parser, dict ? sink_->dict_end(user_) : sink_->list_end(user_));
  }

 private:
  static bool go_on(Parser& parser, nx_status status) {
    return status == NX_OK || parser.fail(status, stopped(status), nullptr);
  }

  // A value that only JSON has, for the reason `what`.
  bool other(Parser& parser, const char* what, const uint8_t* at) {
    const nx_status status = nx_sink_other(sink_, user_, NX_OTHER_VALUE);
    return status == NX_OK ||
           parser.fail(status, status == NX_E_UNREPRESENTABLE ? what : kStopped, at);
  }

  // Room for what `text` decodes to, behind what is in the scratch writer. It is free again after
  // the sink's call: size does not move.
  uint8_t* room(Parser& parser, const Text& text) {
    const nx_status status = nx_writer_reserve(scratch_, text.size());
    if (status == NX_OK) return scratch_->data + scratch_->size;
    parser.fail(status, kNoRoom, text.begin);
    return nullptr;
  }

  bool plain(Parser& parser, const Text& text, nx_str& view) {
    if (text.high != 0 && !utf8_valid(text.begin, text.size())) {
      return parser.fail(NX_E_MALFORMED, kBadText, text.begin);
    }
    if (!text.escaped) {
      view = {reinterpret_cast<const char*>(text.begin), text.size()};
      return true;
    }
    uint8_t* const out = room(parser, text);
    if (out == nullptr) return false;
    view = {reinterpret_cast<const char*>(out), static_cast<uint64_t>(unescape(text, out) - out)};
    return true;
  }

  const nx_value_sink* const sink_;
  void* const user_;
  nx_writer* const scratch_;
};

}  // namespace

nx_status walk(void*, nx_bytes value, const nx_limits* limits, nx_writer* scratch,
               const nx_value_sink* sink, void* user, nx_error* error) {
  Parser parser(value, limits);
  Reporter reporter(sink, user, scratch);
  uint64_t entries = 0;
  const uint8_t* p = parser.value(parser.begin(), reporter, 0, &entries);
  if (p != nullptr) {
    p = parser.skip_space(p);
    if (p == parser.end()) return NX_OK;
    parser.malformed(kTrailing, p);
  }
  return report(error, kFormat, parser.failure());
}

}  // namespace nexus::serializers::json
