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

void Registration::remove(const Session& session) {
  const auto at = std::find_if(callees.begin(), callees.end(),
                               [&session](const Callee& c) { return c.session == &session; });
  if (at == callees.end()) return;
  // The cursor keeps pointing at the same next callee.
  const auto index = static_cast<uint64_t>(at - callees.begin());
  const uint64_t next = cursor->load(std::memory_order_relaxed) % callees.size();
  callees.erase(at);
  cursor->store(index < next ? next - 1 : next, std::memory_order_relaxed);
  list = nullptr;
}

const Callee& choose_callee(const CalleeList& list) {
  const std::vector<Callee>& callees = list.callees;
  switch (list.invoke) {
    case Invoke::roundrobin:
      return callees[list.cursor->fetch_add(1, std::memory_order_relaxed) % callees.size()];
    case Invoke::random:
      return callees[random_id() % callees.size()];
    case Invoke::last:
      return callees.back();
    default:
      return callees.front();
  }
}

}  // namespace nexus
