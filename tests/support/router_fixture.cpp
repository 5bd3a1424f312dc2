#include "tests/support/router_fixture.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace nexus::test {
namespace {

Value base_config(unsigned loops, const std::string& folder) {
  const Value config = json(R"({
    "router": {},
    "transports": {
      "ws": {"type": "websocket", "listen": "127.0.0.1:0"},
      "raw": {"type": "rawsocket", "listen": "127.0.0.1:0"},
      "unix": {"type": "rawsocket"},
      "poll": {"type": "longpoll", "listen": "127.0.0.1:0"}
    },
    "realms": {
      "one": {"uri": "realm1", "authenticators": {"guests": {"type": "anonymous"}}},
      "two": {"uri": "realm2", "authenticators": {"guests": {"type": "anonymous"}}}
    }
  })");
  const Value unix_listener = dict({{"listen", "unix:" + folder + "/s"}});
  return merged(config, dict({{"router", dict({{"loops", loops}})},
                              {"transports", dict({{"unix", unix_listener}})}}));
}

std::string make_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "nexus-test-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
  return path;
}

}  // namespace

std::string with_test_plugins(std::initializer_list<std::string_view> names,
                              std::string_view patch) {
  Value files = list("nexus-serializer-json.so", "nexus-serializer-msgpack.so",
                     "nexus-serializer-cbor.so", "nexus-serializer-ubjson.so",
                     "nexus-transport-websocket.so", "nexus-transport-rawsocket.so",
                     "nexus-transport-longpoll.so", "nexus-authenticator-anonymous.so");
  for (const std::string_view name : names) {
    files.append(Value::string(NEXUS_TEST_PLUGIN_DIR "/" + std::string(name) + ".so"));
  }
  return to_json(merged(json(patch), dict({{"plugins", dict({{"load", std::move(files)}})}})));
}

RouterFixture::RouterFixture(unsigned loops, std::string_view patch,
                             std::vector<StaticPlugin> static_plugins)
    : folder_(make_folder()) {
  LogOptions log;
  const char* shown = ::getenv("NEXUS_TEST_LOG");
  if (shown != nullptr) parse_log_level(shown, &log.level);
  log.sink = [this, shown](std::string_view line) {
    if (shown != nullptr) std::cerr << line << '\n';
    const std::lock_guard<std::mutex> lock(lines_mutex_);
    lines_.emplace_back(line);
  };
  log_ = std::make_unique<Log>(log);
  RouterEnvironment environment;
  environment.log = log_.get();
  environment.base_folder = folder_;
  environment.default_plugin_folder = NEXUS_PLUGIN_DIR;
  environment.static_plugins = std::move(static_plugins);
  std::vector<ConfigMistake> mistakes;
  router_ = Router::create(merged(base_config(loops, folder_), json(patch)), environment, mistakes);
  std::string problem;
  for (const ConfigMistake& mistake : mistakes)
    problem += mistake.path + ": " + mistake.text + "\n";
  if (router_ == nullptr && problem.empty()) problem = "no router and no mistake named";
  if (problem.empty()) {
    const Status status = router_->start();
    if (!status) problem = status.text();
  }
  if (!problem.empty()) {
    router_.reset();
    std::filesystem::remove_all(folder_);
    throw std::runtime_error("the router did not start: " + problem);
  }
}

RouterFixture::~RouterFixture() {
  router_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

size_t RouterFixture::log_count(std::string_view text) const {
  log_->flush();
  const std::lock_guard<std::mutex> lock(lines_mutex_);
  return static_cast<size_t>(
      std::count_if(lines_.begin(), lines_.end(),
                    [&](const std::string& line) { return line.find(text) != std::string::npos; }));
}

std::string RouterFixture::url(Carrier carrier) const {
  for (const std::string& url : router_->urls()) {
    if (url.starts_with("memory:")) continue;  // of a test's own transport
    const bool websocket = url.starts_with("ws:");
    const bool local =
        url.find("unix:") != std::string::npos || url.find("+unix") != std::string::npos;
    const Carrier found = websocket                  ? Carrier::websocket
                          : url.starts_with("http:") ? Carrier::longpoll
                          : local                    ? Carrier::raw_unix
                                                     : Carrier::raw_tcp;
    if (found == carrier) return url;
  }
  throw std::runtime_error("no listener for " + std::string(carrier_name(carrier)));
}

}  // namespace nexus::test
