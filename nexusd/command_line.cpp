// How options of the command line override the configuration file. [main]
#include "nexusd/command_line.hpp"

#include <filesystem>
#include <string_view>

namespace nexusd {
namespace {

constexpr std::string_view kUnix = "unix:";

void put(ConfigFile& file, const std::vector<std::string>& path, const std::string& text,
         const std::string& option) {
  file.value = with_path(file.value, path, Value::string(text));
  std::string joined;
  for (const std::string& part : path) joined += (joined.empty() ? "" : ".") + part;
  file.origins[joined] = option;
}

// Sets `listen` of the first transport that is of `type` and on the same kind of socket; adds
// transports.<label> when there is none.
void set_listener(ConfigFile& file, const std::string& type, const std::string& label,
                  const std::string& address, const std::string& option) {
  const bool is_unix = address.starts_with(kUnix);
  const Value transports = file.value.find("transports");
  for (size_t i = 0; transports.is(NX_DICT) && i < transports.size(); ++i) {
    const Value transport = transports.at(i);
    if (!transport.is(NX_DICT) || transport.find("type").as_string() != type) continue;
    if (transport.find("listen").as_string().starts_with(kUnix) != is_unix) continue;
    return put(file, {"transports", std::string(transports.key_at(i)), "listen"}, address, option);
  }
  std::string free_label = label;
  while (at_path(file.value, {"transports", free_label})) free_label += "_";
  put(file, {"transports", free_label, "type"}, type, option);
  put(file, {"transports", free_label, "listen"}, address, option);
}

void set_realm(ConfigFile& file, const std::string& uri) {
  const Value realms = file.value.find("realms");
  if (realms.is(NX_DICT) && realms.size() > 0) {
    return put(file, {"realms", std::string(realms.key_at(0)), "uri"}, uri, "--realm");
  }
  put(file, {"realms", "main", "uri"}, uri, "--realm");
  put(file, {"realms", "main", "authenticators", "anonymous", "type"}, "anonymous", "--realm");
}

// Relative to the working directory, unlike paths in the file: that is where it was typed.
std::string absolute(const std::string& path) {
  std::error_code error;
  std::filesystem::path result = std::filesystem::absolute(path, error);
  return error ? path : result.lexically_normal().string();
}

}  // namespace

std::vector<std::string> with_double_dashes(int argc, char** argv) {
  std::vector<std::string> result;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    const std::string_view name = std::string_view(argument).substr(0, argument.find('='));
    for (std::string_view known :
         {"-ws", "-tcp", "-unix", "-realm", "-version", "-verbose", "-help"}) {
      if (name == known) {
        argument.insert(0, "-");
        break;
      }
    }
    result.push_back(std::move(argument));
  }
  return result;
}

void apply_command_line(const CommandLine& command, ConfigFile& file) {
  if (!file.value) file.value = Value::dict();
  if (!command.websocket.empty()) {
    set_listener(file, "websocket", "websocket", command.websocket, "--ws");
  }
  if (!command.tcp.empty()) set_listener(file, "rawsocket", "rawsocket", command.tcp, "--tcp");
  if (!command.unix_path.empty()) {
    std::string path = command.unix_path;
    if (path.starts_with(kUnix)) path.erase(0, kUnix.size());
    if (!path.starts_with("@")) path = absolute(path);
    set_listener(file, "rawsocket", "unix", std::string(kUnix) + path, "--unix");
  }
  if (!command.realm.empty()) set_realm(file, command.realm);
  if (!command.log_level.empty()) put(file, {"log", "level"}, command.log_level, "--log-level");
  if (command.verbose) put(file, {"log", "level"}, "debug", "--verbose");
  if (!command.plugin_folder.empty()) {
    put(file, {"plugins", "directory"}, absolute(command.plugin_folder), "--plugin-dir");
  }
}

}  // namespace nexusd
