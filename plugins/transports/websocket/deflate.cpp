// Messages through zlib: raw deflate, flushed to a byte boundary, the flush marker cut off.
#include "plugins/transports/websocket/deflate.hpp"

#include <limits>
#include <new>

namespace nexus::websocket {
namespace {

constexpr uint8_t kTail[4] = {0x00, 0x00, 0xff, 0xff};
constexpr int kMemLevel = 8;

uInt chunk_of(uint64_t size) {
  return static_cast<uInt>(std::min<uint64_t>(size, std::numeric_limits<uInt>::max() / 2));
}

// Makes room for more output: at least 512 bytes, at most up to `limit`.
bool grow(Bytes& out, uint64_t limit) {
  const uint64_t wanted = std::max<uint64_t>(out.capacity() * 2, out.size() + 512);
  return out.reserve(std::max(out.size() + 1, std::min(wanted, limit)));
}

}  // namespace

Deflater::Deflater(uint8_t window_bits, uint8_t level) {
  ready_ = deflateInit2(&stream_, level, Z_DEFLATED, -int{window_bits}, kMemLevel,
                        Z_DEFAULT_STRATEGY) == Z_OK;
}

Deflater::~Deflater() {
  if (ready_) deflateEnd(&stream_);
}

bool Deflater::run(const nx_bytes* parts, uint32_t part_count, uint64_t size, bool keep_context,
                   Bytes& out) {
  out.set_size(0);
  if (!ready_ || !out.reserve(size / 2 + 64)) return false;
  if (!keep_context) deflateReset(&stream_);
  for (uint32_t i = 0; i < part_count; ++i) {
    const bool last = i + 1 == part_count;
    uint64_t left = parts[i].size;
    stream_.next_in = const_cast<Bytef*>(parts[i].data);
    stream_.avail_in = 0;
    do {
      if (stream_.avail_in == 0) {
        stream_.avail_in = chunk_of(left);
        left -= stream_.avail_in;
      }
      if (out.capacity() - out.size() < 64 && !grow(out, UINT64_MAX)) return false;
      const uint64_t room = out.capacity() - out.size();
      stream_.next_out = out.data() + out.size();
      stream_.avail_out = chunk_of(room);
      const uInt offered = stream_.avail_out;
      const int flush = last && left == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH;
      const int code = deflate(&stream_, flush);
      out.set_size(out.size() + offered - stream_.avail_out);
      if (code != Z_OK && code != Z_BUF_ERROR) return false;
      // A full output buffer may hide more output; else this part is done.
    } while (stream_.avail_in > 0 || left > 0 || stream_.avail_out == 0);
  }
  // A sync flush ends in an empty stored block, whose last four bytes do not travel.
  if (out.size() < 4) return false;
  out.set_size(out.size() - 4);
  return true;
}

Inflater::Inflater(uint8_t window_bits) {
  // Some clients that agree to 8 bits use 9, because zlib can do no less.
  ready_ = inflateInit2(&stream_, -std::max(int{window_bits}, 9)) == Z_OK;
}

Inflater::~Inflater() {
  if (ready_) inflateEnd(&stream_);
}

InflateResult Inflater::feed(const uint8_t* data, uint64_t size, uint64_t limit, Bytes& out) {
  stream_.next_in = const_cast<Bytef*>(data);
  stream_.avail_in = 0;
  uint64_t left = size;
  for (;;) {
    if (stream_.avail_in == 0) {
      stream_.avail_in = chunk_of(left);
      left -= stream_.avail_in;
    }
    // One byte more than is allowed, so that a message of exactly the limit can be told apart.
    if (out.size() == out.capacity() && !grow(out, limit + 1)) return InflateResult::kNoMemory;
    stream_.next_out = out.data() + out.size();
    stream_.avail_out = chunk_of(std::min(out.capacity(), limit + 1) - out.size());
    const uInt offered = stream_.avail_out;
    const int code = inflate(&stream_, Z_SYNC_FLUSH);
    out.set_size(out.size() + offered - stream_.avail_out);
    if (out.size() > limit) return InflateResult::kTooLarge;
    if (code == Z_STREAM_END) {
      // A final block inside a message is legal; what follows it starts anew.
      if (inflateReset(&stream_) != Z_OK) return InflateResult::kCorrupt;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return code == Z_MEM_ERROR ? InflateResult::kNoMemory : InflateResult::kCorrupt;
    }
    if (stream_.avail_in == 0 && left == 0 && stream_.avail_out > 0) return InflateResult::kOk;
    // Neither side moved although both had room: such input does not exist, so end it here.
    if (code == Z_BUF_ERROR && stream_.avail_out == offered && stream_.avail_in > 0) {
      return InflateResult::kCorrupt;
    }
  }
}

InflateResult Inflater::run(const uint8_t* data, uint64_t size, uint64_t limit, bool keep_context,
                            Bytes& out) {
  out.set_size(0);
  if (!ready_) return InflateResult::kNoMemory;
  if (!keep_context) inflateReset(&stream_);
  const uint64_t guess = std::min<uint64_t>(limit + 1, size * 3 + 256);
  if (!out.reserve(guess)) return InflateResult::kNoMemory;
  const InflateResult result = feed(data, size, limit, out);
  return result == InflateResult::kOk ? feed(kTail, sizeof(kTail), limit, out) : result;
}

Deflater* shared_deflater(uint8_t window_bits, uint8_t level) {
  thread_local std::unique_ptr<Deflater> pool[16][10];
  std::unique_ptr<Deflater>& slot = pool[window_bits & 15][level % 10];
  if (slot == nullptr) slot.reset(new (std::nothrow) Deflater(window_bits, level));
  return slot.get();
}

Inflater& shared_inflater() {
  thread_local Inflater inflater(15);
  return inflater;
}

}  // namespace nexus::websocket
