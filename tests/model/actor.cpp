#include "tests/model/actor.hpp"

#include <sstream>

namespace nexus::test {
namespace {

constexpr size_t kTrace = 60;

// Calls of these never wait and are never passed on, so they keep their order.
bool in_order(const std::string& procedure) { return procedure.starts_with("com.m."); }

}  // namespace

void Actor::wrong(const std::string& what) const {
  throw PeerError(name_ + ": " + what + "\n" + describe());
}

void Actor::expect(bool right, const char* what, const Message& message) const {
  if (!right) wrong(std::string(what) + ": " + message.text());
}

std::string Actor::describe() const {
  constexpr const char* kStates[] = {"gone", "joining", "joined", "leaving", "doomed", "over"};
  std::ostringstream out;
  out << name_ << " is " << kStates[static_cast<size_t>(state_)] << ", session " << session_
      << ", incarnation " << incarnation_ << " in " << realm_ << "; " << requests_.size()
      << " requests, " << calls_.size() << " calls, " << work_.size()
      << " invocations open; the last messages:";
  for (const auto& [direction, message] : trace_) out << "\n  " << direction << ' ' << message;
  for (const auto& [request, call] : calls_) {
    out << "\n  open: call " << request << " of " << call.procedure << (call.sync ? " (sync)" : "");
  }
  for (const auto& [request, open] : requests_) {
    out << "\n  open: request " << request << " of type " << type_name(open.type);
  }
  return out.str();
}

bool Actor::pump() {
  if (link_ == nullptr) return false;
  std::vector<std::string> arrived;
  const bool open = link_->take(arrived);
  for (const std::string& bytes : arrived) {
    const Message message(decode(format_, bytes));
    trace_.emplace_back('<', message.value());
    if (trace_.size() > kTrace) trace_.pop_front();
    on_message(message);
  }
  if (!open) on_closed();
  return !arrived.empty() || !open;
}

bool Actor::done() const {
  switch (state_) {
    case State::gone:
      return phase_ != Phase::chaos || actions_ == 0;
    case State::joined:
      break;
    default:
      return false;
  }
  switch (phase_) {
    case Phase::chaos:
      return actions_ == 0;
    case Phase::still:
      if (!topics_.empty() || !procedures_.empty()) return false;
      break;
    case Phase::leave:
      return false;
    default:
      break;
  }
  return requests_.empty() && calls_.empty() && work_.empty() && actions_ == 0;
}

void Actor::on_message(const Message& message) {
  if (state_ == State::joining) return on_welcome(message);
  expect(state_ != State::over, "a message after the end of the session", message);
  switch (message.type()) {
    case kEvent:
      return on_event(message);
    case kResult:
      return on_result(message);
    case kError:
      return on_error(message);
    case kPublished:
      take_request(message, message.request(), kPublish);
      return;
    case kSubscribed:
    case kRegistered:
      return on_subscribed(message, message.type() == kRegistered);
    case kUnsubscribed:
    case kUnregistered:
      return on_unsubscribed(message, message.type() == kUnregistered);
    case kInvocation:
      return on_invocation(message);
    case kInterrupt:
      return on_interrupt(message);
    case kGoodbye:
      return on_goodbye(message);
    case kAbort:
      expect(state_ == State::doomed && message.uri() == "wamp.error.protocol_violation",
             "ABORT without a reason", message);
      end_session();
      state_ = State::over;
      return;
    default:
      expect(false, "a type that no router sends", message);
  }
}

// ---- sessions ---------------------------------------------------------------------------------

void Actor::on_welcome(const Message& message) {
  expect(message.type() == kWelcome, "expected WELCOME", message);
  session_ = message.id(1);
  incarnation_ = reference_.next_incarnation();
  state_ = State::joined;
  reference_.joined(realm_, session_);
}

void Actor::on_goodbye(const Message& message) {
  const bool answer = state_ == State::leaving && message.uri() == "wamp.close.goodbye_and_out";
  if (!answer) {
    expect(message.uri() == "wamp.close.killed" && reference_.may_be_killed(session_),
           "GOODBYE without a reason", message);
  }
  const bool said = state_ == State::leaving;
  end_session();
  if (answer) {
    // S-14: the connection may carry another session.
    if (phase_ == Phase::chaos && one_in(random_, 2)) return hello();
    link_.reset();
    state_ = State::gone;
    return;
  }
  state_ = State::over;
  if (!said) send(list(kGoodbye, dict(), "wamp.close.goodbye_and_out"));
}

void Actor::on_closed() {
  const State before = state_;
  link_.reset();
  if (before != State::over) wrong("the router closed the connection without a word");
  state_ = State::gone;
}

void Actor::end_session() {
  reference_.left(session_);
  requests_.clear();
  calls_.clear();
  work_.clear();
  interrupted_.clear();
  streamed_.clear();
  subscriptions_.clear();
  registrations_.clear();
  received_.clear();
  last_number_.clear();
  last_number_on_.clear();
  last_call_.clear();
  last_request_ = last_invocation_ = last_publication_ = 0;
}

// ---- replies to requests ----------------------------------------------------------------------

Actor::Request Actor::take_request(const Message& message, uint64_t request, uint64_t type) {
  const auto at = requests_.find(request);
  expect(at != requests_.end() && at->second.type == type, "a reply to no open request", message);
  Request found = at->second;
  requests_.erase(at);
  return found;
}

bool Actor::held(bool registration, uint64_t object) const {
  return registration ? registrations_.count(object) != 0 : subscriptions_.count(object) != 0;
}

void Actor::give_up(bool registration, uint64_t object) {
  if (registration) {
    registrations_.erase(object);
    return;
  }
  subscriptions_.erase(object);
  // What was received on it has been; no completeness is asked of what is held anew.
  received_.erase(received_.lower_bound({object, 0, 0}), received_.lower_bound({object + 1, 0, 0}));
}

void Actor::on_subscribed(const Message& message, bool registration) {
  const Request request =
      take_request(message, message.request(), registration ? kRegister : kSubscribe);
  const uint64_t id = message.id(2);
  if (held(registration, id)) {
    const Pattern& pattern = registration ? registrations_[id].pattern : subscriptions_[id].pattern;
    expect(pattern == request.pattern, "one id for two patterns", message);
  } else if (registration) {
    registrations_[id] = {request.pattern, request.limited};
  } else {
    subscriptions_[id] = {request.pattern, reference_.now()};
  }
  reference_.holds(registration, {realm_, id, session_});
}

void Actor::on_unsubscribed(const Message& message, bool registration) {
  const uint64_t request = message.id(1);
  if (request != 0) {
    const Request asked = take_request(message, request, registration ? kUnregister : kUnsubscribe);
    expect(held(registration, asked.object), "given back what it did not hold", message);
    return give_up(registration, asked.object);
  }
  const Value details = message.at(2);
  const uint64_t id = details.find(registration ? "registration" : "subscription").as_uint();
  expect(held(registration, id), "a revocation of what it did not hold", message);
  const Pattern& pattern = registration ? registrations_[id].pattern : subscriptions_[id].pattern;
  expect(reference_.may_be_revoked(registration, {realm_, id, session_}, pattern),
         "a revocation that nobody asked for", message);
  give_up(registration, id);
}

void Actor::on_error(const Message& message) {
  const uint64_t type = message.id(1), request = message.request();
  if (type == kCall) return on_call_error(message);
  const Request asked = take_request(message, request, type);
  const std::string uri = message.uri();
  if (type == kUnsubscribe || type == kUnregister) {
    expect(uri == (type == kUnregister ? "wamp.error.no_such_registration"
                                       : "wamp.error.no_such_subscription"),
           "an error that does not fit", message);
    expect(!held(type == kUnregister, asked.object), "refused to take what it holds", message);
  } else if (type == kRegister) {
    expect(uri == "wamp.error.procedure_already_exists" || uri == "wamp.error.invalid_uri",
           "an error that does not fit", message);
  } else {
    expect(uri == "wamp.error.invalid_uri", "an error that does not fit", message);
  }
}

// ---- events -----------------------------------------------------------------------------------

void Actor::on_event(const Message& message) {
  const uint64_t subscription = message.id(1);
  const auto at = subscriptions_.find(subscription);
  expect(at != subscriptions_.end(), "an event of a subscription that it does not hold", message);
  const Pattern& pattern = at->second.pattern;
  if (pattern.uri.starts_with("wamp.")) return;  // a meta event
  const Value args = message.args();
  const uint64_t publisher = args.at(0).as_uint(), number = args.at(1).as_uint();
  const auto publication = reference_.publication(publisher, number);
  expect(publication.has_value(), "an event that nobody published", message);
  expect(publication->realm == realm_, "an event of another realm", message);
  expect(matches(pattern, publication->topic), "an event of another topic", message);
  expect(publication->may_reach(session_), "an event that is not for this session", message);
  const Value topic = message.details().find("topic");
  expect(pattern.kind == Kind::exact ? !topic : topic.as_string() == publication->topic,
         "Details.topic is wrong", message);
  // O-01: per subscription each once, over all of them never backwards.
  uint64_t& last = last_number_[publisher];
  uint64_t& last_on = last_number_on_[{publisher, subscription}];
  expect(number > last_on && number >= last, "an event that is late, or comes twice", message);
  last = last_on = number;
  received_.insert({subscription, publisher, number});
}

// ---- calls ------------------------------------------------------------------------------------

void Actor::check_echo(const Message& message, const Call& call, bool final) {
  const Value args = message.args();
  expect(args.at(0).as_uint() == incarnation_ && args.at(1).as_uint() == message.request(),
         "the answer to another call", message);
  const uint64_t callee = args.at(2).as_uint();
  expect(call.callee == 0 || call.callee == callee, "two callees for one call", message);
  expect(args.at(3).as_uint() == call.results, "a hole in the results", message);
  if (!final || !call.still) return;
  const auto expected = best_match(expected_->at(realm_), call.procedure);
  expect(expected.has_value() && args.at(4).as_string() == expected->uri &&
             args.at(5).as_string() == kind_name(expected->kind),
         "the call went to another registration", message);
}

void Actor::on_result(const Message& message) {
  const auto at = calls_.find(message.request());
  expect(at != calls_.end(), "a RESULT after the end of its call, or of no call", message);
  Call& call = at->second;
  const bool final = !message.details().find("progress").as_bool();
  if (!call.meta) check_echo(message, call, final);
  if (final) {
    const bool late = call.streaming && one_in(random_, 2);
    const uint64_t request = at->first;
    if (late) send_part(request, call);  // dropped
    calls_.erase(request);
    return;
  }
  expect(call.wants_progress, "progress that was not asked for", message);
  call.callee = message.args().at(2).as_uint();
  ++call.results;
}

void Actor::on_call_error(const Message& message) {
  const auto at = calls_.find(message.request());
  expect(at != calls_.end(), "an ERROR after the end of its call, or of no call", message);
  if (at->second.streaming && one_in(random_, 2)) send_part(at->first, at->second);
  const Call call = at->second;
  calls_.erase(at);
  const std::string uri = message.uri();
  if (uri == "com.m.error") return check_echo(message, call, true);
  if (uri == "wamp.error.timeout") return expect(call.timed, "a timeout of no time", message);
  if (call.sync || call.still) {
    expect(uri == "wamp.error.no_such_procedure", "a call failed", message);
    const bool expected = call.still && best_match(expected_->at(realm_), call.procedure);
    return expect(!expected, "there is a procedure for this call", message);
  }
  if (call.meta) {
    return expect(uri.starts_with("wamp.error.no_such_"), "a meta call failed", message);
  }
  // A callee that did not announce call_reroute is taken at its word.
  if (uri == "wamp.error.unavailable") {
    return expect(call.procedure.starts_with("com.r."), "an error that does not fit", message);
  }
  expect(uri == "wamp.error.no_such_procedure" || uri == "wamp.error.canceled" ||
             uri == "wamp.error.no_available_callee" || uri == "wamp.error.feature_not_supported",
         "an error that does not fit", message);
}

// ---- invocations ------------------------------------------------------------------------------

void Actor::on_invocation(const Message& message) {
  const uint64_t id = message.request();
  const Value args = message.args(), details = message.details();
  const uint64_t caller = args.at(0).as_uint(), request = args.at(1).as_uint();
  const uint64_t part = args.at(2).as_uint();
  const std::string procedure(args.at(3).as_string());
  if (id <= last_invocation_) {  // a further part
    const auto open = work_.find(id);
    if (open == work_.end()) {
      return expect(streamed_.count(id) != 0, "an INVOCATION that is over", message);
    }
    Work& work = open->second;
    expect(work.streaming && work.caller == caller && work.request == request &&
               work.parts == part && message.id(2) == work.registration,
           "a part of another call, or a hole", message);
    ++work.parts;
    work.streaming = details.find("progress").as_bool();
  } else {
    expect(id == last_invocation_ + 1, "an id out of turn", message);
    last_invocation_ = id;
    const auto at = registrations_.find(message.id(2));
    expect(at != registrations_.end(), "a call of what it has not registered", message);
    const Pattern& pattern = at->second.pattern;
    expect(args.at(4).as_string() == realm_, "a call from another realm", message);
    expect(matches(pattern, procedure), "a call of another procedure", message);
    const Value named = details.find("procedure");
    expect(pattern.kind == Kind::exact ? !named : named.as_string() == procedure,
           "Details.procedure is wrong", message);
    expect(part == 0, "a stream without its beginning", message);
    const bool rerouted = procedure.starts_with("com.r.");
    const size_t reached = reference_.reached(caller, request);
    expect(reached == 1 || (rerouted && reached <= 32), "a call that comes twice", message);
    if (in_order(procedure)) {  // O-03
      expect(request > last_call_[caller], "a call was overtaken", message);
      last_call_[caller] = request;
    }
    Work work;
    work.caller = caller;
    work.request = request;
    work.registration = at->first;
    work.procedure = procedure;
    work.wants_progress = details.find("receive_progress").as_bool();
    work.streaming = details.find("progress").as_bool();
    work.parts = 1;
    if (details.find("progress")) streamed_.insert(id);
    work_.emplace(id, std::move(work));
  }
  if (phase_ != Phase::chaos) return finish(id, false);
  if (one_in(random_, 2)) answer(id);
}

void Actor::on_interrupt(const Message& message) {
  const uint64_t id = message.request();
  expect(id <= last_invocation_, "an INTERRUPT of no INVOCATION", message);
  expect(takes_interrupts_, "an INTERRUPT that was not announced", message);
  expect(interrupted_.insert(id).second, "a second INTERRUPT", message);
  const std::string mode(message.details().find("mode").as_string());
  expect(mode == "kill" || mode == "killnowait", "an INTERRUPT of that mode", message);
  const auto at = work_.find(id);
  if (at == work_.end()) return;
  at->second.interrupted = true;
  if (one_in(random_, 2)) finish(id, true);
}

// ---- the router's own tables ------------------------------------------------------------------

void Actor::inspect() {
  if (state_ != State::joined) return;
  std::string found;
  link_->look([&](Session& session) {
    SessionTables& tables = session.tables();
    if (!tables.calls.empty()) found += " calls";
    if (!tables.invocations.empty()) found += " invocations";
    if (!tables.tokens.empty()) found += " tokens";
    size_t subscriptions = 0, registrations = 0;
    tables.subscriptions.for_each([&](uint64_t id, uint64_t) {
      ++subscriptions;
      if (subscriptions_.count(id) == 0) found += " subscription " + std::to_string(id);
    });
    tables.registrations.for_each([&](uint64_t id, std::unique_ptr<CalleeQueue>& queue) {
      ++registrations;
      if (registrations_.count(id) == 0) found += " registration " + std::to_string(id);
      if (queue == nullptr) return;
      if (!queue->waiting.empty()) found += " waiting calls";
      if (queue->load->active != 0) found += " load " + std::to_string(queue->load->active);
    });
    if (subscriptions != subscriptions_.size()) found += " not every subscription";
    if (registrations != registrations_.size()) found += " not every registration";
  });
  if (!found.empty()) wrong("the router still has, or has not:" + found);
}

}  // namespace nexus::test
