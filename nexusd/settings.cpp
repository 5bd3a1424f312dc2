// The option table of the section log, and its check. [main]
#include "nexusd/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace nexusd {
namespace {

#define LEVELS "trace|debug|info|warning|error|off"

constexpr nx_option option(uint32_t type, nx_str name, nx_str fallback, nx_str choices,
                           nx_str help) {
  return {sizeof(nx_option), type, 0, 0, name, fallback, choices, 0, 0, help};
}

const nx_option kLogOptions[] = {
    option(NX_OPTION_CHOICE, NX_STR("level"), NX_STR("info"), NX_STR(LEVELS),
           NX_STR("Least level that is written; see also --log-level.")),
    option(NX_OPTION_LIST, NX_STR("levels"), {}, {},
           NX_STR("Levels of single areas, as in session=debug, transport=warning.")),
    option(NX_OPTION_CHOICE, NX_STR("format"), NX_STR("text"), NX_STR("text|json"),
           NX_STR("How a line looks: for people, or one JSON object per line.")),
    option(NX_OPTION_PATH, NX_STR("path"), {}, {},
           NX_STR("File to append to; SIGHUP opens it anew after a rotation. Default: standard "
                  "error.")),
};

const nexus::OptionTable kLogTable{kLogOptions, std::size(kLogOptions)};

// The first part of a section's path: "realms" of "realms.<label>.limits".
std::string top_level(std::string_view path) { return std::string(path.substr(0, path.find('.'))); }

// "; did you mean "session"?", where one is near enough.
std::string guess(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nexus::nearest_word(word, known);
  return near.empty() ? "" : "; did you mean \"" + near + "\"?";
}

constexpr uint32_t kKinds[] = {NX_KIND_SERIALIZER, NX_KIND_TRANSPORT, NX_KIND_AUTHENTICATOR,
                               NX_KIND_AUTHORIZER};

void check_level_of_area(std::string_view text, std::vector<ConfigMistake>& mistakes) {
  const size_t equals = text.find('=');
  nexus::LogLevel level;
  if (equals == 0 || equals == std::string_view::npos ||
      !nexus::parse_log_level(text.substr(equals + 1), &level)) {
    const std::string_view word =
        equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    mistakes.push_back(
        {"log.levels", "\"" + std::string(text) +
                           "\" is not of the form area=level; levels are " LEVELS +
                           guess(word, {"trace", "debug", "info", "warning", "error"})});
    return;
  }
  // The areas of single components are looked at when it is known which there are.
  std::vector<std::string> known = nexus::router_log_areas();
  known.emplace_back("nexusd");
  for (const uint32_t kind : kKinds) known.emplace_back(nexus::kind_name(kind));
  const std::string_view area = text.substr(0, equals);
  const std::string_view first = area.substr(0, area.find('.'));
  if (std::find(known.begin(), known.end(), first) != known.end()) return;
  const std::string near = guess(first, known);
  std::string all;
  for (const std::string& one : known) all += (all.empty() ? "; there are " : ", ") + one;
  mistakes.push_back({"log.levels", "there is no area \"" + std::string(area) + "\"" +
                                        (near.empty() ? all : near)});
}

// What opening it would say, without creating it.
void check_log_path(const std::string& path, std::vector<ConfigMistake>& mistakes) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    mistakes.push_back({"log.path", "\"" + path + "\" is a folder; name a file in it"});
    return;
  }
  const bool exists = std::filesystem::exists(path, error);
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (::access(exists ? path.c_str() : folder.c_str(), W_OK) != 0) {
    mistakes.push_back({"log.path", "\"" + path + "\" cannot be written: " + std::strerror(errno)});
  }
}

}  // namespace

nexus::ConfigSection log_section() {
  return {"log", "Where the log goes and how much it says.", kLogTable};
}

void check_own_settings(const ConfigFile& file, nexus::LogOptions& options,
                        std::vector<ConfigMistake>& mistakes) {
  std::vector<std::string> known = {"log"};
  for (const nexus::ConfigSection& section : nexus::router_config_sections()) {
    known.push_back(top_level(section.path));
  }
  for (size_t i = 0; i < file.value.size(); ++i) {
    const std::string key(file.value.key_at(i));
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string hint = guess(key, known);
    if (const std::string place = nexus::place_of_option(key, nullptr);
        hint.empty() && !place.empty()) {
      hint = "; it is an option of " + place;
    }
    mistakes.push_back({key, "there is no such section" + hint});
  }

  const Value transports = file.value.find("transports");
  if (!transports || (transports.is(NX_DICT) && transports.size() == 0)) {
    // A router in a program may do without; a service that nobody can reach is a mistake.
    mistakes.push_back(
        {"transports", "there is no listener: add transports.<label>, or --ws, --tcp or --unix"});
  }

  Value section = file.value.find("log");
  if (!section) section = Value::dict();
  nexus::SectionRules rules;
  rules.path = "log";
  rules.base_folder = file.folder;
  rules.text_values = file.text_values;
  rules.elsewhere = [](std::string_view option) { return nexus::place_of_option(option, nullptr); };
  const Value checked = nexus::check_section(section, kLogTable, rules, mistakes);
  // What is wrong in it is null by now; the rest is still looked at, so that all is named at once.
  nexus::parse_log_level(checked.find("level").as_string(), &options.level);
  options.json = checked.find("format").as_string() == "json";
  options.path = checked.find("path").as_string();
  const Value levels = checked.find("levels");
  for (size_t i = 0; levels.is(NX_LIST) && i < levels.size(); ++i) {
    check_level_of_area(levels.at(i).as_string(), mistakes);
    options.levels += (i > 0 ? "," : "") + std::string(levels.at(i).as_string());
  }
  if (!options.path.empty()) check_log_path(options.path, mistakes);
}

void check_areas_of_components(const nexus::LogOptions& options, const nexus::Registry& registry,
                               std::vector<ConfigMistake>& mistakes) {
  std::vector<std::string> known;
  std::vector<std::string> kinds;
  for (const uint32_t kind : kKinds) kinds.emplace_back(nexus::kind_name(kind));
  for (const nexus::Component& one : registry.components()) {
    known.push_back(std::string(nexus::kind_name(one.table->kind)) + "." + std::string(one.name()));
  }
  std::string_view rest = options.levels;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view area = rest.substr(0, std::min(rest.find('='), comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::string kind(area.substr(0, area.find('.')));
    if (kind == area || std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) continue;
    if (std::find(known.begin(), known.end(), area) != known.end()) continue;
    mistakes.push_back(
        {"log.levels", "there is no area \"" + std::string(area) + "\"" + guess(area, known)});
  }
}

}  // namespace nexusd
