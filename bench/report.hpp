// Report: the rows and the targets of a run, as tables for people and as JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/measure.hpp"

namespace bench {

// A number with a name and its unit: "growth", 3.1, "MiB".
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
};

// A measurement. Scenarios that count something else than operations have figures only.
struct Row {
  std::string scenario;   // "rpc"
  std::string subject;    // "router", "nats", "relay"
  std::string transport;  // "ws-json"; "nats" and relays: "tcp" or "unix"
  std::string operation;  // what one operation is: "call", "event"; empty = no summary
  Summary summary;
  std::vector<Figure> figures;
};

// Something that was promised. It is met when `value` <= `limit`.
struct Target {
  std::string scenario, transport;
  std::string text;  // "router CPU per call"
  double value = 0, limit = 0;
  std::string unit;
  bool met() const { return value <= limit; }
};

class Report {
 public:
  // Prints them as they come, so that a long run shows what it does.
  void add(Row row);
  void add(Target target);
  // A scenario that could not be run, and why.
  void add_failure(const std::string& scenario, const std::string& why);
  void note(const std::string& text);

  bool failed() const { return !failures_.empty(); }
  // Targets met and missed, and what failed.
  void print_summary() const;
  // `settings`: name and JSON text of each setting.
  std::string to_json(const std::vector<std::pair<std::string, std::string>>& settings) const;

 private:
  std::vector<Row> rows_;
  std::vector<Target> targets_;
  std::vector<std::pair<std::string, std::string>> failures_;
  std::vector<std::string> notes_;
  std::string last_scenario_;
};

// `text` as a JSON string, with its quotes.
std::string json_string(const std::string& text);
// Six significant digits; null for what is not finite.
std::string json_number(double value);

}  // namespace bench
