// Replies that pile up in front of a client: who reads them gets them, however slowly, and what
// would pile up without bound fails (checklist R-70). Who does not read at all is in
// limits_test.cpp.
#include "tests/protocol/slow_peer.hpp"

namespace nexus::test {
namespace {

// A caller's pending calls, with large answers that the callee gives in one go.
struct Answers {
  Answers(Peer& a_caller, Peer& a_callee, size_t count) : caller(a_caller), callee(a_callee) {
    const uint64_t registration = callee.register_procedure("com.example.procedure");
    for (size_t i = 0; i < count; ++i) {
      caller.call("com.example.procedure");
      invocations.push_back(callee.expect_invocation(registration).request());
    }
  }
  void give(size_t size) {
    const Value bulk = list(std::string(size, 'x'));
    for (const uint64_t invocation : invocations) callee.yield(invocation, dict(), bulk);
    callee.sync();
  }
  Peer& caller;
  Peer& callee;
  std::vector<uint64_t> invocations;
};

TEST_CASE("R-70: who reads its replies gets them, however far behind it is") {
  FOR_ALL_SETUPS(setup);
  const auto [more, waits] = GENERATE(table<const char*, bool>(
      {{"", false}, {R"(,"unread_replies":"keep","unread_timeout":"10ms")", true}}));
  CAPTURE(more);
  RouterFixture router(setup.loops,
                       std::string(R"({"router":{"queue_bytes":"256K")") + more + "}}");
  auto callee = Peer::joined(router, setup.link);
  auto caller = slow_peer(router, setup.link);
  // More than twice the limit, beyond what the system's buffers take.
  Answers answers(*caller, *callee, 32);
  const uint64_t first = caller->last_request() - 31;
  answers.give(256 << 10);
  REQUIRE(eventually([&] { return router.counters().sessions_held_back > 0; }));
  if (waits) {  // for longer than the timeout, and until the router has noticed
    const uint64_t never = callee->register_procedure("com.example.never");
    auto other = Peer::joined(router, setup.link);
    const uint64_t call = other->call("com.example.never", dict({{"timeout", 300}}));
    callee->expect_invocation(never);
    other->expect_call_error(call, "wamp.error.timeout");
  }
  for (uint64_t request = first; request < first + 32; ++request) {
    CHECK(caller->expect_result(request).args().at(0).as_string().size() == 256 << 10);
  }
  CHECK(router.counters().sessions_killed_slow == 0);
  caller->sync();
}

TEST_CASE("R-70: results that would pile up without bound fail their calls") {
  FOR_ALL_SETUPS(setup);
  RouterFixture router(setup.loops, R"({"router":{"queue_bytes":"256K","reply_bytes":"1M"}})");
  auto callee = Peer::joined(router, setup.link);
  auto caller = slow_peer(router, setup.link);
  constexpr size_t kCalls = 48;
  Answers answers(*caller, *callee, kCalls);
  answers.give(256 << 10);
  // Only then: a caller that already reads while its loop still hears of results may keep pace.
  REQUIRE(eventually([&] { return router.counters().calls_failed_busy > 0; }));
  size_t answered = 0, failed = 0;
  for (size_t i = 0; i < kCalls; ++i) {
    const Message message = caller->receive();
    if (message.type() == kResult) {
      ++answered;
      continue;
    }
    REQUIRE(message.type() == kError);
    CHECK(message.uri() == "wamp.error.network_failure");
    ++failed;
  }
  CHECK(answered >= 4);
  CHECK(failed >= 1);
  CHECK(router.counters().calls_failed_busy == failed);
  CHECK(router.counters().sessions_killed_slow == 0);
  caller->sync();
}

}  // namespace
}  // namespace nexus::test
