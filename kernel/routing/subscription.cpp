#include "kernel/routing/subscription.hpp"

#include <algorithm>

namespace nexus {

const std::shared_ptr<const ReceiverList>& Subscription::receivers() {
  if (list != nullptr) return list;
  auto made = std::make_shared<ReceiverList>();
  made->receivers = members;
  std::stable_sort(
      made->receivers.begin(), made->receivers.end(),
      [](const Receiver& a, const Receiver& b) { return a.info->ref.loop() < b.info->ref.loop(); });
  for (uint32_t i = 0; i < made->receivers.size(); ++i) {
    const uint32_t loop = made->receivers[i].info->ref.loop();
    if (made->runs.empty() || made->runs.back().loop != loop) made->runs.push_back({loop, i, i});
    made->runs.back().end = i + 1;
  }
  list = std::move(made);
  return list;
}

}  // namespace nexus
