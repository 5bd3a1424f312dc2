// The service tables as a plugin meets them: through nx_host, with C types only.
#include "kernel/plugin/services.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <mutex>

#include "kernel/base/value.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/metrics.hpp"
#include "kernel/plugin/options.hpp"
#include "kernel/plugin/work.hpp"

using namespace nexus;

namespace {

nx_str str(std::string_view text) { return to_nx(text); }

// True if no slot behind the 8 bytes of size and reserved is null.
template <typename Table>
bool is_complete(const Table* table) {
  if (table == nullptr || table->struct_size != sizeof(Table)) return false;
  for (size_t at = 8; at < sizeof(Table); at += sizeof(void*)) {
    void* slot = nullptr;
    std::memcpy(&slot, reinterpret_cast<const char*>(table) + at, sizeof slot);
    if (slot == nullptr) return false;
  }
  return true;
}

template <typename Table>
const Table* service(nx_host* host, const char* id) {
  return static_cast<const Table*>(nx_host_service(host, id));
}

const nx_host_values_v1& values() { return *values_service(); }

std::string json_of(const nx_value* value) {
  std::string text;
  const auto collect = [](void* user, nx_str piece) {
    static_cast<std::string*>(user)->append(to_view(piece));
  };
  REQUIRE(values().to_json(value, collect, &text) == NX_OK);
  return text;
}

}  // namespace

TEST_CASE("host: services are found by id, others are null") {
  HostContext context;
  Host host(context, "authenticator.ticket");
  CHECK(host.struct_size == sizeof(nx_host));
  CHECK(host.abi_minor == NX_ABI_MINOR);
  CHECK(nx_host_service(&host, NX_HOST_LOG) == nullptr);
  add_base_services(context);
  CHECK(is_complete(service<nx_host_log_v1>(&host, NX_HOST_LOG)));
  CHECK(is_complete(service<nx_host_values_v1>(&host, NX_HOST_VALUES)));
  CHECK(is_complete(service<nx_host_config_v1>(&host, NX_HOST_CONFIG)));
  CHECK(is_complete(service<nx_host_buffers_v1>(&host, NX_HOST_BUFFERS)));
  CHECK(is_complete(service<nx_host_loop_v1>(&host, NX_HOST_LOOP)));
  CHECK(is_complete(service<nx_host_streams_v1>(&host, NX_HOST_STREAMS)));
  CHECK(is_complete(service<nx_host_metrics_v1>(&host, NX_HOST_METRICS)));
  CHECK(is_complete(service<nx_host_work_v1>(&host, NX_HOST_WORK)));
  CHECK(nx_host_service(&host, "nexus.log/2") == nullptr);
  CHECK(nx_host_service(&host, "") == nullptr);
  CHECK(nx_host_service(&host, nullptr) == nullptr);
}

TEST_CASE("service config: mistakes and warnings go where configure() is asked, else nowhere") {
  HostContext context;
  Host host(context, "authenticator.ticket");
  const nx_host_config_v1& service = *config_service();
  service.warning(&host, NX_STR("users"), NX_STR("not now"));
  std::vector<ConfigMistake> mistakes;
  std::vector<ConfigMistake> warnings;
  host.mistakes = &mistakes;
  host.warnings = &warnings;
  service.mistake(&host, NX_STR("users"), NX_STR("is wrong"));
  service.warning(&host, NX_STR("tls.key"), NX_STR("two\nlines"));
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].path == "users");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].path == "tls.key");
  CHECK(warnings[0].text.find('\n') == std::string::npos);
}

TEST_CASE("service log: lines carry the component's name and obey its level") {
  std::vector<std::string> lines;
  LogOptions options;
  options.levels = "authenticator.ticket=debug";
  options.sink = [&](std::string_view line) { lines.emplace_back(line); };
  {
    Log log(options);
    HostContext context;
    context.log = &log;
    Host host(context, "authenticator.ticket");
    const nx_host_log_v1& service = *log_service();
    CHECK(service.enabled(&host, NX_LOG_DEBUG) == 1);
    CHECK(service.enabled(&host, NX_LOG_TRACE) == 0);
    service.write(&host, NX_LOG_DEBUG, str("hello\nforged"));
    service.write(&host, NX_LOG_TRACE, str("too quiet"));
    service.write(&host, 99, str("no such level"));
    service.write(&host, NX_LOG_INFO, {nullptr, 0});
  }
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].ends_with("DEBUG authenticator.ticket hello\\nforged"));
  CHECK(lines[1].ends_with("ERROR authenticator.ticket no such level"));

  HostContext silent;
  Host host(silent, "x");
  log_service()->write(&host, NX_LOG_ERROR, str("nowhere"));
  CHECK(log_service()->enabled(&host, NX_LOG_ERROR) == 0);
}

