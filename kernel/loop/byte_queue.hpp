// ByteQueue: the bytes of one connection that wait for their socket, as a list of chunks. [loop]
//
// Holds no memory while it is empty. Whoever owns an ByteQueue clears it with the pool that filled
// it before both end.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "kernel/loop/chunks.hpp"

namespace nexus {

class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Room for `size` contiguous bytes at the end, to be filled before anything else is appended;
  // commit() makes the first `used` of them (at most what was asked for) part of the queue. Null
  // when out of memory.
  uint8_t* reserve(size_t size, ChunkPool& pool);
  void commit(size_t used);

  // Copies `bytes` to the end. False when out of memory; then a part may have been appended.
  bool append(Bytes bytes, ChunkPool& pool);
  // Appends `part` of `owner` without copying it, counted until the socket has it.
  bool append_part(nx_buffer* owner, Bytes part, ChunkPool& pool);

  // The front of the queue as at most `max` pieces; answers how many, and their sizes in *bytes.
  int gather(iovec* pieces, int max, size_t* bytes) const;
  // Drops the first `taken` bytes (at most size()).
  void consume(size_t taken, ChunkPool& pool);
  void clear(ChunkPool& pool);

 private:
  void push(Chunk* chunk);

  Chunk* first_ = nullptr;
  Chunk* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace nexus
