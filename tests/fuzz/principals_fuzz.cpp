// libFuzzer: a file of users, as JSON of any kind; and the texts in it.
#include <string>

#include "nexus/cpp/fake_values.hpp"
#include "plugins/support/auth/principals.hpp"
#include "plugins/support/auth/throttle.hpp"

using namespace nexus::auth;
namespace fake = nexus::sdk::fake;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto octets = from_base64(text); octets && to_base64(*octets) != text) __builtin_trap();
  if (const auto octets = from_hex(text); octets && octets->size() * 2 != size) __builtin_trap();
  throttle_address(text);
  try {
    const nexus::sdk::Value content = fake::values().from_json(text);
    std::vector<PrincipalPtr> some;
    parse_principals(content["users"], "user", 100, "users", some);
    if (some.size() > 100) __builtin_trap();
    for (const PrincipalPtr& one : some) {
      if (one->authid.empty() || one->role.empty()) __builtin_trap();
      for (const std::string& key : one->keys) {
        if (key.size() != kEd25519KeySize) __builtin_trap();
      }
    }
  } catch (const nexus::sdk::Error&) {
  }
  return 0;
}
