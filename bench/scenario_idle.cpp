// Sessions that have joined and do nothing: what one costs in memory, and what joining costs.
#include <algorithm>

#include "bench/error.hpp"
#include "bench/run.hpp"

namespace bench {

namespace {

constexpr double kRawTargetKib = 3, kWebsocketTargetKib = 4;
constexpr double kJoinTargetS = 2;    // of router CPU, for ten thousand
constexpr size_t kFirst = 50;         // warm up what is there once only, and are not counted
constexpr size_t kJoining = 64;       // at a time
constexpr size_t kPerSource = 20000;  // fewer than there are ephemeral ports

class Fleet : public LinkEvents {
 public:
  Fleet(Lab& lab, Subject& subject) : lab_(lab), subject_(subject) {}

  void grow_to(size_t count) {
    size_t settled = links_.size();
    const auto next = [&] {
      for (; settled < links_.size() && !pending(*links_[settled]); ++settled)
        links_[settled]->release_buffers();
      while (links_.size() < count && links_.size() - settled < kJoining) add();
      return settled == count;
    };
    lab_.engine.require(next, 60, "joining " + std::to_string(count) + " sessions");
  }
  void check() const {
    for (const auto& link : links_)
      if (!link->open()) throw Failure("an idle session was lost: " + link->why());
  }
  void leave() { links_.clear(); }

 private:
  static bool pending(const Link& link) {
    if (!link.open()) throw Failure("while joining: " + link.why());
    return !link.joined();
  }
  void add() {
    ConnectOptions options;
    // 127.0.0.1 is where the router listens; its neighbours are as good to come from.
    if (links_.size() >= kPerSource) options.source = 1 + links_.size() / kPerSource;
    links_.push_back(subject_.connect(*this, options));
  }

  Lab& lab_;
  Subject& subject_;
  std::vector<std::unique_ptr<Link>> links_;
};

double kib(uint64_t bytes) { return static_cast<double>(bytes) / 1024; }
double seconds(uint64_t ns) { return static_cast<double>(ns) / 1e9; }

struct Idle {
  double join_cpu_s, join_s, session_kib, idle_cpu_ms, left_kib;
};

Idle measure_round(Lab& lab, const Transport& transport) {
  lab.fresh_router();
  const auto router = lab.router(transport);
  Fleet fleet(lab, *router);
  fleet.grow_to(kFirst);
  lab.engine.run_for(0.2);
  const uint64_t memory = resident_bytes(router->pid), cpu = cpu_ns(router->pid), start = now_ns();
  fleet.grow_to(kFirst + lab.options.sessions);
  Idle idle = {};
  const double count = static_cast<double>(lab.options.sessions);
  idle.join_s = seconds(now_ns() - start);
  lab.engine.run_for(0.3);  // what a router puts off until it has time belongs to joining
  const uint64_t joined = cpu_ns(router->pid);
  idle.join_cpu_s = seconds(joined - cpu);
  idle.session_kib = (kib(resident_bytes(router->pid)) - kib(memory)) / count;
  lab.engine.run_for(1);
  idle.idle_cpu_ms = seconds(cpu_ns(router->pid) - joined) * 1e3;
  fleet.check();
  fleet.leave();
  lab.engine.run_for(1);
  idle.left_kib = (kib(resident_bytes(router->pid)) - kib(memory)) / count;
  return idle;
}

void measure(Lab& lab, const Transport& transport) {
  std::vector<Idle> rounds;
  for (int i = 0; i < lab.options.repeat; ++i) rounds.push_back(measure_round(lab, transport));
  const auto middle = [&](double Idle::*member) {
    std::vector<double> values;
    for (const Idle& round : rounds) values.push_back(round.*member);
    return median(values);
  };
  const double per_ten_thousand = 10000 / static_cast<double>(lab.options.sessions);
  const double memory = middle(&Idle::session_kib);
  const double joins = middle(&Idle::join_cpu_s) * per_ten_thousand;
  const std::string name = name_of(transport);
  Row row;
  row.scenario = "idle";
  row.subject = "router";
  row.transport = name;
  row.figures = {{"sessions", static_cast<double>(lab.options.sessions), ""},
                 {"memory_per_session", memory, "KiB"},
                 {"still_held_after_they_left", middle(&Idle::left_kib), "KiB"},
                 {"router_CPU_of_10000_joins", joins, "s"},
                 {"time_of_the_joins", middle(&Idle::join_s), "s"},
                 {"router_CPU_in_an_idle_second", middle(&Idle::idle_cpu_ms), "ms"}};
  lab.report.add(std::move(row));
  const bool websocket = transport.carrier == Carrier::kWebsocket;
  lab.report.add(Target{"idle", name, "resident memory per session", memory,
                        websocket ? kWebsocketTargetKib : kRawTargetKib, "KiB"});
  lab.report.add(Target{"idle", name, "router CPU of 10,000 joins", joins, kJoinTargetS, "s"});
}

}  // namespace

void scenario_idle(Lab& lab) {
  const uint64_t limit = raise_descriptor_limit();
  const uint64_t needed = lab.options.sessions + kFirst + 100;
  if (limit < needed)
    throw Failure("the descriptor limit is " + std::to_string(limit) + ", needed are " +
                  std::to_string(needed) + " (ulimit -n, or --sessions)");
  for (const Transport& transport : lab.options.transports) measure(lab, transport);
}

}  // namespace bench
