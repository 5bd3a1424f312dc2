// What msgpack-c says about a message: msgpack::parse once per element. It looks for what makes an
// element unfit (nesting beyond the limit, text that is no UTF-8), which it leaves to a visitor.
// Shares nothing with the plugin's own visitor. Header only, any thread.
#pragma once

#include <msgpack.hpp>
#include <string_view>
#include <vector>

#include "kernel/base/bytes.hpp"

namespace nexus::test {

class MsgpackOracle {
 public:
  MsgpackOracle(std::string_view message, size_t max_depth, size_t capacity) {
    accepts_ = read(message, max_depth, capacity);
  }
  bool accepts() const { return accepts_; }
  const std::vector<std::string_view>& spans() const { return spans_; }
  // For each span: is it one that nobody is to get?
  const std::vector<bool>& unfit() const { return unfit_; }

 private:
  struct Visitor : ::msgpack::null_visitor {
    size_t depth = 1;  // the message
    size_t max_depth = 0;
    bool unfit = false;

    bool visit_str(const char* text, uint32_t size) {
      if (!utf8({text, size})) unfit = true;
      return true;
    }
    bool start_array(uint32_t) { return open(); }
    bool end_array() { return depth-- > 0; }
    bool start_map(uint32_t) { return open(); }
    bool end_map() { return depth-- > 0; }
    bool open() {
      if (++depth > max_depth) unfit = true;
      return true;
    }
  };

  bool read(std::string_view message, size_t max_depth, size_t capacity) {
    if (message.empty() || max_depth == 0) return false;
    size_t offset = 1;
    size_t count = 0;
    const auto first = static_cast<uint8_t>(message[0]);
    const size_t wide = first == 0xdc ? 2 : first == 0xdd ? 4 : 0;
    if (wide == 0) {
      if (first < 0x90 || first > 0x9f) return false;
      count = first & 15;
    } else {
      if (message.size() < 1 + wide) return false;
      while (offset <= wide) count = count << 8 | static_cast<uint8_t>(message[offset++]);
    }
    if (count > capacity) return false;
    while (count-- > 0) {
      Visitor visitor;
      visitor.max_depth = max_depth;
      const size_t begin = offset;
      if (!::msgpack::parse(message.data(), message.size(), offset, visitor)) return false;
      spans_.push_back(message.substr(begin, offset - begin));
      unfit_.push_back(visitor.unfit);
    }
    return offset == message.size();
  }

  // RFC 3629's grammar, case by case.
  static bool utf8(std::string_view text) {
    const auto in = [&](size_t at, int low, int high) {
      return at < text.size() && static_cast<uint8_t>(text[at]) >= low &&
             static_cast<uint8_t>(text[at]) <= high;
    };
    for (size_t i = 0; i < text.size();) {
      if (in(i, 0x00, 0x7f)) {
        i += 1;
      } else if (in(i, 0xc2, 0xdf) && in(i + 1, 0x80, 0xbf)) {
        i += 2;
      } else if (((in(i, 0xe0, 0xe0) && in(i + 1, 0xa0, 0xbf)) ||
                  (in(i, 0xe1, 0xec) && in(i + 1, 0x80, 0xbf)) ||
                  (in(i, 0xed, 0xed) && in(i + 1, 0x80, 0x9f)) ||
                  (in(i, 0xee, 0xef) && in(i + 1, 0x80, 0xbf))) &&
                 in(i + 2, 0x80, 0xbf)) {
        i += 3;
      } else if (((in(i, 0xf0, 0xf0) && in(i + 1, 0x90, 0xbf)) ||
                  (in(i, 0xf1, 0xf3) && in(i + 1, 0x80, 0xbf)) ||
                  (in(i, 0xf4, 0xf4) && in(i + 1, 0x80, 0x8f))) &&
                 in(i + 2, 0x80, 0xbf) && in(i + 3, 0x80, 0xbf)) {
        i += 4;
      } else {
        return false;
      }
    }
    return true;
  }

  bool accepts_ = false;
  std::vector<std::string_view> spans_;
  std::vector<bool> unfit_;
};

}  // namespace nexus::test
