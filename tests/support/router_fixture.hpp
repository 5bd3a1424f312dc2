// RouterFixture: a router in this process, with a WebSocket, a RawSocket TCP and a RawSocket Unix
// listener on free ports, and the plugins of this build. [main]
//
// Tests patch the configuration instead of writing a whole one:
//   RouterFixture router(3, R"({"realms": {"one": {"disclose": "never"}}})");
// NEXUS_TEST_LOG=debug in the environment shows the router's log.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "kernel/nexus.hpp"
#include "tests/support/values.hpp"
#include "tests/support/wire.hpp"

namespace nexus::test {

class RouterFixture {
 public:
  // Starts at once; throws std::runtime_error with every configuration mistake.
  explicit RouterFixture(unsigned loops = 3, std::string_view patch = "{}");
  ~RouterFixture();
  RouterFixture(const RouterFixture&) = delete;
  RouterFixture& operator=(const RouterFixture&) = delete;

  std::string url(Carrier carrier) const;
  void stop(std::chrono::milliseconds drain) { router_->stop(drain); }
  RouterCounters counters() const { return router_->counters(); }
  Router& router() { return *router_; }

 private:
  std::string folder_;  // of the Unix socket; removed at the end
  std::unique_ptr<Log> log_;
  std::unique_ptr<Router> router_;
};

}  // namespace nexus::test
