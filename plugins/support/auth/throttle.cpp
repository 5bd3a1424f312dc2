#include "plugins/support/auth/throttle.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace nexus::auth {

ThrottleLimits throttle_limits(const sdk::Section& section) {
  ThrottleLimits limits;
  limits.per_authid = static_cast<uint32_t>(section.integer("failures_per_authid"));
  limits.per_address = static_cast<uint32_t>(section.integer("failures_per_address"));
  limits.delay_ms = static_cast<uint64_t>(section.duration("failure_delay").count());
  limits.max_delay_ms = static_cast<uint64_t>(section.duration("max_failure_delay").count());
  limits.memory_ms = static_cast<uint64_t>(section.duration("failure_memory").count());
  limits.max_entries = static_cast<size_t>(section.integer("max_remembered_failures"));
  if (limits.max_delay_ms < limits.delay_ms) {
    throw sdk::ConfigError("max_failure_delay is less than failure_delay");
  }
  return limits;
}

std::string throttle_address(std::string_view peer_address) {
  // "192.0.2.1:80", "[2001:db8::1]:80", and without a port, as proxies say it.
  std::string host(peer_address);
  in6_addr bare{};
  if (::inet_pton(AF_INET6, host.c_str(), &bare) != 1) {
    host = peer_address.substr(0, peer_address.rfind(':'));
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return host;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1) return {};
  constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN] = {};
  if (std::memcmp(v6.s6_addr, kMapped, sizeof kMapped) == 0) {
    ::inet_ntop(AF_INET, v6.s6_addr + sizeof kMapped, text, sizeof text);
    return text;
  }
  std::memset(v6.s6_addr + 8, 0, 8);
  ::inet_ntop(AF_INET6, &v6, text, sizeof text);
  return std::string(text) + "/64";
}

std::string folded_authid(std::string_view authid) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const size_t first = authid.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  std::string folded(authid.substr(first, authid.find_last_not_of(kBlanks) - first + 1));
  for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return folded;
}

namespace {

std::string owner_name(std::string_view authid, std::string_view address) {
  return std::string(address) + ' ' + std::string(authid);  // an address holds no blank
}

}  // namespace

uint64_t Throttle::delay(uint32_t failures, uint32_t allowed) const {
  const uint32_t doublings = std::min(failures - allowed, 40U);
  if (limits_.delay_ms > (limits_.max_delay_ms >> doublings)) return limits_.max_delay_ms;
  return limits_.delay_ms << doublings;
}

Throttle::Entry* Throttle::find(Table& table, std::string_view name, uint64_t now_ms) const {
  const auto found = table.by_name.find(name);
  if (found == table.by_name.end()) return nullptr;
  Entry& entry = *found->second;
  // Each loop has a clock of its own, so "now" may be a little earlier than what another wrote.
  if (now_ms <= entry.last_ms + limits_.memory_ms) return &entry;
  const Entries::iterator where = found->second;
  table.by_name.erase(found);
  table.entries.erase(where);
  return nullptr;
}

// The entry of this name, which is in front from now on.
Throttle::Entry& Throttle::touch(Table& table, std::string_view name, uint64_t now_ms) const {
  Entry* entry = find(table, name, now_ms);
  if (entry == nullptr) {
    if (table.entries.size() >= limits_.max_entries) {
      table.by_name.erase(table.entries.back().name);
      table.entries.pop_back();
    }
    table.entries.push_front({std::string(name), 0, 0, 0, now_ms});
    entry = &table.entries.front();
    table.by_name.emplace(entry->name, table.entries.begin());
  } else {
    table.entries.splice(table.entries.begin(), table.entries, table.by_name.at(name));
  }
  return *entry;
}

void Throttle::erase(Table& table, std::string_view name) {
  const auto found = table.by_name.find(name);
  if (found == table.by_name.end()) return;
  const Entries::iterator where = found->second;
  table.by_name.erase(found);
  table.entries.erase(where);
}

// Has this address been wrong less often than one authid may be?
bool Throttle::few_from(std::string_view address, uint64_t now_ms) {
  if (address.empty()) return false;
  const Entry* entry = find(addresses_, address, now_ms);
  return entry == nullptr || entry->failures < limits_.per_authid;
}

