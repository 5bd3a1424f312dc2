// nexus-bench: a load generator for WAMP routers. What it measures and how to read that is in
// docs/benchmarks.md. One thread, raw messages, nothing of the router's own code.
#include <sys/utsname.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "bench/error.hpp"
#include "bench/lab.hpp"
#include "bench/selftest.hpp"

namespace {

using namespace bench;

using Settings = std::vector<std::pair<std::string, std::string>>;

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

Settings settings_of(const Options& options) {
  utsname system = {};
  uname(&system);
  std::string transports;
  for (const Transport& transport : options.transports)
    transports += (transports.empty() ? "" : ",") + name_of(transport);
  return {{"router", json_string(options.urls.empty() ? options.router : options.urls.front())},
          {"transports", json_string(transports)},
          {"seconds", json_number(options.seconds)},
          {"repeat", json_number(options.repeat)},
          {"payload", json_number(static_cast<double>(options.payload))},
          {"sessions", json_number(static_cast<double>(options.sessions))},
          {"loops", json_number(options.loops)},
          {"processor", json_string(processor())},
          {"processors", json_number(std::thread::hardware_concurrency())},
          {"kernel", json_string(std::string(system.sysname) + " " + system.release)}};
}

void print_settings(const Settings& settings) {
  for (const auto& [name, json] : settings) std::printf("%s %s  ", name.c_str(), json.c_str());
  std::printf("\n");
}

std::vector<const Scenario*> wanted(const Options& options) {
  std::vector<const Scenario*> list;
  for (const std::string& name : options.scenarios) list.push_back(find_scenario(name));
  if (!list.empty()) return list;
  for (const Scenario& scenario : scenarios())
    if (scenario.by_default) list.push_back(&scenario);
  return list;
}

int run(const Options& options) {
  // Before the router starts: it inherits the limit.
  raise_descriptor_limit();
  const Settings settings = settings_of(options);
  print_settings(settings);
  Report report;
  Lab lab(options, report);
  for (const Scenario* scenario : wanted(options)) {
    try {
      scenario->run(lab);
    } catch (const std::exception& error) {
      report.add_failure(scenario->name, error.what());
    }
  }
  report.print_summary();
  if (!options.json.empty()) write_file(options.json, report.to_json(settings));
  return report.failed() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse_options(argc, argv);
    return options.selftest ? selftest() : run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nexus-bench: %s\n", error.what());
    return 2;
  }
}
