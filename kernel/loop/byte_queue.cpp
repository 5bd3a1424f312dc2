// ByteQueue: see the header.
#include "kernel/loop/byte_queue.hpp"

#include <algorithm>
#include <cstring>

namespace nexus {

uint8_t* ByteQueue::reserve(size_t size, ChunkPool& pool) {
  if (last_ != nullptr && last_->room() >= size) return last_->end;
  // A queue that goes beyond its small first chunk is going to be long.
  Chunk* const chunk = pool.with_room(empty() ? size : std::max(size, ChunkPool::kLarge));
  if (chunk == nullptr) return nullptr;
  push(chunk);
  return chunk->end;
}

void ByteQueue::commit(size_t used) {
  if (last_ == nullptr) return;
  used = std::min(used, last_->room());
  last_->end += used;
  size_ += used;
}

bool ByteQueue::append(Bytes bytes, ChunkPool& pool) {
  while (!bytes.empty()) {
    if (last_ == nullptr || last_->room() == 0) {
      const size_t want =
          empty() || bytes.size() > ChunkPool::kLarge ? bytes.size() : ChunkPool::kLarge;
      if (reserve(want, pool) == nullptr) return false;
    }
    const size_t piece = std::min(bytes.size(), last_->room());
    std::memcpy(last_->end, bytes.data(), piece);
    commit(piece);
    bytes = bytes.subspan(piece);
  }
  return true;
}

bool ByteQueue::append_part(nx_buffer* owner, Bytes part, ChunkPool& pool) {
  if (part.empty()) return true;
  Chunk* const chunk = pool.part_of(owner, part);
  if (chunk == nullptr) return false;
  push(chunk);
  size_ += part.size();
  return true;
}

int ByteQueue::gather(iovec* pieces, int max, size_t* bytes) const {
  int count = 0;
  *bytes = 0;
  for (const Chunk* chunk = first_; chunk != nullptr && count < max; chunk = chunk->next) {
    if (chunk->size() == 0) continue;  // reserved, and never committed
    pieces[count++] = {chunk->begin, chunk->size()};
    *bytes += chunk->size();
  }
  return count;
}

void ByteQueue::consume(size_t taken, ChunkPool& pool) {
  taken = std::min(taken, size_);
  size_ -= taken;
  while (first_ != nullptr && taken >= first_->size()) {
    taken -= first_->size();
    Chunk* const done = first_;
    first_ = done->next;
    pool.release(done);
  }
  if (first_ == nullptr) {
    last_ = nullptr;
  } else {
    first_->begin += taken;
  }
}

void ByteQueue::clear(ChunkPool& pool) {
  while (first_ != nullptr) {
    Chunk* const done = first_;
    first_ = done->next;
    pool.release(done);
  }
  last_ = nullptr;
  size_ = 0;
}

void ByteQueue::push(Chunk* chunk) {
  (last_ == nullptr ? first_ : last_->next) = chunk;
  last_ = chunk;
}

}  // namespace nexus
