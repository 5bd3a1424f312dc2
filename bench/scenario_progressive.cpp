// Calls that are answered in many parts: what one part costs.
#include "bench/run.hpp"
#include "bench/wamp.hpp"

namespace bench {

namespace {

constexpr size_t kOutstanding = 4, kChunks = 100;
constexpr char kProcedure[] = "bench.progressive";

// One caller and one callee that answers each call with 99 progressive results and a last one.
class ProgressiveRun : public Run {
 public:
  ProgressiveRun(Lab& lab, Subject& subject)
      : Run(lab, subject), payload_(make_payload(lab.options.payload)), chunks_(SendTimes::kSize) {
    callee_ = static_cast<WampLink*>(&connect());
    caller_ = static_cast<WampLink*>(&connect());
    wait_ready();
    callee_->register_procedure(kProcedure);
    for (WampLink* link : {callee_, caller_})
      link->prepare_progressive(kProcedure, payload_.size());
    wait_ready();
  }

  void on_call(Link&, const Call& call) override {
    for (size_t i = 1; i < kChunks; ++i) callee_->answer_progress(call, payload_);
    callee_->answer(call, payload_);
  }

  void on_result(Link&, uint64_t id, std::string_view payload, bool ok) override {
    if (!ok || payload != payload_) return wrong("a progressive result is not what was sent");
    ++operations_;
    latency_.record(lab_.engine.now() - sent_[id]);
    uint32_t& chunks = chunks_[id % SendTimes::kSize];
    if (++chunks < kChunks) return;
    chunks = 0;
    --in_flight_;
    if (running_) issue();
  }

 protected:
  void begin() override {
    for (size_t i = 0; i < kOutstanding; ++i) issue();
  }
  bool idle() const override { return in_flight_ == 0; }

 private:
  void issue() {
    ++in_flight_;
    const uint64_t id = caller_->call(payload_);
    sent_[id] = lab_.engine.now();
  }

  const std::string payload_;
  WampLink* callee_ = nullptr;
  WampLink* caller_ = nullptr;
  SendTimes sent_;
  std::vector<uint32_t> chunks_;  // that have arrived, by call
  size_t in_flight_ = 0;
};

}  // namespace

void scenario_progressive(Lab& lab) {
  lab.fresh_router();
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const Transport& transport : lab.options.transports)
    subjects.push_back(lab.router(transport));
  compare(lab, "progressive", "chunk", subjects,
          [&](Subject& s) { return std::make_unique<ProgressiveRun>(lab, s); });
}

}  // namespace bench
