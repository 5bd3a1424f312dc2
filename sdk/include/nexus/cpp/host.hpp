// Host, Log and the thread checks: the router as a component sees it. Any thread unless noted.
#ifndef NEXUS_CPP_HOST_HPP
#define NEXUS_CPP_HOST_HPP

#include <cstdio>
#include <cstdlib>

#include "nexus/cpp/base.hpp"

// In debug builds every entry from the router asserts that it came on the promised thread. Define
// as 0 or 1 for the whole plugin to choose otherwise.
#ifndef NX_THREAD_CHECKS
#ifdef NDEBUG
#define NX_THREAD_CHECKS 0
#else
#define NX_THREAD_CHECKS 1
#endif
#endif

namespace nexus::sdk {

// Lines in the router's log, under the component's name. Never blocks. Never pass a secret.
class Log {
 public:
  Log() = default;
  explicit Log(nx_host* host)
      : host_(host),
        table_(static_cast<const nx_host_log_v1*>(nx_host_service(host, NX_HOST_LOG))) {}

  // Ask before formatting something costly.
  bool enabled(uint32_t level) const {
    return table_ != nullptr && table_->enabled(host_, level) != 0;
  }
  void write(uint32_t level, std::string_view text) const {
    if (table_ != nullptr) table_->write(host_, level, to_nx(text));
  }
  void trace(std::string_view text) const { write(NX_LOG_TRACE, text); }
  void debug(std::string_view text) const { write(NX_LOG_DEBUG, text); }
  void info(std::string_view text) const { write(NX_LOG_INFO, text); }
  void warning(std::string_view text) const { write(NX_LOG_WARNING, text); }
  void error(std::string_view text) const { write(NX_LOG_ERROR, text); }
  // For what can happen over and over: the first line of a cause, then one a minute with a count.
  void limited(uint32_t level, std::string_view cause, std::string_view text) const {
    if (NX_HAS(table_, limited)) {
      table_->limited(host_, level, to_nx(cause), to_nx(text));
    } else {
      write(level, text);
    }
  }

 private:
  nx_host* host_ = nullptr;
  const nx_host_log_v1* table_ = nullptr;
};

// A typed look at an nx_host. Copies freely; lives as long as the component.
class Host {
 public:
  explicit Host(nx_host* host) : host_(host) {}
  nx_host* get() const { return host_; }
  uint32_t abi_minor() const { return host_->abi_minor; }

  // host.find<nx_host_work_v1>(NX_HOST_WORK): the service's table, or null.
  template <typename Table>
  const Table* find(const char* id) const {
    return static_cast<const Table*>(nx_host_service(host_, id));
  }
  // The same for a service that the component lists in kServices: throws when it is not there.
  template <typename Table>
  const Table& need(const char* id) const {
    const Table* table = find<Table>(id);
    if (table == nullptr) {
      throw Error(NX_E_UNSUPPORTED, std::string("this router does not have ") + id);
    }
    return *table;
  }

 private:
  nx_host* host_;
};

// What a failed thread check does: writes to standard error and aborts. Tests of the checks
// themselves put something else here.
inline void (*thread_violation)(const char* what, const char* expected) = [](const char* what,
                                                                             const char* expected) {
  std::fprintf(stderr, "nexus plugin: %s was called on the wrong thread, expected %s\n", what,
               expected);
  std::abort();
};

// Asserts [main] (never on a loop) and [loop]. Without the loop service, or on a router without
// loops, everything passes.
class ThreadCheck {
 public:
  explicit ThreadCheck(nx_host* host)
      : host_(host),
        loops_(static_cast<const nx_host_loop_v1*>(nx_host_service(host, NX_HOST_LOOP))) {}

  void main(const char* what) const {
    if (enabled() && on_loop()) thread_violation(what, "[main]");
  }
  void loop(const char* what) const {
    if (enabled() && !on_loop()) thread_violation(what, "[loop]");
  }

 private:
  bool enabled() const {
    return NX_THREAD_CHECKS != 0 && loops_ != nullptr && loops_->count(host_) > 0;
  }
  bool on_loop() const { return loops_->current(host_) != NX_LOOP_NONE; }

  nx_host* host_;
  const nx_host_loop_v1* loops_;
};

}  // namespace nexus::sdk

#endif
