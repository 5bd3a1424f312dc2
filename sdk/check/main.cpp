// nexus-plugin-check FILE.so [--component NAME] [--options JSON]: checks a plugin as a router would
// use it, and as a hostile client would. A second, tiny host that sees nothing but the SDK.
//
// Exit status: 0 all is well, 1 something is wrong with the plugin, 2 the tool was called wrongly.
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "checks.hpp"

namespace {

using check::Choice;
using check::Outcome;
using check::Report;
using check::Verdict;

constexpr const char* kUsage =
    "usage: nexus-plugin-check FILE.so [--component NAME] [--options JSON]\n"
    "\n"
    "  --component NAME  check only the component of this name\n"
    "  --options JSON    options that the component needs, as configure() sees them:\n"
    "                    '{\"token\": \"secret\", \"timeout\": 5000}'\n"
    "\n"
    "Exit status: 0 all is well, 1 something is wrong with the plugin, 2 wrong usage.\n";

class Printer {
 public:
  void title(const std::string& text) { std::printf("%s\n", text.c_str()); }
  void show(const Outcome& outcome) {
    std::set<std::string> notes;  // one that comes with each life is worth one line
    for (const check::Line& line : outcome.lines) {
      if (line.verdict == Verdict::note && !notes.insert(line.text).second) continue;
      const char* mark = line.verdict == Verdict::pass   ? "ok  "
                         : line.verdict == Verdict::fail ? "FAIL"
                         : line.verdict == Verdict::skip ? "skip"
                                                         : "note";
      std::printf("  %s  %s\n", mark, line.text.c_str());
      ++counts_[static_cast<int>(line.verdict)];
    }
  }
  // Prints the sum; answers the exit status.
  int finish() const {
    const int failed = counts_[static_cast<int>(Verdict::fail)];
    std::printf("%d passed, %d failed, %d skipped\n", counts_[static_cast<int>(Verdict::pass)],
                failed, counts_[static_cast<int>(Verdict::skip)]);
    return failed == 0 ? 0 : 1;
  }

 private:
  int counts_[4] = {};
};

bool parse(int argc, char** argv, Choice& choice) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool takes_value = argument == "--component" || argument == "--options";
    if (takes_value && i + 1 < argc) {
      (argument == "--component" ? choice.component : choice.options) = argv[++i];
    } else if (argument[0] == '-' || !choice.file.empty()) {
      return false;
    } else {
      choice.file = argument;
    }
  }
  return !choice.file.empty();
}

// One component, each check in a child that loads the library afresh.
void check_component(const Choice& choice, uint32_t index, Printer& printer) {
  using Check = std::function<void(const nx_component&, Report&)>;
  const auto run = [&](const Check& check) {
    const Outcome outcome = check::run_check([&](Report& report) {
      const nx_plugin_entry* entry = check::load(choice, report);
      if (entry != nullptr) check(*entry->components[index], report);
    });
    printer.show(outcome);
    return outcome.ok();
  };
  // What follows would crash on broken tables.
  if (!run([](const nx_component& c, Report& report) { check::check_tables(c, report); })) return;
  if (!run([&](const nx_component& c, Report& report) { check::check_life(choice, c, report); })) {
    return;
  }
  if (!run([&](const nx_component& c, Report& report) {
        check::check_interface(choice, c, report);
      })) {
    return;
  }
  run([&](const nx_component& c, Report& report) {
    switch (c.kind) {
      case NX_KIND_SERIALIZER:
        return check::check_serializer(choice, c, report);
      case NX_KIND_TRANSPORT:
        return check::check_transport(choice, c, report);
      case NX_KIND_AUTHENTICATOR:
        return check::check_authenticator(choice, c, report);
      default:
        return check::check_authorizer(choice, c, report);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  Choice choice;
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (!parse(argc, argv, choice)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  char absolute[PATH_MAX];
  if (realpath(choice.file.c_str(), absolute) == nullptr) {
    std::fprintf(stderr, "nexus-plugin-check: %s: %s\n", choice.file.c_str(), strerror(errno));
    return 2;
  }
  choice.file = absolute;
  try {
    nexus::sdk::fake::values().from_json(choice.options);
  } catch (const nexus::sdk::Error& e) {
    std::fprintf(stderr, "nexus-plugin-check: --options is not JSON: %s\n", e.what());
    return 2;
  }

  Printer printer;
  printer.title(choice.file);
  const Outcome file = check::run_check([&](Report& report) { check::check_file(choice, report); });
  printer.show(file);
  if (!file.ok()) return printer.finish();
  const Outcome entry =
      check::run_check([&](Report& report) { check::check_entry(choice, report); });
  printer.show(entry);
  if (!entry.ok()) return printer.finish();

  bool found = false;
  for (const std::string& fact : entry.facts) {  // "component\t<index>\t<name>"
    const size_t second = fact.find('\t', 10);
    const std::string name = fact.substr(second + 1);
    if (!choice.component.empty() && name != choice.component) continue;
    found = true;
    printer.title("component " + name);
    check_component(choice, static_cast<uint32_t>(std::stoul(fact.substr(10))), printer);
  }
  if (!found) {
    std::fprintf(stderr, "nexus-plugin-check: no component '%s'\n", choice.component.c_str());
    return 2;
  }
  return printer.finish();
}
