// What a reader remembers of the lists and dicts that it is inside of, once there are more of them
// than a message may have. Any loop.
//
// Data that is nested too deeply costs its sender one request and not the session, so its end has
// to be found, however deep it goes. Up to kMaxDepth a reader has an array on the stack; beyond, a
// level is a number here, in about as many bytes as its head has in the message: memory stays below
// three times the message, and is gone when the message has been split.
#pragma once

#include <cstdlib>

#include "plugins/serializers/common/common.hpp"

namespace nexus::serializers {

class DeepStack {
 public:
  DeepStack() = default;
  DeepStack(const DeepStack&) = delete;
  DeepStack& operator=(const DeepStack&) = delete;
  ~DeepStack() { std::free(bytes_); }

  // False: there is no memory.
  bool push(uint64_t value) {
    if (capacity_ - size_ < 9 && !grow()) return false;
    if (value < kLong) {
      bytes_[size_++] = static_cast<uint8_t>(value);
      return true;
    }
    uint8_t count = 0;
    for (; value != 0; value >>= 8) {
      bytes_[size_++] = static_cast<uint8_t>(value);
      ++count;
    }
    bytes_[size_++] = static_cast<uint8_t>(kLong + count);
    return true;
  }
  // What was pushed last and is still there; there must be such a one.
  uint64_t pop() {
    const uint8_t last = bytes_[--size_];
    if (last < kLong) return last;
    uint64_t value = 0;
    for (uint8_t count = last - kLong; count != 0; --count) value = value << 8 | bytes_[--size_];
    return value;
  }

 private:
  static constexpr uint8_t kLong = 0xf0;  // from here on: so many bytes before this one

  bool grow() {
    const size_t wanted = capacity_ == 0 ? 256 : capacity_ * 2;
    void* const more = std::realloc(bytes_, wanted);
    if (more == nullptr) return false;
    bytes_ = static_cast<uint8_t*>(more);
    capacity_ = wanted;
    return true;
  }

  uint8_t* bytes_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace nexus::serializers
