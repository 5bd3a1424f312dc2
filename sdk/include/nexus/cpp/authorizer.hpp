// Authorizer: base class for components that decide what somebody may do.
//
// Override authorize(). As for authenticators, an answer comes at once or later through
// op.defer(); a deferred answer that is dropped is a denial, as is anything thrown.
#ifndef NEXUS_CPP_AUTHORIZER_HPP
#define NEXUS_CPP_AUTHORIZER_HPP

#include "nexus/cpp/component.hpp"

namespace nexus::sdk {

class AuthzAnswer {
 public:
  static AuthzAnswer allow() { return AuthzAnswer(NX_AUTHZ_ALLOW); }
  // The message is shown to the client. An empty URI is wamp.error.not_authorized.
  static AuthzAnswer deny(std::string message = {}, std::string uri = {}) {
    AuthzAnswer answer(NX_AUTHZ_DENY);
    answer.message_ = std::move(message);
    answer.uri_ = std::move(uri);
    return answer;
  }
  // The next authorizer decides. What that one says is remembered for no more sessions and no
  // longer than this was: not at all, unless remember_for_…() says how long it stays somebody
  // else's.
  static AuthzAnswer not_mine() { return AuthzAnswer(NX_AUTHZ_NOT_MINE); }
  static AuthzAnswer pending() { return AuthzAnswer(0); }

  AuthzAnswer& disclose(uint32_t how) { return disclose_ = how, *this; }  // NX_DISCLOSE_*
  // How long the router may remember it; 0 = until invalidate().
  AuthzAnswer& remember_for_session(uint32_t ms = 0) {
    return remember_ = NX_REMEMBER_SESSION, remember_ms_ = ms, *this;
  }
  AuthzAnswer& remember_for_role(uint32_t ms = 0) {
    return remember_ = NX_REMEMBER_ROLE, remember_ms_ = ms, *this;
  }
  AuthzAnswer& trust_level(uint32_t level) { return trust_ = level, *this; }
  // Each payload of this PUBLISH or CALL is shown to validate() first.
  AuthzAnswer& validate_payload() { return validate_ = 1, *this; }

  bool is_pending() const { return decision_ == 0; }
  // Points `out` at this object's texts: it must outlive the use of `out`.
  void write(nx_authz_result& out) const {
    out.decision = decision_;
    out.disclose = disclose_;
    out.remember = remember_;
    out.remember_ms = remember_ms_;
    out.trust_level = trust_;
    out.error_uri = to_nx(uri_);
    out.error_message = to_nx(message_);
    out.validate = validate_;
  }

 private:
  explicit AuthzAnswer(uint32_t decision) : decision_(decision) {}

  uint32_t decision_;
  uint32_t disclose_ = NX_DISCLOSE_REALM;
  uint32_t remember_ = NX_REMEMBER_NOT;
  uint32_t remember_ms_ = 0;
  uint32_t trust_ = 0;
  uint32_t validate_ = 0;
  std::string uri_, message_;
};

// An answer that is still owed. Move-only; may be answered, moved and dropped on any thread.
class PendingAuthz {
 public:
  PendingAuthz(nx_host* host, const nx_host_authz_v1* table, nx_op op)
      : host_(host), table_(table), op_(op) {}
  PendingAuthz(PendingAuthz&& other) noexcept
      : host_(other.host_), table_(other.table_), op_(std::exchange(other.op_, 0)) {}
  PendingAuthz& operator=(PendingAuthz&& other) noexcept {
    if (this != &other) {
      drop();
      host_ = other.host_;
      table_ = other.table_;
      op_ = std::exchange(other.op_, 0);
    }
    return *this;
  }
  ~PendingAuthz() { drop(); }

  nx_op op() const { return op_; }
  // False when the operation had ended already or was answered here before. The caller must not
  // hold a lock that cancel() takes.
  bool answer(const AuthzAnswer& answer) {
    const nx_op op = std::exchange(op_, 0);
    if (op == 0) return false;
    nx_authz_result result{};
    result.struct_size = sizeof result;
    answer.write(result);
    return table_->complete(host_, op, &result) == NX_OK;
  }
  // For cancel(): the router no longer wants an answer.
  void release() { op_ = 0; }

 private:
  void drop() noexcept {
    barrier(nullptr, [this] {
      answer(AuthzAnswer::deny("no answer was given", "wamp.error.authorization_failed"));
    });
  }

  nx_host* host_;
  const nx_host_authz_v1* table_;
  nx_op op_;
};

// The operation that authorize() is to answer. [loop]
class AuthzOperation {
 public:
  AuthzOperation(nx_host* host, const nx_host_authz_v1* table, nx_op op)
      : host_(host), table_(table), op_(op) {}
  nx_op id() const { return op_; }
  [[nodiscard]] PendingAuthz defer() const { return PendingAuthz(host_, table_, op_); }

