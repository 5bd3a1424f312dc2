// nexus.work/1: jobs that may block, off the loops. [any]
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/services.hpp"
#include "kernel/plugin/work.hpp"

namespace nexus {
namespace {

nx_status run(nx_host* host, void (*fn)(void* user), void* user) {
  Host& self = Host::of(host);
  if (self.context.work == nullptr) return NX_E_UNSUPPORTED;
  if (fn == nullptr) return NX_E_INVALID;
  try {
    return self.context.work->run(&self, [&self, fn, user] {
      try {
        fn(user);
      } catch (...) {
        if (self.context.log != nullptr) self.context.log->error(self.name, "a job threw");
      }
    });
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
