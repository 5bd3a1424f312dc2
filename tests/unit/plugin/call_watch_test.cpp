// CallWatch: calls that do not end are named, each once; the others are not.
#include "kernel/plugin/call_watch.hpp"

#include <catch2/catch.hpp>
#include <future>
#include <vector>

using namespace nexus;

namespace {

// What a watch has reported, to be waited for.
class Reports {
 public:
  CallWatch::Report taker() {
    return [this](const PluginCall& call) {
      const std::lock_guard lock(mutex_);
      all_.push_back(call.section + ": " + call.text);
      changed_.notify_all();
    };
  }
  std::vector<std::string> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.size() >= count; });
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

}  // namespace

TEST_CASE("watch: a call that does not end is reported, once, and can be asked for") {
  Reports reports;
  CallWatch watch;
  watch.start(std::chrono::milliseconds(1), reports.taker());
  const WatchedCall outer(&watch, {"plugins", "loading plugin '/x.so'"});
  CHECK(reports.wait_for(1) == std::vector<std::string>{"plugins: loading plugin '/x.so'"});
  const WatchedCall inner(&watch, {"a.b", "start() of x"});
  CHECK(reports.wait_for(2)[1] == "a.b: start() of x");
  const std::vector<PluginCall> calls = watch.under_way();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].text == "loading plugin '/x.so'");
  CHECK(calls[1].section == "a.b");
}

TEST_CASE("watch: calls that end in time are nobody's business") {
  Reports reports;
  {
    CallWatch watch;
    watch.start(std::chrono::hours(1), reports.taker());
    for (int i = 0; i < 1000; ++i) const WatchedCall call(&watch, {"", "f()"});
    CHECK(watch.under_way().empty());
    const WatchedCall call(nullptr, {"", "nobody looks"});
  }
  CHECK(reports.wait_for(0).empty());
}
