// Run: links that keep a subject busy in some shape, and the measuring of it. The shapes that
// several scenarios share are declared below it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/lab.hpp"

namespace bench {

class Run : public LinkEvents {
 public:
  Run(Lab& lab, Subject& subject) : lab_(lab), subject_(subject) {}

  // Warms up, measures for so long, stops issuing and waits for what is in flight. Throws Failure
  // if a link is lost, nothing moves any more, or an answer is not the right one.
  Reading measure(double seconds);

 protected:
  // Issues the first operations; on_*() issue the next ones while running_.
  virtual void begin() = 0;
  virtual bool idle() const = 0;  // nothing in flight
  virtual void on_tick() {}       // every 50 ms or so
  // A wrong answer; the run fails when it is next looked at.
  void wrong(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }
  void wait_ready() { bench::wait_ready(lab_.engine, links_); }
  Link& connect(const ConnectOptions& options = {});

  Lab& lab_;
  Subject& subject_;
  std::vector<std::unique_ptr<Link>> links_;
  bool running_ = false;
  uint64_t operations_ = 0;
  Histogram latency_;

 private:
  void drive(double seconds);
  void check_links();
  std::string wrong_;
};

// When the operations in flight were issued, by their number. Numbers in flight must not be
// kSize or more apart.
class SendTimes {
 public:
  static constexpr size_t kSize = 4096;
  uint64_t& operator[](uint64_t number) { return times_[number % kSize]; }

 private:
  std::vector<uint64_t> times_ = std::vector<uint64_t>(kSize);
};

// Callers that keep `outstanding` calls in flight each, and one callee that echoes.
struct RpcShape {
  size_t callers = 8;
  size_t outstanding = 8;
  size_t payload = 64;
};

class RpcRun : public Run {
 public:
  RpcRun(Lab& lab, Subject& subject, const RpcShape& shape);

  void on_call(Link& callee, const Call& call) override;
  void on_result(Link& caller, uint64_t id, std::string_view payload, bool ok) override;

 protected:
  void begin() override;
  bool idle() const override { return in_flight_ == 0; }

 private:
  void issue(Link& caller);

  const RpcShape shape_;
  const std::string payload_;
  std::vector<SendTimes> sent_;  // by the caller's tag
  uint64_t in_flight_ = 0;
};

// A publisher that keeps `outstanding` publications in flight: one is over when every subscriber
// has it. Event n goes to topic n modulo the number of topics.
struct PubsubShape {
  size_t subscribers = 1;
  size_t outstanding = 64;
  size_t payload = 64;
  std::vector<std::string> topics = {"bench.topic"};
  // What each subscriber subscribes to: URI and match.
  std::vector<std::pair<std::string, std::string>> subscriptions = {{"bench.topic", ""}};
};

class PubsubRun : public Run {
 public:
  PubsubRun(Lab& lab, Subject& subject, const PubsubShape& shape);

  void on_event(Link& subscriber, std::string_view payload) override;

  uint64_t published() const { return published_; }
  uint64_t lost() const { return lost_; }  // events that a subscriber never got

 protected:
  void begin() override;
  bool idle() const override { return completed_ == published_; }

  const PubsubShape shape_;

 private:
  void subscribe_all();
  void issue();
  void arrived(uint64_t sequence);

  Link* publisher_ = nullptr;
  std::string payload_;
  SendTimes sent_;
  std::vector<uint32_t> missing_ = std::vector<uint32_t>(SendTimes::kSize);
  std::vector<uint64_t> expected_;  // the next sequence number, by the subscriber's tag
  uint64_t published_ = 0, completed_ = 0, lost_ = 0;
};

// Measures each subject in turn, `repeat` times, so that what else the machine does meanwhile hits
// them alike; adds a row for each, and the ratio to nats. Answers the summaries in order. `Make`
// makes a new Run for a subject.
template <class Make>
std::vector<Summary> compare(Lab& lab, const std::string& scenario, const std::string& operation,
                             const std::vector<std::unique_ptr<Subject>>& subjects, Make make) {
  std::vector<std::vector<Reading>> readings(subjects.size());
  for (int round = 0; round < lab.options.repeat; ++round)
    for (size_t i = 0; i < subjects.size(); ++i)
      readings[i].push_back(make(*subjects[i])->measure(lab.options.seconds));
  std::vector<Summary> summaries;
  for (const auto& rounds : readings) summaries.push_back(summarize(rounds));
  for (size_t i = 0; i < subjects.size(); ++i) {
    Row row{scenario, subjects[i]->name, subjects[i]->transport, operation, summaries[i], {}};
    if (subjects.back()->name == "nats" && i + 1 < subjects.size())
      row.figures.push_back(
          {"CPU_relative_to_nats", summaries[i].cpu_us / summaries.back().cpu_us, ""});
    lab.report.add(std::move(row));
  }
  return summaries;
}

// The router over every transport that was asked for, all on one fresh router, and nats last.
std::vector<std::unique_ptr<Subject>> all_subjects(Lab& lab);

}  // namespace bench