 private:
  nx_host* host_;
  const nx_host_authz_v1* table_;
  nx_op op_;
};

// One question. Lent for the call.
struct AuthzRequest {
  uint32_t action;  // NX_ACTION_*
  uint32_t match;   // NX_MATCH_*
  std::string_view uri;
  ValueView options;  // the message's Options, or empty
  uint64_t session;
  std::string_view realm, authid, authrole, authmethod, authprovider;
  ValueView details;  // the session's attributes, or empty
};

class Authorizer : public Component {
 public:
  static constexpr uint32_t kKind = NX_KIND_AUTHORIZER;
  static constexpr std::array<nx_str, 3> kServices{
      {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES), NX_STR(NX_HOST_AUTHZ)}};

  explicit Authorizer(nx_host* host)
      : Component(host), authz_(Component::host().need<nx_host_authz_v1>(NX_HOST_AUTHZ)) {}

  // [loop], on several loops at once for different sessions.
  virtual AuthzAnswer authorize(const AuthzOperation& op, const AuthzRequest& request) = 0;
  // The operation ended without an answer: deadline, or the session is gone. [loop]
  virtual void cancel(nx_op op) { static_cast<void>(op); }

  // What is wrong with the payload of a PUBLISH or CALL whose permission said validate_payload(),
  // for its sender; empty: nothing. Each part of a progressive call is shown by itself; a wrong one
  // ends the call. `args` and `kwargs` are lent, and null where there are none.
  // Anything thrown refuses it with wamp.error.authorization_failed. [loop]
  virtual std::string validate(const AuthzRequest& request, ValueView args, ValueView kwargs) {
    static_cast<void>(request), static_cast<void>(args), static_cast<void>(kwargs);
    return {};
  }

  // Makes the router forget remembered answers; empty = all. [any]
  void invalidate(std::string_view realm = {}, std::string_view authrole = {}) const {
    authz_.invalidate(host().get(), to_nx(realm), to_nx(authrole));
  }

  // The same, and asks again about everything that is subscribed and registered, to revoke what is
  // denied by now. For when rules changed. [any]
  void recheck(std::string_view realm = {}, std::string_view authrole = {}) const {
    authz_.recheck(host().get(), to_nx(realm), to_nx(authrole));
  }

  // Makes the router forget remembered answers of this realm whenever it changes who would be
  // called under this procedure; say it before each call. False: the router cannot (it is older, or
  // has no such realm), and answers that are remembered may outlive who gave them. [any]
  bool depend_on(std::string_view realm, std::string_view procedure) const {
    return NX_HAS(&authz_, depend_on) &&
           authz_.depend_on(host().get(), to_nx(realm), to_nx(procedure)) == NX_OK;
  }

  const void* interface_of(std::string_view id) override {
    static constexpr nx_authorizer_v1 kTable = {sizeof(nx_authorizer_v1), 0, &call_authorize,
                                                &call_cancel, &call_validate};
    return id == NX_AUTHORIZER_V1 ? &kTable : nullptr;
  }

 private:
  AuthzRequest seen(const nx_authz_request& request) const {
    return {request.action,           request.match,
            view(request.uri),        lent(request.options),
            request.session,          view(request.realm),
            view(request.authid),     view(request.authrole),
            view(request.authmethod), view(request.authprovider),
            lent(request.details)};
  }
  static Authorizer& of(void* self) {
    return *static_cast<Authorizer*>(static_cast<Component*>(self));
  }

  static nx_status call_authorize(void* self, nx_op op, const nx_authz_request* request,
                                  nx_authz_result* out) {
    Authorizer& component = of(self);
    return component.guarded("authorize()", [&] {
      component.threads().loop("authorize()");
      const AuthzRequest seen = component.seen(*request);
      AuthzAnswer answer =
          component.authorize(AuthzOperation(component.host().get(), &component.authz_, op), seen);
      if (answer.is_pending()) return NX_PENDING;
      // As in Authenticator: the router copies after the call has returned.
      thread_local AuthzAnswer kept = AuthzAnswer::deny();
      kept = std::move(answer);
      kept.write(*out);
      return NX_OK;
    });
  }
  static nx_status call_validate(void* self, const nx_authz_request* request, const nx_value* args,
                                 const nx_value* kwargs, nx_error* error) {
    Authorizer& component = of(self);
    return component.guarded("validate()", [&] {
      component.threads().loop("validate()");
      const std::string wrong = component.validate(component.seen(*request), component.lent(args),
                                                   component.lent(kwargs));
      if (wrong.empty()) return NX_OK;
      fill_error(error, NX_E_INVALID, wrong);
      return NX_E_INVALID;
    });
  }
  static void call_cancel(void* self, nx_op op) {
    of(self).guarded("cancel()", [&] {
      of(self).threads().loop("cancel()");
      of(self).cancel(op);
    });
  }

  const nx_host_authz_v1& authz_;
};

}  // namespace nexus::sdk

#endif
