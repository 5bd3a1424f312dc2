// The default plugin folder. [main]
#include "nexusd/plugins.hpp"

#include <filesystem>
#include <system_error>

namespace nexusd {

std::string program_folder() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string() : program.parent_path().string();
}

std::string default_plugin_folder() {
  // Beside the built-in ones, the same plugins from a folder would only be duplicates.
  if (!builtin_plugins().empty()) return {};
  const std::string here = program_folder();
  if (!here.empty()) {
    const auto beside =
        (std::filesystem::path(here) / NEXUSD_PLUGIN_FOLDER_FROM_BIN).lexically_normal();
    std::error_code error;
    if (std::filesystem::is_directory(beside, error)) return beside.string();
  }
  return NEXUSD_PLUGIN_FOLDER;
}

nexus::RouterEnvironment router_environment(nexus::Log& log, const std::string& base_folder,
                                            bool text_values) {
  nexus::RouterEnvironment environment;
  environment.log = &log;
  environment.base_folder = base_folder;
  environment.default_plugin_folder = default_plugin_folder();
  environment.text_values = text_values;
  environment.static_plugins = builtin_plugins();
  return environment;
}

}  // namespace nexusd
