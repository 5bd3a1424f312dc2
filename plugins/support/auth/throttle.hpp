// Throttle: how often somebody may be wrong. Any thread.
//
// Counts wrong answers for each address and each authid. Past a number that is allowed, every
// further attempt has to wait for its turn, and the turns are further and further apart; whoever
// would have to wait longer than the longest delay is refused at once. All tables are bounded: who
// was there longest ago is forgotten first.
//
// The owner of an authid must not be locked out by whoever guesses at it. So addresses that have
// been wrong as often as one authid may be do not take the turns of the others: those have turns of
// their own at that authid, one each failure_delay, which is what bounds guessing from very many
// addresses. And an address from which that authid came in before does not wait for wrong answers
// from elsewhere at all.
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
    sdk::option::integer(
        "failures_per_authid", "10",
        "Wrong answers for one authid, from anywhere, before further attempts are "
        "delayed: those of an address that has been wrong as often itself more and "
        "more, those of others by failure_delay; 0 = no limit.",
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

// An authid as it is counted where somebody else decides which spellings mean the same: without
// blanks around it, and ASCII letters in lower case.
std::string folded_authid(std::string_view authid);

class Throttle {
 public:
  void configure(const ThrottleLimits& limits) { limits_ = limits; }

  struct Turn {
    bool refused = false;
    uint64_t wait_ms = 0;
    bool queued = false;  // it has a place of its own; else nothing was wrong enough to wait for
  };
  // An attempt begins. Empty names are not counted. `also` is another name of the same user that
  // counts as well, or the same, or empty. `again`: this attempt has had its turn by address.
  // `now_ms` is monotonic.
  Turn begin(std::string_view address, std::string_view authid, uint64_t now_ms,
             std::string_view also = {}, bool again = false);
  void failed(std::string_view address, std::string_view authid, uint64_t now_ms,
              std::string_view also = {});
  // Forgets the wrong answers for this authid from this address. Those from elsewhere stay, or the
  // owner would help whoever guesses by coming and going; where addresses are not known all are
  // forgotten. The address itself has to wait for its own to be forgotten, or whoever has an
  // account could go on guessing others.
  void succeeded(std::string_view authid, std::string_view address = {});

  size_t remembered() const;

 private:
  struct Entry {
    std::string name;
    uint32_t failures = 0;
    uint64_t next_ms = 0;         // when the next attempt has its turn
    uint64_t next_of_few_ms = 0;  // the same for addresses with few wrong answers
    uint64_t last_ms = 0;         // of the last wrong answer
  };
  using Entries = std::list<Entry>;  // who was there last is in front
  struct Table {
    Entries entries;
    std::unordered_map<std::string_view, Entries::iterator> by_name;  // views into the entries
  };

  bool counts_addresses() const { return limits_.per_address != 0 || limits_.per_authid != 0; }
  uint64_t delay(uint32_t failures, uint32_t allowed) const;
  Entry* find(Table& table, std::string_view name, uint64_t now_ms) const;
  Entry& touch(Table& table, std::string_view name, uint64_t now_ms) const;
  static void erase(Table& table, std::string_view name);
  bool few_from(std::string_view address, uint64_t now_ms);
  bool comes_from_here(std::string_view authid, std::string_view address) const;
  void count_authid(std::string_view authid, std::string_view address, bool few, uint64_t now_ms);

  ThrottleLimits limits_;
  mutable std::mutex mutex_;
  Table addresses_, authids_;
  Table owners_;  // authid and address of who has come in; their wrong answers since
};

}  // namespace nexus::auth
