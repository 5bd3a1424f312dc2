// Buffer: a counted, immutable run of bytes made by the router ("nexus.buffers/1"). [any]
#ifndef NEXUS_CPP_BUFFER_HPP
#define NEXUS_CPP_BUFFER_HPP

#include "nexus/cpp/base.hpp"

namespace nexus::sdk {

class Buffer {
 public:
  Buffer() = default;
  // Throws Error(NX_E_MEMORY).
  static Buffer copy_of(const nx_host_buffers_v1* table, nx_bytes bytes) {
    nx_buffer* made = table->copy_of(bytes);
    if (made == nullptr) throw Error(NX_E_MEMORY, "out of memory");
    return Buffer(table, made);
  }
  // Counts up a buffer that was lent, for example nx_message.owner; null stays empty.
  static Buffer share(const nx_host_buffers_v1* table, nx_buffer* lent) {
    return Buffer(table, lent == nullptr ? nullptr : table->ref(lent));
  }
  Buffer(const Buffer& other)
      : table_(other.table_),
        buffer_(other.buffer_ == nullptr ? nullptr : other.table_->ref(other.buffer_)) {}
  Buffer(Buffer&& other) noexcept
      : table_(other.table_), buffer_(std::exchange(other.buffer_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(table_, other.table_);
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~Buffer() {
    if (buffer_ != nullptr) table_->unref(buffer_);
  }

  explicit operator bool() const { return buffer_ != nullptr; }
  nx_buffer* get() const { return buffer_; }
  nx_bytes bytes() const { return buffer_ == nullptr ? nx_bytes{} : table_->bytes(buffer_); }

 private:
  Buffer(const nx_host_buffers_v1* table, nx_buffer* buffer) : table_(table), buffer_(buffer) {}

  const nx_host_buffers_v1* table_ = nullptr;
  nx_buffer* buffer_ = nullptr;
};

}  // namespace nexus::sdk

#endif
