// RouterFixture: a router in this process, with a WebSocket, a RawSocket TCP, a RawSocket Unix and
// a long-poll listener on free ports, and the plugins of this build. [main]
//
// Tests patch the configuration instead of writing a whole one:
//   RouterFixture router(3, R"({"realms": {"one": {"disclose": "never"}}})");
// NEXUS_TEST_LOG=debug in the environment shows the router's log.
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/nexus.hpp"
#include "tests/support/values.hpp"
#include "tests/support/wire.hpp"

namespace nexus::test {

// A configuration patch that loads test plugins ("auth_async") beside the usual ones.
std::string with_test_plugins(std::initializer_list<std::string_view> names,
                              std::string_view patch);

class RouterFixture {
 public:
  // Starts at once; throws std::runtime_error with every configuration mistake.
  explicit RouterFixture(unsigned loops = 3, std::string_view patch = "{}",
                         std::vector<StaticPlugin> static_plugins = {});
  ~RouterFixture();
  RouterFixture(const RouterFixture&) = delete;
  RouterFixture& operator=(const RouterFixture&) = delete;

  std::string url(Carrier carrier) const;
  void stop(std::chrono::milliseconds drain) { router_->stop(drain); }
  RouterCounters counters() const { return router_->counters(); }
  // How many lines of the router's log (level info and above) contain `text`.
  size_t log_count(std::string_view text) const;
  Router& router() { return *router_; }

 private:
  std::string folder_;  // of the Unix socket; removed at the end
  mutable std::mutex lines_mutex_;
  std::vector<std::string> lines_;  // of the log
  std::unique_ptr<Log> log_;
  std::unique_ptr<Router> router_;
};

}  // namespace nexus::test
