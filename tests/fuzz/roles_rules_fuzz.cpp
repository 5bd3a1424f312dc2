// libFuzzer: the rules of the authorizer "roles", from JSON text to decisions. What is accepted has
// to keep its promise: no pattern is allowed while one of its own rules' URIs in it is denied.
#include <cstdlib>

#include "nexus/cpp/fake_values.hpp"
#include "plugins/authorizers/roles/rule_table.hpp"

using namespace nexus::roles;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const nexus::sdk::Values values(&nexus::sdk::fake::values_table);
  RuleTable table;
  nexus::sdk::Value parsed;
  try {
    parsed = values.from_json(text);
    table.read(parsed, "rules", 200);
  } catch (const nexus::sdk::Error&) {
    return 0;
  }
  table.finish();
  // The URIs that stand in the rules, asked for as patterns.
  for (size_t i = 0; i < parsed.size(); ++i) {
    const std::string role(parsed.key_at(i));
    const nexus::sdk::ValueView rules = parsed.at(i);
    for (size_t j = 0; j < rules.size(); ++j) {
      const std::string uri(rules.at(j)["uri"].as_string());
      for (const uint32_t match : {NX_MATCH_EXACT, NX_MATCH_PREFIX, NX_MATCH_WILDCARD}) {
        const Pattern request{match, uri};
        if (pattern_mistake(request) != nullptr) continue;
        bool allowed = false;
        table.decide(role, NX_ACTION_SUBSCRIBE, request, &allowed);
        if (!allowed) continue;
        for (size_t k = 0; k < rules.size(); ++k) {
          const std::string one(rules.at(k)["uri"].as_string());
          if (pattern_mistake({NX_MATCH_EXACT, one}) != nullptr || !contains_uri(request, one)) {
            continue;
          }
          bool also = false;
          table.decide(role, NX_ACTION_SUBSCRIBE, {NX_MATCH_EXACT, one}, &also);
          if (!also) std::abort();
        }
      }
    }
  }
  return 0;
}
