#include "plugins/transports/longpoll/body.hpp"

#include <algorithm>
#include <charconv>

#include "plugins/support/text.hpp"

namespace nexus::longpoll {
namespace {

constexpr uint32_t kMostOverhead = 4096;
constexpr uint8_t kMostDigits = 8;  // of a chunk's size: 4 GB, far above every limit

int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

}  // namespace

Body::State Body::begin(const support::HttpRequest& head, uint64_t limit) {
  *this = Body();
  limit_ = limit;
  const uint32_t lengths = head.count("content-length");
  const uint32_t codings = head.count("transfer-encoding");
  if (lengths + codings == 0) return state_;
  state_ = kIncomplete;
  if (codings != 0) {
    chunked_ = true;
    if (lengths != 0) {
      fail("both Content-Length and Transfer-Encoding");
    } else if (head.version == "HTTP/1.0") {
      fail("Transfer-Encoding in a request of HTTP/1.0");
    } else {
      check_codings(head);
    }
    return state_;
  }
  const std::string_view text = head.find("content-length");
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), left_);
  if (lengths != 1) {
    fail("more than one Content-Length");
  } else if (code == std::errc::result_out_of_range) {
    state_ = kTooLarge;
  } else if (code != std::errc{} || end != text.data() + text.size()) {
    fail("Content-Length is no number");
  } else if (left_ > limit_) {
    state_ = kTooLarge;
  } else if (left_ == 0) {
    state_ = kComplete;
  }
  return state_;
}

// Chunks are the last coding, and there only once, or nobody knows where the body ends.
void Body::check_codings(const support::HttpRequest& head) {
  uint32_t chunks = 0;
  uint32_t others = 0;
  bool chunks_last = false;
  head.any_element("transfer-encoding", [&](std::string_view coding) {
    chunks_last = support::equal_ignoring_case(coding, "chunked");
    ++(chunks_last ? chunks : others);
    return false;
  });
  if (chunks != 1 || !chunks_last) {
    fail("a Transfer-Encoding that does not end in chunked, once");
  } else if (others != 0) {
    state_ = kUnknownCoding;
  }
}

uint64_t Body::add(const uint8_t* data, uint64_t size) {
  uint64_t used = 0;
  while (used < size && state_ == kIncomplete) {
    if (!chunked_ || step_ == Step::kData) {
      used += add_data(data + used, size - used);
    } else {
      step(data[used++]);
    }
  }
  return used;
}

uint64_t Body::add_data(const uint8_t* data, uint64_t size) {
  const uint64_t taken = std::min(size, left_);
  bytes_.append(reinterpret_cast<const char*>(data), taken);
  left_ -= taken;
  if (left_ != 0) return taken;
  if (chunked_) {
    step_ = Step::kDataCr;
  } else {
    state_ = kComplete;
  }
  return taken;
}

void Body::step(uint8_t byte) {
  switch (step_) {
    case Step::kSize: {
      const int digit = hex_digit(byte);
      if (digit >= 0) {
        if (++digits_ > kMostDigits) {
          state_ = kTooLarge;
          return;
        }
        left_ = left_ * 16 + static_cast<uint64_t>(digit);
        return;
      }
      if (digits_ == 0) return fail("a chunk without a size");
      if (left_ > limit_ - bytes_.size()) {
        state_ = kTooLarge;
        return;
      }
      if (byte == '\r') {
        step_ = Step::kSizeEnd;
      } else if (byte == ';' || byte == ' ' || byte == '\t') {
        step_ = Step::kExtension;
      } else {
        fail("a chunk's size is no number");
      }
      return;
    }
    case Step::kExtension:
      if (++overhead_ > kMostOverhead) return fail("chunk extensions without end");
      if (byte == '\r') {
        step_ = Step::kSizeEnd;
      } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
        fail("control character");
      }
      return;
    case Step::kSizeEnd:
      if (byte != '\n') return fail("CR without LF");
      digits_ = 0;
      step_ = left_ == 0 ? Step::kTrailer : Step::kData;
      return;
    case Step::kDataCr:
      if (byte != '\r') return fail("a chunk is longer than its size");
      step_ = Step::kDataLf;
      return;
    case Step::kDataLf:
      if (byte != '\n') return fail("CR without LF");
      step_ = Step::kSize;
      return;
    case Step::kTrailer:
      return trailer(byte);
    case Step::kData:
      return;
  }
}

// Trailer fields are read and forgotten; an empty line ends them.
void Body::trailer(uint8_t byte) {
  if (++overhead_ > kMostOverhead) return fail("trailers without end");
  if (trailer_at_ >= 2) {
    if (byte != '\n') return fail("CR without LF");
    if (trailer_at_ == 3) state_ = kComplete;
    trailer_at_ = 0;
  } else if (byte == '\r') {
    trailer_at_ = trailer_at_ == 0 ? 3 : 2;
  } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
    fail("control character");
  } else {
    trailer_at_ = 1;
  }
}

}  // namespace nexus::longpoll
