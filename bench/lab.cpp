// Subjects, and which scenarios there are; see lab.hpp.
#include "bench/lab.hpp"

#include "bench/error.hpp"
#include "bench/nats.hpp"
#include "bench/wamp.hpp"

namespace bench {

namespace {

class WampSubject : public Subject {
 public:
  WampSubject(Lab& lab, const Address& address, const Transport& how, pid_t router,
              std::string realm)
      : lab_(lab), address_(address), format_(how.format), realm_(std::move(realm)) {
    name = "router";
    transport = name_of(how);
    pid = router;
  }
  std::unique_ptr<Link> connect(LinkEvents& events, const ConnectOptions& options) override {
    return std::make_unique<WampLink>(lab_.engine, address_, format_, realm_, events, options);
  }

 private:
  Lab& lab_;
  const Address address_;
  const Format format_;
  const std::string realm_;
};

class NatsSubject : public Subject {
 public:
  NatsSubject(Engine& engine, const NatsServer& server)
      : engine_(engine), address_(server.address()) {
    name = transport = "nats";
    pid = server.pid();
  }
  std::unique_ptr<Link> connect(LinkEvents& events, const ConnectOptions&) override {
    return std::make_unique<NatsLink>(engine_, address_, events);
  }

 private:
  Engine& engine_;
  const Address address_;
};

}  // namespace

Lab::Lab(const Options& the_options, Report& the_report)
    : options(the_options), report(the_report) {
  for (const std::string& url : options.urls) {
    given_.emplace_back();
    parse_url(url, given_.back());
  }
}

void Lab::fresh_router() {
  if (!given_.empty()) return;
  router_.reset();
  router_.emplace(options);
}

const Address& Lab::router_address(Carrier carrier) {
  for (const Address& address : given_)
    if (address.carrier == carrier) return address;
  if (given_.empty() && !router_) fresh_router();
  const Address* found = router_ ? router_->find(carrier) : nullptr;
  if (!found) throw Failure("the router does not listen there");
  return *found;
}

std::unique_ptr<Subject> Lab::router(const Transport& transport) {
  const Address& address = router_address(transport.carrier);
  const pid_t pid = router_ ? router_->pid() : options.pid;
  return std::make_unique<WampSubject>(*this, address, transport, pid, options.realm);
}

std::unique_ptr<Subject> Lab::guarded_router(const Transport& transport) {
  if (!given_.empty()) return nullptr;
  const Address& address = router_address(transport.carrier);
  auto subject = std::make_unique<WampSubject>(*this, address, transport, router_->pid(),
                                               guarded_realm(options));
  subject->transport += "+roles";
  return subject;
}

std::unique_ptr<Subject> Lab::nats() {
  if (options.nats.empty()) return nullptr;
  if (!nats_) {
    const std::string program = find_program(options.nats);
    if (program.empty()) {
      report.note("nats-server is not installed; going on without the yardstick");
      return nullptr;
    }
    nats_.emplace(program);
  }
  return std::make_unique<NatsSubject>(engine, *nats_);
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> list = {
      {"rpc", "8 callers with 8 calls in flight each, 1 callee", true, scenario_rpc},
      {"pubsub", "1 publisher, 1 subscriber, 64 events in flight", true, scenario_pubsub},
      {"fanout", "1 publisher, 50 subscribers, 4 events in flight", true, scenario_fanout},
      {"payload", "rpc with a text argument of 16 KiB", true, scenario_payload},
      {"rtt", "one call at a time, against a bare relay of bytes", true, scenario_rtt},
      {"idle", "10,000 sessions that do nothing: memory and joins", true, scenario_idle},
      {"authz", "rpc and pubsub, with and without the authorizer roles", true, scenario_authz},
      {"slow", "8 subscribers, and one more that stops reading", true, scenario_slow},
      {"pipelined", "3,000 calls in one write", true, scenario_pipelined},
      {"progressive", "results in 1,000 parts, beside events 1 to 1", true, scenario_progressive},
      {"patterns", "publishing past 100,000 patterns that do not match", true, scenario_patterns},
      {"subscriptions", "memory of 1,000,000 exact subscriptions", true, scenario_subscriptions},
      {"fanout1", "as fanout, but 1 event in flight", false, scenario_fanout1},
  };
  return list;
}

const Scenario* find_scenario(const std::string& name) {
  for (const Scenario& scenario : scenarios())
    if (scenario.name == name) return &scenario;
  return nullptr;
}

}  // namespace bench
