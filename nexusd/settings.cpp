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

void check_level_of_area(std::string_view text, std::vector<ConfigMistake>& mistakes) {
  const size_t equals = text.find('=');
  nexus::LogLevel level;
  if (equals == 0 || equals == std::string_view::npos ||
      !nexus::parse_log_level(text.substr(equals + 1), &level)) {
    mistakes.push_back({"log.levels", "\"" + std::string(text) +
                                          "\" is not of the form area=level; levels are " LEVELS});
  }
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
    const std::string nearest = nexus::nearest_word(key, known);
    mistakes.push_back({key, "there is no such section" +
                                 (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?")});
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

}  // namespace nexusd
