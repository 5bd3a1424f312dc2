// nx_buffer: a counted, immutable run of bytes that many receivers share. Any thread.
//
// One allocation holds the counter and the bytes. BufferRef is the owning handle; it never
// allocates by itself.
#pragma once

#include <atomic>
#include <utility>

#include "kernel/base/bytes.hpp"

struct nx_buffer {
  std::atomic<uint32_t> count;
  uint64_t size;
  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(this + 1); }
};

namespace nexus {

class BufferRef {
 public:
  BufferRef() = default;
  // Null when out of memory. The bytes may be written until somebody else has seen the handle.
  static BufferRef allocate(size_t size);
  static BufferRef copy_of(Bytes bytes);
  // Takes over a count that the caller holds.
  static BufferRef adopt(nx_buffer* buffer) { return BufferRef(buffer); }

  BufferRef(const BufferRef& other) : buffer_(other.buffer_) { retain(buffer_); }
  BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  BufferRef& operator=(BufferRef other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~BufferRef() { release(buffer_); }

  explicit operator bool() const { return buffer_ != nullptr; }
  nx_buffer* get() const { return buffer_; }
  uint8_t* data() const { return buffer_->data(); }
  size_t size() const { return buffer_ == nullptr ? 0 : buffer_->size; }
  Bytes bytes() const {
    return buffer_ == nullptr ? Bytes{} : Bytes{buffer_->data(), buffer_->size};
  }

  static nx_buffer* retain(nx_buffer* buffer) {
    if (buffer != nullptr) buffer->count.fetch_add(1, std::memory_order_relaxed);
    return buffer;
  }
  static void release(nx_buffer* buffer) {
    if (buffer != nullptr && buffer->count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy(buffer);
    }
  }

 private:
  explicit BufferRef(nx_buffer* buffer) : buffer_(buffer) {}
  static void destroy(nx_buffer* buffer);

  nx_buffer* buffer_ = nullptr;
};

}  // namespace nexus
