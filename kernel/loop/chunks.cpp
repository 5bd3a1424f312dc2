// ChunkPool: see the header.
#include "kernel/loop/chunks.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace nexus {

ChunkPool::~ChunkPool() {
  for (Shelf& shelf : shelves_) {
    while (shelf.first != nullptr) {
      Chunk* const next = shelf.first->next;
      std::free(shelf.first);
      shelf.first = next;
    }
  }
}

Chunk* ChunkPool::with_room(size_t size) {
  Chunk* chunk = nullptr;
  if (size <= kSmall) {
    chunk = take(kSmallKind);
  } else if (size <= kLarge) {
    chunk = take(kLargeKind);
  } else if (size <= SIZE_MAX / 2) {
    chunk = make(kMeasured, sizeof(Chunk) + size);
  }
  if (chunk != nullptr) counted_ += chunk->room();
  return chunk;
}

Chunk* ChunkPool::part_of(nx_buffer* owner, Bytes part) {
  Chunk* const chunk = take(kPart);
  if (chunk == nullptr) return nullptr;
  chunk->owner = BufferRef::retain(owner);
  chunk->begin = const_cast<uint8_t*>(part.data());  // never written: there is no room
  chunk->end = chunk->limit = chunk->begin + part.size();
  return chunk;
}

void ChunkPool::release(Chunk* chunk) {
  BufferRef::release(chunk->owner);
  const uint32_t kind = chunk->kind;
  if (kind == kMeasured || kept_ + kBytes[kind] > kKeepMost) {
    std::free(chunk);
    return;
  }
  Shelf& shelf = shelves_[kind];
  chunk->next = shelf.first;
  shelf.first = chunk;
  ++shelf.count;
  kept_ += kBytes[kind];
}

void ChunkPool::trim() {
  for (size_t kind = 0; kind < kKinds; ++kind) {
    Shelf& shelf = shelves_[kind];
    for (size_t excess = (shelf.untouched + 1) / 2; excess > 0 && kept_ > kKeepLeast; --excess) {
      Chunk* const chunk = shelf.first;
      shelf.first = chunk->next;
      --shelf.count;
      kept_ -= kBytes[kind];
      std::free(chunk);
    }
    shelf.untouched = shelf.count;
  }
}

Chunk* ChunkPool::take(Kind kind) {
  Shelf& shelf = shelves_[kind];
  if (shelf.first == nullptr) return make(kind, kBytes[kind]);
  Chunk* const chunk = shelf.first;
  shelf.first = chunk->next;
  shelf.untouched = std::min(shelf.untouched, --shelf.count);
  kept_ -= kBytes[kind];
  uint8_t* const limit = reinterpret_cast<uint8_t*>(chunk) + kBytes[kind];
  *chunk = Chunk{};
  chunk->kind = kind;
  chunk->begin = chunk->end = reinterpret_cast<uint8_t*>(chunk + 1);
  chunk->limit = limit;
  return chunk;
}

Chunk* ChunkPool::make(Kind kind, size_t bytes) {
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) return nullptr;
  auto* chunk = new (memory) Chunk{};
  chunk->kind = kind;
  chunk->begin = chunk->end = reinterpret_cast<uint8_t*>(chunk + 1);
  chunk->limit = reinterpret_cast<uint8_t*>(chunk) + bytes;
  return chunk;
}

}  // namespace nexus
