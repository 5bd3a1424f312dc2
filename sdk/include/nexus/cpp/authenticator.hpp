// Authenticator: base class for components that decide who somebody is.
//
// Override method(), hello(), and authenticate() if you challenge. An answer is returned at once,
// or later from any thread: take op.defer(), return AuthAnswer::pending(), and call answer() on
// what defer() gave. A deferred answer that is dropped is a denial, as is anything thrown.
#ifndef NEXUS_CPP_AUTHENTICATOR_HPP
#define NEXUS_CPP_AUTHENTICATOR_HPP

#include "nexus/cpp/component.hpp"

namespace nexus::sdk {

class AuthAnswer {
 public:
  // Empty parts are the router's to fill in: see nx_auth_result.
  static AuthAnswer accept() { return AuthAnswer(NX_AUTH_ACCEPT); }
  static AuthAnswer challenge(Value extra = {}) {
    AuthAnswer answer(NX_AUTH_CHALLENGE);
    answer.challenge_ = std::move(extra);
    return answer;
  }
  // The message is shown to the client. An empty URI is wamp.error.authentication_denied.
  static AuthAnswer deny(std::string message = {}, std::string uri = {}) {
    AuthAnswer answer(NX_AUTH_DENY);
    answer.message_ = std::move(message);
    answer.uri_ = std::move(uri);
    return answer;
  }
  static AuthAnswer not_mine() { return AuthAnswer(NX_AUTH_NOT_MINE); }
  // The answer comes through what AuthOperation::defer() returned.
  static AuthAnswer pending() { return AuthAnswer(0); }

  AuthAnswer& realm(std::string value) { return realm_ = std::move(value), *this; }
  AuthAnswer& authid(std::string value) { return authid_ = std::move(value), *this; }
  AuthAnswer& role(std::string value) { return role_ = std::move(value), *this; }
  AuthAnswer& provider(std::string value) { return provider_ = std::move(value), *this; }
  AuthAnswer& extra(Value value) { return extra_ = std::move(value), *this; }
  AuthAnswer& method(std::string value) { return method_ = std::move(value), *this; }

  bool is_pending() const { return decision_ == 0; }
  bool is_challenge() const { return decision_ == NX_AUTH_CHALLENGE; }
  // Points `out` at this object's parts: it must outlive the use of `out`.
  void write(nx_auth_result& out) const {
    out.decision = decision_;
    out.realm = to_nx(realm_);
    out.authid = to_nx(authid_);
    out.authrole = to_nx(role_);
    out.authprovider = to_nx(provider_);
    out.authextra = extra_.get();
    out.method = to_nx(method_);
    out.challenge = challenge_.get();
    out.error_uri = to_nx(uri_);
    out.error_message = to_nx(message_);
  }

 private:
  explicit AuthAnswer(uint32_t decision) : decision_(decision) {}

  uint32_t decision_;
  std::string realm_, authid_, role_, provider_, method_, uri_, message_;
  Value extra_, challenge_;
};

// An answer that is still owed. Move-only; may be answered, moved and dropped on any thread.
class PendingAuth {
 public:
  PendingAuth(nx_host* host, const nx_host_auth_v1* table, nx_op op)
      : host_(host), table_(table), op_(op) {}
  PendingAuth(PendingAuth&& other) noexcept
      : host_(other.host_), table_(other.table_), op_(std::exchange(other.op_, 0)) {}
  PendingAuth& operator=(PendingAuth&& other) noexcept {
    if (this != &other) {
      drop();
      host_ = other.host_;
      table_ = other.table_;
      op_ = std::exchange(other.op_, 0);
    }
    return *this;
  }
  ~PendingAuth() { drop(); }

  nx_op op() const { return op_; }
  // False when the operation had ended already (deadline, client gone) or was answered here
  // before: nothing happens then. The caller must not hold a lock that cancel() takes.
  bool answer(const AuthAnswer& answer) {
    const nx_op op = std::exchange(op_, 0);
    if (op == 0) return false;
    nx_auth_result result{};
    result.struct_size = sizeof result;
    answer.write(result);
    return table_->complete(host_, op, &result) == NX_OK;
  }
  // For cancel(): the router no longer wants an answer.
  void release() { op_ = 0; }

 private:
  void drop() noexcept {
    barrier(nullptr, [this] {
      answer(AuthAnswer::deny("no answer was given", "wamp.error.authentication_failed"));
    });
  }

  nx_host* host_;
  const nx_host_auth_v1* table_;
  nx_op op_;
};

// The operation that hello() or authenticate() is to answer. [loop]
class AuthOperation {
 public:
  AuthOperation(nx_host* host, const nx_host_auth_v1* table, nx_op op)
      : host_(host), table_(table), op_(op) {}
  // The same for hello(), the authenticate()s that follow, and cancel(): what lives between
  // CHALLENGE and AUTHENTICATE is kept under it.
  nx_op id() const { return op_; }
  [[nodiscard]] PendingAuth defer() const { return PendingAuth(host_, table_, op_); }

