// A client that does not keep up costs its own queue and nobody else: a subscriber that stops
// reading among others that do not, and a caller that sends more calls than anybody wants to
// queue.
#include <algorithm>

#include "bench/error.hpp"
#include "bench/run.hpp"
#include "bench/wamp.hpp"

namespace bench {

namespace {

constexpr size_t kSubscribers = 8, kOutstanding = 64;
constexpr size_t kPayload = 1024;        // large enough that seconds suffice to fill a queue
constexpr size_t kSlackBytes = 2 << 20;  // what memory moves by itself
constexpr uint32_t kStalledTag = UINT32_MAX;
constexpr size_t kPipelined = 3000;
// Rounds are long enough to fill a queue, and otherwise short and many: a p99 is at the mercy of
// what else the machine does, which only ever adds to it, so the best rounds are compared. What a
// stalled subscriber does to the others it does in every round.
constexpr int kRoundsPerRepeat = 3;
constexpr double kLeastSeconds = 0.3;

double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

PubsubShape slow_shape() {
  PubsubShape shape;
  shape.subscribers = kSubscribers;
  shape.outstanding = kOutstanding;
  shape.payload = kPayload;
  return shape;
}

// The same shape, with or without one more subscriber that never reads.
class SlowRun : public PubsubRun {
 public:
  SlowRun(Lab& lab, Subject& subject, bool with_stalled)
      : PubsubRun(lab, subject, slow_shape()), memory_(resident_bytes(subject.pid)) {
    if (!with_stalled) return;
    ConnectOptions options;
    options.receive_buffer = 64 * 1024;  // fill the router's queue, not the kernel's
    stalled_ = subject.connect(*this, options);
    stalled_->tag = kStalledTag;
    stalled_->expect_payload(kPayload);
    wait_for_stalled();
    stalled_->subscribe("bench.topic", "");
    wait_for_stalled();
    stalled_->set_reading(false);
  }

  void on_event(Link& subscriber, std::string_view payload) override {
    if (subscriber.tag != kStalledTag) return PubsubRun::on_event(subscriber, payload);
    ++late_;
  }

  // Reads again after the run: events that were still queued for the stalled subscriber.
  uint64_t read_late() {
    if (!stalled_) return 0;
    stalled_->set_reading(true);
    uint64_t seen = 0;
    do {
      seen = late_;
      lab_.engine.run_for(0.2);
    } while (late_ != seen);
    return late_;
  }
  bool disconnected() const { return stalled_ && !stalled_->open(); }
  uint64_t growth() const { return peak_ > memory_ ? peak_ - memory_ : 0; }

 protected:
  void on_tick() override { peak_ = std::max(peak_, resident_bytes(subject_.pid)); }

 private:
  void wait_for_stalled() {
    lab_.engine.require([this] { return stalled_->ready(); }, 10, "the stalled subscriber");
  }

