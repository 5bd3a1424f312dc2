// Authenticators and authorizers: every question gets a legal answer, and nobody is let in by
// nonsense. Plays a loop.
#include "checks.hpp"

namespace check {
namespace {

using nexus::sdk::to_nx;
using nexus::sdk::Value;
using nexus::sdk::view;
namespace fake = nexus::sdk::fake;

// HELLO.Details and AUTHENTICATE.Extra as clients may send them, sane or not.
const char* const kDicts[] = {
    "{}",
    R"({"authid": "somebody", "authmethods": ["x"], "authextra": {}})",
    R"({"authid": "", "authextra": {"": ""}})",
    R"({"authid": "\u0000\ud83d\ude00", "authextra": {"a": [1, -1, 2.5, null, true, {"b": []}]}})",
    R"({"authid": 42, "authmethods": 7, "authextra": [1, 2]})",
    R"({"authid": null, "roles": {"caller": {"features": {"progressive_call_results": true}}}})",
};

constexpr nx_op kForeignOperation = 0xfeed0000feedULL;

using fake::is_text;

// What an answer of either kind comes to; 0 = none came in time, or an error, which is a denial.
struct Verdict {
  bool legal = true;
  bool pending = false;
  uint32_t decision = 0;
};

// Waits a moment for the answer to a pending operation; most plugins need their own threads, or
// work, or a loop, for it.
template <typename Outcomes>
uint32_t later_decision(fake::Host& host, nx_op op, Outcomes outcomes, std::string& mistake) {
  uint32_t decision = 0;
  const auto came = [&](const fake::Host& from) {
    for (const auto& outcome : (from.*outcomes)()) {
      if (outcome.op != op) continue;
      decision = outcome.decision;
      mistake = outcome.mistake;
    }
    return decision != 0;
  };
  for (int turn = 0; turn < 4; ++turn) {
    host.run_work();
    host.run();
    if (host.wait_for(came, std::chrono::milliseconds(50))) break;
  }
  return decision;
}

class AuthenticatorCheck {
 public:
  AuthenticatorCheck(Running& running, Report& report)
      : running_(running),
        table_(running.table<nx_authenticator_v1>(NX_AUTHENTICATOR_V1)),
        report_(report) {}

  bool check_methods() {
    nx_str method{};
    for (uint32_t i = 0; i <= 64; ++i, method = {}) {
      const nx_status status = table_.method(running_.self(), i, &method);
      if (status == NX_E_INVALID) break;
      if (!report_.require(
              status == NX_OK && method.size > 0 && is_text(method),
              "method(" + std::to_string(i) + ") answers neither a name nor NX_E_INVALID")) {
        return false;
      }
      methods_.emplace_back(view(method));
    }
    return report_.require(!methods_.empty() && methods_.size() <= 64,
                           "method() must list 1 to 64 methods, and then answer NX_E_INVALID") &&
           report_.require(table_.method(running_.self(), UINT32_MAX, &method) == NX_E_INVALID,
                           "method(UINT32_MAX) must answer NX_E_INVALID");
  }

  // One client: HELLO, and as many AUTHENTICATEs as it is challenged for.
  bool check_client(const std::string& method, const char* details) {
    const nx_op op = running_.host().open_operation(NX_KIND_AUTHENTICATOR);
    Verdict verdict = hello(op, method, details);
    const std::string long_signature(100000, 'A');
    for (const std::string& signature : {std::string(), std::string("x"), long_signature}) {
      if (!verdict.legal || verdict.decision != NX_AUTH_CHALLENGE) break;
      challenged_ = true;
      verdict = authenticate(op, signature, details);
      if (!report_.require(verdict.decision != NX_AUTH_ACCEPT,
                           "authenticate() accepts a signature of nonsense")) {
        return false;
      }
    }
    const bool open = verdict.decision == NX_AUTH_CHALLENGE || verdict.pending;
    running_.host().end_operation(op);
    if (open) table_.cancel(running_.self(), op);
    return verdict.legal;
  }

  bool check_foreign_operation() {
    table_.cancel(running_.self(), kForeignOperation);
    return report_.require(
        authenticate(kForeignOperation, "x", "{}").decision != NX_AUTH_ACCEPT,
        "authenticate() accepts an operation for which hello() was never called");
  }

  const std::vector<std::string>& methods() const { return methods_; }
  bool challenged() const { return challenged_; }

 private:
  Verdict hello(nx_op op, const std::string& method, const char* details) {
    const Value parsed = fake::values().from_json(details);
    nx_peer peer{};
    peer.struct_size = sizeof peer;
    peer.transport = to_nx("check");
    peer.address = to_nx("192.0.2.1:1");
    nx_hello hello{};
    hello.struct_size = sizeof hello;
    hello.realm = to_nx("realm1");
    hello.method = to_nx(method);
    hello.authid = to_nx(parsed["authid"].as_string());
    hello.session = 4242;
    hello.details = parsed.get();
    hello.authextra = parsed["authextra"].is_dict() ? parsed["authextra"].get() : nullptr;
    hello.peer = &peer;
    nx_auth_result result = empty();
    const nx_status status = table_.hello(running_.self(), op, &hello, &result);
    return judge("hello()", op, status, result);
  }
  Verdict authenticate(nx_op op, const std::string& signature, const char* extra) {
    const Value parsed = fake::values().from_json(extra);
    nx_auth_result result = empty();
    const nx_status status =
        table_.authenticate(running_.self(), op, to_nx(signature), parsed.get(), &result);
    return judge("authenticate()", op, status, result);
  }
  static nx_auth_result empty() {
    nx_auth_result result{};
    result.struct_size = sizeof result;
    return result;
  }

