// The fakes themselves: a test is only as good as the host that it believes in.
#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "nexus/cpp/fake_host.hpp"

namespace {

using namespace nexus::sdk;

std::string again(const char* json) { return fake::values().from_json(json).to_json(); }

bool refused(std::string_view json) {
  try {
    fake::values().from_json(json);
    return false;
  } catch (const Error& e) {
    return e.code() == NX_E_MALFORMED;
  }
}

std::string value_of(const nx_option& option, std::string_view text) {
  try {
    return fake::option_value(option, text).to_json();
  } catch (const ConfigError&) {
    return "refused";
  }
}

}  // namespace

TEST_CASE("U-01: a double that is a whole number is read as that integer") {
  const Values make = fake::values();
  const Value list = make.from_json("[60.0, 1e3, -0.0, 0, -5, 0.5, 1e16, \"1\", null, true]");
  const std::optional<int64_t> expected[] = {60, 1000, 0, 0, -5, {}, {}, {}, {}, {}};
  for (size_t i = 0; i < list.size(); ++i) {
    CAPTURE(i);
    CHECK(list.at(i).whole() == expected[i]);
    CHECK(list.at(i).as_int(7) == expected[i].value_or(7));
  }
  CHECK(list.at(0).as_uint(7) == 60);
  CHECK(make.real(-60).as_uint(7) == 7);
  CHECK_FALSE(make.of(UINT64_MAX).whole());
  CHECK(make.of(UINT64_MAX).as_uint(7) == UINT64_MAX);
  CHECK_FALSE(ValueView().whole());
}

TEST_CASE("JSON is read and written") {
  CHECK(again(R"( { "a" : [ 1 , -2.5 , true , null ] , "b" : { } } )") ==
        R"({"a":[1,-2.5,true,null],"b":{}})");
  CHECK(again(R"("\u00e4\ud83d\ude00\n\"")") == "\"\u00e4\U0001F600\\u000a\\\"\"");
  CHECK(again("18446744073709551615") == "18446744073709551615");
  CHECK(again("-9223372036854775808") == "-9223372036854775808");
  CHECK(again("18446744073709551616") == "1.8446744073709552e+19");
  CHECK(again("1.0") == "1.0");
  CHECK(again(R"("\u0000AAEC")") == R"("\u0000AAEC")");
  CHECK(fake::values().from_json(R"("\u0000AAEC")").kind() == NX_BINARY);
  CHECK(fake::values().from_json(R"("\u0000no base64")").kind() == NX_STRING);
  for (const char* wrong : {"",         "[1,]",    "[1",          "{\"a\"}",     "{1:2}",     "01",
                            "1.",       "-",       "+1",          "tru",         "[1] 2",     "\"",
                            "'a'",      "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\u12\"", "nul",
                            "[\"\n\"]", "\"\xff\""}) {
    CAPTURE(wrong);
    CHECK(refused(wrong));
  }
  CHECK(refused(std::string_view("1\0", 2)));
  CHECK(refused(std::string(100, '[') + std::string(100, ']')));
}

