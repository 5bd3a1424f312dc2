// Options of the command line over a configuration.
#include "nexusd/command_line.hpp"

#include <catch2/catch.hpp>

using nexusd::CommandLine;
using nexusd::ConfigFile;
using nexusd::Value;

namespace {

Value applied(const std::string& json, const CommandLine& command) {
  ConfigFile file;
  file.value = nexus::from_json(json).value();
  nexusd::apply_command_line(command, file);
  return file.value;
}

Value json(const std::string& text) { return nexus::from_json(text).value(); }

}  // namespace

TEST_CASE("without a file the options make a whole configuration") {
  CommandLine command;
  command.websocket = "127.0.0.1:0";
  command.tcp = ":8081";
  command.unix_path = "/tmp/x.sock";
  command.realm = "realm1";
  CHECK(applied("{}", command) == json(R"({
    "transports": {
      "websocket": {"type": "websocket", "listen": "127.0.0.1:0"},
      "rawsocket": {"type": "rawsocket", "listen": ":8081"},
      "unix": {"type": "rawsocket", "listen": "unix:/tmp/x.sock"}},
    "realms": {"main": {"uri": "realm1", "authenticators": {"anonymous": {"type": "anonymous"}}}}
  })"));
}

TEST_CASE("an address replaces that of the first transport of its kind, and nothing else") {
  CommandLine command;
  command.tcp = ":9";
  command.unix_path = "@abstract";
  CHECK(applied(R"({"transports": {
            "u": {"type": "rawsocket", "listen": "unix:/a"},
            "a": {"type": "rawsocket", "listen": ":1", "max_message_size": 5},
            "b": {"type": "rawsocket", "listen": ":2"}}})",
                command) == json(R"({"transports": {
            "u": {"type": "rawsocket", "listen": "unix:@abstract"},
            "a": {"type": "rawsocket", "listen": ":9", "max_message_size": 5},
            "b": {"type": "rawsocket", "listen": ":2"}}})"));
}

TEST_CASE("an address is added beside transports of another kind, under a free label") {
  CommandLine command;
  command.websocket = ":9";
  CHECK(applied(R"({"transports": {"websocket": {"type": "rawsocket", "listen": ":1"}}})",
                command) == json(R"({"transports": {
            "websocket": {"type": "rawsocket", "listen": ":1"},
            "websocket_": {"type": "websocket", "listen": ":9"}}})"));
}

TEST_CASE("option --realm replaces the first realm's URI and keeps the rest of it") {
  CommandLine command;
  command.realm = "new";
  CHECK(applied(R"({"realms": {"z": {"uri": "old", "authenticators": {}}, "a": {"uri": "b"}}})",
                command) ==
        json(R"({"realms": {"z": {"uri": "new", "authenticators": {}}, "a": {"uri": "b"}}})"));
}

TEST_CASE("log level and plugin folder") {
  CommandLine command;
  command.log_level = "warning";
  command.plugin_folder = "/p/../q";
  CHECK(applied(R"({"log": {"format": "json", "level": "info"}})", command) ==
        json(R"({"log": {"format": "json", "level": "warning"}, "plugins": {"directory": "/q"}})"));
  command.verbose = true;
  CHECK(nexusd::at_path(applied("{}", command), {"log", "level"}).as_string() == "debug");
}

TEST_CASE("the Go router's options keep working with one dash") {
  std::vector<std::string> words = {"nexusd", "-ws",   ":80",    "-realm=r", "-c",
                                    "file",   "--tcp", "-unixx", "-version", "-verbose"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  CHECK(nexusd::with_double_dashes(static_cast<int>(argv.size()), argv.data()) ==
        std::vector<std::string>{"--ws", ":80", "--realm=r", "-c", "file", "--tcp", "-unixx",
                                 "--version", "--verbose"});
}
