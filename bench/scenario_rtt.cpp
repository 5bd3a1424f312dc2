// One call at a time on an idle machine: what the router adds to the four hops through the kernel
// that the call takes anyway.
#include "bench/relay.hpp"
#include "bench/run.hpp"

namespace bench {

namespace {

// A CALL has about so many bytes besides its payload.
constexpr size_t kOverhead = 40;
constexpr double kTargetUs = 15;
// Many short rounds in turn: the median of a round moves with the machine, the difference of two
// neighbouring rounds much less.
constexpr int kRoundsPerRepeat = 3;

double p50_us(const Reading& reading) {
  return static_cast<double>(reading.latency.percentile(0.5)) / 1e3;
}

void measure(Lab& lab, const Transport& transport) {
  const auto router = lab.router(transport);
  Relay relay(lab, transport.carrier, lab.options.payload + kOverhead);
  RpcShape shape;
  shape.callers = shape.outstanding = 1;
  shape.payload = lab.options.payload;
  std::vector<Reading> with_relay, with_router;
  std::vector<double> relay_us, router_us, added;
  const int rounds = lab.options.repeat * kRoundsPerRepeat;
  for (int i = 0; i < rounds; ++i) {
    const double seconds = lab.options.seconds / kRoundsPerRepeat;
    with_relay.push_back(RpcRun(lab, relay, shape).measure(seconds));
    with_router.push_back(RpcRun(lab, *router, shape).measure(seconds));
    relay_us.push_back(p50_us(with_relay.back()));
    router_us.push_back(p50_us(with_router.back()));
    added.push_back(router_us.back() - relay_us.back());
  }
  lab.report.add(Row{"rtt", relay.name, relay.transport, "call", summarize(with_relay), {}});
  lab.report.add(Row{"rtt",
                     router->name,
                     router->transport,
                     "call",
                     summarize(with_router),
                     {{"median_of_relay", median(relay_us), "us"},
                      {"median_of_router", median(router_us), "us"},
                      {"median_difference_of_neighbours", median(added), "us"}}});
  lab.report.add(Target{"rtt", router->transport, "median round trip above that of a relay",
                        median(router_us) - median(relay_us), kTargetUs, "us"});
}

}  // namespace

void scenario_rtt(Lab& lab) {
  lab.fresh_router();
  for (const Transport& transport : lab.options.transports) measure(lab, transport);
}

}  // namespace bench
