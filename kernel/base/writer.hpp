// Writer: the growable output memory that serializers write into. One thread at a time.
//
// Keeps its memory between messages, so that a warm loop allocates nothing; shrink() gives back
// what one large message had made it grow to.
#pragma once

#include "kernel/base/bytes.hpp"
#include "nexus/nx_value.h"

namespace nexus {

class Writer : public nx_writer {
 public:
  explicit Writer(size_t limit = SIZE_MAX);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void clear() { size = 0; }
  Bytes bytes() const { return {data, static_cast<size_t>(size)}; }
  std::string_view text() const { return as_text(bytes()); }
  bool append(Bytes bytes);
  // Frees memory above `keep` bytes; contents are lost.
  void shrink(size_t keep);

 private:
  static nx_status grow_writer(nx_writer* writer, uint64_t need);
  size_t limit_;
};

}  // namespace nexus