 private:
  nx_host* host_;
  const nx_host_auth_v1* table_;
  nx_op op_;
};

// HELLO as the component gets to see it. Lent for the call.
struct Hello {
  std::string_view realm;   // as asked for; may be empty
  std::string_view method;  // the offered method that led here
  std::string_view authid;  // as claimed; may be empty
  uint64_t session;         // the id that WELCOME will carry
  ValueView details;        // HELLO.Details without `transport`
  ValueView authextra;      // HELLO.Details.authextra, or empty
  const nx_peer* peer;      // may be null
  ValueView peer_details;  // what the transport knows: http_headers_received, cookie, …; or empty

  // The TLS channel binding of a type, "tls-exporter" or "tls-unique"; empty when the connection
  // has none of it.
  nx_bytes channel_binding(std::string_view type) const {
    return peer_details["channel_id"][type].as_binary();
  }
  // What is known of the client's TLS certificate (nx_stream_info.tls_client), or empty.
  ValueView certificate() const { return peer_details["tls_client"]; }
  // An HTTP header of the request that opened the connection, name in lower case; or empty.
  std::string_view http_header(std::string_view name) const {
    return peer_details["http_headers_received"][name].as_string();
  }
};

class Authenticator : public Component {
 public:
  static constexpr uint32_t kKind = NX_KIND_AUTHENTICATOR;
  static constexpr std::array<nx_str, 3> kServices{
      {NX_STR(NX_HOST_LOG), NX_STR(NX_HOST_VALUES), NX_STR(NX_HOST_AUTH)}};

  explicit Authenticator(nx_host* host)
      : Component(host), auth_(Component::host().need<nx_host_auth_v1>(NX_HOST_AUTH)) {}

  // The methods it serves, from 0; empty ends the list. The text must stay valid. [main]
  virtual std::string_view method(uint32_t index) const = 0;
  // [loop], on several loops at once for different operations.
  virtual AuthAnswer hello(const AuthOperation& op, const Hello& hello) = 0;
  // The client answered a challenge. [loop]
  virtual AuthAnswer authenticate(const AuthOperation& op, std::string_view signature,
                                  ValueView extra) {
    static_cast<void>(op), static_cast<void>(signature), static_cast<void>(extra);
    return AuthAnswer::deny();
  }
  // The operation ended without a final answer; forget what is kept under it. [loop]
  virtual void cancel(nx_op op) { static_cast<void>(op); }
  // What it does not do, as it is configured: NX_AUTH_ONLY_…, NX_AUTH_KNOWS_NOBODY, added up. Lets
  // the router name realms that nobody can join. [main]
  virtual uint32_t limits() const { return 0; }

  const void* interface_of(std::string_view id) override {
    static constexpr nx_authenticator_v1 kTable = {sizeof(nx_authenticator_v1),
                                                   0,
                                                   &call_method,
                                                   &call_hello,
                                                   &call_authenticate,
                                                   &call_cancel,
                                                   &call_limits};
    return id == NX_AUTHENTICATOR_V1 ? &kTable : nullptr;
  }

 private:
  static Authenticator& of(void* self) {
    return *static_cast<Authenticator*>(static_cast<Component*>(self));
  }

  // The router copies an answer's texts after the call has returned, so they live until the next
  // answer on this thread.
  static nx_status give(AuthAnswer&& answer, nx_auth_result* out) {
    if (answer.is_pending()) return NX_PENDING;
    thread_local AuthAnswer kept = AuthAnswer::deny();
    kept = std::move(answer);
    kept.write(*out);
    return NX_OK;
  }

  static nx_status call_method(void* self, uint32_t index, nx_str* out) {
    return of(self).guarded("method()", [&] {
      *out = to_nx(of(self).method(index));
      return out->size == 0 ? NX_E_INVALID : NX_OK;
    });
  }
  static nx_status call_hello(void* self, nx_op op, const nx_hello* hello, nx_auth_result* out) {
    Authenticator& component = of(self);
    return component.guarded("hello()", [&] {
      component.threads().loop("hello()");
      const Hello seen{view(hello->realm),
                       view(hello->method),
                       view(hello->authid),
                       hello->session,
                       component.lent(hello->details),
                       component.lent(hello->authextra),
                       hello->peer,
                       component.lent(hello->peer == nullptr ? nullptr : hello->peer->details)};
      return give(component.hello(component.operation(op), seen), out);
    });
  }
  static nx_status call_authenticate(void* self, nx_op op, nx_str signature, const nx_value* extra,
                                     nx_auth_result* out) {
    Authenticator& component = of(self);
    return component.guarded("authenticate()", [&] {
      component.threads().loop("authenticate()");
      return give(
          component.authenticate(component.operation(op), view(signature), component.lent(extra)),
          out);
    });
  }
  static void call_cancel(void* self, nx_op op) {
    of(self).guarded("cancel()", [&] {
      of(self).threads().loop("cancel()");
      of(self).cancel(op);
    });
  }
  static uint32_t call_limits(void* self) {
    uint32_t limits = 0;
    of(self).guarded("limits()", [&] { limits = of(self).limits(); });
    return limits;
  }
  AuthOperation operation(nx_op op) const { return AuthOperation(host().get(), &auth_, op); }

  const nx_host_auth_v1& auth_;
};

}  // namespace nexus::sdk

#endif
