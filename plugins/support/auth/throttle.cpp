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

Throttle::Turn Throttle::begin(std::string_view address, std::string_view authid, uint64_t now_ms) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto slowed = [&](Table& table, std::string_view name, uint32_t allowed) -> Entry* {
    if (allowed == 0 || name.empty()) return nullptr;
    Entry* entry = find(table, name, now_ms);
    return entry != nullptr && entry->failures >= allowed ? entry : nullptr;
  };
  Entry* by_address = slowed(addresses_, address, limits_.per_address);
  Entry* by_authid = slowed(authids_, authid, limits_.per_authid);
  Turn turn;
  for (const Entry* entry : {by_address, by_authid}) {
    if (entry != nullptr && entry->next_ms > now_ms) {
      turn.wait_ms = std::max(turn.wait_ms, entry->next_ms - now_ms);
    }
  }
  turn.refused = turn.wait_ms > limits_.max_delay_ms;
  if (turn.refused) return turn;
  const auto take_turn = [&](Entry* entry, uint32_t allowed) {
    if (entry == nullptr) return;
    entry->next_ms = now_ms + turn.wait_ms + delay(entry->failures, allowed);
  };
  take_turn(by_address, limits_.per_address);
  take_turn(by_authid, limits_.per_authid);
  return turn;
}

void Throttle::count(Table& table, std::string_view name, uint32_t allowed, uint64_t now_ms) const {
  if (allowed == 0 || name.empty()) return;
  Entry* entry = find(table, name, now_ms);
  if (entry == nullptr) {
    if (table.entries.size() >= limits_.max_entries) {
      table.by_name.erase(table.entries.back().name);
      table.entries.pop_back();
    }
    table.entries.push_front({std::string(name), 0, 0, now_ms});
    entry = &table.entries.front();
    table.by_name.emplace(entry->name, table.entries.begin());
  } else {
    table.entries.splice(table.entries.begin(), table.entries, table.by_name.at(name));
  }
  entry->last_ms = now_ms;
  if (entry->failures < UINT32_MAX) ++entry->failures;
  if (entry->failures >= allowed) {
    entry->next_ms = std::max(entry->next_ms, now_ms + delay(entry->failures, allowed));
  }
}

void Throttle::failed(std::string_view address, std::string_view authid, uint64_t now_ms) {
  const std::lock_guard<std::mutex> lock(mutex_);
  count(addresses_, address, limits_.per_address, now_ms);
  count(authids_, authid, limits_.per_authid, now_ms);
}

void Throttle::succeeded(std::string_view authid) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = authids_.by_name.find(authid);
  if (found == authids_.by_name.end()) return;
  const Entries::iterator where = found->second;
  authids_.by_name.erase(found);
  authids_.entries.erase(where);
}

size_t Throttle::remembered() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return addresses_.entries.size() + authids_.entries.size();
}

}  // namespace nexus::auth
