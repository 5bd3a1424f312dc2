// Measuring, and the RPC and publish/subscribe shapes; see run.hpp.
#include "bench/run.hpp"

#include <algorithm>

#include "bench/error.hpp"

namespace bench {

namespace {
constexpr double kTick = 0.05;
constexpr double kStalled = 3;  // seconds without an operation
constexpr char kProcedure[] = "bench.procedure";
}  // namespace

Link& Run::connect(const ConnectOptions& options) {
  links_.push_back(subject_.connect(*this, options));
  return *links_.back();
}

void Run::check_links() {
  for (const auto& link : links_)
    if (!link->open()) throw Failure("a connection was lost: " + link->why());
  if (!wrong_.empty()) throw Failure(wrong_);
}

void Run::drive(double seconds) {
  const uint64_t end = now_ns() + static_cast<uint64_t>(seconds * 1e9);
  uint64_t moved_at = now_ns(), seen = operations_;
  for (uint64_t now; (now = now_ns()) < end;) {
    lab_.engine.run_for(std::min(kTick, static_cast<double>(end - now) / 1e9));
    on_tick();
    check_links();
    if (operations_ != seen) {
      seen = operations_;
      moved_at = now_ns();
    } else if (now_ns() - moved_at > static_cast<uint64_t>(kStalled * 1e9)) {
      throw Failure(subject_.transport + ": nothing moves any more");
    }
  }
}

Reading Run::measure(double seconds) {
  running_ = true;
  begin();
  drive(std::max(0.1, seconds / 5));
  latency_ = Histogram();
  const uint64_t before = operations_;
  const Meter meter(subject_.pid);
  drive(seconds);
  Reading reading = meter.stop(operations_ - before);
  reading.latency = latency_;
  running_ = false;
  lab_.engine.require([this] { return idle(); }, 10, subject_.transport + ": the last answers");
  check_links();
  return reading;
}

RpcRun::RpcRun(Lab& lab, Subject& subject, const RpcShape& shape)
    : Run(lab, subject),
      shape_(shape),
      payload_(make_payload(shape.payload)),
      sent_(shape.callers) {
  Link& callee = connect();
  for (size_t i = 0; i < shape.callers; ++i) connect().tag = static_cast<uint32_t>(i);
  wait_ready();
  callee.register_procedure(kProcedure);
  callee.prepare_answer(shape.payload);
  for (size_t i = 1; i < links_.size(); ++i) links_[i]->prepare_call(kProcedure, shape.payload);
  wait_ready();
}

void RpcRun::begin() {
  for (size_t i = 1; i < links_.size(); ++i)
    for (size_t n = 0; n < shape_.outstanding; ++n) issue(*links_[i]);
}

void RpcRun::issue(Link& caller) {
  ++in_flight_;
  const uint64_t id = caller.call(payload_);
  sent_[caller.tag][id] = lab_.engine.now();
}

void RpcRun::on_call(Link& callee, const Call& call) { callee.answer(call, call.payload); }

void RpcRun::on_result(Link& caller, uint64_t id, std::string_view payload, bool ok) {
  --in_flight_;
  ++operations_;
  latency_.record(lab_.engine.now() - sent_[caller.tag][id]);
  if (!ok)
    wrong("a call was answered with an error");
  else if (payload != payload_)
    wrong("a result is not what was sent");
  if (running_) issue(caller);
}

PubsubRun::PubsubRun(Lab& lab, Subject& subject, const PubsubShape& shape)
    : Run(lab, subject),
      shape_(shape),
      payload_(make_payload(shape.payload)),
      expected_(shape.subscribers) {
  publisher_ = &connect();
  for (const std::string& topic : shape.topics) publisher_->prepare_publish(topic, shape.payload);
  for (size_t i = 0; i < shape.subscribers; ++i) connect().tag = static_cast<uint32_t>(i);
  wait_ready();
  subscribe_all();
}

void PubsubRun::subscribe_all() {
  // Some at a time: a router may well refuse to queue ten thousand replies.
  constexpr size_t kBatch = 500;
  for (size_t n = 0; n < shape_.subscriptions.size(); ++n) {
    for (size_t i = 1; i <= shape_.subscribers; ++i) {
      links_[i]->expect_payload(shape_.payload);
      links_[i]->subscribe(shape_.subscriptions[n].first, shape_.subscriptions[n].second);
    }
    if ((n + 1) % kBatch == 0) wait_ready();
  }
  wait_ready();
}

void PubsubRun::begin() {
  for (size_t n = 0; n < shape_.outstanding; ++n) issue();
}

void PubsubRun::issue() {
  const uint64_t sequence = published_++;
  set_sequence(payload_, static_cast<uint32_t>(sequence));
  missing_[sequence % SendTimes::kSize] = static_cast<uint32_t>(shape_.subscribers);
  sent_[sequence] = lab_.engine.now();
  publisher_->publish(sequence % shape_.topics.size(), payload_);
}

void PubsubRun::on_event(Link& subscriber, std::string_view payload) {
  uint64_t& expected = expected_[subscriber.tag];
  const uint32_t sequence = sequence_of(payload);
  // The lower 32 bits are what the payload says.
  const uint32_t skipped = sequence - static_cast<uint32_t>(expected);
  if (payload.size() != shape_.payload || skipped > UINT32_MAX / 2)
    return wrong("an event is not what was published, or came twice");
  for (uint32_t i = 0; i < skipped; ++i) {
    ++lost_;
    arrived(expected++);
  }
  latency_.record(lab_.engine.now() - sent_[expected]);
  ++operations_;
  arrived(expected++);
}

void PubsubRun::arrived(uint64_t sequence) {
  if (--missing_[sequence % SendTimes::kSize] != 0) return;
  ++completed_;
  if (running_) issue();
}

std::vector<std::unique_ptr<Subject>> all_subjects(Lab& lab) {
  std::vector<std::unique_ptr<Subject>> subjects;
  lab.fresh_router();
  for (const Transport& transport : lab.options.transports)
    subjects.push_back(lab.router(transport));
  if (auto nats = lab.nats()) subjects.push_back(std::move(nats));
  return subjects;
}

}  // namespace bench