TEST_CASE("service values: build, read, give back") {
  const nx_host_values_v1& v = values();
  nx_value* dict = v.new_dict();
  nx_value* list = v.new_list();
  for (nx_value* item : {v.new_null(), v.new_bool(7), v.new_int(-3), v.new_uint(UINT64_MAX),
                         v.new_double(1.5), v.new_string(str("ä")), v.new_binary({nullptr, 0})}) {
    REQUIRE(item != nullptr);
    CHECK(v.append(list, item) == NX_OK);
    v.unref(item);
  }
  CHECK(v.set(dict, str("list"), list) == NX_OK);
  CHECK(v.append(list, list) == NX_E_STATE);  // the dict has seen it
  v.unref(list);
  CHECK(json_of(dict) == R"({"list":[null,true,-3,18446744073709551615,1.5,"ä","\u0000"]})");

  CHECK(v.kind(dict) == NX_DICT);
  CHECK(v.size(dict) == 1);
  CHECK(to_view(v.key_at(dict, 0)) == "list");
  const nx_value* lent = v.get(dict, str("list"));
  REQUIRE(lent != nullptr);
  CHECK(v.at(dict, 0) == lent);
  CHECK(v.size(lent) == 7);
  CHECK(v.as_bool(v.at(lent, 1), 0) == 1);
  CHECK(v.as_bool(v.at(lent, 2), 0) == 0);
  CHECK(v.as_bool(v.at(lent, 2), 5) == 5);
  CHECK(v.as_int(v.at(lent, 2), 0) == -3);
  CHECK(v.as_uint(v.at(lent, 3), 0) == UINT64_MAX);
  CHECK(v.as_double(v.at(lent, 2), 0) == -3.0);
  CHECK(to_view(v.as_string(v.at(lent, 5))) == "ä");
  CHECK(v.as_binary(v.at(lent, 6)).size == 0);
  CHECK(v.at(lent, 7) == nullptr);
  CHECK(v.get(dict, str("none")) == nullptr);

  nx_value* kept = v.ref(lent);
  v.unref(dict);
  CHECK(v.size(kept) == 7);
  v.unref(kept);
}

TEST_CASE("U-01: service values: a double that is a whole number is read as that integer") {
  const nx_host_values_v1& v = values();
  struct Row {
    double given;
    int64_t integer;
    uint64_t positive;
  };
  for (const Row& row : {Row{0.0, 0, 0}, Row{-0.0, 0, 0}, Row{60.0, 60, 60}, Row{-60.0, -60, 9},
                         Row{9007199254740992.0, int64_t{1} << 53, uint64_t{1} << 53},
                         Row{-9007199254740992.0, -(int64_t{1} << 53), 9}, Row{0.5, 7, 9},
                         Row{9007199254740994.0, 7, 9}, Row{1e300, 7, 9}, Row{-1e19, 7, 9},
                         Row{std::numeric_limits<double>::infinity(), 7, 9},
                         Row{std::numeric_limits<double>::quiet_NaN(), 7, 9}}) {
    CAPTURE(row.given);
    nx_value* real = v.new_double(row.given);
    CHECK(v.as_int(real, 7) == row.integer);
    CHECK(v.as_uint(real, 9) == row.positive);
    CHECK(v.kind(real) == NX_DOUBLE);  // what was written stays known
    v.unref(real);
  }
}

TEST_CASE("service values: nonsense is refused, NULL is harmless") {
  const nx_host_values_v1& v = values();
  CHECK(v.new_string(str("\xff")) == nullptr);
  CHECK(v.ref(nullptr) == nullptr);
  v.unref(nullptr);
  CHECK(v.kind(nullptr) == NX_NULL);
  CHECK(v.as_bool(nullptr, 3) == 3);
  CHECK(v.as_int(nullptr, 3) == 3);
  CHECK(v.as_string(nullptr).size == 0);
  CHECK(v.size(nullptr) == 0);
  CHECK(v.at(nullptr, 0) == nullptr);
  CHECK(v.get(nullptr, str("a")) == nullptr);

  nx_value* list = v.new_list();
  nx_value* dict = v.new_dict();
  nx_value* item = v.new_int(1);
  CHECK(v.append(list, nullptr) == NX_E_INVALID);
  CHECK(v.append(dict, item) == NX_E_INVALID);
  CHECK(v.append(nullptr, item) == NX_E_INVALID);
  CHECK(v.set(list, str("a"), item) == NX_E_INVALID);
  CHECK(v.set(dict, str("\xff"), item) == NX_E_INVALID);
  CHECK(v.set(dict, str("a"), item) == NX_OK);
  CHECK(v.set(dict, str("a"), item) == NX_OK);
  CHECK(v.size(dict) == 1);
  v.unref(item);
  v.unref(dict);
  // As deep as it goes.
  nx_status status = NX_OK;
  for (uint32_t i = 1; i < kMaxValueDepth; ++i) {
    nx_value* outer = v.new_list();
    REQUIRE(v.append(outer, list) == NX_OK);
    v.unref(list);
    list = outer;
  }
  nx_value* outer = v.new_list();
  status = v.append(outer, list);
  CHECK(status == NX_E_LIMIT);
  v.unref(outer);
  v.unref(list);
}

