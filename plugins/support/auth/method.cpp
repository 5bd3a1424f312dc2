#include "plugins/support/auth/method.hpp"

#include <utility>

#include "plugins/support/auth/method_job.hpp"
#include "plugins/support/auth/peer.hpp"
#include "plugins/support/text.hpp"

namespace nexus::auth {

using sdk::AuthAnswer;
using sdk::PendingAuth;
using sdk::ValueView;

// A job whose turn has not come. Dropped by cancel(), or taken by the timer; both on its loop.
struct MethodAuthenticator::Waiting {
  MethodAuthenticator& self;
  nx_op op;
  uint64_t timer = 0;
  std::unique_ptr<Job> job{};
};

MethodAuthenticator::MethodAuthenticator(nx_host* host, Method method)
    : Authenticator(host),
      method_(method),
      loops_(Component::host().need<nx_host_loop_v1>(NX_HOST_LOOP)),
      work_(Component::host().need<nx_host_work_v1>(NX_HOST_WORK)),
      metrics_(Component::host().find<nx_host_metrics_v1>(NX_HOST_METRICS)),
      principals_(values().table()),
      realms_(Component::host().find<nx_host_realm_v1>(NX_HOST_REALM)) {
  if (metrics_ == nullptr) return;
  accepted_ = metrics_->counter(host, NX_STR("accepted"), NX_STR("Clients that came in."));
  denied_ = metrics_->counter(host, NX_STR("denied"), NX_STR("Clients that were turned away."));
}

MethodAuthenticator::~MethodAuthenticator() = default;

void MethodAuthenticator::configure(const sdk::Section& section) {
  throttle_.configure(throttle_limits(section));
  decoys_.set_key(section.string("decoy_key"));
  provider_ = section.string("provider");
  pass_unknown_ = section.string("unknown") == "pass";
  principals_.configure(section);
  procedure_ = section.string("procedure");
  procedure_realm_ = section.string("procedure_realm");
  procedure_timeout_ms_ = static_cast<uint64_t>(section.duration("procedure_timeout").count());
  if (!procedure_.empty() && realms_ == nullptr) {
    throw sdk::ConfigError("procedure: this router cannot call one");
  }
}

// Only a procedure names a realm. A file is read again, and a database asked each time.
uint32_t MethodAuthenticator::limits() const {
  if (!procedure_.empty()) return 0;
  const bool nobody = !principals_.blocks() && principals_.sample(method_, 0) == nullptr;
  return NX_AUTH_ONLY_HERE | (nobody ? NX_AUTH_KNOWS_NOBODY : 0);
}

void MethodAuthenticator::stop() {
  // The loops have stopped, and with them every timer; what is left is dropped without an answer.
  decltype(challenged_) challenged;
  decltype(waiting_) waiting;
  const std::lock_guard<std::mutex> lock(mutex_);
  challenged_.swap(challenged);
  waiting_.swap(waiting);
}

void MethodAuthenticator::reload() {
  principals_.reload();
  log().info("users in memory now: " + std::to_string(principals_.size()));
}

AuthAnswer MethodAuthenticator::denied() { return AuthAnswer::deny("authentication failed"); }

AuthAnswer MethodAuthenticator::incomplete(std::string message) {
  return AuthAnswer::deny(std::move(message));
}

PrincipalPtr MethodAuthenticator::look_up(Attempt& attempt) const {
  PrincipalPtr found = principals_.find(attempt.realm, attempt.authid);
  return found != nullptr && fits(attempt, *found) ? found : nullptr;
}

bool MethodAuthenticator::fits(const Attempt&, const Principal& principal) const {
  return has_secret(principal, method_);
}

void MethodAuthenticator::note(const Attempt& attempt, const char* what) const {
  if (!log().enabled(NX_LOG_INFO)) return;
  const std::string cause =
      attempt.authid + " " + attempt.address.substr(0, attempt.address.rfind(':')) + what;
  log().limited(NX_LOG_INFO, cause,
                "denied authid '" + support::printable(attempt.authid) + "', realm " +
                    support::printable(attempt.realm) + ", from " +
                    support::printable(attempt.address) + ": " + what);
}

// ---- HELLO -------------------------------------------------------------------------------------

AuthAnswer MethodAuthenticator::hello(const sdk::AuthOperation& op, const sdk::Hello& hello) {
  if (hello.authid.size() > kMaxAuthidSize) return denied();  // nobody's
  std::unique_ptr<Attempt> attempt = make_attempt();
  attempt->realm = hello.realm;
  attempt->method = hello.method;
  attempt->authid = hello.authid;
  attempt->session = hello.session;
  if (hello.peer != nullptr) {
    attempt->address = sdk::view(hello.peer->address);
    attempt->throttle_address = counted_address(hello.peer);
  }
  if (std::optional<AuthAnswer> end = open(hello, *attempt)) return *std::move(end);
  if (!principals_.blocks()) {
    PrincipalPtr found = look_up(*attempt);
    if (found != nullptr || procedure_.empty()) {
      AuthAnswer answer = begin(*attempt, std::move(found));
      if (answer.is_challenge()) remember(op.id(), std::move(attempt));
      return answer;
    }
  }
  // Others have work with this one: not before its turn.
  const Throttle::Turn turn = turn_of(*attempt);
  if (turn.refused) return too_many(*attempt);
  attempt->asked = true;
  // A turn that cost nothing is looked at again when the answer comes: many may have begun with it.
  attempt->had_turn = turn.queued;
  std::unique_ptr<Job> job(new Job{*this, op.defer(), std::move(attempt)});
  if (!principals_.blocks()) job->question = question(hello);
  if (turn.wait_ms != 0) return wait(op.id(), turn.wait_ms, std::move(job));
  take_up(std::move(job));
  return AuthAnswer::pending();
}

// ---- turns -------------------------------------------------------------------------------------

// Where a procedure says who somebody is, it may take several spellings for the same.
std::string MethodAuthenticator::counted(std::string_view authid) const {
  return procedure_.empty() ? std::string(authid) : folded_authid(authid);
}

// Whoever it turned out to be is counted beside who was claimed.
std::string MethodAuthenticator::also_counted(const Attempt& attempt) const {
  return attempt.known && attempt.principal != nullptr ? counted(attempt.principal->authid)
                                                       : std::string();
}

Throttle::Turn MethodAuthenticator::turn_of(const Attempt& attempt) {
  const std::string authid = counted(attempt.authid);
  const std::string also = also_counted(attempt);
  const uint64_t now_ms = loops_.now_ms(host().get());
  if (!attempt.had_turn) return throttle_.begin(attempt.throttle_address, authid, now_ms, also);
  if (also == authid) return {};
  return throttle_.begin(attempt.throttle_address, also, now_ms, {}, true);
}

void MethodAuthenticator::failed(const Attempt& attempt) {
  throttle_.failed(attempt.throttle_address, counted(attempt.authid), loops_.now_ms(host().get()),
                   also_counted(attempt));
}

// Gone without an answer, after somebody had work with it. It has tried no secret of anybody.
void MethodAuthenticator::abandoned(const Attempt& attempt) {
  if (!attempt.asked) return;
  throttle_.failed(attempt.throttle_address, {}, loops_.now_ms(host().get()));
}

AuthAnswer MethodAuthenticator::too_many(const Attempt& attempt) {
  note(attempt, "too many wrong answers before");
  if (metrics_ != nullptr) metrics_->add(denied_, 1);
  return AuthAnswer::deny("too many failed attempts, try again later");
}

AuthAnswer MethodAuthenticator::wait(nx_op op, uint64_t wait_ms, std::unique_ptr<Job> job) {
  std::unique_ptr<Waiting> waiting(new Waiting{*this, op});
  Waiting* const at = waiting.get();
  at->job = std::move(job);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_[op] = std::move(waiting);
  }
  const nx_status status =
      loops_.timer_start(host().get(), wait_ms, &MethodAuthenticator::on_turn, at, &at->timer);
  if (status < 0) cancel(op);  // answers with a denial
  return AuthAnswer::pending();
}

