// The tables; see report.hpp. The JSON is in report_json.cpp.
#include "bench/report.hpp"

#include <cstdio>

namespace bench {

namespace {

double us(uint64_t ns) { return static_cast<double>(ns) / 1e3; }

void print_header() {
  std::printf("\n%-12s %-7s %-13s %-6s %9s %13s %5s %10s %8s %8s %8s %9s %8s %7s\n", "scenario",
              "subject", "transport", "per", "CPU us", "(range)", "user", "per s", "p50 us", "p90",
              "p99", "max", "RSS MiB", "own us");
}

void print_summary_row(const Row& row) {
  const Summary& s = row.summary;
  char range[32], user[8] = "-";
  std::snprintf(range, sizeof(range), "%.2f-%.2f", s.cpu_us_min, s.cpu_us_max);
  if (s.user_share >= 0) std::snprintf(user, sizeof(user), "%.0f%%", s.user_share * 100);
  std::printf("%-12s %-7s %-13s %-6s %9.2f %13s %5s %10.0f %8.1f %8.1f %8.1f %9.0f %8.1f %7.2f\n",
              row.scenario.c_str(), row.subject.c_str(), row.transport.c_str(),
              row.operation.c_str(), s.cpu_us, range, user, s.per_second,
              us(s.latency.percentile(0.5)), us(s.latency.percentile(0.9)),
              us(s.latency.percentile(0.99)), us(s.latency.max()),
              static_cast<double>(s.resident) / (1 << 20), s.own_us);
}

void print_figures(const Row& row) {
  std::printf("%-12s %-7s %-13s", row.scenario.c_str(), row.subject.c_str(), row.transport.c_str());
  for (const Figure& figure : row.figures)
    std::printf("  %s %.6g%s%s", figure.name.c_str(), figure.value, figure.unit.empty() ? "" : " ",
                figure.unit.c_str());
  std::printf("\n");
}

}  // namespace

void Report::add(Row row) {
  if (row.scenario != last_scenario_ && !row.operation.empty()) print_header();
  if (row.scenario != last_scenario_ && row.operation.empty()) std::printf("\n");
  last_scenario_ = row.scenario;
  if (!row.operation.empty()) print_summary_row(row);
  if (!row.figures.empty()) print_figures(row);
  std::fflush(stdout);
  rows_.push_back(std::move(row));
}

void Report::add(Target target) { targets_.push_back(std::move(target)); }

void Report::add_failure(const std::string& scenario, const std::string& why) {
  std::fprintf(stderr, "nexus-bench: %s could not be run: %s\n", scenario.c_str(), why.c_str());
  failures_.emplace_back(scenario, why);
}

void Report::note(const std::string& text) {
  for (const std::string& known : notes_)
    if (known == text) return;
  std::fprintf(stderr, "nexus-bench: %s\n", text.c_str());
  notes_.push_back(text);
}

void Report::print_summary() const {
  if (!targets_.empty()) std::printf("\ntargets\n");
  for (const Target& t : targets_)
    std::printf("  %-6s  %-12s %-13s %-46s %10.3g %s (at most %.4g)\n", t.met() ? "met" : "MISSED",
                t.scenario.c_str(), t.transport.c_str(), t.text.c_str(), t.value, t.unit.c_str(),
                t.limit);
  for (const auto& [scenario, why] : failures_)
    std::printf("  FAILED  %-12s %s\n", scenario.c_str(), why.c_str());
}

}  // namespace bench
