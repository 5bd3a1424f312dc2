// The laboratory: what a scenario is given to work with, and the list of scenarios.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/engine.hpp"
#include "bench/link.hpp"
#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/servers.hpp"

namespace bench {

// Something that clients can be connected to and whose CPU time can be read.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual std::unique_ptr<Link> connect(LinkEvents& events, const ConnectOptions& options = {}) = 0;

  std::string name;       // "router", "nats", "relay"
  std::string transport;  // "ws-json", …
  pid_t pid = 0;
};

class Lab {
 public:
  Lab(const Options& options, Report& report);

  // A router nobody has used before, unless a running one was given; so that what one scenario
  // leaves behind in memory and caches is not measured by the next.
  void fresh_router();
  // Clients of the router over `transport`. Throws Failure if it does not offer it.
  std::unique_ptr<Subject> router(const Transport& transport);
  // The same in the realm whose requests the authorizer "roles" decides about; null if the router
  // was given.
  std::unique_ptr<Subject> guarded_router(const Transport& transport);
  // Clients of nats-server, which is started when first asked for; null if there is none.
  std::unique_ptr<Subject> nats();

  const Options& options;
  Report& report;
  Engine engine;

 private:
  const Address& router_address(Carrier carrier);

  std::optional<RouterServer> router_;
  std::optional<NatsServer> nats_;
  std::vector<Address> given_;
};

struct Scenario {
  const char* name;
  const char* help;
  bool by_default;
  void (*run)(Lab&);
};

const std::vector<Scenario>& scenarios();
const Scenario* find_scenario(const std::string& name);

// One file each; throw Failure if they cannot be run.
void scenario_rpc(Lab& lab);
void scenario_payload(Lab& lab);
void scenario_pubsub(Lab& lab);
void scenario_fanout(Lab& lab);
void scenario_fanout1(Lab& lab);
void scenario_rtt(Lab& lab);
void scenario_idle(Lab& lab);
void scenario_authz(Lab& lab);
void scenario_slow(Lab& lab);
void scenario_pipelined(Lab& lab);
void scenario_progressive(Lab& lab);
void scenario_patterns(Lab& lab);
void scenario_subscriptions(Lab& lab);

}  // namespace bench