AuthAnswer MethodAuthenticator::begin(Attempt& attempt, PrincipalPtr found) {
  // Made in any case, so that both ways take the same time.
  PrincipalPtr decoy = decoys_.make(principals_, method_, attempt.realm, attempt.authid);
  attempt.known = found != nullptr;
  if (!attempt.known && pass_unknown_) return AuthAnswer::not_mine();
  attempt.principal = attempt.known ? std::move(found) : std::move(decoy);
  return challenge(attempt);
}

void MethodAuthenticator::remember(nx_op op, std::unique_ptr<Attempt> attempt) {
  const std::lock_guard<std::mutex> lock(mutex_);
  challenged_[op] = std::move(attempt);
}

std::unique_ptr<Attempt> MethodAuthenticator::take(nx_op op) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = challenged_.find(op);
  if (found == challenged_.end()) return nullptr;
  std::unique_ptr<Attempt> attempt = std::move(found->second);
  challenged_.erase(found);
  return attempt;
}

// ---- AUTHENTICATE ------------------------------------------------------------------------------

AuthAnswer MethodAuthenticator::authenticate(const sdk::AuthOperation& op,
                                             std::string_view signature, ValueView extra) {
  std::unique_ptr<Attempt> attempt = take(op.id());
  if (attempt == nullptr) return denied();
  const Throttle::Turn turn = turn_of(*attempt);
  if (turn.refused) return too_many(*attempt);
  if (turn.wait_ms == 0 && !slow(*attempt)) return verdict(*attempt, signature, extra);
  std::unique_ptr<Job> job(new Job{*this, op.defer(), std::move(attempt), sdk::Value(), true,
                                   Secret(signature), sdk::Value(extra)});
  if (turn.wait_ms != 0) return wait(op.id(), turn.wait_ms, std::move(job));
  take_up(std::move(job));
  return AuthAnswer::pending();
}

