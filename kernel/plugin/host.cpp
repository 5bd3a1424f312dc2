// The host handle and the directory behind it.
#include "kernel/plugin/host.hpp"

#include <string_view>

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

Host::Host(HostContext& shared, std::string component_name)
    : nx_host{sizeof(nx_host), NX_ABI_MINOR, &find_service},
      context(shared),
      name(std::move(component_name)) {}

Host::~Host() {
  if (context.work == nullptr) return;
  context.work->stop(this);
  context.work->forget(this);
}

}  // namespace nexus
