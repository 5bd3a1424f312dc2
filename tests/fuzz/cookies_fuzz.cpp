// libFuzzer: the file of the authenticator "cookie". The text is taken as a whole file, and, with
// the codes that it would need, as lines of one. What is accepted has to be written again the same.
#include <algorithm>
#include <string>

#include "nexus/cpp/fake_values.hpp"
#include "plugins/authenticators/cookie/cookie_file.hpp"
#include "plugins/support/auth/crypto.hpp"

using namespace nexus::cookie;
namespace fake = nexus::sdk::fake;

namespace {

void take(const std::string& text) {
  std::vector<Remembered> entries;
  try {
    entries = parse_cookies("key", text, fake::values());
  } catch (const nexus::sdk::Error&) {
    return;
  }
  CookieTable table(CookieLimits{1000, 500, 3, 2});
  for (const Remembered& entry : entries) {
    if (entry.hash.size() != nexus::auth::kHashSize) __builtin_trap();
    if (entry.who->extra && !entry.who->extra.is_dict()) __builtin_trap();
    table.remember(entry, 700);
    if (table.size() > 3) __builtin_trap();
    table.find(entry.hash, 700);
  }
  const std::string again = text_of("key", entries, fake::values());
  std::vector<Remembered> twice;
  try {
    twice = parse_cookies("key", again, fake::values());
  } catch (const nexus::sdk::Error&) {
    __builtin_trap();
  }
  if (text_of("key", twice, fake::values()) != again) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  take(text);
  std::string coded = "nexus-cookies 1\n";
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    const std::string line = text.substr(from, end - from);
    coded += nexus::auth::to_hex(nexus::auth::hmac_sha256("key", line)) + ' ' + line + '\n';
    from = end + 1;
  }
  take(coded);
  return 0;
}
