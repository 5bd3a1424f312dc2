// Bytes: growable raw memory that neither throws nor zeroes: fragments of a message, and the
// scratch space of compression. [loop]
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace nexus::websocket {

class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { std::free(data_); }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }
  uint64_t capacity() const { return capacity_; }
  void set_size(uint64_t size) { size_ = size; }  // at most capacity()

  // Room for `capacity` bytes in all; false, and nothing changed, when out of memory.
  bool reserve(uint64_t capacity) {
    if (capacity <= capacity_) return true;
    void* grown = std::realloc(data_, capacity);
    if (grown == nullptr) return false;
    data_ = static_cast<uint8_t*>(grown);
    capacity_ = capacity;
    return true;
  }
  // Room for `count` bytes more. Grows by doubling, but not beyond `limit` unless the bytes
  // themselves need it.
  bool make_room(uint64_t count, uint64_t limit) {
    const uint64_t needed = size_ + count;
    return needed <= capacity_ ||
           reserve(std::max(needed, std::min(limit, std::max<uint64_t>(capacity_ * 2, 1024))));
  }
  bool append(const uint8_t* bytes, uint64_t count, uint64_t limit) {
    if (!make_room(count, limit)) return false;
    if (count != 0) std::memcpy(data_ + size_, bytes, count);
    size_ += count;
    return true;
  }
  void swap(Bytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  // Gives memory back that one large message left behind.
  void shrink(uint64_t keep) {
    size_ = 0;
    if (capacity_ <= keep) return;
    std::free(std::exchange(data_, nullptr));
    capacity_ = 0;
  }

 private:
  uint8_t* data_ = nullptr;
  uint64_t size_ = 0;
  uint64_t capacity_ = 0;
};

}  // namespace nexus::websocket
