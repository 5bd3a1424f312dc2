// What the authorizer "dynamic" makes of the answers of procedures (Z-05).
#include <catch2/catch.hpp>

#include "nexus/cpp/fake_values.hpp"
#include "plugins/authorizers/dynamic/answer.hpp"

namespace {

using namespace nexus::dynamic;
using namespace nexus::sdk;

struct Row {
  const char* json;
  uint32_t decision, disclose, remember, ms;
};

TEST_CASE("Z-05: shapes of answers") {
  const Values values(&fake::values_table);
  constexpr uint32_t A = NX_AUTHZ_ALLOW, D = NX_AUTHZ_DENY, R = NX_DISCLOSE_REALM;
  const Row table[] = {
      {"true", A, R, NX_REMEMBER_NOT, 0},
      {"false", D, R, NX_REMEMBER_NOT, 0},
      {R"({"allow": true})", A, R, NX_REMEMBER_NOT, 0},
      {R"({"allow": true, "disclose": true, "cache": true})", A, NX_DISCLOSE_ALWAYS,
       NX_REMEMBER_SESSION, 0},
      {R"({"allow": true, "disclose": false, "cache": false})", A, NX_DISCLOSE_NEVER,
       NX_REMEMBER_NOT, 0},
      {R"({"allow": false, "cache": 1500, "meta": {}})", D, R, NX_REMEMBER_SESSION, 1500},
      {R"({"allow": true, "disclose": "request", "cache": 0})", A, NX_DISCLOSE_REQUEST,
       NX_REMEMBER_NOT, 0},
      {R"({"allow": true, "disclose": null, "cache": null, "validate": null})", A, R,
       NX_REMEMBER_NOT, 0},
      {R"({"allow": true, "cache": 99999999999})", A, R, NX_REMEMBER_SESSION, 86400000},
      // U-01: JavaScript's integers, as msgpack and CBOR have them.
      {R"({"allow": true, "cache": 1500.0})", A, R, NX_REMEMBER_SESSION, 1500},
      {R"({"allow": true, "cache": 0.0})", A, R, NX_REMEMBER_NOT, 0},
      {R"({"allow": true, "cache": 99999999999.0})", A, R, NX_REMEMBER_SESSION, 86400000},
  };
  for (const Row& row : table) {
    CAPTURE(row.json);
    const Value result = values.from_json(row.json);
    AuthzAnswer answer = AuthzAnswer::deny();
    std::string wrong;
    REQUIRE(read_answer(result, RememberBy::session, answer, wrong));
    nx_authz_result written{};
    answer.write(written);
    CHECK(written.decision == row.decision);
    CHECK(written.disclose == row.disclose);
    CHECK(written.remember == row.remember);
    CHECK(written.remember_ms == row.ms);
  }
  AuthzAnswer answer = AuthzAnswer::deny();
  std::string wrong;
  REQUIRE(read_answer(values.from_json(R"({"allow": true, "cache": true})"), RememberBy::role,
                      answer, wrong));
  nx_authz_result written{};
  answer.write(written);
  CHECK(written.remember == NX_REMEMBER_ROLE);
}

TEST_CASE("Z-01: a denial has the words that the procedure has for it") {
  const Values values(&fake::values_table);
  AuthzAnswer answer = AuthzAnswer::allow();
  std::string wrong;
  nx_authz_result written{};
  const auto says = [&](const char* uri, const char* text) {
    answer.write(written);
    CHECK(written.decision == NX_AUTHZ_DENY);
    CHECK(view(written.error_uri) == uri);
    CHECK(view(written.error_message) == text);
  };
  const auto answers = [&](const char* json) {
    REQUIRE(read_answer(values.from_json(json), RememberBy::session, answer, wrong));
  };
  answers(R"({"allow": false, "error": "com.closed", "message": "tomorrow", "cache": true})");
  says("com.closed", "tomorrow");
  CHECK(written.remember == NX_REMEMBER_SESSION);
  answers(R"({"allow": false, "error": null, "message": "tomorrow"})");
  says("", "tomorrow");
  // Where there is nothing to be denied they mean nothing.
  answers(R"({"allow": true, "error": "no uri", "message": 7})");
  answer.write(written);
  CHECK(written.decision == NX_AUTHZ_ALLOW);

  const auto fails = [&](const char* error, const char* args) {
    return read_error(error, values.from_json(args), answer);
  };
  CHECK(fails("com.closed", R"(["tomorrow", 1])"));
  says("com.closed", "tomorrow");
  CHECK(fails("com.closed", "[7]"));
  says("com.closed", "");
  CHECK(fails("wampum.closed", "[]"));
  says("wampum.closed", "");
  for (const char* no : {"wamp.error.not_authorized", "wamp.error.authorization_denied",
                         "wamp.error.authorization_required", "wamp.error.authorization_failed"}) {
    CHECK(fails(no, R"(["no"])"));
    says(no, "no");
  }
  CHECK(read_error("com.closed", ValueView(), answer));
  for (const char* failure :
       {"wamp.error.runtime_error", "wamp.error.no_such_procedure", "wamp.error.timeout",
        "wamp.error.canceled", "wamp", "no uri", "", ".com", "com.", "a..b", "a#b"}) {
    CAPTURE(failure);
    CHECK_FALSE(fails(failure, R"(["no"])"));
  }
}

TEST_CASE("Z-12: an answer that relies on a check of the payload is a failure, not an ALLOW") {
  const Values values(&fake::values_table);
  AuthzAnswer answer = AuthzAnswer::deny();
  std::string wrong;
  for (const char* validate :
       {"true", R"("com.example.schema")", R"({"args": ["int"]})", "[]", "1"}) {
    CAPTURE(validate);
    const std::string with = R"(, "validate": )" + std::string(validate) + "}";
    CHECK_FALSE(
        read_answer(values.from_json(R"({"allow": true)" + with), RememberBy::role, answer, wrong));
    CHECK(wrong.find("validated") != wrong.npos);
    CHECK(read_answer(values.from_json(R"({"allow": false)" + with), RememberBy::role, answer,
                      wrong));
  }
  for (const char* none : {"null", "false"}) {
    const std::string text = R"({"allow": true, "validate": )" + std::string(none) + "}";
    CHECK(read_answer(values.from_json(text), RememberBy::role, answer, wrong));
  }
}

TEST_CASE("Z-05: what is no answer is a failure, never an ALLOW") {
  const Values values(&fake::values_table);
  for (const char* json :
       {"null", "1", "\"true\"", "[]", "{}", R"({"allow": 1})", R"({"allow": true, "disclose": 1})",
        R"({"allow": true, "cache": -1})", R"({"allow": true, "cache": -1.0})",
        R"({"allow": true, "cache": 1.5})", R"({"allow": true, "cache": 1e300})",
        R"({"allow": true, "cache": "yes"})", R"({"allow": false, "error": "no uri"})",
        R"({"allow": false, "error": 7})", R"({"allow": false, "error": ""})",
        R"({"allow": false, "message": ["no"]})"}) {
    CAPTURE(json);
    const Value result = values.from_json(json);
    AuthzAnswer answer = AuthzAnswer::deny();
    std::string wrong;
    CHECK_FALSE(read_answer(result, RememberBy::role, answer, wrong));
    CHECK_FALSE(wrong.empty());
  }
  AuthzAnswer answer = AuthzAnswer::deny();
  std::string wrong;
  CHECK_FALSE(read_answer(ValueView(), RememberBy::role, answer, wrong));
}

}  // namespace
