// What the fuzz targets of both transports share: one input is run twice, all at once with a
// router that takes everything, and in pieces with a router that pauses at random. Both must give
// the same, whatever the bytes are.
#pragma once

#include <memory>
#include <random>

#include "tests/unit/transports/component.hpp"

namespace transports_test {

struct Outcome {
  std::vector<std::string> messages;
  std::string sent;
  bool opened = false;
  bool closed = false;
  uint32_t reason = 0;

  bool operator==(const Outcome&) const = default;
};

struct Plan {
  std::string json;
  uint64_t limit = 0;        // no message may be larger
  uint32_t close_after = 0;  // the router closes after so many messages; 0 = never
  uint32_t seed = 0;         // 0 = all at once, and no pauses
};

inline Outcome run(const nx_plugin_entry* entry, const Plan& plan, std::string_view wire) {
  // One listener for each set-up: configuring costs more than a run.
  static std::map<std::string, std::unique_ptr<Rig>> rigs;
  std::unique_ptr<Rig>& rig = rigs[plan.json];
  if (rig == nullptr) rig = std::make_unique<Rig>(entry, plan.json);
  const int64_t values_before = nexus::sdk::fake::live_values();
  Outcome out;
  {
    FakeHost& host = rig->host;
    auto random = std::make_shared<std::mt19937>(plan.seed);
    bool paused = false;
    uint32_t total = 0;
    host.take = [&](nx_session& session, const nx_bytes* list, uint32_t count) {
      for (uint32_t i = 0; i < count; ++i) demand(list[i].size <= plan.limit, "message too large");
      uint32_t taken = count;
      if (plan.seed != 0) taken = (*random)() % (count + 1);
      if (plan.close_after != 0 && total + taken >= plan.close_after) {
        taken = plan.close_after - total;
        session.close(NX_CLOSE_FLUSH, "enough");
      } else if (taken < count) {
        paused = true;
        session.set_reading(false);
        if ((*random)() % 4 == 0) {
          paused = false;
          session.set_reading(true);
        }
      }
      total += taken;
      return taken;
    };
    nx_stream& stream = *host.connect();
    const auto resume = [&] {
      if (!std::exchange(paused, false) || stream.closed) return;
      host.sessions.back()->set_reading(true);
      host.turn(stream);
    };
    for (size_t at = 0; at < wire.size();) {
      const size_t piece =
          plan.seed == 0 ? wire.size() : std::min<size_t>(wire.size() - at, 1 + (*random)() % 32);
      host.feed(stream, wire.substr(at, piece));
      at += piece;
      if (plan.seed != 0 && (*random)() % 4 == 0) resume();
    }
    for (int i = 0; i < 100000 && paused && !stream.closed; ++i) resume();
    demand(!paused || stream.closed, "the router never gets to the end");
    demand(stream.sent.size() <= 4096 + 4 * wire.size(), "more output than there is a reason for");

    out.closed = stream.closed;
    out.reason = stream.close_reason;
    out.sent = stream.sent;
    out.opened = !host.sessions.empty();
    host.drop(stream);
    if (out.opened) {
      out.messages = host.sessions.back()->messages;
      demand(host.sessions.size() == 1, "two sessions on one connection");
      demand(host.sessions.back()->closed == 1, "the session was not told of its end");
    }
    host.take = nullptr;
    host.forget();
  }
  demand(nexus::sdk::fake::live_values() == values_before, "a value was not given back");
  return out;
}

inline void run_both_ways(const nx_plugin_entry* entry, Plan plan, std::string_view wire) {
  plan.seed = 0;
  const Outcome whole = run(entry, plan, wire);
  for (const uint32_t seed : {1u, 2u}) {
    plan.seed = seed;
    demand(run(entry, plan, wire) == whole, "the answer depends on how the bytes arrive");
  }
}

}  // namespace transports_test