TEST_CASE("base64 and UTF-8") {
  for (const auto& [bytes, text] : {std::pair<const char*, const char*>{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foobar", "Zm9vYmFy"}}) {  // RFC 4648
    std::string back;
    CHECK(fake::base64(bytes) == text);
    CHECK(fake::base64_decode(text, back));
    CHECK(back == bytes);
  }
  std::string ignored;
  for (const char* wrong : {"Z", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9*"}) {
    CHECK_FALSE(fake::base64_decode(wrong, ignored));
  }
  for (const char* right : {"", "a", "\u00e4", "\uffff", "\U0010ffff"}) {
    CHECK(fake::is_utf8(right));
  }
  for (const char* wrong : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xc3", "\xff", "a\xe2\x82"}) {
    CHECK_FALSE(fake::is_utf8(wrong));
  }
}

TEST_CASE("options are read as an INI file would have them") {
  CHECK(value_of(option::duration("d", "", ""), "5s") == "5000");
  CHECK(value_of(option::duration("d", "", ""), "2 m") == "120000");
  CHECK(value_of(option::duration("d", "", ""), "7") == "7");
  CHECK(value_of(option::duration("d", "", ""), "5x") == "refused");
  CHECK(value_of(option::size("s", "", ""), "16M") == "16777216");
  CHECK(value_of(option::size("s", "", "", 1, 1024), "1K") == "1024");
  CHECK(value_of(option::size("s", "", "", 1, 1024), "2K") == "refused");
  CHECK(value_of(option::size("s", "", ""), "9999999999999G") == "refused");
  CHECK(value_of(option::integer("i", "", "", -5, 5), "-5") == "-5");
  CHECK(value_of(option::integer("i", "", ""), "") == "refused");
  CHECK(value_of(option::integer("i", "", ""), "1-2") == "refused");
  CHECK(value_of(option::boolean("b", "", ""), "on") == "true");
  CHECK(value_of(option::boolean("b", "", ""), "maybe") == "refused");
  CHECK(value_of(option::real("r", "", ""), "0.25") == "0.25");
  CHECK(value_of(option::real("r", "", ""), "0.25x") == "refused");
  CHECK(value_of(option::list("l", "", ""), "a, b,c") == R"(["a","b","c"])");
  CHECK(value_of(option::list("l", "", ""), "") == "[]");
  CHECK(value_of(option::dict("d", "", ""), R"({"a": 1})") == R"({"a":1})");
  CHECK(value_of(option::dict("d", "", ""), "[]") == "refused");
  CHECK(value_of(option::choice("c", "", "red|green", ""), "green") == R"("green")");
  CHECK(value_of(option::choice("c", "", "red|green", ""), "gree") == "refused");
}

TEST_CASE("posts, timers and time are the test's") {
  fake::Host host;
  const auto& loop = *static_cast<const nx_host_loop_v1*>(nx_host_service(&host, NX_HOST_LOOP));
  std::string order;
  struct Step {
    std::string* order;
    char name;
  };
  Step a{&order, 'a'}, b{&order, 'b'}, c{&order, 'c'};
  const auto note = [](void* user) {
    auto& step = *static_cast<Step*>(user);
    *step.order += step.name;
  };
  CHECK(loop.current(&host) == NX_LOOP_NONE);
  CHECK(loop.post(&host, 0, note, &a) == NX_OK);
  CHECK(loop.post(&host, 1, note, &a) == NX_E_INVALID);
  uint64_t timer = 0, cancelled = 0;
  loop.timer_start(&host, 10, note, &b, &timer);
  loop.timer_start(&host, 5, note, &c, &cancelled);
  CHECK(timer != 0);
  CHECK(order.empty());
  CHECK(host.run() == 1);
  loop.timer_cancel(&host, cancelled);
  CHECK(host.advance(9) == 0);
  CHECK(host.advance(1) == 1);
  CHECK(order == "ab");
  CHECK(host.timers() == 0);
}

TEST_CASE("watches report what they were asked for") {
  fake::Host host;
  const auto& loop = *static_cast<const nx_host_loop_v1*>(nx_host_service(&host, NX_HOST_LOOP));
  uint32_t seen = 0;
  const auto note = [](void* user, int32_t, uint32_t events) {
    *static_cast<uint32_t*>(user) = events;
  };
  loop.watch(&host, 3, NX_FD_READ, note, &seen);
  CHECK_FALSE(host.report(3, NX_FD_WRITE));
  CHECK(host.report(3, NX_FD_READ));
  CHECK(seen == NX_FD_READ);
  loop.watch(&host, 3, 0, nullptr, nullptr);
  CHECK_FALSE(host.report(3, NX_FD_READ));
}

TEST_CASE("work, counters and logs are there to be looked at") {
  fake::Host host;
  const auto& work = *static_cast<const nx_host_work_v1*>(nx_host_service(&host, NX_HOST_WORK));
  int ran = 0;
  work.run(
      &host, [](void* user) { ++*static_cast<int*>(user); }, &ran);
  CHECK(ran == 0);
  CHECK(host.run_work() == 1);
  CHECK(ran == 1);
  const auto& metrics =
      *static_cast<const nx_host_metrics_v1*>(nx_host_service(&host, NX_HOST_METRICS));
  nx_counter* counter = metrics.counter(&host, to_nx("asked"), to_nx("help"));
  CHECK(counter == metrics.counter(&host, to_nx("asked"), to_nx("help")));
  metrics.add(counter, 3);
  metrics.add(nullptr, 3);
  CHECK(host.counter("asked") == 3);
  CHECK(host.counter("other") == 0);
  Log(&host).warning("smoke");
  REQUIRE(host.log_lines().size() == 1);
  CHECK(host.log_lines()[0].level == NX_LOG_WARNING);
  CHECK(host.logged("mok"));
  CHECK_FALSE(host.logged("fire"));
}

TEST_CASE("before stop() everything that is owed ends, and nothing new begins") {
  fake::Host host;
  const auto* loops = static_cast<const nx_host_loop_v1*>(nx_host_service(&host, NX_HOST_LOOP));
  const auto* work = static_cast<const nx_host_work_v1*>(nx_host_service(&host, NX_HOST_WORK));
  int ran = 0;
  const auto count = [](void* user) { ++*static_cast<int*>(user); };
  const auto ready = [](void* user, int32_t, uint32_t) { ++*static_cast<int*>(user); };
  uint64_t timer = 0;
  REQUIRE(loops->timer_start(&host, 0, count, &ran, &timer) == NX_OK);
  REQUIRE(loops->watch(&host, 0, NX_FD_READ, ready, &ran) == NX_OK);
  REQUIRE(loops->post(&host, 0, count, &ran) == NX_OK);
  REQUIRE(work->run(&host, count, &ran) == NX_OK);
  host.end_callbacks();
  CHECK(ran == 2);  // what was posted, and the job
  host.advance(1000);
  CHECK_FALSE(host.report(0, NX_FD_READ));
  CHECK(ran == 2);
  CHECK(loops->post(&host, 0, count, &ran) == NX_E_CLOSED);
  CHECK(loops->timer_start(&host, 0, count, &ran, &timer) == NX_E_CLOSED);
  CHECK(loops->watch(&host, 0, NX_FD_READ, ready, &ran) == NX_E_CLOSED);
  CHECK(loops->watch(&host, 0, 0, nullptr, nullptr) == NX_OK);
  CHECK(work->run(&host, count, &ran) == NX_E_CLOSED);
}

TEST_CASE("no slot of any table is empty") {
  fake::Host host;
  const auto count_null = [&](const char* id, size_t size) {
    const auto* table = static_cast<const uint8_t*>(nx_host_service(&host, id));
    REQUIRE(table != nullptr);
    int empty = 0;
    for (size_t at = 8; at < size; at += sizeof(void*)) {
      void* slot = nullptr;
      std::memcpy(&slot, table + at, sizeof slot);
      empty += slot == nullptr ? 1 : 0;
    }
    return empty;
  };
  CHECK(count_null(NX_HOST_LOG, sizeof(nx_host_log_v1)) == 0);
  CHECK(count_null(NX_HOST_VALUES, sizeof(nx_host_values_v1)) == 0);
  CHECK(count_null(NX_HOST_BUFFERS, sizeof(nx_host_buffers_v1)) == 0);
  CHECK(count_null(NX_HOST_CONFIG, sizeof(nx_host_config_v1)) == 0);
  CHECK(count_null(NX_HOST_LOOP, sizeof(nx_host_loop_v1)) == 0);
  CHECK(count_null(NX_HOST_METRICS, sizeof(nx_host_metrics_v1)) == 0);
  CHECK(count_null(NX_HOST_WORK, sizeof(nx_host_work_v1)) == 0);
  CHECK(count_null(NX_HOST_REALM, sizeof(nx_host_realm_v1)) == 0);
  CHECK(count_null(NX_HOST_AUTH, sizeof(nx_host_auth_v1)) == 0);
  CHECK(count_null(NX_HOST_AUTHZ, sizeof(nx_host_authz_v1)) == 0);
  CHECK(count_null(NX_HOST_SESSIONS, sizeof(nx_host_sessions_v1)) == 0);
  CHECK(count_null(NX_HOST_STREAMS, sizeof(nx_host_streams_v1)) == 0);
}

TEST_CASE("operations are answered as a router would have it") {
  fake::Host host;
  const auto& auth = *static_cast<const nx_host_auth_v1*>(nx_host_service(&host, NX_HOST_AUTH));
  const auto& authz = *static_cast<const nx_host_authz_v1*>(nx_host_service(&host, NX_HOST_AUTHZ));
  nx_auth_result accept{};
  accept.struct_size = sizeof accept;
  accept.decision = NX_AUTH_ACCEPT;
  nx_authz_result allow{};
  allow.struct_size = sizeof allow;
  allow.decision = NX_AUTHZ_ALLOW;
  const nx_op op = host.open_operation(NX_KIND_AUTHENTICATOR);
  CHECK(authz.complete(&host, op, &allow) == NX_E_INVALID);
  CHECK(auth.complete(&host, op, nullptr) == NX_E_INVALID);
  accept.struct_size = 4;  // ends before the decision
  CHECK(auth.complete(&host, op, &accept) == NX_E_INVALID);
  CHECK(host.refused_answers() == 3);
  CHECK(host.auth_answers().empty());
  // What an older component does not know of is not read.
  accept.struct_size = offsetof(nx_auth_result, realm);
  accept.authid = {nullptr, 3};
  CHECK(auth.complete(&host, op, &accept) == NX_OK);
  CHECK(auth.complete(&host, op, &accept) == NX_E_CLOSED);
  CHECK(host.auth_answers().at(0).mistake.empty());
  CHECK(host.late_answers() == 1);
}

TEST_CASE("an answer that a router would take for none says why") {
  nx_auth_result auth{};
  auth.struct_size = sizeof auth;
  auth.decision = NX_AUTH_ACCEPT;
  auth.authid = {"a\xff", 2};
  CHECK(fake::copy_of(1, auth).mistake == "authid is a text that is not UTF-8");
  auth.authid = {nullptr, 3};
  CHECK(fake::copy_of(1, auth).mistake == "authid is a text that is not UTF-8");
  auth.authid = {};
  auth.realm = {"no uri", 6};
  CHECK(fake::copy_of(1, auth).mistake == "realm is not a URI");
  auth.realm = {};
  const Value list = fake::values().list().done();
  auth.challenge = list.get();
  CHECK(fake::copy_of(1, auth).mistake == "challenge is not a dict");
  nx_authz_result authz{};
  authz.struct_size = sizeof authz;
  authz.error_uri = {"a..b", 4};
  CHECK(fake::copy_of(1, authz).mistake == "error_uri is not a URI");
  authz.error_uri = {};
  authz.remember = NX_REMEMBER_ROLE + 1;
  CHECK(fake::copy_of(1, authz).mistake == "remember is an unknown number");
  authz.remember = 0;
  CHECK(fake::copy_of(1, authz).mistake.empty());
}

TEST_CASE("waiting ends with the answer or with the time") {
  fake::Host host;
  const auto& auth = *static_cast<const nx_host_auth_v1*>(nx_host_service(&host, NX_HOST_AUTH));
  const nx_op op = host.open_operation();
  std::thread answer([&] {
    nx_auth_result result{};
    result.struct_size = sizeof result;
    result.decision = NX_AUTH_ACCEPT;
    auth.complete(&host, op, &result);
  });
  const auto answered = [](const fake::Host& from) { return !from.auth_answers().empty(); };
  CHECK(host.wait_for(answered));
  answer.join();
  const auto never = [](const fake::Host&) { return false; };
  CHECK_FALSE(host.wait_for(never, std::chrono::milliseconds(1)));
}
