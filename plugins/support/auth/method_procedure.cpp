// MethodAuthenticator's users that a procedure knows (N-06): it is asked for the user's entry, and
// everything else is as for users of a file. [loop]
#include "plugins/support/auth/method.hpp"
#include "plugins/support/text.hpp"

namespace nexus::auth {

using sdk::AuthAnswer;
using sdk::ValueView;

// A call that is under way.
struct MethodAuthenticator::Asking {
  MethodAuthenticator& self;
  sdk::PendingAuth pending;
  std::unique_ptr<Attempt> attempt;
  bool nameless = false;  // the client claims no authid
};

AuthAnswer MethodAuthenticator::ask(const sdk::AuthOperation& op, const sdk::Hello& hello,
                                    std::unique_ptr<Attempt> attempt) {
  const sdk::Value args = values()
                              .list()
                              .add(hello.realm)
                              .add(hello.authid)
                              .add(client_details(values(), hello))
                              .done();
  std::unique_ptr<Asking> asking(
      new Asking{*this, op.defer(), std::move(attempt), hello.authid.empty()});
  const nx_status status =
      realms_->call(host().get(), sdk::to_nx(procedure_realm_), sdk::to_nx(procedure_), args.get(),
                    nullptr, procedure_timeout_ms_, &MethodAuthenticator::on_answer, asking.get());
  if (status >= 0) {
    static_cast<void>(asking.release());  // on_answer() has it now
  } else {
    log().error("cannot call " + procedure_ + " in realm " + procedure_realm_ + ": status " +
                std::to_string(status));
    asking->pending.answer(
        AuthAnswer::deny("authentication failed", "wamp.error.authentication_failed"));
  }
  return AuthAnswer::pending();
}

void MethodAuthenticator::on_answer(void* user, nx_str error_uri, const nx_value* args,
                                    const nx_value*) {
  const std::unique_ptr<Asking> asking(static_cast<Asking*>(user));
  MethodAuthenticator& self = asking->self;
  self.guarded("on_answer()", [&] {
    Attempt& attempt = *asking->attempt;
    PrincipalPtr found;
    try {
      found = self.answered(attempt, sdk::view(error_uri), self.lent(args));
    } catch (const sdk::Error& error) {
      self.log().error("the procedure " + self.procedure_ + " did not decide: " + error.what());
      asking->pending.answer(
          AuthAnswer::deny("authentication failed", "wamp.error.authentication_failed"));
      return;
    }
    if (found != nullptr && asking->nameless) attempt.authid = found->authid;
    self.answer_begin(asking->pending, std::move(asking->attempt), std::move(found));
  });
}

// Who the procedure says it is; null for nobody. Throws sdk::Error when it did not decide.
PrincipalPtr MethodAuthenticator::answered(Attempt& attempt, std::string_view error,
                                           ValueView args) {
  if (undecided(error)) throw sdk::Error(NX_E_INTERNAL, std::string(error));
  const ValueView answer = args.at(0);
  if (!error.empty() || !answer || answer.is(NX_NULL)) return nullptr;
  Record record = parse_record(values(), attempt.authid, answer, principals_.role());
  principals_.learn(record.principal);
  if (!fits(attempt, *record.principal)) return nullptr;
  attempt.given_realm = std::move(record.realm);
  attempt.given_extra = std::move(record.extra);
  return record.principal;
}

}  // namespace nexus::auth
