#include "plugins/authorizers/dynamic/answer.hpp"

#include <algorithm>

namespace nexus::dynamic {
namespace {

using sdk::AuthzAnswer;
using sdk::ValueView;

constexpr int64_t kMaxRememberMs = 24 * 3600 * 1000;

bool present(ValueView value) { return value && !value.is(NX_NULL); }

uint32_t read_disclose(ValueView value) {
  if (value.is(NX_BOOL)) return value.as_bool() ? NX_DISCLOSE_ALWAYS : NX_DISCLOSE_NEVER;
  const std::string_view word = value.as_string();
  if (word == "never") return NX_DISCLOSE_NEVER;
  if (word == "request") return NX_DISCLOSE_REQUEST;
  return word == "always" ? NX_DISCLOSE_ALWAYS : 0;
}

// Milliseconds; -1: not at all; 0: until invalidated; -2: makes no sense.
int64_t read_cache(ValueView value) {
  if (value.is(NX_BOOL)) return value.as_bool() ? 0 : -1;
  const int64_t ms = value.whole().value_or(-1);
  if (ms < 0) return -2;
  return ms == 0 ? -1 : std::min(ms, kMaxRememberMs);
}

// As the router takes a URI from anybody: what it would not take would be no answer (U-12, U-16).
bool is_uri(std::string_view text) {
  constexpr size_t kMaxUri = 1024;
  if (text.empty() || text.size() > kMaxUri || text.front() == '.' || text.back() == '.') {
    return false;
  }
  if (text.find("..") != text.npos) return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) <= 0x20) || c == '#' || c == 0x7f;
  });
}

bool is_wamp_uri(std::string_view uri) { return uri.substr(0, uri.find('.')) == "wamp"; }

// What WAMP has for a denial; the rest of its error URIs says that a call has failed.
bool says_no(std::string_view uri) {
  return uri == "wamp.error.not_authorized" || uri == "wamp.error.authorization_denied" ||
         uri == "wamp.error.authorization_required" || uri == "wamp.error.authorization_failed";
}

}  // namespace

bool read_error(std::string_view error, ValueView args, AuthzAnswer& out) {
  if (!is_uri(error) || (is_wamp_uri(error) && !says_no(error))) return false;
  out = AuthzAnswer::deny(std::string(args.at(0).as_string()), std::string(error));
  return true;
}

bool read_answer(ValueView result, RememberBy by, AuthzAnswer& out, std::string& wrong) {
  const ValueView allow = result.is_dict() ? result["allow"] : result;
  if (!allow.is(NX_BOOL)) {
    wrong = result.is_dict() ? "its result has no allow that is true or false"
                             : "its result is neither true or false nor a dict with allow";
    return false;
  }
  out = allow.as_bool() ? AuthzAnswer::allow() : AuthzAnswer::deny();
  if (!result.is_dict()) return true;
  if (!allow.as_bool()) {
    const ValueView error = result["error"];
    const ValueView message = result["message"];
    if (present(error) && !is_uri(error.as_string())) {
      wrong = "error in its result is not a URI";
      return false;
    }
    if (present(message) && !message.is(NX_STRING)) {
      wrong = "message in its result is not a string";
      return false;
    }
    out = AuthzAnswer::deny(std::string(message.as_string()), std::string(error.as_string()));
  }
  // Z-12: who answers so relies on it, and nothing here looks into payloads.
  if (const ValueView validate = result["validate"];
      allow.as_bool() && present(validate) && !(validate.is(NX_BOOL) && !validate.as_bool())) {
    wrong = "its result wants the payload validated, which this router does not do";
    return false;
  }
  if (const ValueView disclose = result["disclose"]; present(disclose)) {
    const uint32_t how = read_disclose(disclose);
    if (how == 0) {
      wrong = "disclose in its result is none of true, false, never, request and always";
      return false;
    }
    out.disclose(how);
  }
  if (const ValueView cache = result["cache"]; present(cache)) {
    const int64_t ms = read_cache(cache);
    if (ms == -2) {
      wrong = "cache in its result is none of true, false and a whole number of milliseconds";
      return false;
    }
    if (ms >= 0 && by == RememberBy::session) out.remember_for_session(static_cast<uint32_t>(ms));
    if (ms >= 0 && by == RememberBy::role) out.remember_for_role(static_cast<uint32_t>(ms));
  }
  return true;
}

}  // namespace nexus::dynamic
