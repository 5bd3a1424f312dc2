// Comparing the configuration that runs with the file as it is now. [main]
#include "nexusd/config_changes.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

namespace nexusd {
namespace {

constexpr size_t kMostLines = 20;

void flatten(const Value& value, const std::string& path, std::map<std::string, std::string>& out) {
  if (!value.is(NX_DICT) || value.size() == 0) {
    if (!path.empty()) out[path] = nexus::to_json(value);
    return;
  }
  for (size_t i = 0; i < value.size(); ++i) {
    const std::string key(value.key_at(i));
    flatten(value.at(i), path.empty() ? key : path + "." + key, out);
  }
}

}  // namespace

std::vector<std::string> differing_keys(const Value& before, const Value& after) {
  std::map<std::string, std::string> old_entries;
  std::map<std::string, std::string> new_entries;
  flatten(before, {}, old_entries);
  flatten(after, {}, new_entries);
  std::vector<std::string> keys;
  for (const auto& [key, text] : old_entries) {
    const auto found = new_entries.find(key);
    if (found == new_entries.end() || found->second != text) keys.push_back(key);
    if (found != new_entries.end()) new_entries.erase(found);
  }
  for (const auto& [key, text] : new_entries) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

ConfigChanges compare_with_disk(const CommandLine& command, const ConfigFile& running) {
  std::error_code error;
  if (command.config.empty()) return {"not compared", {}};
  // A pipe would keep us waiting for somebody who writes.
  const auto kind = std::filesystem::status(command.config, error);
  if (std::filesystem::exists(kind) && !std::filesystem::is_regular_file(kind)) {
    return {"not compared", {}};
  }
  ConfigFile now;
  std::vector<ConfigMistake> mistakes;
  ConfigChanges changes;
  if (!load_config_file(command.config, now, mistakes)) {
    changes.verdict = "cannot be read";
    for (const ConfigMistake& mistake : mistakes) {
      if (changes.lines.size() == kMostLines) break;
      changes.lines.push_back(show_mistake(now, mistake) + "; the next start would fail");
    }
    return changes;
  }
  apply_command_line(command, now);
  const std::vector<std::string> keys = differing_keys(running.value, now.value);
  changes.verdict = keys.empty() ? "unchanged" : "changed, needs a restart";
  for (const std::string& key : keys) {
    if (changes.lines.size() == kMostLines) {
      changes.lines.push_back(command.config + ": " + std::to_string(keys.size() - kMostLines) +
                              " more keys have changed and need a restart");
      break;
    }
    changes.lines.push_back(
        show_mistake(now, {key, "has changed, and needs a restart; a reload does not read it"}));
  }
  return changes;
}

}  // namespace nexusd
