#include "kernel/base/buffer.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace nexus {

BufferRef BufferRef::allocate(size_t size) {
  void* memory = std::malloc(sizeof(nx_buffer) + size);
  if (memory == nullptr) return {};
  auto* buffer = new (memory) nx_buffer{};
  buffer->count.store(1, std::memory_order_relaxed);
  buffer->size = size;
  return BufferRef(buffer);
}

BufferRef BufferRef::copy_of(Bytes bytes) {
  BufferRef ref = allocate(bytes.size());
  if (ref && !bytes.empty()) std::memcpy(ref.data(), bytes.data(), bytes.size());
  return ref;
}

void BufferRef::destroy(nx_buffer* buffer) {
  buffer->~nx_buffer();
  std::free(buffer);
}

}  // namespace nexus