  Verdict judge(const std::string& call, nx_op op, nx_status status, const nx_auth_result& result) {
    Verdict verdict;
    if (status < 0) return verdict;
    if (status == NX_PENDING) {
      std::string mistake;
      verdict.decision = later_decision(running_.host(), op, &fake::Host::auth_answers, mistake);
      verdict.pending = verdict.decision == 0;
      verdict.legal = report_.require(mistake.empty(), call + " answered later: " + mistake);
      return verdict;
    }
    verdict.decision = result.decision;
    verdict.legal =
        report_.require(status == NX_OK,
                        call + " answered the unknown status " + std::to_string(status)) &&
        report_.require(result.decision >= NX_AUTH_ACCEPT && result.decision <= NX_AUTH_NOT_MINE,
                        call + " answered NX_OK without a decision") &&
        report_.require(fake::mistake_in(result).empty(),
                        call + " gave no answer: " + fake::mistake_in(result));
    return verdict;
  }

  Running& running_;
  const nx_authenticator_v1& table_;
  Report& report_;
  std::vector<std::string> methods_;
  bool challenged_ = false;
};

}  // namespace

void check_authenticator(const Choice& choice, const nx_component& component, Report& report) {
  Running running(choice, component, report);
  if (!running.ok()) return;
  AuthenticatorCheck check(running, report);
  if (!check.check_methods()) return;
  const fake::OnLoop on_loop;
  for (const std::string& method : check.methods()) {
    for (const char* details : kDicts) {
      if (!check.check_client(method, details)) return;
    }
  }
  if (!check.check_foreign_operation()) return;
  report.pass("answers every HELLO legally");
  if (check.challenged()) report.pass("lets nobody in with a signature of nonsense");
}

void check_authorizer(const Choice& choice, const nx_component& component, Report& report) {
  Running running(choice, component, report);
  if (!running.ok()) return;
  const auto& table = running.table<nx_authorizer_v1>(NX_AUTHORIZER_V1);
  const std::string uris[] = {
      "com.example.topic",   "", "a..b", "wamp.session.kill", std::string(100000, 'u'),
      std::string("a\0b", 3)};
  const Value options = fake::values().from_json(R"({"match": "prefix", "x": [{}]})");
  const fake::OnLoop on_loop;
  table.cancel(running.self(), kForeignOperation);
  for (const std::string& uri : uris) {
    for (uint32_t question = 0; question < 12; ++question) {
      nx_authz_request request{};
      request.struct_size = sizeof request;
      request.action = NX_ACTION_PUBLISH + question % 4;
      request.match = NX_MATCH_EXACT + question / 4;
      request.uri = to_nx(uri);
      request.options = question % 2 == 0 ? nullptr : options.get();
      request.session = 4242;
      request.realm = to_nx("realm1");
      request.authrole = to_nx("anonymous");
      nx_authz_result result{};
      result.struct_size = sizeof result;
      const nx_op op = running.host().open_operation(NX_KIND_AUTHORIZER);
      const nx_status status = table.authorize(running.self(), op, &request, &result);
      if (status == NX_PENDING) {
        std::string mistake;
        if (later_decision(running.host(), op, &fake::Host::authz_answers, mistake) != 0) {
          if (!report.require(mistake.empty(), "authorize() answered later: " + mistake)) return;
          continue;
        }
        running.host().end_operation(op);
        table.cancel(running.self(), op);
        continue;
      }
      running.host().end_operation(op);
      if (status < 0) continue;  // any error is a denial
      if (!report.require(status == NX_OK,
                          "authorize() answered the unknown status " + std::to_string(status)) ||
          !report.require(result.decision >= NX_AUTHZ_ALLOW && result.decision <= NX_AUTHZ_NOT_MINE,
                          "authorize() answered NX_OK without a decision") ||
          !report.require(fake::mistake_in(result).empty(),
                          "authorize() gave no answer: " + fake::mistake_in(result))) {
        return;
      }
    }
  }
  report.pass("answers every question legally");
}

void check_transport(const Choice& choice, const nx_component& component, Report& report) {
  Running running(choice, component, report);
  if (!running.ok()) return;
  const auto& table = running.table<nx_transport_v1>(NX_TRANSPORT_V1);
  nx_str url{};
  report.require(table.url(running.self(), 0, &url) == NX_E_INVALID || url.size > 0,
                 "url() before listen() answers an empty URL");
  table.close_listener(running.self());
  report.pass("close_listener() without listen() does no harm");
  nx_error error = nexus::sdk::make_error();
  const nx_status status = table.listen(running.self(), &error);
  if (status == NX_OK) {  // it brings its own I/O
    if (report.require(table.url(running.self(), 0, &url) == NX_OK && url.size > 0 && is_text(url),
                       "url() after listen() answers no URL")) {
      report.pass("listens: " + std::string(view(url)));
    }
    report.require(table.url(running.self(), UINT32_MAX, &url) == NX_E_INVALID,
                   "url(UINT32_MAX) must answer NX_E_INVALID");
    table.close_listener(running.self());
    table.close_listener(running.self());
  } else if (report.require(status < 0 && error.text[0] != '\0',
                            "a failing listen() must fill the error's text")) {
    report.pass("a listen() that cannot be says why: " + std::string(error.text));
  }
}

}  // namespace check
