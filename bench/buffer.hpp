// Buffer: growable bytes that are appended at the end and taken from the front. Unlike a vector it
// hands out memory that has not been cleared, and forgets what was taken without moving the rest.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace bench {

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(memory_); }

  const uint8_t* data() const { return memory_ + begin_; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // Room for `count` more bytes at the end, already counted as content; the caller fills them.
  uint8_t* extend(size_t count) {
    if (capacity_ - end_ < count) make_room(count);
    uint8_t* room = memory_ + end_;
    end_ += count;
    return room;
  }
  void append(const void* bytes, size_t count) {
    if (count) std::memcpy(extend(count), bytes, count);
  }
  // Takes `count` bytes from the front.
  void take(size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Empties it and gives the memory back: ten thousand idle connections need none.
  void release() {
    std::free(memory_);
    memory_ = nullptr;
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void make_room(size_t count) {
    if (begin_) {
      std::memmove(memory_, memory_ + begin_, size());
      end_ -= begin_;
      begin_ = 0;
      if (capacity_ - end_ >= count) return;
    }
    const size_t wanted = 2 * (end_ + count);
    void* grown = std::realloc(memory_, wanted);
    if (!grown) throw std::bad_alloc();
    memory_ = static_cast<uint8_t*>(grown);
    capacity_ = wanted;
  }

  uint8_t* memory_ = nullptr;
  size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

}  // namespace bench
