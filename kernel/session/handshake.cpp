#include "kernel/session/handshake.hpp"

#include <algorithm>
#include <array>

#include "kernel/base/random.hpp"
#include "kernel/message/error_uri.hpp"
#include "kernel/plugin/barrier.hpp"
#include "kernel/session/session.hpp"
#include "kernel/session/welcome.hpp"

namespace nexus {
namespace {

struct FeatureName {
  std::string_view role;
  std::string_view name;
  uint32_t bit;
};

constexpr FeatureName kFeatureNames[] = {
    {"caller", "progressive_call_results", kCallerProgressiveResults},
    {"caller", "progressive_call_invocations", kCallerProgressiveInvocations},
    {"caller", "payload_passthru_mode", kCallerPassthru},
    {"callee", "progressive_call_results", kCalleeProgressiveResults},
    {"callee", "progressive_call_invocations", kCalleeProgressiveInvocations},
    {"callee", "call_canceling", kCalleeCanceling},
    {"callee", "call_cancelling", kCalleeCanceling},  // F-03: a spelling of the text
    {"callee", "call_timeout", kCalleeTimeout},
    {"callee", "caller_identification", kCalleeCallerIdentification},
    {"callee", "call_trustlevels", kCalleeTrustLevels},
    {"callee", "call_reroute", kCalleeReroute},
    {"callee", "registration_revocation", kCalleeRevocation},
    {"callee", "payload_passthru_mode", kCalleePassthru},
    {"publisher", "payload_passthru_mode", kPublisherPassthru},
    {"subscriber", "publisher_identification", kSubscriberIdentification},
    {"subscriber", "publication_trustlevels", kSubscriberTrustLevels},
    {"subscriber", "subscription_revocation", kSubscriberRevocation},
    {"subscriber", "payload_passthru_mode", kSubscriberPassthru},
    {"subscriber", "x_acknowledged_event_delivery", kAcknowledgesEvents},
    // Autobahn for Python acknowledges as a subscriber what it announces as a publisher.
    {"publisher", "x_acknowledged_event_delivery", kAcknowledgesEvents},
};

constexpr std::pair<std::string_view, uint32_t> kRoles[] = {
    {"publisher", kRolePublisher},
    {"subscriber", kRoleSubscriber},
    {"caller", kRoleCaller},
    {"callee", kRoleCallee},
};

// Keys of HELLO.Details that are not session attributes. `transport` is the router's to fill
// (N-72).
constexpr std::string_view kOwnKeys[] = {"roles",          "authmethods",  "authid",    "authrole",
                                         "authextra",      "agent",        "transport", "resumable",
                                         "resume-session", "resume-token", "session",   "realm",
                                         "authmethod",     "authprovider"};

Value without_transport(const Value& details) {
  if (!details.find("transport")) return details;
  Value copy = Value::dict();
  for (size_t i = 0; i < details.size(); ++i) {
    if (details.key_at(i) != "transport") copy.set(details.key_at(i), details.at(i));
  }
  return copy;
}

Value attributes_of(const Value& details) {
  Value attributes;
  for (size_t i = 0; i < details.size(); ++i) {
    const std::string_view key = details.key_at(i);
    if (std::find(std::begin(kOwnKeys), std::end(kOwnKeys), key) != std::end(kOwnKeys)) continue;
    if (!attributes) attributes = Value::dict();
    attributes.set(key, details.at(i));
  }
  return attributes;
}

}  // namespace

Handshake::~Handshake() {
  end_operation(true);
  if (session_id_ != 0) session_.shard().router.release_session_id(session_id_);
}

bool Handshake::read_roles(const Value& details) {
  const Value roles = details.find("roles");
  if (!roles.is(NX_DICT)) {
    session_.violation("HELLO.Details.roles must be a dict");
    return false;
  }
  for (size_t i = 0; i < roles.size(); ++i) {
    const std::string_view role = roles.key_at(i);
    const Value about = roles.at(i);
    for (const auto& [name, bit] : kRoles) {
      if (role == name) features_ |= bit;
    }
    if (!about.is(NX_DICT)) {
      session_.violation("HELLO.Details.roles." + std::string(role) + " must be a dict");
      return false;
    }
    const Value features = about.find("features");
    if (!features || features.is(NX_NULL)) continue;
    if (!features.is(NX_DICT)) {
      session_.violation("HELLO.Details.roles." + std::string(role) + ".features must be a dict");
      return false;
    }
    for (size_t j = 0; j < features.size(); ++j) {
      const Value on = features.at(j);
      if (on.is(NX_NULL)) continue;
      if (!on.is(NX_BOOL)) {  // F-01
        session_.violation("HELLO.Details.roles." + std::string(role) + ".features." +
                           std::string(features.key_at(j)) + " must be a bool");
        return false;
      }
      if (!on.as_bool()) continue;
      for (const FeatureName& known : kFeatureNames) {
        if (known.role == role && known.name == features.key_at(j)) features_ |= known.bit;
      }
    }
  }
  if ((features_ & (kRolePublisher | kRoleSubscriber | kRoleCaller | kRoleCallee)) == 0) {
    session_.violation("HELLO.Details.roles must name at least one client role");  // S-02
    return false;
  }
  return true;
}

bool Handshake::collect_candidates(const Value& details) {
  std::vector<std::string> methods;
  const Value offered = details.find("authmethods");
  if (offered && !offered.is(NX_NULL)) {
    if (!offered.is(NX_LIST)) {
      session_.violation("HELLO.Details.authmethods must be a list");
      return false;
    }
    for (size_t i = 0; i < offered.size() && i < 32; ++i) {
      if (!offered.at(i).is(NX_STRING)) {
        session_.violation("HELLO.Details.authmethods must hold strings");
        return false;
      }
      methods.emplace_back(offered.at(i).as_string());
    }
  }
  if (methods.empty()) methods.emplace_back("anonymous");  // N-01
  for (const std::string& method : methods) {
    for (const AuthenticatorHandle& handle : door_.policy->authenticators) {
      if (std::find(handle.methods.begin(), handle.methods.end(), method) != handle.methods.end()) {
        candidates_.push_back({&handle, method});
      }
    }
  }
  if (candidates_.empty()) {
    const bool anonymous_only = methods.size() == 1 && methods[0] == "anonymous";
    deny(anonymous_only ? uri::kAuthenticationRequired : uri::kNoMatchingAuthMethod,
         anonymous_only ? "this realm does not accept anonymous sessions"
                        : "none of the offered authmethods is configured for this realm");
    return false;
  }
  return true;
}

void Handshake::hello(const Message& message) {
  Shard& shard = session_.shard();
  details_ = Value::dict();
  if (message.has_options) {
    // What only the client's format has is kept until the types are checked: nothing else tells a
    // detail of the wrong type from one that is not there (E-04).
    details_ = message.payload.format->to_details(message.options, shard.option_text, Others::keep);
    if (!details_) return session_.violation("HELLO.Details holds a value that WAMP cannot carry");
  }
  details_ = without_transport(details_);
  if (!read_roles(details_)) return;
  const Value authid = details_.find("authid");
  if (authid && !authid.is(NX_STRING) && !authid.is(NX_NULL)) {
    return session_.violation("HELLO.Details.authid must be a string");
  }
  claimed_authid_ = authid.as_string();
  authextra_ = details_.find("authextra");
  if (authextra_ && authextra_.is(NX_NULL)) authextra_ = {};
  if (authextra_ && !authextra_.is(NX_DICT)) {
    return session_.violation("HELLO.Details.authextra must be a dict");
  }
  details_ = details_.without_others();
  if (authextra_) authextra_ = authextra_.without_others();
  if (shard.router.stopping()) return deny(uri::kSystemShutdown, "the router is shutting down");
  if (!message.has_uri) {
    // U-17: no authenticator here can choose a realm before it is asked.
    return deny(uri::kNoSuchRealm, "HELLO names no realm");
  }
  if (!valid_uri(message.uri, UriCheck::loose)) {
    return deny(uri::kInvalidUri,
                "HELLO.Realm is not a valid URI: " + uri_mistake(message.uri, UriCheck::loose));
  }
  Status why;
  realm_uri_ = message.uri;
  door_ = shard.router.door(realm_uri_, why);
  if (!door_) return deny(why.uri(), why.text());
  session_id_ = shard.router.claim_session_id();
  if (!collect_candidates(details_)) return;
  session_.set_state(SessionState::authenticating);
  session_.set_deadline(shard.router.policy().authentication_timeout_ms);
  ask_next();
}

nx_hello Handshake::make_hello() const {
  nx_hello hello{};
  hello.struct_size = sizeof hello;
  hello.realm = to_nx(realm_uri_);
  hello.method = to_nx(candidates_[current_].method);
  hello.authid = to_nx(claimed_authid_);
  hello.session = session_id_;
  hello.details = details_.get();
  hello.authextra = authextra_.get();
  return hello;
}

bool Handshake::begin_operation() {
  Shard& shard = session_.shard();
  const Asked asked{OpKind::authentication, candidates_[current_].authenticator->host};
  op_ = shard.router.operations().begin(
      shard.loop, asked, 0, [this](nx_status status, std::unique_ptr<OpAnswer> answer) {
        if (!waiting_) return;  // a stray answer: this round was answered at once
        if (status == NX_OK) {
          answered(NX_OK, static_cast<const AuthAnswer&>(*answer));
        } else {
          answered(status, AuthAnswer(NX_AUTH_DENY));
        }
      });
  return op_ != 0;
}

void Handshake::end_operation(bool cancel) {
  if (op_ == 0) return;
  const nx_op op = std::exchange(op_, 0);
  session_.shard().router.operations().end(op);
  const AuthenticatorHandle* handle = candidates_[current_].authenticator;
  if (cancel) {
    call_plugin_or<nx_status>(NX_E_INTERNAL, [&] {
      handle->table->cancel(handle->self, op);
      return NX_OK;
    });
  }
}

void Handshake::ask_next() {
  while (current_ < candidates_.size()) {
    if (!begin_operation()) {
      return deny(uri::kAuthenticationFailed, "too many sessions are joining at once");
    }
    const AuthenticatorHandle* handle = candidates_[current_].authenticator;
    const nx_peer peer = session_.peer();
    nx_hello hello = make_hello();
    hello.peer = &peer;
    nx_auth_result result{};
    result.struct_size = sizeof result;
    const nx_status status = call_plugin_or<nx_status>(
        NX_E_INTERNAL, [&] { return handle->table->hello(handle->self, op_, &hello, &result); });
    if (status == NX_PENDING) {
      waiting_ = true;
      session_.shard().router.operations().set_deadline(
          op_, session_.shard().router.policy().decision_timeout_ms);
      return session_.pause(kPauseHandshake);
    }
    result.struct_size = sizeof result;  // it is our memory, whatever was written there
    const AuthAnswer answer(result);
    if (status == NX_OK && answer.mistake.empty() && answer.decision == NX_AUTH_NOT_MINE) {
      end_operation(false);
      ++current_;
      continue;
    }
    return answered(status, answer);
  }
  deny(uri::kNoMatchingAuthMethod, "no authenticator of this realm takes this client");
}

void Handshake::authenticate(const Message& message) {
  if (!challenged_) return session_.violation("AUTHENTICATE, but no challenge is open");
  challenged_ = false;
  Value extra = Value::dict();
  if (message.has_options) {
    extra = message.payload.format->to_details(message.options, session_.shard().option_text);
    if (!extra)
      return session_.violation("AUTHENTICATE.Extra holds a value that WAMP cannot carry");
  }
  const AuthenticatorHandle* handle = candidates_[current_].authenticator;
  // A copy, because the plugin may use this loop's scratch memory, by calling a procedure.
  const std::string signature(message.uri);
  nx_auth_result result{};
  result.struct_size = sizeof result;
  session_.shard().router.operations().rearm(op_);
  const nx_status status = call_plugin_or<nx_status>(NX_E_INTERNAL, [&] {
    return handle->table->authenticate(handle->self, op_, to_nx(signature), extra.get(), &result);
  });
  if (status == NX_PENDING) {
    waiting_ = true;
    session_.shard().router.operations().set_deadline(
        op_, session_.shard().router.policy().decision_timeout_ms);
    return session_.pause(kPauseHandshake);
  }
  result.struct_size = sizeof result;  // it is our memory, whatever was written there
  answered(status, AuthAnswer(result));
}

void Handshake::answered(nx_status status, const AuthAnswer& answer) {
  const bool was_waiting = std::exchange(waiting_, false);
  Session& session = session_;  // this object may be gone after settle()
  if (status == NX_E_TIMEOUT) {
    const std::string& section = candidates_[current_].authenticator->section;
    session.shard().log.limited(LogLevel::warning, "auth", "late " + section,
                                "authenticator did not answer in time",
                                {{"authenticator", section}});
    end_operation(true);
    deny(uri::kAuthenticationFailed, "the authenticator did not answer in time");
  } else if (status != NX_OK) {
    const std::string& section = candidates_[current_].authenticator->section;
    session.shard().log.limited(LogLevel::warning, "auth", "failed " + section,
                                "authenticator failed",
                                {{"authenticator", section}, {"status", int64_t{status}}});
    end_operation(false);
    deny(uri::kAuthenticationFailed, "the authenticator failed");
  } else if (!answer.mistake.empty()) {
    const std::string& section = candidates_[current_].authenticator->section;
    session.shard().log.limited(LogLevel::error, "auth", "none " + section + " " + answer.mistake,
                                "authenticator gave an answer that is none, so it is denied",
                                {{"authenticator", section}, {"mistake", answer.mistake}});
    end_operation(false);
    deny(uri::kAuthenticationFailed, "the authenticator failed");
  } else if (was_waiting && answer.decision == NX_AUTH_NOT_MINE) {
    end_operation(false);
    ++current_;
    ask_next();
  } else {
    settle(answer);
  }
  if (was_waiting) session.resume(kPauseHandshake);
}

void Handshake::settle(const AuthAnswer& answer) {
  switch (answer.decision) {
    case NX_AUTH_ACCEPT:
      end_operation(false);
      return accept(answer);
    case NX_AUTH_CHALLENGE: {
      challenged_ = true;
      challenge_method_ = answer.method.empty() ? candidates_[current_].method : answer.method;
      if (session_.build().challenge(challenge_method_, answer.challenge) != NX_OK) {
        session_.shard().log.limited(LogLevel::error, "auth", "challenge",
                                     "a challenge could not be written in the client's format");
        return deny(uri::kAuthenticationFailed, "the challenge cannot be sent");
      }
      if (session_.send_reply() == Sent::too_large) {
        return deny(uri::kPayloadSizeExceeded, "the client does not accept a challenge so long");
      }
      return;
    }
    case NX_AUTH_DENY:
      end_operation(false);
      return deny(answer.error_uri.empty() ? uri::kAuthenticationDenied
                                           : std::string_view(answer.error_uri),
                  answer.error_message);
    default:  // NOT_MINE after a challenge: it has taken the client on
      end_operation(false);
      session_.shard().log.limited(
          LogLevel::error, "auth", "unknown " + candidates_[current_].authenticator->section,
          "authenticator does not know a client that it challenged",
          {{"authenticator", candidates_[current_].authenticator->section}});
      return deny(uri::kAuthenticationFailed, "the authenticator failed");
  }
}

// S-08: only now, so that who is denied leaves no realm behind.
std::shared_ptr<RealmPort> Handshake::welcoming_realm(const AuthAnswer& answer, Status& why) {
  RouterPort& router = session_.shard().router;
  if (!answer.realm.empty() && answer.realm != realm_uri_) return router.realm(answer.realm, why);
  if (door_.realm != nullptr) return door_.realm;
  std::shared_ptr<RealmPort> realm = router.realm(realm_uri_, why);
  if (realm != nullptr && realm->policy().components != door_.policy->components) {
    // Somebody has added one meanwhile, whose authenticators have not been asked.
    why = Status::error(NX_E_CLOSED, "the realm has changed, try again",
                        std::string(uri::kNoSuchRealm));
    return nullptr;
  }
  return realm;
}

void Handshake::accept(const AuthAnswer& answer) {
  Status why;
  std::shared_ptr<RealmPort> realm = welcoming_realm(answer, why);
  if (realm == nullptr) return deny(why.uri(), why.text());
  SessionInfo info;
  info.id = std::exchange(session_id_, 0);  // the session releases it from now on
  info.features = features_;
  info.realm = realm->policy().uri;
  info.authid = answer.authid.empty() ? random_token(12) : answer.authid;
  info.authrole = answer.authrole.empty() ? "anonymous" : answer.authrole;
  info.authmethod = answer.method.empty() ? candidates_[current_].method : answer.method;
  info.authprovider = answer.authprovider.empty() ? "static" : answer.authprovider;
  info.authextra = answer.authextra;
  info.attributes = attributes_of(details_);
  info.transport = session_.peer_details();
  session_.establish(std::move(realm), std::move(info));  // deletes this
}

void Handshake::deny(std::string_view uri, std::string_view message) {
  // Copies, because abort() deletes this object and what the views may lie in.
  const std::string reason(uri);
  const std::string text(message);
  session_.abort(reason, text);
}

Value welcome_details(const SessionInfo& info, const RealmPort& realm, const RouterPolicy& policy) {
  return welcome_details(info, realm.roles(), policy);
}

Value welcome_details(const SessionInfo& info, const Value& roles, const RouterPolicy& policy) {
  Value details = Value::dict();
  details.set("roles", roles);
  details.set("realm", Value::string(info.realm));
  details.set("authid", Value::string(info.authid));
  details.set("authrole", Value::string(info.authrole));
  details.set("authmethod", Value::string(info.authmethod));
  details.set("authprovider", Value::string(info.authprovider));
  if (info.authextra) details.set("authextra", info.authextra);
  if (!policy.agent.empty()) details.set("agent", Value::string(policy.agent));
  return details;
}

}  // namespace nexus
