// The host handle and the directory behind it.
#include "kernel/plugin/host.hpp"

#include <chrono>
#include <string_view>

#include "kernel/plugin/metrics.hpp"
#include "kernel/plugin/services.hpp"
#include "kernel/plugin/work.hpp"

namespace nexus {
namespace {

const void* find_service(nx_host* host, const char* id) {
  if (host == nullptr || id == nullptr) return nullptr;
  const auto& services = Host::of(host).context.services;
  const auto found = services.find(std::string_view(id));
  return found == services.end() ? nullptr : found->second;
}

}  // namespace

void add_base_services(HostContext& context) {
  context.services[NX_HOST_LOG] = log_service();
  context.services[NX_HOST_VALUES] = values_service();
  context.services[NX_HOST_CONFIG] = config_service();
  context.services[NX_HOST_BUFFERS] = buffers_service();
  context.services[NX_HOST_LOOP] = loop_service();
  context.services[NX_HOST_STREAMS] = streams_service();
  context.services[NX_HOST_METRICS] = metrics_service();
  context.services[NX_HOST_WORK] = work_service();
}

uint64_t Refusals::add(Metrics* metrics, const char* name, const char* help) {
  constexpr uint64_t kTellEvery_s = 60;
  count_.fetch_add(1, std::memory_order_relaxed);
  nx_counter* counter = counter_.load(std::memory_order_acquire);
  if (counter == nullptr && metrics != nullptr) {
    counter = metrics->counter(name, help);
    counter_.store(counter, std::memory_order_release);
  }
  Metrics::add(counter);
  // From 1 on, since 0 stands for never.
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  const auto now =
      1 + static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
  uint64_t told = told_s_.load(std::memory_order_relaxed);
  if (told != 0 && now - told < kTellEvery_s) return 0;
  return told_s_.compare_exchange_strong(told, now) ? count_.exchange(0) : 0;
}

Host::Host(HostContext& shared, std::string component_name)
    : nx_host{sizeof(nx_host), NX_ABI_MINOR, &find_service},
      context(shared),
      name(std::move(component_name)) {}

Host::~Host() {
  gate->leave();
  if (context.work == nullptr) return;
  context.work->stop(this);
  context.work->forget(this);
}

}  // namespace nexus
