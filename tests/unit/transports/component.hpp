// A transport component at work on a FakeHost, configured the way the router would: defaults from
// its own option table, parsed, with a test's JSON on top.
#pragma once

#include "fake_host.hpp"

extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_transport_websocket(void);
extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_transport_rawsocket(void);
extern "C" const nx_plugin_entry* nexus_plugin_entry_v1_nexus_transport_longpoll(void);

namespace transports_test {

// "16M", "5s", "12": a number with the units of sizes and durations (then in milliseconds).
inline int64_t number_of(const std::string& text, bool duration) {
  char* unit = nullptr;
  const int64_t number = std::strtoll(text.c_str(), &unit, 10);
  const std::string_view suffix(unit);
  static const std::map<std::string_view, int64_t> kSizes = {
      {"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
  static const std::map<std::string_view, int64_t> kTimes = {
      {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
  const auto& units = duration ? kTimes : kSizes;
  const auto found = units.find(suffix);
  demand(found != units.end(), "a default with an unknown unit");
  return number * found->second;
}

// The default of one option, or null when it is absent.
inline nx_value* default_of(const nx_option& option) {
  const nx_host_values_v1& v = FakeHost::values();
  const std::string text = text_of(option.fallback);
  if (text.empty()) return nullptr;
  switch (option.type) {
    case NX_OPTION_INT:
    case NX_OPTION_SIZE:
      return v.new_int(number_of(text, false));
    case NX_OPTION_DURATION:
      return v.new_int(number_of(text, true));
    case NX_OPTION_BOOL:
      return v.new_bool(text == "true" ? 1 : 0);
    default:
      return v.new_string(option.fallback);
  }
}

class Component {
 public:
  // Creates and configures; `json` holds the options that are not defaults.
  Component(const nx_plugin_entry* entry, FakeHost& host, const std::string& json)
      : table(*entry->components[0]) {
    nx_error error{};
    error.struct_size = sizeof(error);
    demand(table.create(&host, &self, &error) == NX_OK, "create() failed");
    transport = static_cast<const nx_transport_v1*>(table.interface(self, NX_TRANSPORT_V1));
    const nx_host_values_v1& v = FakeHost::values();
    nx_value* section = nullptr;
    demand(v.from_json(str_of(json), &section, &error) == NX_OK, "bad JSON in a test");
    for (uint32_t i = 0; i < table.option_count; ++i) {
      const nx_option& option = table.options[i];
      if (v.get(section, option.name) != nullptr) continue;
      nx_value* value = default_of(option);
      if (value == nullptr) continue;
      v.set(section, option.name, value);
      v.unref(value);
    }
    status = table.configure(self, section, &error);
    text = error.text;
    v.unref(section);
    if (status == NX_OK) status = table.start(self, &error);
  }
  Component(const Component&) = delete;
  ~Component() {
    table.stop(self);
    table.destroy(self);
  }

  nx_status listen() {
    nx_error error{};
    error.struct_size = sizeof(error);
    const nx_status answer = transport->listen(self, &error);
    text = error.text;
    return answer;
  }
  std::vector<std::string> urls() const {
    std::vector<std::string> out;
    nx_str url{};
    for (uint32_t i = 0; transport->url(self, i, &url) == NX_OK; ++i) out.push_back(text_of(url));
    return out;
  }

  const nx_component& table;
  const nx_transport_v1* transport = nullptr;
  void* self = nullptr;
  nx_status status = NX_OK;  // of configure()
  std::string text;          // of the last error
};

// A listening transport with its router.
struct Rig {
  Rig(const nx_plugin_entry* entry, const std::string& json) : component(entry, host, json) {
    demand(component.status == NX_OK, component.text.c_str());
    demand(component.listen() == NX_OK, component.text.c_str());
  }
  ~Rig() {
    for (auto& stream : host.streams) host.drop(*stream);
  }
  FakeHost host;
  Component component;
};

}  // namespace transports_test
