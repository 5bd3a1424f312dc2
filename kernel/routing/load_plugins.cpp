// The section plugins: which libraries are loaded, and what their files must be. [main]
#include <algorithm>
#include <filesystem>

#include "kernel/plugin/services.hpp"
#include "kernel/routing/router.hpp"
#include "kernel/routing/settings.hpp"

namespace nexus {
namespace {

namespace fs = std::filesystem;

// One library to load, under the name that the configuration has for it.
struct Wanted {
  std::string name;  // "nexus-serializer-json.so", or a path
  std::string path;
};

// Two ways to write the path of one file.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::path(a).lexically_normal() == fs::path(b).lexically_normal() ||
         fs::equivalent(a, b, error);
}

fs::path absolute(const std::string& folder) {
  std::error_code error;
  fs::path path = fs::canonical(folder, error);
  return error ? fs::path(folder) : path;
}

class PluginsSection {
 public:
  PluginsSection(Registry& registry, const Value& checked, const RouterEnvironment& environment,
                 std::vector<ConfigMistake>& mistakes)
      : registry_(registry),
        mistakes_(mistakes),
        base_(absolute(environment.base_folder)),
        folder_(checked.find("directory").as_string(environment.default_plugin_folder)),
        load_(checked.find("load")),
        pins_(checked.find("sha256")) {
    if (folder_.empty()) folder_ = environment.default_plugin_folder;
  }

  void run() {
    if (load_.size() > 0) {
      for (size_t i = 0; i < load_.size(); ++i) {
        const std::string name(load_.at(i).as_string());
        wanted_.push_back({name, path_of(name)});
      }
    } else if (!list_folder()) {
      return;
    }
    for (const Wanted& one : wanted_) {
      const Status status = registry_.load(one.path, pin_of(one));
      if (status) continue;
      if (load_.size() == 0) {
        mistake("plugins", status.text());
      } else {
        mistake("plugins.load", status.text() + where_from(one));
      }
    }
    check_pins();
  }

 private:
  void mistake(std::string path, std::string text) {
    mistakes_.push_back({std::move(path), std::move(text)});
  }

  // A name is one of the plugin folder; a path starts where all paths of the configuration do.
  std::string path_of(const std::string& name) const {
    if (name.find('/') == std::string::npos) return (fs::path(folder_) / name).string();
    std::string_view rest = name;
    while (rest.starts_with("./")) rest.remove_prefix(2);
    return (base_ / rest).string();  // an absolute one replaces the folder
  }

  // For a file that is not there: where it was looked for, if the configuration does not say that.
  std::string where_from(const Wanted& one) const {
    std::error_code error;
    if (fs::path(one.name).is_absolute() || fs::exists(one.path, error)) return {};
    if (one.name.find('/') != std::string::npos) {
      return " (\"" + one.name + "\" starts at the folder of the configuration, " + base_.string() +
             ")";
    }
    return " (\"" + one.name + "\" is looked for in the plugin folder" +
           (fs::exists(base_ / one.name, error)
                ? "; the one beside the configuration is \"./" + one.name + "\")"
                : ")");
  }

  bool list_folder() {
    if (folder_.empty()) {  // a program that links its plugins has none
      check_pins();
      return false;
    }
    if (pins_.size() == 0) {
      for (const Status& status : registry_.load_folder(folder_)) {
        mistake("plugins", status.text());
      }
      return false;
    }
    std::error_code error;
    fs::directory_iterator at(folder_, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
      if (at->path().extension() != ".so") continue;
      wanted_.push_back({at->path().filename().string(), at->path().string()});
    }
    if (error) {
      mistake("plugins.directory", "\"" + folder_ + "\" cannot be listed: " + error.message() +
                                       "; check the path and who may read it");
      return false;
    }
    std::sort(wanted_.begin(), wanted_.end(),
              [](const Wanted& a, const Wanted& b) { return a.name < b.name; });
    return true;
  }

  // By its path, however that is written.
  bool is_path_of(const std::string& pin, const Wanted& one) const {
    return pin == one.name || same_file(path_of(pin), one.path) ||
           same_file((fs::path(folder_) / pin).string(), one.path);
  }
  // Or by its name alone, wherever it lies.
  static bool is_name_of(const std::string& pin, const Wanted& one) {
    return pin == fs::path(one.path).filename().string();
  }

  // The SHA-256 that a file must have, or empty; a path says more than a name. One that is no text
  // cannot be met by any file.
  std::string pin_of(const Wanted& one) const {
    for (const bool by_path : {true, false}) {
      for (size_t i = 0; i < pins_.size(); ++i) {
        const std::string key(pins_.key_at(i));
        if (!(by_path ? is_path_of(key, one) : is_name_of(key, one))) continue;
        const std::string pin(pins_.at(i).as_string());
        return pin.empty() ? "(empty)" : pin;
      }
    }
    return {};
  }

  // A pin that belongs to no file protects nothing, and its writer believes that it does.
  void check_pins() {
    for (size_t i = 0; i < pins_.size(); ++i) {
      const std::string key(pins_.key_at(i));
      const bool known = std::any_of(wanted_.begin(), wanted_.end(), [&](const Wanted& one) {
        return is_path_of(key, one) || is_name_of(key, one);
      });
      if (known) continue;
      std::vector<std::string> names;
      for (const Wanted& one : wanted_) names.push_back(one.name);
      std::string near = nearest_word(key, names);
      if (near.empty()) near = nearest_word(fs::path(key).filename().string(), names);
      mistake("plugins.sha256." + key, "no such plugin file is loaded, so this pins nothing" +
                                           (near.empty() ? "; correct the name or remove the line"
                                                         : "; did you mean \"" + near + "\"?"));
    }
  }

  Registry& registry_;
  std::vector<ConfigMistake>& mistakes_;
  const fs::path base_;  // of paths: the folder of the configuration
  std::string folder_;
  const Value load_;
  const Value pins_;
  std::vector<Wanted> wanted_;
};

}  // namespace

std::unique_ptr<Registry> load_plugins(const Value& plugins_section,
                                       const RouterEnvironment& environment, HostContext& context,
                                       std::vector<ConfigMistake>& mistakes) {
  add_base_services(context);
  add_session_services(context);
  add_realm_service(context);
  auto registry = std::make_unique<Registry>(context);
  for (const StaticPlugin& plugin : environment.static_plugins) {
    const Status status = registry->add_static(plugin.entry, plugin.label);
    if (!status) mistakes.push_back({"plugins", status.text()});
  }
  SectionRules rules;
  rules.path = "plugins";
  rules.base_folder = environment.base_folder;
  rules.text_values = environment.text_values;
  const Value checked = check_section(plugins_section ? plugins_section : Value::dict(),
                                      plugins_table(), rules, mistakes);
  PluginsSection(*registry, checked, environment, mistakes).run();
  return registry;
}

}  // namespace nexus
