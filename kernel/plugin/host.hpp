// Host: the router as one component sees it, and the directory of services behind it.
//
// Layers above put their service tables into the directory (nexus.streams/1 comes from
// service_streams.cpp here, nexus.sessions/1 from session/, nexus.realm/1 from routing/), so that
// this layer needs to know none of them. Built on [main] before the first component; read by [any].
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel/base/log.hpp"
#include "kernel/loop/loop.hpp"
#include "kernel/plugin/callback_gate.hpp"
#include "nexus/nexus.h"

namespace nexus {

struct ConfigMistake;  // kernel/plugin/options.hpp
class CallWatch;       // kernel/plugin/call_watch.hpp
class ListenClaims;    // kernel/loop/listen_claims.hpp
class Metrics;         // kernel/plugin/metrics.hpp
class WorkPool;        // kernel/plugin/work.hpp

// What all components of one router share.
struct HostContext {
  Log* log = nullptr;
  LoopGroup* loops = nullptr;
  Metrics* metrics = nullptr;
  WorkPool* work = nullptr;
  CallWatch* watch = nullptr;      // of calls off the loops; null: nobody looks
  ListenClaims* claims = nullptr;  // of all sections with a listener; null: nobody looks
  void* router = nullptr;          // the routing layer's own; only its services know the type
  std::map<std::string, const void*, std::less<>> services;  // id -> static table
};

// Puts log, values, config, buffers, loop, streams, metrics and work into the directory.
void add_base_services(HostContext& context);

// What a component was refused, for a line in the log once a minute and a counter. [any]
class Refusals {
 public:
  // Counts one more, and in `counter`, which is made when it is needed. Not 0: so many since the
  // last time that it was told, which is to be done now.
  uint64_t add(Metrics* metrics, const char* counter, const char* help);

 private:
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> told_s_{0};
  std::atomic<nx_counter*> counter_{nullptr};
};

struct Host : nx_host {
  Host(HostContext& context, std::string component_name);
  ~Host();  // waits for the component's jobs, if nobody did before
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  static Host& of(nx_host* host) { return *static_cast<Host*>(host); }

  HostContext& context;
  // Takes what the component reports while configure() runs, else null. [main]
  std::vector<ConfigMistake>* mistakes = nullptr;
  std::vector<ConfigMistake>* warnings = nullptr;  // likewise
  std::string section;                             // "transports.web"; empty: of no configuration
  std::string name;  // "authenticator.ticket": the area of its log lines, the prefix of its metrics

  Refusals jobs;         // that found the queue full
  Refusals connections;  // that were one too many for the router
  // What the loops owe it: letters, timers, watches, answers to its calls.
  const CallbackGatePtr gate = std::make_shared<CallbackGate>();
  // Connections are served through it, which end with the loops: it is not freed before.
  std::atomic<bool> serves{false};
  // Has it asked for a listener of nexus.streams/1? Those count their connections themselves.
  std::atomic<bool> listens{false};
};

}  // namespace nexus
