// The scenarios that are one of the common shapes, beside nats-server: rpc, payload, pubsub,
// fanout.
#include "bench/run.hpp"

namespace bench {

namespace {

struct Promise {
  const char* text;
  double limit_us;
  bool below_nats;  // and not more than nats-server in the same run
};

void add_targets(Lab& lab, const std::string& scenario, const Promise& promise,
                 const std::vector<std::unique_ptr<Subject>>& subjects,
                 const std::vector<Summary>& summaries) {
  const bool with_nats = subjects.back()->name == "nats";
  for (size_t i = 0; i < subjects.size(); ++i) {
    if (subjects[i]->name != "router") continue;
    const double cpu = summaries[i].cpu_us;
    lab.report.add(
        Target{scenario, subjects[i]->transport, promise.text, cpu, promise.limit_us, "us"});
    if (promise.below_nats && with_nats)
      lab.report.add(Target{scenario, subjects[i]->transport, "the same, relative to nats-server",
                            cpu / summaries.back().cpu_us, 1, ""});
  }
}

void run_rpc(Lab& lab, const std::string& scenario, size_t payload, const Promise& promise) {
  const auto subjects = all_subjects(lab);
  RpcShape shape;
  shape.payload = payload;
  const auto make = [&](Subject& s) { return std::make_unique<RpcRun>(lab, s, shape); };
  add_targets(lab, scenario, promise, subjects, compare(lab, scenario, "call", subjects, make));
}

void run_pubsub(Lab& lab, const std::string& scenario, PubsubShape shape, const Promise& promise) {
  const auto subjects = all_subjects(lab);
  shape.payload = lab.options.payload;
  const auto make = [&](Subject& s) { return std::make_unique<PubsubRun>(lab, s, shape); };
  add_targets(lab, scenario, promise, subjects, compare(lab, scenario, "event", subjects, make));
}

}  // namespace

void scenario_rpc(Lab& lab) {
  run_rpc(lab, "rpc", lab.options.payload, {"router CPU per call", 4, true});
}

void scenario_payload(Lab& lab) {
  run_rpc(lab, "payload", 16 * 1024, {"router CPU per call with 16 KiB", 30, false});
}

void scenario_pubsub(Lab& lab) {
  PubsubShape shape;
  run_pubsub(lab, "pubsub", shape, {"router CPU per event", 0.8, false});
}

void scenario_fanout(Lab& lab) {
  PubsubShape shape;
  shape.subscribers = 50;
  shape.outstanding = 4;
  run_pubsub(lab, "fanout", shape, {"router CPU per delivered event", 2, false});
}

void scenario_fanout1(Lab& lab) {
  // Nothing to gather: every delivery is a system call of its own, for nats-server too.
  PubsubShape shape;
  shape.subscribers = 50;
  shape.outstanding = 1;
  shape.payload = lab.options.payload;
  compare(lab, "fanout1", "event", all_subjects(lab),
          [&](Subject& s) { return std::make_unique<PubsubRun>(lab, s, shape); });
}

}  // namespace bench