AuthAnswer MethodAuthenticator::verdict(Attempt& attempt, std::string_view signature,
                                        ValueView extra) {
  const Verdict verdict = verify(attempt, signature, extra);
  // Not short-cut: a decoy takes as long.
  if (verdict.right && attempt.known) {
    // Not who was claimed, if that is somebody else: it was not that one who came in.
    throttle_.succeeded(also_counted(attempt), attempt.throttle_address);
    if (metrics_ != nullptr) metrics_->add(accepted_, 1);
    return AuthAnswer::accept()
        .realm(attempt.given_realm)
        .authid(attempt.principal->authid)
        .role(attempt.principal->role)
        .provider(provider_)
        .extra(merged(values(), attempt.given_extra, verdict.extra));
  }
  failed(attempt);
  if (metrics_ != nullptr) metrics_->add(denied_, 1);
  note(attempt, attempt.known ? verdict.why : "nobody of this name is known here");
  return denied();
}

// A timer of the loop. [loop]
void MethodAuthenticator::on_turn(void* user) {
  auto& at = *static_cast<Waiting*>(user);
  MethodAuthenticator& self = at.self;
  self.guarded("on_turn()", [&] {
    std::unique_ptr<Waiting> waiting;
    {
      const std::lock_guard<std::mutex> lock(self.mutex_);
      const auto found = self.waiting_.find(at.op);
      if (found == self.waiting_.end()) return;
      waiting = std::move(found->second);
      self.waiting_.erase(found);
    }
    self.take_up(std::move(waiting->job));
  });
}

// Its turn has come. [loop]
void MethodAuthenticator::take_up(std::unique_ptr<Job> job) {
  if (job->answered && !slow(*job->attempt)) {
    job->pending.answer(verdict(*job->attempt, job->signature.view(), job->extra));
  } else if (job->question) {
    ask(std::move(job));
  } else {
    run_on_worker(std::move(job));
  }
}

// ---- work threads ------------------------------------------------------------------------------

void MethodAuthenticator::run_on_worker(std::unique_ptr<Job> job) {
  if (work_.run(host().get(), &MethodAuthenticator::on_worker, job.get()) == NX_OK) {
    static_cast<void>(job.release());  // on_worker() has it now
  } else {
    job->pending.answer(AuthAnswer::deny("too many clients are joining at once, try again later",
                                         "wamp.error.authentication_failed"));
  }
}

void MethodAuthenticator::on_worker(void* user) {
  const std::unique_ptr<Job> job(static_cast<Job*>(user));
  MethodAuthenticator& self = job->self;
  self.guarded("on_worker()", [&] {
    if (job->answered) {
      job->pending.answer(self.verdict(*job->attempt, job->signature.view(), job->extra));
      return;
    }
    PrincipalPtr found = self.look_up(*job->attempt);
    self.answer_begin(job->pending, std::move(job->attempt), std::move(found));
  });
}

// What hello() owes, later.
void MethodAuthenticator::answer_begin(PendingAuth& pending, std::unique_ptr<Attempt> attempt,
                                       PrincipalPtr found) {
  const AuthAnswer answer = begin(*attempt, std::move(found));
  if (!answer.is_challenge()) {
    pending.answer(answer);
    return;
  }
  // In this order: the client's AUTHENTICATE may come before answer() has returned.
  const nx_op op = pending.op();
  remember(op, std::move(attempt));
  if (!pending.answer(answer)) cancel(op);  // it has gone meanwhile
}

void MethodAuthenticator::cancel(nx_op op) {
  if (const std::unique_ptr<Attempt> attempt = take(op)) abandoned(*attempt);
  std::unique_ptr<Waiting> waiting;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = waiting_.find(op);
    if (found == waiting_.end()) return;
    waiting = std::move(found->second);
    waiting_.erase(found);
  }
  if (waiting->timer != 0) loops_.timer_cancel(host().get(), waiting->timer);
}

}  // namespace nexus::auth
