// Many subscriptions: what publishing costs beside patterns that do not match, and what an exact
// subscription costs in memory.
#include <cstdio>

#include "bench/run.hpp"

namespace bench {

namespace {

constexpr double kPatternsTarget = 2;  // times what it costs without
constexpr double kBytesTarget = 400;
constexpr size_t kHolders = 100;       // sessions that share the million
constexpr size_t kColdTopics = 20000;  // more than any cache of topics is likely to keep

std::string numbered(const char* pattern, size_t n) {
  char text[64];
  std::snprintf(text, sizeof(text), pattern, n);
  return text;
}

// Sessions that subscribe and then do nothing.
class Holders : public Run {
 public:
  using Run::Run;

  Link& add() {
    Link& link = connect();
    wait_ready();
    return link;
  }
  // Some at a time: a router may well refuse to queue ten thousand replies.
  void subscribe(Link& link, const std::string& topic, const std::string& match) {
    constexpr size_t kBatch = 500;
    link.subscribe(topic, match);
    if (++count_ % kBatch == 0) wait_ready();
  }
  void finish() { wait_ready(); }

 protected:
  void begin() override {}
  bool idle() const override { return true; }

 private:
  size_t count_ = 0;
};

// Half prefixes, half wildcards; no topic that is published falls under one.
void hold_patterns(Holders& holders, size_t count) {
  Link& link = holders.add();
  for (size_t n = 0; n < count / 2; ++n) {
    holders.subscribe(link, numbered("bench.p%06zu.", n), "prefix");
    holders.subscribe(link, numbered("bench..w%06zu", n), "wildcard");
  }
  holders.finish();
}

}  // namespace

void scenario_patterns(Lab& lab) {
  const size_t count = lab.options.quick ? 2000 : 100000;
  const std::string with = lab.options.quick ? "+2k" : "+100k";
  PubsubShape warm, cold;
  warm.payload = cold.payload = lab.options.payload;
  warm.topics = {"bench.topic.warm"};
  cold.topics.clear();
  // One after the other, and so many that none is known any more when its turn comes again.
  for (size_t n = 0; n < kColdTopics; ++n) cold.topics.push_back(numbered("bench.topic.%06zu", n));
  warm.subscriptions = cold.subscriptions = {{"bench.topic.", "prefix"}};
  for (const Transport& transport : lab.options.transports) {
    lab.fresh_router();
    const auto measure = [&](const std::string& suffix) {
      std::vector<std::unique_ptr<Subject>> subjects;
      for (const char* kind : {"", "/cold"}) {
        subjects.push_back(lab.router(transport));
        subjects.back()->transport += kind + suffix;
      }
      return compare(lab, "patterns", "event", subjects, [&](Subject& s) {
        const bool is_cold = &s == subjects.back().get();
        return std::make_unique<PubsubRun>(lab, s, is_cold ? cold : warm);
      });
    };
    const std::vector<Summary> before = measure("");
    const auto subject = lab.router(transport);
    Holders holders(lab, *subject);
    hold_patterns(holders, count);
    const std::vector<Summary> after = measure(with);
    const char* const texts[] = {"patterns that do not match, relative to none",
                                 "the same, topics never seen before"};
    for (size_t i = 0; i < 2; ++i)
      lab.report.add(Target{"patterns", name_of(transport), texts[i],
                            after[i].cpu_us / before[i].cpu_us, kPatternsTarget, ""});
  }
}

void scenario_subscriptions(Lab& lab) {
  const size_t count = lab.options.quick ? 50000 : 1000000;
  const Transport& transport = lab.options.transports.back();
  std::vector<double> rounds;
  double subscribe_us = 0;
  for (int round = 0; round < lab.options.repeat; ++round) {
    lab.fresh_router();
    const auto subject = lab.router(transport);
    Holders holders(lab, *subject);
    std::vector<Link*> links;
    for (size_t i = 0; i < kHolders; ++i) links.push_back(&holders.add());
    lab.engine.run_for(0.2);
    const double per = static_cast<double>(count);
    const uint64_t memory = resident_bytes(subject->pid), cpu = cpu_ns(subject->pid);
    for (size_t n = 0; n < count; ++n)
      holders.subscribe(*links[n % kHolders], numbered("bench.exact.%07zu", n), "");
    holders.finish();
    lab.engine.run_for(0.3);
    rounds.push_back(
        (static_cast<double>(resident_bytes(subject->pid)) - static_cast<double>(memory)) / per);
    subscribe_us = static_cast<double>(cpu_ns(subject->pid) - cpu) / per / 1e3;
  }
  const double bytes = median(rounds);
  Row row;
  row.scenario = "subscriptions";
  row.subject = "router";
  row.transport = name_of(transport);
  row.figures = {{"exact_subscriptions", static_cast<double>(count), ""},
                 {"sessions", static_cast<double>(kHolders), ""},
                 {"memory_per_subscription", bytes, "bytes"},
                 {"router_CPU_per_SUBSCRIBE", subscribe_us, "us"}};
  lab.report.add(std::move(row));
  lab.report.add(Target{"subscriptions", name_of(transport),
                        "resident memory per exact subscription", bytes, kBytesTarget, "bytes"});
}

}  // namespace bench
