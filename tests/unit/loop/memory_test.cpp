// What bytes live in: chunks and queues, and the spill.
#include <catch2/catch.hpp>
#include <cstring>

#include "kernel/loop/byte_queue.hpp"
#include "kernel/loop/spill.hpp"
#include "tests/unit/loop/harness.hpp"

using namespace nexus;
using nexus::test::pattern;

namespace {

std::string contents(const ByteQueue& queue) {
  iovec pieces[256];
  size_t bytes = 0;
  const int count = queue.gather(pieces, 256, &bytes);
  std::string result;
  for (int i = 0; i < count; ++i) {
    result.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  CHECK(result.size() == bytes);
  return result;
}

std::string text_of(Spill& spill) {
  return {reinterpret_cast<const char*>(spill.data()), spill.size()};
}

}  // namespace

TEST_CASE("an queue gives back what was appended, in order, however it is taken") {
  ChunkPool pool;
  ByteQueue queue;
  std::string expected;
  for (size_t size : {1, 100, 2000, 5000, 40000, 3, 70000, 0, 12}) {
    const std::string bytes = pattern(size, static_cast<uint32_t>(size));
    REQUIRE(queue.append(as_bytes(bytes), pool));
    expected += bytes;
  }
  CHECK(queue.size() == expected.size());
  CHECK(contents(queue) == expected);
  for (size_t step : {1, 99, 2047, 30000}) {
    queue.consume(step, pool);
    expected.erase(0, step);
    CHECK(contents(queue) == expected);
  }
  queue.consume(queue.size(), pool);
  CHECK(queue.empty());
  CHECK(contents(queue).empty());
}

TEST_CASE("reserve and commit append in place") {
  ChunkPool pool;
  ByteQueue queue;
  uint8_t* const room = queue.reserve(10, pool);
  REQUIRE(room != nullptr);
  std::memcpy(room, "0123456789", 10);
  queue.commit(4);
  CHECK(contents(queue) == "0123");
  CHECK(queue.reserve(6, pool) == room + 4);  // the same chunk goes on
  queue.commit(0);
  uint8_t* const large = queue.reserve(1 << 20, pool);
  REQUIRE(large != nullptr);
  std::memset(large, 'z', 1 << 20);
  queue.commit(SIZE_MAX);  // never more than there is room for
  CHECK(queue.size() == 4 + (1 << 20));
  CHECK(contents(queue) == "0123" + std::string(1 << 20, 'z'));
  queue.clear(pool);
  CHECK(queue.empty());
}

TEST_CASE("a reservation that is never committed is no bytes") {
  ChunkPool pool;
  ByteQueue queue;
  CHECK(queue.reserve(50000, pool) != nullptr);
  CHECK(contents(queue).empty());
  REQUIRE(queue.append(as_bytes("abc"), pool));
  CHECK(contents(queue) == "abc");
  queue.consume(3, pool);
  queue.commit(10);  // too late: nothing is left to commit to
  CHECK(queue.empty());
}

TEST_CASE("a part of a counted buffer is shared until the socket has it") {
  ChunkPool pool;
  const BufferRef buffer = BufferRef::copy_of(as_bytes("hello, world"));
  ByteQueue queue;
  REQUIRE(queue.append(as_bytes("<"), pool));
  REQUIRE(queue.append_part(buffer.get(), buffer.bytes().subspan(7), pool));
  REQUIRE(queue.append(as_bytes(">"), pool));
  CHECK(contents(queue) == "<world>");
  CHECK(buffer.get()->count == 2);
  queue.consume(3, pool);
  CHECK(contents(queue) == "rld>");
  CHECK(buffer.get()->count == 2);
  queue.consume(3, pool);
  CHECK(buffer.get()->count == 1);
  REQUIRE(queue.append_part(buffer.get(), buffer.bytes(), pool));
  queue.clear(pool);
  CHECK(buffer.get()->count == 1);
}

TEST_CASE("an empty queue holds no chunk, and a short queue only a small one") {
  ChunkPool pool;
  ByteQueue queue;
  REQUIRE(queue.append(as_bytes("x"), pool));
  CHECK(pool.counted() <= 2048);
  queue.consume(1, pool);
  CHECK(pool.kept() == 2048);  // back on the shelf
}

TEST_CASE("the pool keeps what is used, gives the rest back, and never keeps too much") {
  ChunkPool pool;
  {
    ByteQueue queue;
    // 32 MiB in large chunks.
    for (int i = 0; i < 2048; ++i) {
      REQUIRE(queue.append(as_bytes(std::string(16384, 'x')), pool));
    }
    queue.clear(pool);
  }
  CHECK(pool.kept() <= ChunkPool::kKeepMost);
  CHECK(pool.kept() > ChunkPool::kKeepMost / 2);
  CHECK(pool.wants_trim());
  // What every interval touches stays.
  for (int i = 0; i < 40; ++i) {
    pool.trim();
    ByteQueue queue;
    REQUIRE(queue.append(as_bytes(std::string(100, 'x')), pool));
    queue.clear(pool);
  }
  CHECK_FALSE(pool.wants_trim());
  CHECK(pool.kept() <= ChunkPool::kKeepLeast);
  CHECK(pool.kept() > 0);
}

TEST_CASE("a spill keeps the rest, grows, and is nothing when it is empty") {
  Spill spill;
  CHECK(spill.empty());
  CHECK(spill.room() == 0);
  const std::string bytes = pattern(1000);
  REQUIRE(spill.assign(as_bytes(bytes)));
  CHECK(spill.room() == 0);  // no more than what is unused
  CHECK(text_of(spill) == bytes);
  spill.consume(400);
  CHECK(text_of(spill) == std::string_view(bytes).substr(400));
  // As a long message arrives.
  std::string expected = bytes.substr(400);
  for (int i = 0; i < 200; ++i) {
    uint8_t* const room = spill.make_room(5000);
    REQUIRE(room != nullptr);
    REQUIRE(spill.room() >= 5000);
    const std::string piece = pattern(5000, static_cast<uint32_t>(i));
    std::memcpy(room, piece.data(), piece.size());
    spill.added(piece.size());
    expected += piece;
  }
  CHECK(text_of(spill) == expected);
  CHECK(spill.room() <= spill.size() + 5000);
  spill.consume(expected.size() - 10);
  CHECK(text_of(spill) == std::string_view(expected).substr(expected.size() - 10));
  CHECK(spill.room() < 1000);  // the memory of the long message is gone
  spill.consume(10);
  CHECK(spill.empty());
  CHECK(spill.room() == 0);
  REQUIRE(spill.assign({}));
  CHECK(spill.empty());
}
