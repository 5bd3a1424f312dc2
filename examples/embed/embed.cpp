// A program with a router inside: the whole life of one, from a configuration to the end. [main]
//
//   embed <folder with the plugins>
#include <chrono>
#include <iostream>
#include <memory>
#include <vector>

#include "kernel/nexus.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: embed PLUGIN-FOLDER\n";
    return 64;
  }
  const nexus::Result<nexus::Value> config = nexus::from_json(R"({
    "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
    "realms": {"main": {"uri": "realm1", "authenticators": {"guests": {"type": "anonymous"}}}}
  })");

  nexus::Log log(nexus::LogOptions{});
  nexus::RouterEnvironment environment;
  environment.log = &log;
  environment.default_plugin_folder = argv[1];
  std::vector<nexus::ConfigMistake> mistakes;
  std::unique_ptr<nexus::Router> router =
      nexus::Router::create(config.value(), environment, mistakes);
  for (const nexus::ConfigMistake& mistake : mistakes) {
    std::cerr << mistake.path << ": " << mistake.text << "\n";
  }
  if (!router) return 78;
  if (const nexus::Status status = router->start(); !status) {
    std::cerr << status.text() << "\n";
    return 69;
  }
  for (const std::string& url : router->urls()) std::cout << "listening on " << url << "\n";
  router->stop(std::chrono::seconds(5));
  return 0;
}
