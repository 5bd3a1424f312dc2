// nexus as a library: the one header that embedders and nexusd include. [main] unless noted.
//
//   nexus::Log log({});
//   nexus::RouterEnvironment environment{.log = &log};
//   std::vector<nexus::ConfigMistake> mistakes;
//   auto router = nexus::Router::create(config, environment, mistakes);
//   if (!router) …            // every mistake found, each with its key path
//   if (auto status = router->start(); !status) …
//   … router->urls() …
//   router->stop(std::chrono::seconds(5));
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/json_places.hpp"
#include "kernel/base/log.hpp"
#include "kernel/base/status.hpp"
#include "kernel/base/value.hpp"
#include "kernel/plugin/call_watch.hpp"
#include "kernel/plugin/fatal_note.hpp"
#include "kernel/plugin/options.hpp"
#include "kernel/plugin/registry.hpp"

namespace nexus {

// The entry point of a plugin that is linked into the program.
struct StaticPlugin {
  nx_plugin_entry_fn entry = nullptr;
  std::string_view label;  // for messages: "nexus-serializer-json (built in)"
};

struct RouterEnvironment {
  Log* log = nullptr;                 // lives longer than the router; null = silent
  std::string base_folder = ".";      // relative paths of the configuration start here
  std::string default_plugin_folder;  // used when the configuration names none; may be empty
  bool text_values = false;           // the values are strings, as from an INI file
  // A realm that no client can join, or that a section names and that is not there, is only worth a
  // warning: plugins and the program itself may live in it or add it later. Else it is a mistake.
  bool closed_realms = true;
  std::vector<StaticPlugin> static_plugins;
  // A call into a plugin that lasts longer than this, in create(), start(), reload() and stop(), is
  // named in the log, and to on_slow_call if there is one; that is called on a thread of its own
  // and may end the process.
  std::chrono::milliseconds slow_call{10000};
  std::function<void(const ConfigMistake&)> on_slow_call;
};

// Counters of a running router, summed over its loops at the moment of asking.
struct RouterCounters {
  uint64_t sessions_joined = 0;
  uint64_t sessions_open = 0;
  uint64_t messages_in = 0;
  uint64_t messages_out = 0;
  uint64_t events_dropped = 0;  // receivers whose queue was full, or that the format cannot reach
  uint64_t calls_failed_busy = 0;     // INVOCATIONs not sent because the callee's queue was full
  uint64_t violations = 0;            // sessions ended by protocol_violation
  uint64_t sessions_killed_slow = 0;  // clients that did not even read their replies
  uint64_t sessions_held_back = 0;    // times reading stopped until a client took its replies
  uint64_t events_encoded = 0;        // EVENT encodings made; receivers of one format share one
  uint64_t events_delivered = 0;
  uint64_t memory_trims = 0;         // times that free memory was returned to the system
  uint64_t events_acknowledged = 0;  // EVENT_RECEIVED of subscribers
};

// What became of one component when it was told to read its data again.
struct Reloaded {
  std::string section;  // "realms.main.authorizers.rules"
  std::string files;    // those of its options, "/etc/nexus/rules.json, …"; may be empty
  Status status;        // what was there before is still in force when this is an error
};

class Router {
 public:
  // Loads the plugins, creates and configures every component, checks every section. Without side
  // effects on the outside: no sockets, and no threads but one that looks at the time. Null when
  // there are mistakes. `config` is a dict with the sections router, plugins, serializers,
  // transports, realms and realm_template (docs/configuration.md); other sections are the caller's.
  // What is doubtful but no reason not to start goes to `warnings`; without it, to the log.
  static std::unique_ptr<Router> create(const Value& config, const RouterEnvironment& environment,
                                        std::vector<ConfigMistake>& mistakes,
                                        std::vector<ConfigMistake>* warnings = nullptr);
  // Stops at once, and then waits for whatever stop() has left. Who cannot wait for it has to end
  // the process without deleting the router (_exit).
  virtual ~Router() = default;

  // Starts loops and components and opens the listeners. On failure everything is closed again.
  virtual Status start() = 0;
  // Where clients connect, with real ports: "ws://127.0.0.1:8080/". After start().
  virtual std::vector<std::string> urls() const = 0;
  // Stops accepting, says GOODBYE wamp.close.system_shutdown to every session, waits for them at
  // most `drain`, then closes what is left. Called again from another thread with 0 it ends at
  // once. Blocking work and stop() of components may take the rest of `drain` and kStopGrace more,
  // each at most half of what is left of that; what has not returned by then is named in the log
  // and left. [any]
  virtual void stop(std::chrono::milliseconds drain) = 0;
  static constexpr std::chrono::milliseconds kStopGrace{2000};
  // The components that stop() has left, by section. [any]
  virtual std::vector<std::string> left_behind() const = 0;
  // Calls into plugins that are under way and not on a loop, the oldest first. [any]
  virtual std::vector<PluginCall> calls_under_way() const = 0;

  // Realms while running. `section` is what realms.<label> holds; its authenticators and
  // authorizers start now. NX_E_CONFIG with the first mistake, NX_E_INVALID when there is such a
  // realm, NX_E_STATE after stop(), or what a component's start() says. [any, not on a loop]
  virtual Status add_realm(const Value& section) = 0;
  // Says GOODBYE wamp.close.close_realm to its sessions and forgets it; nobody new gets in. Its
  // components are stopped and freed by the next change of realms after the last session has left;
  // calls that they have open then are canceled, and each callback that they are owed comes first.
  // NX_E_INVALID when there is none of that URI. [any, not on a loop]
  virtual Status remove_realm(std::string_view uri) = 0;

  // Tells every component that can (nexus.reload/1) to read its data again: rules, users,
  // certificates; the configuration itself is not read. One entry for each of them, failures are
  // logged. Takes as long as the components do. [any, not on a loop]
  virtual std::vector<Reloaded> reload() = 0;

  virtual RouterCounters counters() const = 0;                     // [any]
  virtual std::chrono::milliseconds shutdown_timeout() const = 0;  // router.shutdown_timeout
  // What is loaded, for --list-plugins and --describe.
  virtual const Registry& registry() const = 0;
};

// The tables behind the router's own sections, for the checker, --describe and the reference.
struct ConfigSection {
  std::string_view path;  // "router", "realms.<label>", …
  std::string_view help;
  OptionTable table;
};
std::vector<ConfigSection> router_config_sections();
// Whose option it is: "realms.<label>", "the transport websocket"; empty when it is nobody's.
// `registry` may be null.
std::string place_of_option(std::string_view option, const Registry* registry);
// The areas that log.levels can name, but for those of components: "session", "router", …
std::vector<std::string> router_log_areas();

// Loads plugins only, as create() would, for --list-plugins and --describe without a full
// configuration. Mistakes of the section, and files that did not load, are appended to `mistakes`.
std::unique_ptr<Registry> load_plugins(const Value& plugins_section,
                                       const RouterEnvironment& environment, HostContext& context,
                                       std::vector<ConfigMistake>& mistakes);

}  // namespace nexus
