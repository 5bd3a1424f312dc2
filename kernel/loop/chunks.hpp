// Chunks: the memory of output queues, from one pool for each loop. [loop]
//
// Bytes have memory only while they wait for the socket, which is nearly always until the end of
// the turn. So the first chunk of a queue is small (a turn's replies to one client fit), later
// ones are large, and what was released is used again at once, still warm. The pool keeps what
// recent turns needed and gives the rest back: trim() halves what nobody has touched since the
// last one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/buffer.hpp"

namespace nexus {

// A run of bytes in an output queue: either own memory behind this header, or a part of a counted
// buffer.
struct Chunk {
  Chunk* next = nullptr;
  uint8_t* begin = nullptr;  // the first byte that the socket has not taken
  uint8_t* end = nullptr;    // behind the last byte
  uint8_t* limit = nullptr;  // behind the last byte of own memory; == end for a part
  nx_buffer* owner = nullptr;
  uint32_t kind = 0;

  size_t size() const { return static_cast<size_t>(end - begin); }
  size_t room() const { return static_cast<size_t>(limit - end); }
};

class ChunkPool {
 public:
  static constexpr size_t kSmall = 2048 - sizeof(Chunk);
  static constexpr size_t kLarge = 32768 - sizeof(Chunk);
  // What a pool may keep at most, and what it always keeps.
  static constexpr size_t kKeepMost = 16 << 20;
  static constexpr size_t kKeepLeast = 256 << 10;

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // An empty chunk with room for at least `size`: small, large, or made to measure. Null when out
  // of memory.
  Chunk* with_room(size_t size);
  // A chunk that shows `part` of `owner` and counts it up. Null when out of memory.
  Chunk* part_of(nx_buffer* owner, Bytes part);
  void release(Chunk* chunk);

  // Bytes of own memory handed out since the last call of start_count(), whether released or not.
  size_t counted() const { return counted_; }
  void start_count() { counted_ = 0; }

  size_t kept() const { return kept_; }
  bool wants_trim() const { return kept_ > kKeepLeast; }
  void trim();

 private:
  enum Kind : uint32_t { kPart, kSmallKind, kLargeKind, kKinds, kMeasured = kKinds };
  struct Shelf {
    Chunk* first = nullptr;
    size_t count = 0;
    size_t untouched = 0;  // the lowest count since the last trim()
  };
  static constexpr size_t kBytes[kKinds] = {sizeof(Chunk), kSmall + sizeof(Chunk),
                                            kLarge + sizeof(Chunk)};

  Chunk* take(Kind kind);
  Chunk* make(Kind kind, size_t bytes);

  Shelf shelves_[kKinds];
  size_t kept_ = 0;
  size_t counted_ = 0;
};

}  // namespace nexus
