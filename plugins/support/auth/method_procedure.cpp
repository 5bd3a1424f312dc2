// MethodAuthenticator's users that a procedure knows (N-06): it is asked for the user's entry, and
// everything else is as for users of a file. [loop]
#include "plugins/support/auth/method_job.hpp"
#include "plugins/support/text.hpp"

namespace nexus::auth {

using sdk::AuthAnswer;
using sdk::ValueView;

sdk::Value MethodAuthenticator::question(const sdk::Hello& hello) const {
  return values()
      .list()
      .add(hello.realm)
      .add(hello.authid)
      .add(client_details(values(), hello))
      .done();
}

void MethodAuthenticator::ask(std::unique_ptr<Job> job) {
  const nx_status status = realms_->call(
      host().get(), sdk::to_nx(procedure_realm_), sdk::to_nx(procedure_), job->question.get(),
      nullptr, procedure_timeout_ms_, &MethodAuthenticator::on_answer, job.get());
  if (status >= 0) {
    static_cast<void>(job.release());  // on_answer() has it now
  } else {
    log().limited(NX_LOG_ERROR, "call",
                  "cannot call " + procedure_ + " in realm " + procedure_realm_ + ": status " +
                      std::to_string(status));
    job->pending.answer(
        AuthAnswer::deny("authentication failed", "wamp.error.authentication_failed"));
  }
}

void MethodAuthenticator::on_answer(void* user, nx_str error_uri, const nx_value* args,
                                    const nx_value*) {
  const std::unique_ptr<Job> job(static_cast<Job*>(user));
  MethodAuthenticator& self = job->self;
  self.guarded("on_answer()", [&] {
    Attempt& attempt = *job->attempt;
    PrincipalPtr found;
    try {
      found = self.answered(attempt, sdk::view(error_uri), self.lent(args));
    } catch (const sdk::Error& error) {
      self.log().limited(NX_LOG_ERROR, std::string("answer ") + error.what(),
                         "the procedure " + self.procedure_ + " did not decide: " + error.what());
      job->pending.answer(
          AuthAnswer::deny("authentication failed", "wamp.error.authentication_failed"));
      return;
    }
    // A client that claims no authid may have had a name made of its key.
    if (found != nullptr && ValueView(job->question).at(1).as_string().empty()) {
      attempt.authid = found->authid;
    }
    self.answer_begin(job->pending, std::move(job->attempt), std::move(found));
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
