#include "kernel/base/writer.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace nexus {

Writer::Writer(size_t limit) : nx_writer{}, limit_(limit) {
  struct_size = sizeof(nx_writer);
  grow = &Writer::grow_writer;
}

Writer::~Writer() { std::free(data); }

bool Writer::append(Bytes bytes) {
  if (nx_writer_reserve(this, bytes.size()) != NX_OK) return false;
  if (!bytes.empty()) std::memcpy(data + size, bytes.data(), bytes.size());
  size += bytes.size();
  return true;
}

void Writer::shrink(size_t keep) {
  size = 0;
  if (capacity <= keep) return;
  std::free(data);
  data = nullptr;
  capacity = 0;
}

nx_status Writer::grow_writer(nx_writer* writer, uint64_t need) {
  auto* self = static_cast<Writer*>(writer);
  if (need > self->limit_ || self->size > self->limit_ - need) return NX_E_LIMIT;
  const uint64_t wanted = std::max<uint64_t>({self->size + need, self->capacity * 2, 512});
  const uint64_t capacity = std::min<uint64_t>(wanted, self->limit_);
  auto* memory = static_cast<uint8_t*>(std::realloc(self->data, capacity));
  if (memory == nullptr) return NX_E_MEMORY;
  self->data = memory;
  self->capacity = capacity;
  return NX_OK;
}

}  // namespace nexus
