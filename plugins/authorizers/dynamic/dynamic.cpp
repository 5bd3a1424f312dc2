// Authorizer "dynamic": a WAMP procedure of the realm decides (Z-05), with the arguments and
// answers that Crossbar.io's dynamic authorizers have.
//
// The router calls the procedure itself, as a trusted session, so the question is never subject to
// authorization again (Z-07). Who may register the procedure cannot be asked there before somebody
// has: that is what provider_roles says. Meanwhile the asking session waits, and keeps its order.
#include <memory>

#include "nexus/cpp/authorizer.hpp"
#include "plugins/authorizers/dynamic/answer.hpp"

namespace nexus::dynamic {
namespace {

using namespace nexus::sdk;

constexpr std::string_view kFailed = "wamp.error.authorization_failed";

std::string_view action_name(uint32_t action) {
  switch (action) {
    case NX_ACTION_PUBLISH:
      return "publish";
    case NX_ACTION_SUBSCRIBE:
      return "subscribe";
    case NX_ACTION_CALL:
      return "call";
    default:
      return "register";
  }
}

std::string_view match_name(uint32_t match) {
  return match == NX_MATCH_PREFIX ? "prefix" : match == NX_MATCH_WILDCARD ? "wildcard" : "exact";
}

class Dynamic : public Authorizer {
 public:
  static constexpr std::string_view kName = "dynamic";
  static constexpr std::string_view kHelp = "A procedure of the realm decides.";
  static constexpr nx_option kOptions[] = {
      option::required(option::text(
          "procedure", "", "The procedure to call: (session, uri, action, options) -> answer.")),
      option::list("provider_roles", "",
                   "Roles that may register the procedure, about which it cannot be asked."),
      option::list("trusted_roles", "", "Roles that may do anything, without being asked about."),
      option::within_decision(
          option::duration("timeout", "5s",
                           "How long the procedure may take; after that it is a denial. Must be "
                           "less than router.decision_timeout.",
                           10, 600000)),
      option::choice("remember_by", "session", "session|role",
                     "Whom an answer with cache is remembered for: the session, or everybody of "
                     "its role."),
      option::boolean("pass_options", "true",
                      "Whether the procedure is given the fourth argument, options."),
  };
  static constexpr std::array<nx_str, 4> kServices{
      {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES), NX_STR(NX_HOST_AUTHZ), NX_STR(NX_HOST_REALM)}};

  explicit Dynamic(nx_host* host)
      : Authorizer(host), realm_(this->host().need<nx_host_realm_v1>(NX_HOST_REALM)) {}

  void configure(const Section& section) override {
    procedure_ = section.string("procedure");
    if (procedure_.empty() || procedure_.size() > 1024) {
      throw ConfigError("procedure: must be a URI");
    }
    provider_roles_ = section.list("provider_roles");
    trusted_roles_ = section.list("trusted_roles");
    timeout_ms_ = static_cast<uint64_t>(section.duration("timeout").count());
    by_ = section.string("remember_by") == "role" ? RememberBy::role : RememberBy::session;
    pass_options_ = section.boolean("pass_options");
  }

  AuthzAnswer authorize(const AuthzOperation& op, const AuthzRequest& request) override {
    if (lists(trusted_roles_, request.authrole)) return AuthzAnswer::allow().remember_for_role();
    if (request.action == NX_ACTION_REGISTER && request.match == NX_MATCH_EXACT &&
        request.uri == procedure_ && lists(provider_roles_, request.authrole)) {
      return AuthzAnswer::allow().remember_for_role();
    }
    depend_on(request.realm, procedure_);  // what it allowed does not outlive it
    const Value args = arguments(request);
    auto asked = std::make_unique<Asked>(Asked{op.defer(), *this});
    const nx_status status =
        realm_.call(host().get(), to_nx(request.realm), to_nx(procedure_), args.get(), nullptr,
                    timeout_ms_, &Dynamic::answered, asked.get());
    if (status != NX_OK) {
      asked->pending.release();  // answered at once instead
      return AuthzAnswer::deny("the authorizer cannot be asked", std::string(kFailed));
    }
    static_cast<void>(asked.release());  // answered() has it now
    return AuthzAnswer::pending();
  }

 private:
  struct Asked {
    PendingAuthz pending;
    Dynamic& self;
  };

  static bool lists(const std::vector<std::string>& roles, std::string_view role) {
    for (const std::string& one : roles) {
      if (one == role) return true;
    }
    return false;
  }

  Value arguments(const AuthzRequest& request) const {
    const Values make = values();
    DictBuilder session = make.dict();
    session.set("session", make.unsigned_integer(request.session));
    session.set("realm", request.realm);
    session.set("authid", request.authid);
    session.set("authrole", request.authrole);
    session.set("authmethod", request.authmethod);
    session.set("authprovider", request.authprovider);
    if (request.details) session.set("details", Value(request.details));
    ListBuilder list = make.list();
    list.add(session.done()).add(request.uri).add(action_name(request.action));
    if (!pass_options_) return list.done();
    DictBuilder options = make.dict();
    for (size_t i = 0; i < request.options.size(); ++i) {
      options.set(request.options.key_at(i), Value(request.options.at(i)));
    }
    options.set("match", match_name(request.match));
    list.add(options.done());
    return list.done();
  }

  // On the loop that asked; exactly once. The session may have gone, and its operation with it:
  // then nobody takes the answer.
  static void answered(void* user, nx_str error_uri, const nx_value* args, const nx_value*) {
    const std::unique_ptr<Asked> asked(static_cast<Asked*>(user));
    asked->self.guarded("the answer of the procedure", [&] {
      asked->pending.answer(asked->self.judge(view(error_uri), asked->self.lent(args)));
    });
  }

  AuthzAnswer judge(std::string_view error, ValueView args) const {
    if (!error.empty()) {
      AuthzAnswer denial = AuthzAnswer::deny();
      if (read_error(error, args, denial)) return denial;
      const bool missing = error == "wamp.error.no_such_procedure";
      const std::string text(args.at(0).as_string().substr(0, 200));
      complain(missing ? "is not registered"
                       : "failed with " + std::string(error.substr(0, 200)) +
                             (text.empty() ? "" : " (" + text + ")"));
      return AuthzAnswer::deny(missing ? "no authorizer is there" : "the authorizer failed",
                               std::string(kFailed));
    }
    AuthzAnswer answer = AuthzAnswer::deny();
    std::string wrong;
    if (read_answer(args.at(0), by_, answer, wrong)) return answer;
    complain("gave no answer: " + wrong);
    return AuthzAnswer::deny("the authorizer failed", std::string(kFailed));
  }

  void complain(const std::string& what) const {
    log().limited(NX_LOG_WARNING, what,
                  "procedure " + procedure_ + " " + what + "; the request is denied");
  }

  const nx_host_realm_v1& realm_;
  std::string procedure_;
  std::vector<std::string> provider_roles_;
  std::vector<std::string> trusted_roles_;
  uint64_t timeout_ms_ = 0;
  RememberBy by_ = RememberBy::session;
  bool pass_options_ = true;
};

}  // namespace
}  // namespace nexus::dynamic

using nexus::dynamic::Dynamic;
NX_CPP_PLUGIN("nexus-authorizer-dynamic", "0.1.0", "nexus", "Apache-2.0", Dynamic)
