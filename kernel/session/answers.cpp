// What authenticators and authorizers answer, taken over from the ABI's structs. [any]
//
// Here is the door through which a plugin's texts come to clients, into meta events and into keys:
// an answer with a text that is none, an error URI that is none, or a choice that does not exist is
// no answer at all, and whoever waits for it denies. It is copied only as far as its maker says
// that it reaches; what an older plugin does not know of is zero.
#include <algorithm>
#include <cstring>

#include "kernel/message/uri.hpp"
#include "kernel/plugin/given_text.hpp"
#include "kernel/session/access.hpp"
#include "kernel/session/handshake.hpp"

namespace nexus {
namespace {

template <typename Result>
Result whole(const Result& given) {
  Result known{};
  std::memcpy(&known, &given, std::min<size_t>(given.struct_size, sizeof known));
  return known;
}

// Collects the first thing that is wrong.
class Checked {
 public:
  // Takes over a text, and nothing of what is none.
  std::string text(const char* name, nx_str given) {
    const char* const wrong = text_mistake(given);
    if (wrong == nullptr) return std::string(to_view(given));
    note(std::string(name) + " " + wrong);
    return {};
  }
  // Empty is allowed: it means the usual.
  std::string uri(const char* name, nx_str given) {
    std::string text = this->text(name, given);
    if (!text.empty() && !valid_uri(text, UriCheck::loose)) {
      note(std::string(name) + " is not a URI: " + uri_mistake(text, UriCheck::loose));
    }
    return text;
  }
  Value dict(const char* name, const nx_value* given) {
    Value value = Value::share(given);
    if (value.is(NX_NULL)) return {};
    if (value && !value.is(NX_DICT)) note(std::string(name) + " is not a dict");
    return value;
  }
  // One of 1 … last, or 0, which stands for the first.
  uint32_t choice(const char* name, uint32_t given, uint32_t last) {
    if (given > last) note(std::string(name) + " " + std::to_string(given) + " does not exist");
    return given;
  }
  uint32_t decision(uint32_t given, uint32_t last) {
    if (given == 0 || given > last) note("decision " + std::to_string(given) + " does not exist");
    return given;
  }
  std::string take() { return std::move(mistake_); }

 private:
  void note(std::string mistake) {
    if (mistake_.empty()) mistake_ = std::move(mistake);
  }
  std::string mistake_;
};

}  // namespace

AuthAnswer::AuthAnswer(const nx_auth_result& result) {
  const nx_auth_result given = whole(result);
  Checked checked;
  decision = checked.decision(given.decision, NX_AUTH_NOT_MINE);
  realm = checked.uri("realm", given.realm);
  authid = checked.text("authid", given.authid);
  authrole = checked.text("authrole", given.authrole);
  authprovider = checked.text("authprovider", given.authprovider);
  method = checked.text("method", given.method);
  error_uri = checked.uri("error_uri", given.error_uri);
  error_message = checked.text("error_message", given.error_message);
  authextra = checked.dict("authextra", given.authextra);
  challenge = checked.dict("challenge", given.challenge);
  mistake = checked.take();
}

AuthAnswer::AuthAnswer(uint32_t d, std::string uri, std::string message)
    : decision(d), error_uri(std::move(uri)), error_message(std::move(message)) {}

AuthzAnswer::AuthzAnswer(const nx_authz_result& result) {
  const nx_authz_result given = whole(result);
  Checked checked;
  decision = checked.decision(given.decision, NX_AUTHZ_NOT_MINE);
  disclose = checked.choice("disclose", given.disclose, NX_DISCLOSE_ALWAYS);
  remember = checked.choice("remember", given.remember, NX_REMEMBER_ROLE);
  remember_ms = given.remember_ms;
  trust_level = given.trust_level;
  validate = given.validate;
  error_uri = checked.uri("error_uri", given.error_uri);
  error_message = checked.text("error_message", given.error_message);
  mistake = checked.take();
}

}  // namespace nexus
