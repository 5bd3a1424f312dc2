// What the INVOCATIONs of a progressive call tell (checklist chapter 9, R-54): all of them what the
// first CALL said, whatever its continuations say.
#include "tests/protocol/world.hpp"

namespace nexus::test {
namespace {

constexpr const char* kPrefix = "com.test.trusted";  // its calls have a trust level
constexpr const char* kProcedure = "com.test.trusted.sum";

// Everything that a CALL can make an INVOCATION tell.
Value talkative() {
  return json(R"({"progress":true, "receive_progress":true, "disclose_me":true, "timeout":600000,
                  "ppt_scheme":"x_custom", "ppt_serializer":"cbor", "ppt_cipher":"aes",
                  "ppt_keyid":"key-7"})");
}
// What a continuation says is nobody's concern.
Value other_options(bool last) {
  return dict({{"progress", !last},
               {"receive_progress", false},
               {"disclose_me", false},
               {"timeout", 1},
               {"ppt_scheme", "x_other"},
               {"ppt_keyid", "key-8"}});
}

std::string with_trust_levels() {
  return with_test_plugins(
      {"authz_async"}, R"({"realms":{"one":{"authorizers":{"tested":{"type":"authz-test"}}}}})");
}

Value pattern(const Value& more = Value::dict()) {
  return merged(dict({{"match", "prefix"}, {"forward_timeout", true}}), more);
}

Value wants_trust_levels() {
  return merged(client_details(),
                json(R"({"roles":{"callee":{"features":{"call_trustlevels":true}}}})"));
}

// Details without `progress`, which is the part's own.
Value told(const Message& invocation) {
  return merged(invocation.details(), dict({{"progress", nullptr}}));
}

void check_first(const Message& first, const Peer& caller) {
  CHECK(first.details() == dict({{"procedure", kProcedure},
                                 {"caller", caller.session()},
                                 {"caller_authid", caller.welcome().find("authid")},
                                 {"caller_authrole", "anonymous"},
                                 {"trustlevel", 7},
                                 {"receive_progress", true},
                                 {"progress", true},
                                 {"timeout", 600000},
                                 {"ppt_scheme", "x_custom"},
                                 {"ppt_serializer", "cbor"},
                                 {"ppt_cipher", "aes"},
                                 {"ppt_keyid", "key-7"}}));
}

void check_parts(Peer& callee, uint64_t registration, const Message& first, int parts) {
  for (int i = 1; i <= parts; ++i) {
    const Message part = callee.expect_invocation(registration);
    CHECK(part.request() == first.request());
    CHECK(part.args() == list(i));
    CHECK(told(part) == told(first));
    CHECK(part.details().find("progress") == Value::boolean(i != parts));
  }
}

TEST_CASE("R-54: every INVOCATION of a stream tells what the first one told") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_trust_levels());
  Peer& callee = world.join_realm("realm1", wants_trust_levels());
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure(kPrefix, pattern());
  const uint64_t request = caller.call(kProcedure, talkative(), list(0));
  const Message first = callee.expect_invocation(registration);
  check_first(first, caller);
  caller.call_again(request, kProcedure, dict({{"progress", true}}), list(1));
  caller.call_again(request, kProcedure, other_options(false), list(2));
  caller.call_again(request, kProcedure, other_options(true), list(3));
  check_parts(callee, registration, first, 3);
  callee.yield(first.request());
  caller.expect_result(request);
}

TEST_CASE("R-54: the same where the callee speaks another format") {
  FOR_MIXED_LINKS(links);
  RouterFixture router(3, with_trust_levels());
  auto callee = Peer::joined(router, links.first, "realm1", wants_trust_levels());
  auto caller = Peer::joined(router, links.second);
  const uint64_t registration = callee->register_procedure(kPrefix, pattern());
  const uint64_t request = caller->call(kProcedure, talkative(), list(0));
  const Message first = callee->expect_invocation(registration);
  check_first(first, *caller);
  caller->call_again(request, kProcedure, other_options(false), list(1));
  caller->call_again(request, kProcedure, other_options(true), list(2));
  check_parts(*callee, registration, first, 2);
  callee->yield(first.request());
  caller->expect_result(request);
}

