// libFuzzer: what procedures answer: a user's entry (authenticators), and a decision (the
// authorizer "dynamic"). The input is the answer as JSON.
#include <string>

#include "nexus/cpp/fake_values.hpp"
#include "plugins/authorizers/dynamic/answer.hpp"
#include "plugins/support/auth/principals.hpp"
#include "plugins/support/auth/record.hpp"

namespace fake = nexus::sdk::fake;
using nexus::sdk::ValueView;

namespace {

void read_entry(ValueView answer) {
  const nexus::sdk::Values values(&fake::values_table);
  for (const char* role : {"user", ""}) {
    try {
      const nexus::auth::Record record = nexus::auth::parse_record(values, "joe", answer, role);
      const nexus::auth::Principal& one = *record.principal;
      if (one.authid.empty() || one.role.empty() || !one.realms.empty()) __builtin_trap();
      if (record.extra && !record.extra.is_dict()) __builtin_trap();
      // What the authenticator "dynamic" must not take for a decision.
      bool secret = one.ticket || one.wampcra || one.scram || !one.keys.empty();
      for (size_t i = 0; i < answer.size(); ++i) {
        if (nexus::auth::is_secret_key(answer.key_at(i))) secret = false;
      }
      if (secret) __builtin_trap();
    } catch (const nexus::sdk::Error&) {
    }
  }
}

void read_decision(ValueView answer) {
  using nexus::dynamic::RememberBy;
  for (const RememberBy by : {RememberBy::session, RememberBy::role}) {
    nexus::sdk::AuthzAnswer out = nexus::sdk::AuthzAnswer::deny();
    std::string wrong;
    const bool read = nexus::dynamic::read_answer(answer, by, out, wrong);
    if (read != wrong.empty()) __builtin_trap();
    nx_authz_result result{};
    result.struct_size = sizeof result;
    out.write(result);
    const ValueView allow = answer.is_dict() ? answer["allow"] : answer;
    if (read && (result.decision == NX_AUTHZ_ALLOW) != allow.as_bool()) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nexus::sdk::Value answer;
  try {
    answer = fake::values().from_json({reinterpret_cast<const char*>(data), size});
  } catch (const nexus::sdk::Error&) {
    return 0;
  }
  read_entry(answer);
  read_decision(answer);
  return 0;
}