TEST_CASE("service values: JSON in both directions, and walking into a builder") {
  const nx_host_values_v1& v = values();
  nx_error error = make_error();
  nx_value* value = nullptr;
  REQUIRE(v.from_json(str(R"({"a":[1,2.5]})"), &value, &error) == NX_OK);
  CHECK(json_of(value) == R"({"a":[1,2.5]})");
  ValueBuilder builder;
  CHECK(v.walk(value, &ValueBuilder::sink(), &builder) == NX_OK);
  CHECK(builder.take() == Value::share(value));
  v.unref(value);
  CHECK(v.from_json(str("{"), &value, &error) == NX_E_MALFORMED);
  CHECK(value == nullptr);
  CHECK(std::string(error.text) == "line 1, column 2: a key in double quotes is expected");
  CHECK(v.from_json(str("{"), &value, nullptr) == NX_E_MALFORMED);
  CHECK(json_of(nullptr) == "null");
}

TEST_CASE("service buffers: counted bytes") {
  const nx_host_buffers_v1& b = *buffers_service();
  char text[] = "payload";
  nx_buffer* buffer = b.copy_of({reinterpret_cast<uint8_t*>(text), 7});
  REQUIRE(buffer != nullptr);
  text[0] = 'X';
  CHECK(b.ref(buffer) == buffer);
  b.unref(buffer);
  CHECK(as_text(b.bytes(buffer)) == "payload");
  b.unref(buffer);
  b.unref(nullptr);
  CHECK(b.ref(nullptr) == nullptr);
  CHECK(b.bytes(nullptr).size == 0);
}

TEST_CASE("service metrics: counters carry the component's name") {
  Metrics metrics;
  HostContext context;
  context.metrics = &metrics;
  Host host(context, "authenticator.Ticket-2");
  const nx_host_metrics_v1& m = *metrics_service();
  nx_counter* counter = m.counter(&host, str("asked"), str("Questions."));
  REQUIRE(counter != nullptr);
  CHECK(m.counter(&host, str("asked"), {}) == counter);
  CHECK(m.counter(&host, str("Asked"), {}) == nullptr);
  CHECK(m.counter(&host, str(""), {}) == nullptr);
  m.add(counter, 3);
  m.add(nullptr, 3);
  const auto samples = metrics.snapshot();
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].name == "nexus_authenticator_ticket_2_asked");
  CHECK(samples[0].value == 3);

  HostContext without;
  Host other(without, "x");
  CHECK(m.counter(&other, str("asked"), {}) == nullptr);
}

TEST_CASE("service work: jobs run, throw without harm, and end with their component") {
  std::mutex mutex;
  std::vector<std::string> lines;
  LogOptions options;
  options.sink = [&](std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.emplace_back(line);
  };
  Log log(options);
  WorkPool pool(WorkLimits{.threads = 2});
  HostContext context;
  context.log = &log;
  context.work = &pool;
  const nx_host_work_v1& service = *work_service();
  std::atomic<int> ran{0};
  {
    Host host(context, "authenticator.ldap");
    for (int i = 0; i < 20; ++i) {
      const auto job = [](void* user) { ++*static_cast<std::atomic<int>*>(user); };
      CHECK(service.run(&host, job, &ran) == NX_OK);
    }
    CHECK(service.run(
              &host, [](void*) { throw 1; }, nullptr) == NX_OK);
    CHECK(service.run(&host, nullptr, nullptr) == NX_E_INVALID);
  }
  CHECK(ran == 20);
  log.flush();
  const std::lock_guard lock(mutex);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].ends_with("ERROR authenticator.ldap a job threw"));

  HostContext without;
  Host host(without, "x");
  CHECK(service.run(
            &host, [](void*) {}, nullptr) == NX_E_UNSUPPORTED);
}
