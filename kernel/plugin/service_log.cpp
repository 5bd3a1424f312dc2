// nexus.log/1: a component's lines, under its name. [any]
#include "kernel/base/log.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/services.hpp"

namespace nexus {
namespace {

static_assert(static_cast<uint32_t>(LogLevel::trace) == NX_LOG_TRACE);
static_assert(static_cast<uint32_t>(LogLevel::error) == NX_LOG_ERROR);

// A level that is none counts as an error: better a line too many than one too few.
LogLevel to_level(uint32_t level) {
  return level >= NX_LOG_TRACE && level <= NX_LOG_ERROR ? static_cast<LogLevel>(level)
                                                        : LogLevel::error;
}

void write(nx_host* host, uint32_t level, nx_str text) {
  const Host& self = Host::of(host);
  if (self.context.log == nullptr) return;
  try {
    if (text.data == nullptr && text.size != 0) {
      self.context.log->write(LogLevel::error, self.name,
                              "wrote a line that is NULL with a length");
      return;
    }
    // Stray bytes are the log's own matter: it escapes them, as it does with those of clients.
    self.context.log->write(to_level(level), self.name, to_view(text));
  } catch (...) {
    // Out of memory: the line is lost, as when the queue is full.
  }
}

void limited(nx_host* host, uint32_t level, nx_str cause, nx_str text) {
  const Host& self = Host::of(host);
  if (self.context.log == nullptr) return;
  try {
    if ((text.data == nullptr && text.size != 0) || (cause.data == nullptr && cause.size != 0)) {
      self.context.log->write(LogLevel::error, self.name,
                              "wrote a line that is NULL with a length");
      return;
    }
    self.context.log->limited(to_level(level), self.name, to_view(cause), to_view(text));
  } catch (...) {
    // As above.
  }
}

uint32_t enabled(nx_host* host, uint32_t level) {
  const Host& self = Host::of(host);
  const Log* log = self.context.log;
  return log != nullptr && log->enabled(to_level(level), self.name) ? 1 : 0;
}

}  // namespace

const nx_host_log_v1* log_service() {
  static const nx_host_log_v1 table = {sizeof(nx_host_log_v1), 0, &write, &enabled, &limited};
  return &table;
}

}  // namespace nexus