bool Throttle::comes_from_here(std::string_view authid, std::string_view address) const {
  return !address.empty() && owners_.by_name.count(owner_name(authid, address)) != 0;
}

Throttle::Turn Throttle::begin(std::string_view address, std::string_view authid, uint64_t now_ms,
                               std::string_view also, bool again) {
  struct Place {
    uint64_t* next_ms;  // of the queue to stand in
    uint64_t delay_ms;  // until the turn after this one
  };
  std::array<Place, 3> places{};
  size_t count = 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (limits_.per_address != 0 && !again && !address.empty()) {
    Entry* entry = find(addresses_, address, now_ms);
    if (entry != nullptr && entry->failures >= limits_.per_address) {
      places[count++] = {&entry->next_ms, delay(entry->failures, limits_.per_address)};
    }
  }
  const bool few = few_from(address, now_ms);
  for (const std::string_view name : {authid, also == authid ? std::string_view() : also}) {
    if (limits_.per_authid == 0 || name.empty() || comes_from_here(name, address)) continue;
    Entry* entry = find(authids_, name, now_ms);
    if (entry == nullptr || entry->failures < limits_.per_authid) continue;
    places[count++] = few ? Place{&entry->next_of_few_ms, limits_.delay_ms}
                          : Place{&entry->next_ms, delay(entry->failures, limits_.per_authid)};
  }
  Turn turn;
  for (size_t i = 0; i < count; ++i) {
    if (*places[i].next_ms > now_ms)
      turn.wait_ms = std::max(turn.wait_ms, *places[i].next_ms - now_ms);
  }
  turn.refused = turn.wait_ms > limits_.max_delay_ms;
  if (turn.refused) return turn;
  for (size_t i = 0; i < count; ++i)
    *places[i].next_ms = now_ms + turn.wait_ms + places[i].delay_ms;
  turn.queued = count != 0;
  return turn;
}

void Throttle::count_authid(std::string_view authid, std::string_view address, bool few,
                            uint64_t now_ms) {
  if (limits_.per_authid == 0 || authid.empty()) return;
  Entry& entry = touch(authids_, authid, now_ms);
  entry.last_ms = now_ms;
  if (entry.failures < UINT32_MAX) ++entry.failures;
  if (entry.failures >= limits_.per_authid) {
    uint64_t& next_ms = few ? entry.next_of_few_ms : entry.next_ms;
    const uint64_t wait_ms = few ? limits_.delay_ms : delay(entry.failures, limits_.per_authid);
    next_ms = std::max(next_ms, now_ms + wait_ms);
  }
  if (!comes_from_here(authid, address)) return;
  const std::string owner = owner_name(authid, address);
  if (++owners_.by_name.at(owner)->failures >= limits_.per_authid) erase(owners_, owner);
}

void Throttle::failed(std::string_view address, std::string_view authid, uint64_t now_ms,
                      std::string_view also) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (counts_addresses() && !address.empty()) {
    Entry& entry = touch(addresses_, address, now_ms);
    entry.last_ms = now_ms;
    if (entry.failures < UINT32_MAX) ++entry.failures;
    if (limits_.per_address != 0 && entry.failures >= limits_.per_address) {
      entry.next_ms = std::max(entry.next_ms, now_ms + delay(entry.failures, limits_.per_address));
    }
  }
  const bool few = few_from(address, now_ms);
  count_authid(authid, address, few, now_ms);
  if (also != authid) count_authid(also, address, few, now_ms);
}

void Throttle::succeeded(std::string_view authid, std::string_view address) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (limits_.per_authid == 0 || authid.empty()) return;
  if (address.empty()) return erase(authids_, authid);
  const std::string owner = owner_name(authid, address);
  erase(owners_, owner);
  // The last time that anybody was wrong does not matter here: it stays until it is pushed out.
  touch(owners_, owner, 0);
}

size_t Throttle::remembered() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return addresses_.entries.size() + authids_.entries.size();
}

}  // namespace nexus::auth
