// What an actor does. Every request that may have consequences for others is told to the Reference
// before it is sent, so that nobody is surprised by its effects.
#include "tests/model/actor.hpp"

namespace nexus::test {
namespace {

constexpr size_t kTrace = 60;

const std::vector<Pattern>& topic_patterns() {
  static const std::vector<Pattern> kAll = [] {
    std::vector<Pattern> all;
    for (const std::string& topic : model_topics()) all.push_back({topic, Kind::exact});
    for (const char* uri : {"com", "com.t", "com.t.a", "com.t.b.", "com.t.b.c", "wamp.session"}) {
      all.push_back({uri, Kind::prefix});
    }
    for (const char* uri : {"com.t.", "..a1", "com..b.c0", "com.t..", ".t.a2", "..."}) {
      all.push_back({uri, Kind::wildcard});
    }
    all.push_back({"wamp.session.on_leave", Kind::exact});
    all.push_back({"wamp.registration.", Kind::prefix});
    return all;
  }();
  return kAll;
}

const std::vector<Pattern>& procedure_patterns() {
  static const std::vector<Pattern> kAll = [] {
    std::vector<Pattern> all;
    for (const std::string& procedure : model_procedures()) all.push_back({procedure, Kind::exact});
    for (const char* uri : {"com.m", "com.m.p", "com.m.p1", "com.m.d."}) {
      all.push_back({uri, Kind::prefix});
    }
    for (const char* uri : {"com.m.", "com..p2", ".m.p3", "com.m..e", "com...e"}) {
      all.push_back({uri, Kind::wildcard});
    }
    return all;
  }();
  return kAll;
}

// One policy for each pattern, mostly: sharing needs the same one.
std::string_view policy_of(const Pattern& pattern) {
  constexpr std::string_view kPolicies[] = {"single", "roundrobin", "first",
                                            "last",   "random",     "sharded"};
  if (pattern.uri.starts_with("com.q.") || pattern.uri.starts_with("com.r.")) return "roundrobin";
  return kPolicies[std::hash<std::string>{}(pattern.uri) % std::size(kPolicies)];
}

Value ids(const std::set<uint64_t>& from) {
  Value out = Value::list();
  for (const uint64_t id : from) out.append(Value::unsigned_integer(id));
  return out;
}

}  // namespace

const std::vector<std::string>& model_topics() {
  static const std::vector<std::string> kAll{"com.t.a0",   "com.t.a1",   "com.t.a2",   "com.t.a3",
                                             "com.t.b.c0", "com.t.b.c1", "com.t.bb.c0"};
  return kAll;
}

// Those below com.q. are registered with concurrency, and those below com.r. by callees that may be
// unavailable; no pattern catches either.
const std::vector<std::string>& model_procedures() {
  static const std::vector<std::string> kAll{"com.m.p0", "com.m.p1",  "com.m.p2",  "com.m.p3",
                                             "com.m.p4", "com.m.d.e", "com.m.f.e", "com.q.c0",
                                             "com.q.c1", "com.q.c2",  "com.r.u0",  "com.r.u1"};
  return kAll;
}

void Actor::enter(Phase phase, size_t actions, const Registrations* registrations) {
  phase_ = phase;
  actions_ = actions;
  expected_ = registrations;
  if (phase == Phase::sync && state_ != State::joined) actions_ = 0;
  if (phase == Phase::still && state_ == State::joined) {
    topics_.assign(model_topics().begin(), model_topics().end());
    procedures_.assign(model_procedures().begin(), model_procedures().end());
  }
}

void Actor::send(const Value& message) {
  if (state_ == State::leaving || state_ == State::doomed) return;  // it has had its last word
  trace_.emplace_back('>', message);
  if (trace_.size() > kTrace) trace_.pop_front();
  link_->send(encode(format_, message));
}

bool Actor::act() {
  if (state_ == State::gone) {
    if (phase_ != Phase::chaos || actions_ == 0) return false;
    return connect(), true;
  }
  if (state_ != State::joined) return false;
  switch (phase_) {
    case Phase::chaos:
      if (actions_ == 0 || !may_send()) {  // others wait for its answers
        if (work_.empty()) return false;
        answer(std::next(work_.begin(), static_cast<long>(below(random_, work_.size())))->first);
        return true;
      }
      --actions_;
      return random_step(), true;
    case Phase::still:
      if (!may_send()) return false;
      if (!topics_.empty()) {
        publish(topics_.front(), true);
        return topics_.pop_front(), true;
      }
      if (procedures_.empty()) return false;
      call(procedures_.front(), true);
      return procedures_.pop_front(), true;
    case Phase::quiet:
      return wind_down();
    case Phase::sync: {
      if (actions_ == 0) return false;
      actions_ = 0;
      const uint64_t request = ++last_request_;
      calls_[request].sync = true;
      send(list(kCall, request, dict(), "wamp.nobody.has.this.procedure"));
      return true;
    }
    case Phase::leave:
      return leave(), true;
  }
  return false;
}

// ---- sessions ---------------------------------------------------------------------------------

void Actor::connect() {
  format_ = kFormats[below(random_, kFormats.size())];
  link_ = connect_(random_, format_);
  hello();
}

void Actor::hello() {
  realm_ = one_in(random_, 3) ? "realm2" : "realm1";
  streams_results_ = streams_calls_ = takes_interrupts_ = true;
  Value details;
  switch (below(random_, 8)) {
    case 0:
      details = client_details({"callee.call_canceling"});
      takes_interrupts_ = false;
      break;
    case 1:
      details = client_details(
          {"caller.progressive_call_results", "caller.progressive_call_invocations"});
      streams_results_ = streams_calls_ = false;
      break;
    case 2:
      details = client_details({"callee.progressive_call_results", "callee.call_reroute"});
      break;
    default:
      details = client_details();
  }
  state_ = State::joining;
  send(list(kHello, realm_, details));
}

void Actor::leave() {
  send(list(kGoodbye, dict(), "wamp.close.close_realm"));
  state_ = State::leaving;
}

void Actor::vanish() {
  end_session();
  link_->drop();
  link_.reset();
  state_ = State::gone;
}

// ---- a step -----------------------------------------------------------------------------------

void Actor::random_step() {
  const uint64_t dice = below(random_, 1000);
  if (dice < 240) return call(pick(random_, model_procedures()), false);
  if (dice < 440) return publish(pick(random_, model_topics()), false);
  if (dice < 700) {
    if (work_.empty()) return;
    const auto at = std::next(work_.begin(), static_cast<long>(below(random_, work_.size())));
    return answer(at->first);
  }
  if (dice < 780) return continue_stream();
  if (dice < 840) return cancel();
  if (dice < 880) return subscribe();
  if (dice < 905) return unsubscribe(false);
  if (dice < 945) return register_procedure();
  if (dice < 965) return unsubscribe(true);
  if (dice < 985) return mischief();
  rare_step();
}

void Actor::rare_step() {
  const uint64_t dice = below(random_, 150);
  if (dice < 40) return revoke(one_in(random_, 2));
  if (dice < 60) {
    const uint64_t session = reference_.any_session(realm_, random_);
    return call_meta("wamp.session.modify_details",
                     list(session, dict({{"x_mood", below(random_, 9)}})));
  }
  if (dice < 85) {
    const uint64_t session = reference_.any_session(realm_, random_);
    if (session == 0 || session == session_) return;
    reference_.will_kill(session);
    return call_meta("wamp.session.kill", list(session));
  }
  if (dice < 86) {
    reference_.will_kill(0);
    return call_meta("wamp.session.kill_all", list());
  }
  if (dice < 105) return leave();
  if (dice < 130) return vanish();
  if (dice < 140) return violate();
  call_meta("wamp.registration.list", list());
}

// ---- publish and subscribe --------------------------------------------------------------------

void Actor::publish(const std::string& topic, bool plain) {
  Publication publication;
  publication.publisher = incarnation_;
  publication.number = ++last_publication_;
  publication.realm = realm_;
  publication.topic = topic;
  publication.session = session_;
  Value options = Value::dict();
  if (!plain && one_in(random_, 4)) {
    publication.exclude_me = false;
    options.set("exclude_me", Value::boolean(false));
  }
  const auto some = [this] {
    std::set<uint64_t> sessions;
    for (uint64_t i = below(random_, 6); i > 0; --i) {
      if (const uint64_t id = reference_.any_session(realm_, random_)) sessions.insert(id);
    }
    return sessions;
  };
  if (!plain && one_in(random_, 5)) {
    publication.exclude = some();
    options.set("exclude", ids(publication.exclude));
  }
  if (!plain && one_in(random_, 5)) {
    publication.eligible = some();
    options.set("eligible", ids(*publication.eligible));
  }
  if (!plain && one_in(random_, 30)) {
    publication.nobody = true;
    if (one_in(random_, 2)) {
      options.set("eligible_authrole", list("nobody"));
    } else {
      options.set("exclude_authrole", list("anonymous"));
    }
  }
  const uint64_t request = ++last_request_;
  if (one_in(random_, 2)) {
    options.set("acknowledge", Value::boolean(true));
    requests_[request] = {kPublish, {}, 0, false};
  }
  const Value args = list(publication.publisher, publication.number);
  reference_.will_publish(std::move(publication));
  send(list(kPublish, request, options, topic, args));
}

void Actor::subscribe() {
  const Pattern pattern = pick(random_, topic_patterns());
  const uint64_t request = ++last_request_;
  requests_[request] = {kSubscribe, pattern, 0, false};
  send(list(kSubscribe, request, dict({{"match", kind_name(pattern.kind)}}), pattern.uri));
}

void Actor::unsubscribe(bool registration) {
  uint64_t object = 0;
  if (registration && !registrations_.empty()) {
    const auto skip = static_cast<long>(below(random_, registrations_.size()));
    object = std::next(registrations_.begin(), skip)->first;
  } else if (!registration && !subscriptions_.empty()) {
    const auto skip = static_cast<long>(below(random_, subscriptions_.size()));
    object = std::next(subscriptions_.begin(), skip)->first;
  }
  // Also what somebody else holds.
  if (object == 0 || one_in(random_, 12)) {
    const auto other = reference_.any_holder(registration, realm_, random_);
    object = other ? other->object : 1 + below(random_, 1000);
  }
  const uint64_t request = ++last_request_;
  const MessageType type = registration ? kUnregister : kUnsubscribe;
  requests_[request] = {type, {}, object, false};
  send(list(type, request, object));
}

void Actor::register_procedure() {
  const Pattern pattern = pick(random_, procedure_patterns());
  const bool limited = pattern.uri.starts_with("com.q.") && !one_in(random_, 4);
  Value options = dict({{"match", kind_name(pattern.kind)}, {"invoke", policy_of(pattern)}});
  if (one_in(random_, 20)) options.set("invoke", Value::string("roundrobin"));
  if (limited) options.set("concurrency", Value::unsigned_integer(1 + below(random_, 2)));
  if (one_in(random_, 25)) {
    reference_.will_force(realm_, pattern);
    options.set("force_reregister", Value::boolean(true));
  }
  const uint64_t request = ++last_request_;
  requests_[request] = {kRegister, pattern, 0, limited};
  send(list(kRegister, request, options, pattern.uri));
}

void Actor::revoke(bool registration) {
  const auto member = reference_.any_holder(registration, realm_, random_);
  if (!member) return;
  reference_.will_revoke(registration, *member);
  call_meta(
      registration ? "wamp.registration.remove_callee" : "wamp.subscription.remove_subscriber",
      list(member->object, member->session));
}

// ---- calls ------------------------------------------------------------------------------------

void Actor::call_meta(std::string_view procedure, const Value& args) {
  const uint64_t request = ++last_request_;
  Call& call = calls_[request];
  call.procedure = procedure;
  call.meta = true;
  send(list(kCall, request, dict(), procedure, args));
}

void Actor::call(const std::string& procedure, bool plain) {
  const uint64_t request = ++last_request_;
  Call& call = calls_[request];
  call.procedure = procedure;
  call.still = plain;
  Value options = Value::dict();
  if (!plain) {
    if (one_in(random_, 3)) {
      call.wants_progress = streams_results_;
      options.set("receive_progress", Value::boolean(true));
    }
    if (one_in(random_, 6)) {
      call.timed = true;
      options.set("timeout", Value::unsigned_integer(1 + below(random_, 30)));
    }
    if (streams_calls_ && one_in(random_, 6)) {
      call.streaming = true;
      options.set("progress", Value::boolean(true));
    }
    if (one_in(random_, 6)) options.set("rkey", Value::string(std::to_string(request % 5)));
  }
  send(list(kCall, request, options, procedure,
            list(incarnation_, request, uint64_t{0}, procedure, realm_)));
}

void Actor::send_part(uint64_t request, Call& call) {
  const bool last = phase_ != Phase::chaos || one_in(random_, 4);
  send(list(kCall, request, dict({{"progress", !last}}), call.procedure,
            list(incarnation_, request, call.parts++, call.procedure, realm_)));
  call.streaming = !last;
}

void Actor::continue_stream() {
  for (auto& [request, call] : calls_) {
    if (!call.streaming || one_in(random_, 3)) continue;
    return send_part(request, call);
  }
}

void Actor::cancel() {
  constexpr const char* kModes[] = {"skip", "kill", "killnowait"};
  // An open one mostly, else one that has ended or will be.
  uint64_t request = 1 + below(random_, last_request_ + 2);
  if (!calls_.empty() && !one_in(random_, 6)) {
    request = std::next(calls_.begin(), static_cast<long>(below(random_, calls_.size())))->first;
  }
  send(list(kCancel, request, dict({{"mode", kModes[below(random_, 3)]}})));
}

// ---- invocations ------------------------------------------------------------------------------

Value Actor::echo(const Work& work, uint64_t number) const {
  const auto at = registrations_.find(work.registration);
  const Pattern pattern = at == registrations_.end() ? Pattern{} : at->second.pattern;
  return list(work.caller, work.request, incarnation_, number, pattern.uri,
              kind_name(pattern.kind));
}

void Actor::finish(uint64_t invocation, bool with_error) {
  const auto at = work_.find(invocation);
  const Value args = echo(at->second, at->second.results);
  const bool interrupted = at->second.interrupted;
  work_.erase(at);
  if (!with_error) return send(list(kYield, invocation, dict(), args));
  if (interrupted && one_in(random_, 2)) {
    return send(list(kError, kInvocation, invocation, dict(), "wamp.error.canceled", args));
  }
  send(list(kError, kInvocation, invocation, dict(), "com.m.error", args));
}

void Actor::answer(uint64_t invocation) {
  Work& work = work_.at(invocation);
  const bool passes = work.procedure.starts_with("com.r.");
  if (passes && one_in(random_, 3)) {
    work_.erase(invocation);
    return send(list(kError, kInvocation, invocation, dict(), "wamp.error.unavailable"));
  }
  if (one_in(random_, 2) && (work.wants_progress || one_in(random_, 8))) {
    send(list(kYield, invocation, dict({{"progress", true}}), echo(work, work.results)));
    if (work.wants_progress) ++work.results;  // else R-47: it goes nowhere
    return;
  }
  if (work.streaming && !one_in(random_, 5)) return;  // it wants to hear the end
  finish(invocation, one_in(random_, 5));
}

// ---- what should not be -----------------------------------------------------------------------

void Actor::mischief() {
  const uint64_t request = ++last_request_;
  switch (below(random_, 6)) {
    case 0:  // an answer to what has been answered
      if (last_invocation_ == 0 || !work_.empty()) return;
      return send(list(kYield, 1 + below(random_, last_invocation_), dict(), list("late")));
    case 1:
      if (last_invocation_ == 0 || !work_.empty()) return;
      return send(
          list(kError, kInvocation, 1 + below(random_, last_invocation_), dict(), "com.m.late"));
    case 2:
      requests_[request] = {kSubscribe, {}, 0, false};
      return send(list(kSubscribe, request, dict(), "not a uri#"));
    case 3:
      requests_[request] = {kPublish, {}, 0, false};
      return send(list(kPublish, request, dict({{"acknowledge", true}}), "wamp.forged"));
    case 4:
      requests_[request] = {kRegister, {}, 0, false};
      return send(list(kRegister, request, dict(), "wamp.session.count"));
    default:
      return send(list(kCancel, request, dict()));
  }
}

void Actor::violate() {
  switch (below(random_, 5)) {
    case 0:
      send(list(kHello, realm_, client_details()));
      break;
    case 1:
      send(list(kYield, last_invocation_ + 1000000, dict()));
      break;
    case 2:
      send(list(kResult, 1, dict()));
      break;
    case 3:
      send(list(kCall, "one", dict(), "com.m.p0"));
      break;
    default:
      send(list(kPublish));
  }
  state_ = State::doomed;
}

// ---- the end of a round -----------------------------------------------------------------------

bool Actor::wind_down() {
  bool any = false;
  for (auto& [request, call] : calls_) {
    if (!call.streaming) continue;
    send_part(request, call);
    any = true;
  }
  while (!work_.empty()) {
    finish(work_.begin()->first, false);
    any = true;
  }
  return any;
}

}  // namespace nexus::test
