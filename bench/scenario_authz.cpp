// What authorization costs where the answers are remembered: the same calls and events in two
// realms of one router, of which one has the authorizer "roles".
#include "bench/run.hpp"

namespace bench {

namespace {

constexpr double kTarget = 1.05;
// Short rounds in turn, so that what else the machine does hits both alike.
constexpr int kRoundsPerRepeat = 3;

template <class Make>
void measure(Lab& lab, const std::string& operation, Subject& plain, Subject& guarded, Make make) {
  std::vector<Reading> without, with;
  std::vector<double> ratios;
  for (int i = 0; i < lab.options.repeat * kRoundsPerRepeat; ++i) {
    const double seconds = lab.options.seconds / kRoundsPerRepeat;
    without.push_back(make(plain)->measure(seconds));
    with.push_back(make(guarded)->measure(seconds));
    ratios.push_back(summarize({with.back()}).cpu_us / summarize({without.back()}).cpu_us);
  }
  lab.report.add(Row{"authz", plain.name, plain.transport, operation, summarize(without), {}});
  lab.report.add(Row{"authz",
                     guarded.name,
                     guarded.transport,
                     operation,
                     summarize(with),
                     {{"CPU_relative_to_no_authorizer", median(ratios), ""}}});
  lab.report.add(Target{"authz", guarded.transport,
                        "CPU for each " + operation + ", relative to no authorizer", median(ratios),
                        kTarget, ""});
}

}  // namespace

void scenario_authz(Lab& lab) {
  lab.fresh_router();
  for (const Transport& transport : lab.options.transports) {
    const auto plain = lab.router(transport);
    const auto guarded = lab.guarded_router(transport);
    if (guarded == nullptr) {
      lab.report.note("authz needs a router of its own, without --url");
      return;
    }
    RpcShape calls;
    calls.payload = lab.options.payload;
    measure(lab, "call", *plain, *guarded,
            [&](Subject& s) { return std::make_unique<RpcRun>(lab, s, calls); });
    PubsubShape events;
    events.payload = lab.options.payload;
    measure(lab, "event", *plain, *guarded,
            [&](Subject& s) { return std::make_unique<PubsubRun>(lab, s, events); });
  }
}

}  // namespace bench
