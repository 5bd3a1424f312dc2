// Calls that are answered in many parts: what one part costs, beside an event.
#include "bench/run.hpp"
#include "bench/wamp.hpp"

namespace bench {

namespace {

constexpr size_t kOutstanding = 4, kChunks = 1000;
constexpr size_t kWindow = 16;  // of a call; over all calls as many as pubsub has events in flight
constexpr double kTarget = 1.3;
constexpr char kProcedure[] = "bench.progressive";

// One caller and one callee that answers each call with 99 progressive results and a last one. The
// next part goes out when an earlier one has arrived, as the events of pubsub do.
class ProgressiveRun : public Run {
 public:
  ProgressiveRun(Lab& lab, Subject& subject)
      : Run(lab, subject), payload_(make_payload(lab.options.payload)), calls_(SendTimes::kSize) {
    callee_ = static_cast<WampLink*>(&connect());
    caller_ = static_cast<WampLink*>(&connect());
    wait_ready();
    callee_->register_procedure(kProcedure);
    for (WampLink* link : {callee_, caller_})
      link->prepare_progressive(kProcedure, payload_.size());
    wait_ready();
  }

  void on_call(Link&, const Call& call) override {
    // Calls arrive in the order in which they were made.
    Open& open = calls_[requests_[arrived_++ % SendTimes::kSize] % SendTimes::kSize];
    open.invocation = call.id;
    for (size_t i = 0; i < kWindow; ++i) send_part(open);
  }

  void on_result(Link&, uint64_t id, std::string_view payload, bool ok) override {
    if (!ok || payload != payload_) return wrong("a progressive result is not what was sent");
    ++operations_;
    latency_.record(lab_.engine.now() - sent_[id]);
    Open& open = calls_[id % SendTimes::kSize];
    if (open.sent < kChunks) send_part(open);
    if (++open.received < kChunks) return;
    open = {};
    --in_flight_;
    if (running_) issue();
  }

 protected:
  void begin() override {
    for (size_t i = 0; i < kOutstanding; ++i) issue();
  }
  bool idle() const override { return in_flight_ == 0; }

 private:
  struct Open {
    uint64_t invocation = 0;
    size_t sent = 0, received = 0;
  };

  void issue() {
    ++in_flight_;
    const uint64_t id = caller_->call(payload_);
    requests_[issued_++ % SendTimes::kSize] = id;
    sent_[id] = lab_.engine.now();
  }
  void send_part(Open& open) {
    Call call;
    call.id = open.invocation;
    if (++open.sent < kChunks)
      callee_->answer_progress(call, payload_);
    else
      callee_->answer(call, payload_);
  }

  const std::string payload_;
  WampLink* callee_ = nullptr;
  WampLink* caller_ = nullptr;
  SendTimes sent_;
  std::vector<Open> calls_;  // by request
  std::vector<uint64_t> requests_ = std::vector<uint64_t>(SendTimes::kSize);
  uint64_t issued_ = 0, arrived_ = 0;
  size_t in_flight_ = 0;
};

}  // namespace

void scenario_progressive(Lab& lab) {
  lab.fresh_router();
  PubsubShape events;
  events.payload = lab.options.payload;
  for (const Transport& transport : lab.options.transports) {
    std::vector<std::unique_ptr<Subject>> subjects;
    subjects.push_back(lab.router(transport));
    subjects.push_back(lab.router(transport));
    subjects.back()->transport += "/event";
    const auto make = [&](Subject& s) -> std::unique_ptr<Run> {
      if (&s == subjects.back().get()) return std::make_unique<PubsubRun>(lab, s, events);
      return std::make_unique<ProgressiveRun>(lab, s);
    };
    const auto found = compare(lab, "progressive", "part", subjects, make);
    lab.report.add(Target{"progressive", name_of(transport),
                          "router CPU per part, relative to an event 1 to 1",
                          found[0].cpu_us / found[1].cpu_us, kTarget, ""});
  }
}

}  // namespace bench
