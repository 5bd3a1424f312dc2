// Starting the servers; see servers.hpp.
#include "bench/servers.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "bench/error.hpp"
#include "bench/report.hpp"

namespace bench {

namespace {

constexpr int kStartSeconds = 10;

std::string config_text(const Options& options, const std::string& directory) {
  const std::string anonymous = R"({"anonymous":{"type":"anonymous"}})";
  return R"({"router":{"loops":)" + std::to_string(options.loops) + R"(,"queue_bytes":)" +
         std::to_string(options.queue_limit) +
         R"(},"log":{"level":"warning"},"plugins":{"directory":)" + json_string(options.plugins) +
         R"(},"transports":{"ws":{"type":"websocket","listen":"127.0.0.1:0"},)"
         R"("raw":{"type":"rawsocket","listen":"127.0.0.1:0"},)"
         R"("unix":{"type":"rawsocket","listen":)" +
         json_string("unix:" + directory + "/socket") + R"(}},"realms":{"bench":{"uri":)" +
         json_string(options.realm) + R"(,"max_subscriptions":0,"authenticators":)" + anonymous +
         R"(},"guarded":{"uri":)" + json_string(guarded_realm(options)) + R"(,"authenticators":)" +
         anonymous +
         R"(,"authorizers":{"rules":{"type":"roles","rules":{"anonymous":[{"uri":"bench.",)"
         R"("match":"prefix","allow":{"call":true,"register":true,"publish":true,)"
         R"("subscribe":true}}]}}}}}})" +
         "\n";
}

// What a server last said about itself.
std::string last_words(const std::string& directory) {
  const std::string text = read_file(directory + "/stdout") + read_file(directory + "/stderr");
  return text.size() > 600 ? text.substr(text.size() - 600) : text;
}

template <class Ready>
void wait_for(Child& child, const std::string& name, const std::string& directory, Ready ready) {
  for (int i = 0; i < kStartSeconds * 100; ++i) {
    if (ready()) return;
    if (!child.running()) throw Failure(name + " ended at once: " + last_words(directory));
    usleep(10000);
  }
  throw Failure(name + " does not say where it listens: " + last_words(directory));
}

}  // namespace

std::string guarded_realm(const Options& options) { return options.realm + ".guarded"; }

RouterServer::RouterServer(const Options& options) {
  const std::string config = directory_.path() + "/nexus.json";
  write_file(config, config_text(options, directory_.path()));
  child_.start({options.router, "-c", config}, directory_.path());
  wait_for(child_, options.router, directory_.path(), [this] { return read_urls(); });
}

bool RouterServer::read_urls() {
  std::istringstream lines(read_file(directory_.path() + "/stdout"));
  addresses_.clear();
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    Address address;
    if (parse_url(find_url(line), address)) addresses_.push_back(address);
  }
  return find(Carrier::kWebsocket) && find(Carrier::kRawsocket) && find(Carrier::kUnix);
}

const Address* RouterServer::find(Carrier carrier) const {
  for (const Address& address : addresses_)
    if (address.carrier == carrier) return &address;
  return nullptr;
}

NatsServer::NatsServer(const std::string& program) {
  child_.start({program, "-a", "127.0.0.1", "-p", "-1"}, directory_.path());
  wait_for(child_, program, directory_.path(), [this] { return read_port(); });
}

bool NatsServer::read_port() {
  const std::string log = read_file(directory_.path() + "/stderr");
  const std::string before = "client connections on 127.0.0.1:";
  const size_t at = log.find(before);
  if (at == log.npos || log.find('\n', at) == log.npos) return false;
  address_.host = "127.0.0.1";
  address_.port = static_cast<uint16_t>(std::atoi(log.c_str() + at + before.size()));
  return address_.port != 0;
}

}  // namespace bench
