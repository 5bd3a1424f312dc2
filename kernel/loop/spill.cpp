// Spill: see the header.
#include "kernel/loop/spill.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace nexus {
namespace {
constexpr size_t kWorthShrinking = 64 << 10;
}

bool Spill::assign(Bytes bytes) {
  if (bytes.empty()) {
    clear();
    return true;
  }
  if (capacity_ < bytes.size() || capacity_ > std::max(kWorthShrinking, bytes.size() * 4)) {
    clear();
    memory_ = static_cast<uint8_t*>(std::malloc(bytes.size()));
    if (memory_ == nullptr) return false;
    capacity_ = bytes.size();
  }
  std::memcpy(memory_, bytes.data(), bytes.size());
  begin_ = 0;
  size_ = bytes.size();
  return true;
}

uint8_t* Spill::make_room(size_t least) {
  if (room() >= least) return memory_ + begin_ + size_;
  if (begin_ > 0) {
    std::memmove(memory_, memory_ + begin_, size_);
    begin_ = 0;
  }
  if (room() < least) {
    const size_t grown = std::max(size_ + least, capacity_ * 2);
    void* const memory = std::realloc(memory_, grown);
    if (memory == nullptr) return nullptr;
    memory_ = static_cast<uint8_t*>(memory);
    capacity_ = grown;
  }
  return memory_ + size_;
}

void Spill::consume(size_t used) {
  used = std::min(used, size_);
  begin_ += used;
  size_ -= used;
  if (size_ == 0) {
    clear();
  } else if (capacity_ > kWorthShrinking && size_ < capacity_ / 4) {
    auto* const memory = static_cast<uint8_t*>(std::malloc(size_));
    if (memory == nullptr) return;  // it works as it is
    std::memcpy(memory, memory_ + begin_, size_);
    std::free(memory_);
    memory_ = memory;
    begin_ = 0;
    capacity_ = size_;
  }
}

void Spill::clear() {
  std::free(memory_);
  memory_ = nullptr;
  begin_ = size_ = capacity_ = 0;
}

}  // namespace nexus
