// nexus.buffers/1: counted bytes that outlive a call. [any]
#include "kernel/base/buffer.hpp"
#include "kernel/plugin/services.hpp"

namespace nexus {
namespace {

nx_buffer* copy_of(nx_bytes bytes) {
  if (bytes.data == nullptr && bytes.size != 0) return nullptr;
  const BufferRef buffer = BufferRef::copy_of(to_view(bytes));
  return BufferRef::retain(buffer.get());
}

nx_buffer* ref(nx_buffer* buffer) { return BufferRef::retain(buffer); }

void unref(nx_buffer* buffer) { BufferRef::release(buffer); }

nx_bytes bytes_of(const nx_buffer* buffer) {
  if (buffer == nullptr) return {};
  return {buffer->data(), buffer->size};
}

}  // namespace

const nx_host_buffers_v1* buffers_service() {
  static const nx_host_buffers_v1 table = {
      sizeof(nx_host_buffers_v1), 0, &copy_of, &ref, &unref, &bytes_of};
  return &table;
}

}  // namespace nexus
