// Printing option tables. [main]
#include "nexusd/describe.hpp"

#include <unistd.h>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <tuple>

#include "nexusd/exit_status.hpp"
#include "nexusd/plugins.hpp"
#include "nexusd/reference_text.hpp"
#include "nexusd/settings.hpp"

namespace nexusd {
namespace {

// The plugins that a configuration names, or those of the default folder.
struct Loaded {
  nexus::Log log;
  nexus::CallWatch watch;
  nexus::HostContext context;
  std::unique_ptr<nexus::Registry> registry;
  bool complete = true;

  explicit Loaded(const CommandLine& command) {
    ConfigFile file;
    std::vector<ConfigMistake> mistakes;
    file.folder = ".";
    if (!command.config.empty()) load_config_file(command.config, file, mistakes);
    apply_command_line(command, file);
    context.log = &log;
    context.watch = &watch;
    watch.start(nexus::RouterEnvironment().slow_call, [](const nexus::PluginCall& call) {
      std::cerr << "nexusd: " << call.text << " does not end" << std::endl;
      ::_exit(kExitConfig);
    });
    Value plugins = file.value.find("plugins");
    if (!plugins) plugins = Value::dict();
    registry = nexus::load_plugins(plugins, router_environment(log, file.folder, file.text_values),
                                   context, mistakes);
    for (const ConfigMistake& mistake : mistakes) {
      std::cerr << "nexusd: " << show_mistake(file, mistake) << "\n";
    }
    complete = mistakes.empty();
  }

  // By kind and name, so that output does not depend on file names.
  std::vector<nexus::Component> components() const {
    std::vector<nexus::Component> sorted;
    if (registry) sorted = registry->components();
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return std::pair(a.table->kind, a.name()) < std::pair(b.table->kind, b.name());
    });
    return sorted;
  }
  int status() const { return complete ? kExitOk : kExitConfig; }
};

nexus::OptionTable table_of(const nexus::Component& component) {
  return {component.table->options, component.table->option_count};
}

std::string options_or_none(const nexus::OptionTable& table, bool markdown) {
  return table.count == 0 ? "It has no options.\n" : nexus::describe_options(table, markdown);
}

// Where a component's options are written.
std::string section_of(const nexus::Component& component) {
  switch (component.table->kind) {
    case NX_KIND_SERIALIZER:
      return "serializers.<label>";
    case NX_KIND_TRANSPORT:
      return "transports.<label>";
    case NX_KIND_AUTHENTICATOR:
      return "realms.<label>.authenticators.<label>";
    case NX_KIND_AUTHORIZER:
      return "realms.<label>.authorizers.<label>";
    default:
      return {};
  }
}

void describe_component(const nexus::Component& component) {
  std::cout << nexus::kind_name(component.table->kind) << " " << component.name() << ": "
            << nexus::to_view(component.table->help) << "\n";
  const std::string section = section_of(component);
  if (!section.empty()) {
    std::cout << "Section " << section << " with type = " << component.name() << "\n";
  }
  std::cout << "Plugin " << nexus::to_view(component.plugin->name) << " "
            << nexus::to_view(component.plugin->version) << ", " << component.file << "\n\n"
            << options_or_none(table_of(component), false);
}

std::vector<nexus::ConfigSection> all_sections() {
  std::vector<nexus::ConfigSection> sections = nexus::router_config_sections();
  sections.push_back(log_section());
  return sections;
}

}  // namespace

int list_plugins(const CommandLine& command) {
  const Loaded loaded(command);
  std::vector<std::array<std::string, 5>> rows = {{"KIND", "NAME", "VERSION", "PLUGIN", "FILE"}};
  for (const nexus::Component& component : loaded.components()) {
    rows.push_back({nexus::kind_name(component.table->kind), std::string(component.name()),
                    std::string(nexus::to_view(component.plugin->version)),
                    std::string(nexus::to_view(component.plugin->name)), component.file});
  }
  std::array<size_t, 5> widths{};
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      std::cout << std::left << std::setw(static_cast<int>(widths[i]) + 2) << row[i];
    }
    std::cout << row.back() << "\n";
  }
  return loaded.status();
}

int describe(const CommandLine& command) {
  const Loaded loaded(command);
  // "ticket", or "authenticator/ticket" where a name alone would say too little.
  const std::string& wanted = command.describe;
  std::vector<std::string> names;
  int found = 0;
  for (const nexus::Component& component : loaded.components()) {
    const std::string name(component.name());
    const std::string full = std::string(nexus::kind_name(component.table->kind)) + "/" + name;
    names.push_back(name);
    names.push_back(full);
    if (wanted != name && wanted != full) continue;
    if (found++ > 0) std::cout << "\n";
    describe_component(component);
  }
  for (const nexus::ConfigSection& section : all_sections()) {
    const std::string path(section.path);
    names.push_back(path);
    names.push_back(path.substr(0, path.find('.')));
    if (wanted != path && wanted != path.substr(0, path.find('.'))) continue;
    if (found++ > 0) std::cout << "\n";
    std::cout << "section " << path << ": " << section.help << "\n\n"
              << options_or_none(section.table, false);
  }
  if (found > 0) return loaded.status();
  const std::string nearest = nexus::nearest_word(wanted, names);
  std::cerr << "nexusd: there is no component or section \"" << wanted << "\""
            << (nearest.empty() ? "; --list-plugins shows what is loaded"
                                : "; did you mean \"" + nearest + "\"?")
            << "\n";
  return kExitUsage;
}

int describe_config(const CommandLine& command) {
  const Loaded loaded(command);
  std::cout << kReferenceHead;
  for (const nexus::ConfigSection& section : all_sections()) {
    std::cout << "\n### `" << section.path << "`\n\n"
              << section.help << "\n\n"
              << options_or_none(section.table, true);
  }
  std::cout << kReferenceComponents;
  for (const nexus::Component& component : loaded.components()) {
    std::cout << "\n### " << nexus::kind_name(component.table->kind) << " `" << component.name()
              << "`\n\n"
              << nexus::to_view(component.table->help) << "\n\n"
              << options_or_none(table_of(component), true);
  }
  return loaded.status();
}

}  // namespace nexusd
