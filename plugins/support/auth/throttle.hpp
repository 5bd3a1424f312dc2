// Throttle: how often somebody may be wrong. Any thread.
//
// Counts wrong answers for each address and each authid. Past a number that is allowed, every
// further attempt has to wait for its turn, and the turns are further and further apart; whoever
// would have to wait longer than the longest delay is refused at once. Both tables are bounded: who
// was wrong longest ago is forgotten first.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "nexus/cpp/options.hpp"

namespace nexus::auth {

inline constexpr std::array<nx_option, 6> kThrottleOptions{{
    sdk::option::integer("failures_per_authid", "10",
                         "Wrong answers for one authid, from anywhere, before further attempts are "
                         "delayed; 0 = no limit.",
                         0, 1'000'000),
    sdk::option::integer("failures_per_address", "20",
                         "The same for one address (IPv6: a /64). Not for Unix sockets. 0 = no "
                         "limit, for routers behind a proxy.",
                         0, 1'000'000),
    sdk::option::duration("failure_delay", "250ms",
                          "The first delay; each further wrong answer doubles it.", 1, 3'600'000),
    sdk::option::within_decision(sdk::option::duration(
        "max_failure_delay", "5s",
        "The longest delay: must be less than router.decision_timeout. An attempt "
        "that would have to wait longer is refused at once.",
        1, 3'600'000)),
    sdk::option::duration("failure_memory", "10m",
                          "How long after the last wrong answer the count is forgotten.", 1000,
                          86'400'000),
    sdk::option::integer(
        "max_remembered_failures", "65536",
        "Addresses, and authids, that are remembered; who was wrong longest ago is "
        "forgotten first.",
        1, 100'000'000),
}};

struct ThrottleLimits {
  uint32_t per_authid = 10;
  uint32_t per_address = 20;
  uint64_t delay_ms = 250;
  uint64_t max_delay_ms = 5000;
  uint64_t memory_ms = 600'000;
  size_t max_entries = 65536;
};

ThrottleLimits throttle_limits(const sdk::Section& section);

// What counts as one address: without the port, the first 64 bits of IPv6. Empty for what is no IP
// address: it is not limited.
std::string throttle_address(std::string_view peer_address);

class Throttle {
 public:
  void configure(const ThrottleLimits& limits) { limits_ = limits; }

  struct Turn {
    bool refused = false;
    uint64_t wait_ms = 0;
  };
  // An attempt begins. Empty names are not counted. `now_ms` is monotonic.
  Turn begin(std::string_view address, std::string_view authid, uint64_t now_ms);
  void failed(std::string_view address, std::string_view authid, uint64_t now_ms);
  // Forgets the wrong answers for this authid; the address has to wait for its to be forgotten, or
  // whoever has an account of its own could go on guessing others.
  void succeeded(std::string_view authid);

  size_t remembered() const;

 private:
  struct Entry {
    std::string name;
    uint32_t failures = 0;
    uint64_t next_ms = 0;  // when the next attempt has its turn
    uint64_t last_ms = 0;  // of the last wrong answer
  };
  using Entries = std::list<Entry>;  // who was wrong last is in front
  struct Table {
    Entries entries;
    std::unordered_map<std::string_view, Entries::iterator> by_name;  // views into the entries
  };

  uint64_t delay(uint32_t failures, uint32_t allowed) const;
  Entry* find(Table& table, std::string_view name, uint64_t now_ms) const;
  void count(Table& table, std::string_view name, uint32_t allowed, uint64_t now_ms) const;

  ThrottleLimits limits_;
  mutable std::mutex mutex_;
  Table addresses_, authids_;
};

}  // namespace nexus::auth
