// Spill: what a connection has received and nobody has used yet. [loop]
//
// Most reads go into the loop's shared buffer and are used up; only an incomplete rest ends here.
// A long message is read straight into this memory, which doubles as it fills, so that however it
// arrives in pieces, each byte is moved a bounded number of times. Empty means no memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/bytes.hpp"

namespace nexus {

class Spill {
 public:
  Spill() = default;
  ~Spill() { clear(); }
  Spill(const Spill&) = delete;
  Spill& operator=(const Spill&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  uint8_t* data() { return memory_ + begin_; }

  // Replaces the contents. `bytes` lies outside. False when out of memory; the spill is empty then.
  bool assign(Bytes bytes);
  // At least `least` bytes of room behind the contents, and where they start; null when out of
  // memory. `room()` says how many there are; added() makes the first `size` part of the contents.
  uint8_t* make_room(size_t least);
  size_t room() const { return capacity_ - begin_ - size_; }
  void added(size_t size) { size_ += size; }
  // Drops the first `used` bytes, and memory that has become too large for what remains.
  void consume(size_t used);
  void clear();

 private:
  uint8_t* memory_ = nullptr;
  size_t begin_ = 0;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace nexus