  std::unique_ptr<Link> stalled_;
  uint64_t late_ = 0, memory_, peak_ = 0;
};

struct Rounds {
  std::vector<Reading> readings;
  std::vector<double> p99_us, growth_mib;
  double lost = 0, published = 0, late = 0, disconnected = 0;
};

double best(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

void run_round(Lab& lab, Subject& subject, bool with_stalled, Rounds& rounds) {
  SlowRun run(lab, subject, with_stalled);
  rounds.readings.push_back(
      run.measure(std::max(kLeastSeconds, lab.options.seconds / kRoundsPerRepeat)));
  rounds.p99_us.push_back(static_cast<double>(rounds.readings.back().latency.percentile(0.99)) /
                          1e3);
  rounds.growth_mib.push_back(mib(run.growth()));
  rounds.lost += static_cast<double>(run.lost());
  rounds.published += static_cast<double>(run.published());
  rounds.late += static_cast<double>(run.read_late());
  rounds.disconnected += run.disconnected() ? 1 : 0;
}

void measure(Lab& lab, const Transport& transport) {
  Rounds without, with;
  for (int i = 0; i < lab.options.repeat * kRoundsPerRepeat; ++i) {
    // A queue that has once been grown would hide the next one's growth.
    lab.fresh_router();
    const auto router = lab.router(transport);
    run_round(lab, *router, false, without);
    run_round(lab, *router, true, with);
  }
  const std::string name = name_of(transport);
  const double worst_growth = *std::max_element(with.growth_mib.begin(), with.growth_mib.end());
  const double p99 = best(with.p99_us) / std::max(best(without.p99_us), 1e-3);
  const double p99_median = median(with.p99_us) / std::max(median(without.p99_us), 1e-3);
  lab.report.add(Row{"slow", "router", name, "event", summarize(without.readings), {}});
  lab.report.add(Row{"slow",
                     "router",
                     name + "+1",
                     "event",
                     summarize(with.readings),
                     {{"published", with.published, ""},
                      {"lost_by_others", with.lost + without.lost, ""},
                      {"reached_the_stalled_one", with.late, ""},
                      {"stalled_ones_disconnected", with.disconnected, ""},
                      {"memory_growth", worst_growth, "MiB"},
                      {"p99_relative_best", p99, ""},
                      {"p99_relative_median", p99_median, ""}}});
  lab.report.add(Target{"slow", name, "memory growth with a stalled subscriber", worst_growth,
                        mib(lab.options.queue_limit + kSlackBytes), "MiB"});
  lab.report.add(Target{"slow", name, "events lost by the other subscribers",
                        with.lost + without.lost, 0, ""});
  lab.report.add(
      Target{"slow", name, "p99 of the others, relative, in the best rounds", p99, 2, ""});
  // Else the stalled subscriber was never one, and the figures above mean nothing.
  if (with.late >= with.published && with.disconnected == 0)
    lab.report.note("slow, " + name + ": too few events to fill the queue; use more --seconds");
}

// Calls written at once; nothing is read or written until all of them are with the kernel or wait
// for it.
class PipelinedRun : public RpcRun {
 public:
  using RpcRun::RpcRun;
  void on_result(Link& caller, uint64_t id, std::string_view payload, bool ok) override {
    if (ok)
      RpcRun::on_result(caller, id, payload, true);
    else
      ++refused_;
  }
  Reading write_all() {
    const Meter meter(subject_.pid);
    begin();
    lab_.engine.run_until([this] { return operations_ + refused_ == kPipelined; }, 10);
    Reading reading = meter.stop(operations_);
    reading.latency = latency_;
    return reading;
  }
  uint64_t refused() const { return refused_; }

 private:
  uint64_t refused_ = 0;
};

}  // namespace

void scenario_slow(Lab& lab) {
  for (const Transport& transport : lab.options.transports) measure(lab, transport);
}

void scenario_pipelined(Lab& lab) {
  lab.fresh_router();
  for (const Transport& transport : lab.options.transports) {
    const auto router = lab.router(transport);
    RpcShape shape;
    shape.callers = 1;
    shape.outstanding = kPipelined;
    shape.payload = lab.options.payload;
    std::vector<Reading> readings;
    double unanswered = 0, refused = 0;
    for (int i = 0; i < lab.options.repeat; ++i) {
      PipelinedRun run(lab, *router, shape);
      readings.push_back(run.write_all());
      refused += static_cast<double>(run.refused());
      unanswered += static_cast<double>(kPipelined - readings.back().operations - run.refused());
    }
    lab.report.add(Row{"pipelined",
                       "router",
                       router->transport,
                       "call",
                       summarize(readings),
                       {{"answered_with_an_error", refused, ""}, {"unanswered", unanswered, ""}}});
    lab.report.add(Target{"pipelined", router->transport, "calls of 3,000 without an answer",
                          unanswered, 0, ""});
  }
}

}  // namespace bench