TEST_CASE("R-54: the same for a stream that has waited for its callee") {
  FOR_ALL_SETUPS(setup);
  World world(setup, with_trust_levels());
  Peer& callee = world.join_realm("realm1", wants_trust_levels());
  Peer& caller = world.join();
  const uint64_t registration =
      callee.register_procedure(kPrefix, pattern(dict({{"concurrency", 1}})));
  const uint64_t running = caller.call("com.test.trusted.running");
  const uint64_t busy = callee.expect_invocation(registration).request();
  const uint64_t request = caller.call(kProcedure, talkative(), list(0));
  caller.call_again(request, kProcedure, other_options(false), list(1));
  expect_nothing({&callee, &caller});
  callee.yield(busy);
  caller.expect_result(running);
  const Message first = callee.expect_invocation(registration);
  check_first(first, caller);
  caller.call_again(request, kProcedure, other_options(true), list(2));
  check_parts(callee, registration, first, 2);
  callee.yield(first.request());
  caller.expect_result(request);
}

TEST_CASE("R-54: a caller that the callee wants to know is told with every part") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration =
      callee.register_procedure(kProcedure, dict({{"disclose_caller", true}}));
  const uint64_t request = caller.call(kProcedure, dict({{"progress", true}}), list(0));
  const Message first = callee.expect_invocation(registration);
  CHECK(first.details().find("caller") == V(caller.session()).value);
  caller.call_again(request, kProcedure, dict(), list(1));
  check_parts(callee, registration, first, 1);
}

TEST_CASE("R-54: Autobahn's enc_* are told with every part") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure(kProcedure);
  const Value sealed = dict({{"enc_algo", "cryptobox"}, {"enc_key", "k"}, {"enc_serializer", "s"}});
  const uint64_t request =
      caller.call(kProcedure, merged(sealed, dict({{"progress", true}})), list(0));
  const Message first = callee.expect_invocation(registration);
  CHECK(told(first) == sealed);
  caller.call_again(request, kProcedure, dict(), list(1));
  check_parts(callee, registration, first, 1);
}

TEST_CASE("R-54: what a stream tells says nothing of the next call") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure(kProcedure);
  const uint64_t talking = caller.call(kProcedure, talkative(), list(0));
  const Message first = callee.expect_invocation(registration);
  // A stream without any of it, at the same time.
  const uint64_t silent = caller.call(kProcedure, dict({{"progress", true}}), list(0));
  const Message second = callee.expect_invocation(registration);
  CHECK(second.details() == dict({{"progress", true}}));
  caller.call_again(silent, kProcedure, other_options(true), list(1));
  check_parts(callee, registration, second, 1);
  caller.call_again(talking, kProcedure, dict(), list(1));
  check_parts(callee, registration, first, 1);
}

TEST_CASE("R-54: what has to be kept of a stream's options is limited") {
  FOR_ALL_SETUPS(setup);
  World world(setup);
  Peer& callee = world.join();
  Peer& caller = world.join();
  const uint64_t registration = callee.register_procedure(kProcedure);
  const auto options = [](size_t size, bool streams) {
    return dict(
        {{"progress", streams}, {"ppt_scheme", "x_s"}, {"ppt_keyid", std::string(size - 3, 'k')}});
  };
  const uint64_t refused = caller.call(kProcedure, options(4097, true), list(0));
  caller.call_again(refused, kProcedure, dict(), list(1));
  caller.expect_call_error(refused, "wamp.error.invalid_argument");
  expect_nothing({&caller, &callee});
  const uint64_t request = caller.call(kProcedure, options(4096, true), list(0));
  const Message first = callee.expect_invocation(registration);
  caller.call_again(request, kProcedure, dict(), list(1));
  check_parts(callee, registration, first, 1);
  // A plain call keeps nothing.
  caller.call(kProcedure, options(9000, false));
  CHECK(callee.expect_invocation(registration).details().find("ppt_keyid").as_string().size() ==
        9000 - 3);
}

}  // namespace
}  // namespace nexus::test
