// The body of an HTTP request, however it is framed (RFC 9112, section 6): a length, chunks, or
// nothing. Takes the bytes as they come and keeps the body's. [loop]
#pragma once

#include <cstdint>
#include <string>

#include "plugins/support/http_request.hpp"

namespace nexus::longpoll {

class Body {
 public:
  enum State : uint8_t { kIncomplete, kComplete, kBroken, kTooLarge, kUnknownCoding };

  // Reads the framing off the head; whatever two implementations could understand differently is
  // broken. A body of more than `limit` bytes is too large, at once if the head says so. A coding
  // that HTTP has and this does not, with chunks around it, is kUnknownCoding (for 501).
  State begin(const support::HttpRequest& head, uint64_t limit);
  // Uses bytes up to the end of the body at the most, and answers how many. Only while incomplete.
  uint64_t add(const uint8_t* data, uint64_t size);

  State state() const { return state_; }
  const char* error() const { return error_; }  // of kBroken
  std::string take() { return std::move(bytes_); }

 private:
  enum class Step : uint8_t { kSize, kExtension, kSizeEnd, kData, kDataCr, kDataLf, kTrailer };

  void check_codings(const support::HttpRequest& head);
  uint64_t add_data(const uint8_t* data, uint64_t size);
  void step(uint8_t byte);
  void trailer(uint8_t byte);
  void fail(const char* error) {
    state_ = kBroken;
    error_ = error;
  }

  std::string bytes_;
  uint64_t limit_ = 0;
  uint64_t left_ = 0;  // of the body, or of the chunk
  const char* error_ = nullptr;
  uint32_t overhead_ = 0;  // bytes of extensions and trailers, which are of no use
  State state_ = kComplete;
  Step step_ = Step::kSize;
  bool chunked_ = false;
  uint8_t digits_ = 0;      // of a chunk's size so far
  uint8_t trailer_at_ = 0;  // 0: a line begins; 1: inside one; 2: CR seen; 3: CR at a line's begin
};

}  // namespace nexus::longpoll
