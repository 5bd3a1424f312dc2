// nexus.metrics/1: a component's counters, named after the component. [any]
#include "kernel/plugin/given_text.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/metrics.hpp"
#include "kernel/plugin/services.hpp"

namespace nexus {
namespace {

// "nexus_authenticator_ticket_" for "authenticator.ticket": what monitoring systems allow.
std::string prefix_of(std::string_view component) {
  std::string prefix = "nexus_";
  for (const char c : component) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    prefix += upper ? static_cast<char>(c - 'A' + 'a') : allowed ? c : '_';
  }
  return prefix + '_';
}

nx_counter* counter(nx_host* host, nx_str name, nx_str help) {
  const Host& self = Host::of(host);
  if (self.context.metrics == nullptr || name.size == 0) return nullptr;
  if (!accept_text(host, "counter(): name", name) || !accept_text(host, "counter(): help", help)) {
    return nullptr;
  }
  try {
    return self.context.metrics->counter(prefix_of(self.name).append(to_view(name)), to_view(help));
  } catch (...) {
    return nullptr;
  }
}

void add(nx_counter* counter, uint64_t amount) {
  try {
    Metrics::add(counter, amount);
  } catch (...) {
    // No memory for this thread's first count.
  }
}

}  // namespace

const nx_host_metrics_v1* metrics_service() {
  static const nx_host_metrics_v1 table = {sizeof(nx_host_metrics_v1), 0, &counter, &add};
  return &table;
}

}  // namespace nexus
