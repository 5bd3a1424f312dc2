// Buffers, the writer, IdMap, Status: the small pieces that everything else stands on.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <thread>

#include "kernel/base/buffer.hpp"
#include "kernel/base/id_map.hpp"
#include "kernel/base/status.hpp"
#include "kernel/base/writer.hpp"

using namespace nexus;

TEST_CASE("a buffer lives as long as its last handle, on any thread") {
  BufferRef buffer = BufferRef::copy_of(as_bytes("payload"));
  REQUIRE(buffer);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = buffer] {
      for (int i = 0; i < 1000; ++i) {
        const BufferRef again = copy;
        if (as_text(again.bytes()) != "payload") std::abort();
      }
    });
  }
  buffer = {};
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(buffer);
  CHECK(buffer.bytes().empty());
}

TEST_CASE("the writer grows to its limit and not beyond") {
  Writer writer(1000);
  CHECK(writer.append(as_bytes(std::string(600, 'a'))));
  CHECK(writer.append(as_bytes(std::string(400, 'b'))));
  CHECK_FALSE(writer.append(as_bytes("c")));
  CHECK(writer.grow(&writer, UINT64_MAX) == NX_E_LIMIT);
  CHECK(writer.text() == std::string(600, 'a') + std::string(400, 'b'));
  writer.clear();
  CHECK(writer.append(as_bytes("again")));
  writer.shrink(0);
  CHECK(writer.capacity == 0);
  CHECK(writer.append(as_bytes("anew")));
  CHECK(writer.text() == "anew");
}

TEST_CASE("IdMap does what a map does, through growth and deletion") {
  std::mt19937_64 random(7);
  IdMap<uint64_t> map;
  std::map<uint64_t, uint64_t> model;
  for (int step = 0; step < 20000; ++step) {
    // Few different ids, so that hits, misses and clusters all happen; now and then a huge one.
    uint64_t id = random() % 300 + 1;
    if (random() % 10 == 0) id = (id << 53) | 1;
    if (random() % 2 == 0) {
      const bool is_new = model.emplace(id, step).second;
      CHECK((map.insert(id, static_cast<uint64_t>(step)) != nullptr) == is_new);
    } else {
      CHECK(map.erase(id) == (model.erase(id) == 1));
    }
    REQUIRE(map.size() == model.size());
  }
  for (const auto& [id, value] : model) {
    REQUIRE(map.find(id) != nullptr);
    CHECK(*map.find(id) == value);
  }
  size_t visited = 0;
  map.for_each([&](uint64_t id, uint64_t& value) {
    ++visited;
    CHECK(model.at(id) == value);
  });
  CHECK(visited == model.size());
  CHECK(map.find(999) == nullptr);
}

TEST_CASE("a Status crosses the ABI and comes back, cut where it does not fit") {
  nx_error error = make_error();
  const Status status = Status::error(NX_E_CONFIG, "what is wrong", "wamp.error.x");
  CHECK(fill(&error, status) == NX_E_CONFIG);
  const Status back = from_plugin(NX_E_CONFIG, error, "configure");
  CHECK(back.code() == NX_E_CONFIG);
  CHECK(back.text() == "what is wrong");
  CHECK(back.uri() == "wamp.error.x");

  fill(&error, Status::error(NX_E_IO, std::string(5000, 'x')));
  CHECK(from_plugin(NX_E_IO, error, "").text() == std::string(NX_ERROR_TEXT_MAX - 1, 'x'));
  CHECK(fill(nullptr, status) == NX_E_CONFIG);

  CHECK(from_plugin(NX_E_IO, make_error(), "start").text() == "start failed (-9)");
  CHECK(from_plugin(NX_OK, error, "start").is_ok());
  CHECK(from_plugin(NX_PENDING, error, "start").is_ok());
}
