#include "kernel/routing/registration.hpp"

#include <algorithm>

#include "kernel/base/random.hpp"

namespace nexus {

const std::shared_ptr<const CalleeList>& Registration::snapshot() {
  if (list == nullptr) {
    list = std::make_shared<const CalleeList>(CalleeList{id, uri, match, invoke, callees, cursor});
  }
  return list;
}

bool Registration::remove(const Session& session) {
  const auto at = std::find_if(callees.begin(), callees.end(),
                               [&session](const Callee& c) { return c.session == &session; });
  if (at == callees.end()) return false;
  // The cursor keeps pointing at the same next callee.
  const auto index = static_cast<uint64_t>(at - callees.begin());
  const uint64_t next = cursor->load(std::memory_order_relaxed) % callees.size();
  callees.erase(at);
  cursor->store(index < next ? next - 1 : next, std::memory_order_relaxed);
  list = nullptr;
  return true;
}

namespace {

// FNV-1a over the key, mixed with the callee's id: any callee's weight depends on itself and the
// key alone, so that a callee that comes or goes moves only its own share of the keys.
uint64_t weight(std::string_view key, uint64_t callee) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : key) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  hash ^= callee;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdull;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return hash ^ (hash >> 33);
}

const Callee& choose_shard(const CalleeList& list, const std::string& key) {
  const Callee* best = nullptr;
  uint64_t best_weight = 0;
  for (const Callee& callee : list.callees) {
    if (callee.rkey != nullptr) {
      if (*callee.rkey == key) return callee;
      continue;  // it owns that one key and takes no other
    }
    const uint64_t here = weight(key, callee.info->id);
    if (best == nullptr || here > best_weight) {
      best = &callee;
      best_weight = here;
    }
  }
  return best == nullptr ? list.callees.front() : *best;
}

size_t first_choice(const CalleeList& list) {
  const size_t count = list.callees.size();
  switch (list.invoke) {
    case Invoke::roundrobin:
    case Invoke::sharded:
      return list.cursor->fetch_add(1, std::memory_order_relaxed) % count;
    case Invoke::random:
      return random_id() % count;
    case Invoke::last:
      return count - 1;
    default:
      return 0;
  }
}

// The order in which a policy goes on from a callee: older ones for `last`, newer ones else.
size_t step(const CalleeList& list, size_t from) {
  const size_t count = list.callees.size();
  return list.invoke == Invoke::last ? (from + count - 1) % count : (from + 1) % count;
}

}  // namespace

const Callee& choose_callee(const CalleeList& list, const std::string* rkey) {
  if (list.callees.size() == 1) return list.callees.front();
  if (list.invoke == Invoke::sharded && rkey != nullptr) return choose_shard(list, *rkey);
  const size_t first = first_choice(list);
  size_t at = first;
  do {
    if (!list.callees[at].full()) return list.callees[at];
    at = step(list, at);
  } while (at != first);
  return list.callees[first];
}

const Callee* choose_other(const CalleeList& list, uint64_t failed,
                           const std::vector<uint64_t>& tried) {
  const size_t count = list.callees.size();
  size_t at = 0;
  while (at < count && list.callees[at].info->id != failed) ++at;
  if (at == count) at = 0;
  const size_t from = list.invoke == Invoke::random ? random_id() % count : at;
  at = from;
  for (size_t i = 0; i < count; ++i, at = step(list, at)) {
    const uint64_t id = list.callees[at].info->id;
    if (std::find(tried.begin(), tried.end(), id) == tried.end()) return &list.callees[at];
  }
  return nullptr;
}

}  // namespace nexus
