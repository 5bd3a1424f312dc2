// nexus.work/1: jobs that may block, off the loops. [any]
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/services.hpp"
#include "kernel/plugin/work.hpp"

namespace nexus {
namespace {

void count_refused(Host& self) {
  const uint64_t refused = self.jobs.add(self.context.metrics, "work_refused",
                                         "Blocking jobs of plugins that found a full queue.");
  if (refused == 0 || self.context.log == nullptr) return;
  self.context.log->warning(
      self.name,
      "its queue for blocking work is full, so jobs are refused: what it waits for is slow, or "
      "router.work_queue, router.work_share or router.work_threads is too small",
      {{"section", self.section}, {"refused", refused}});
}

nx_status run(nx_host* host, void (*fn)(void* user), void* user) {
  Host& self = Host::of(host);
  if (self.context.work == nullptr) return NX_E_UNSUPPORTED;
  if (fn == nullptr) return NX_E_INVALID;
  if (self.gate->closed()) return NX_E_CLOSED;
  try {
    const nx_status status = self.context.work->run(&self, [&self, fn, user] {
      try {
        fn(user);
      } catch (...) {
        if (self.context.log != nullptr) {
          self.context.log->limited(LogLevel::error, self.name, "job", "a job threw");
        }
      }
    });
    if (status == NX_E_LIMIT) count_refused(self);
    return status;
  } catch (...) {
    return NX_E_MEMORY;
  }
}

}  // namespace

const nx_host_work_v1* work_service() {
  static const nx_host_work_v1 table = {sizeof(nx_host_work_v1), 0, &run};
  return &table;
}

}  // namespace nexus
