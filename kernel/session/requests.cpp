// Requests of an established session: request ids, roles, URIs and authorization are checked here,
// in this order (Z-03); what passes goes to the realm. [loop]
#include "kernel/base/log_limits.hpp"
#include "kernel/message/error_uri.hpp"
#include "kernel/message/table.hpp"
#include "kernel/session/session.hpp"
#include "kernel/session/validate.hpp"

namespace nexus {
namespace {

uint32_t role_of(Code code) {
  switch (code) {
    case Code::publish:
      return kRolePublisher;
    case Code::subscribe:
    case Code::unsubscribe:
      return kRoleSubscriber;
    case Code::call:
    case Code::cancel:
      return kRoleCaller;
    case Code::register_:
    case Code::unregister:
    case Code::yield:
    case Code::error:
      return kRoleCallee;
    default:
      return 0;
  }
}

uint32_t action_of(Code code) {
  switch (code) {
    case Code::publish:
      return NX_ACTION_PUBLISH;
    case Code::subscribe:
      return NX_ACTION_SUBSCRIBE;
    case Code::call:
      return NX_ACTION_CALL;
    default:
      return NX_ACTION_REGISTER;
  }
}

}  // namespace

bool Session::handle_established(const Message& message, Bytes bytes, const AccessAnswer* answer) {
  RealmPort& realm = *realm_;
  Violation why;
  switch (message.code) {
    case Code::publish:
    case Code::subscribe:
    case Code::call:
    case Code::register_:
      return request(message, bytes, answer);
    case Code::yield:
    case Code::cancel:
    case Code::error:
      if (message.code == Code::error && message.id != static_cast<uint64_t>(Code::invocation)) {
        violation("ERROR.REQUEST.Type must be 68 when a client sends it");
        return true;
      }
      if (!parse_options(message, shard_.option_text, shard_.options, why)) {
        violation(why.text);
        return true;
      }
      break;
    case Code::unsubscribe:
    case Code::unregister:
      if (!check_request_id(message)) return true;
      break;
    case Code::event_received:
      // M-32: it is counted, and nobody waits for it, as with Crossbar; what publishers want to
      // know of their subscribers, those tell them.
      if (info_->has(kAcknowledgesEvents)) {
        shard_.counters.events_acknowledged.add();
      } else {
        violation("EVENT_RECEIVED, but HELLO did not announce x_acknowledged_event_delivery");
      }
      return true;
    case Code::goodbye:
      on_goodbye(message);
      return true;
    case Code::hello:
      violation("HELLO, but the session is established");
      return true;
    case Code::authenticate:
      violation("AUTHENTICATE, but no challenge is open");
      return true;
    default:
      violation(std::string(code_name(message.code)) + " is not for a client to send");
      return true;
  }
  if (realm.policy().enforce_roles && !info_->has(role_of(message.code))) {
    violation(std::string(code_name(message.code)) + " needs a role that HELLO did not announce");
    return true;
  }
  switch (message.code) {
    case Code::yield:
      realm.yield(*this, message, shard_.options);
      break;
    case Code::cancel:
      realm.cancel(*this, message, shard_.options);
      break;
    case Code::error:
      realm.error(*this, message, shard_.options);
      break;
    case Code::unsubscribe:
      realm.unsubscribe(*this, message);
      break;
    default:
      realm.unregister(*this, message);
      break;
  }
  return paused_ == 0;
}

// U-06. A CALL may repeat the id of an open progressive call, or of one that ended before its last
// CALL came; the dealer looks at those.
bool Session::check_request_id(const Message& message) {
  const uint64_t id = message.request;
  const uint64_t last = tables_.last_request;
  const RequestIdCheck check = realm_->policy().request_id_check;
  if (check == RequestIdCheck::off) {
    if (id > last) tables_.last_request = id;
    return true;
  }
  if (message.code == Code::call && id <= last && tables_.continues(id)) return true;
  const bool wrapped = last == kMaxId && id == 1;
  const bool right =
      check == RequestIdCheck::strict ? (id == last + 1 || wrapped) : (id > last || wrapped);
  if (!right) return wrong_request_id(message);
  tables_.last_request = id;
  return true;
}

bool Session::wrong_request_id(const Message& message) {
  violation(std::string(code_name(message.code)) + ".Request " + std::to_string(message.request) +
            " does not follow " + std::to_string(tables_.last_request));
  return false;
}

// Answers a request that cannot be served. PUBLISH hears nothing unless it asked to (P-04).
void Session::refuse(const Message& message, std::string_view uri, std::string_view text) {
  if (shard_.may_tell_refusal() && shard_.log.enabled(LogLevel::info, "session")) {
    std::string same = std::to_string(id());
    same.append(" ").append(code_name(message.code)).append(" ");
    same.append(message.uri.substr(0, LogLimits::kMaxCause));
    shard_.log.limited(LogLevel::info, "session", same, "request refused",
                       {{"session", id()},
                        {"authid", info_->authid},
                        {"authrole", info_->authrole},
                        {"request", code_name(message.code)},
                        {"uri", message.uri},
                        {"reason", uri},
                        {"detail", text}});
  }
  if (message.code == Code::publish && !shard_.options.acknowledge) {
    if (!message.payload.unfit.empty()) shard_.counters.events_dropped.add();
    return;
  }
  // What is under way of a stream that ends here must not look like another call.
  if (message.code == Code::call && shard_.options.progress) {
    tables_.note_ended_stream(message.request, realm_->policy().max_ended_streams);
  }
  reply_error(message.code, message.request, uri, text);
}

bool Session::request(const Message& message, Bytes bytes, const AccessAnswer* answer) {
  const RealmPolicy& policy = realm_->policy();
  Violation why;
  if (!parse_options(message, shard_.option_text, shard_.options, why)) {
    violation(why.text);
    return true;
  }
  if (answer == nullptr) {
    if (!check_request_id(message)) return true;
    if (policy.enforce_roles && !info_->has(role_of(message.code))) {
      violation(std::string(code_name(message.code)) + " needs a role that HELLO did not announce");
      return true;
    }
    // Data that nobody is to get costs its sender this request (E-10); what is another part of a
    // call ends that call, which is the dealer's to do.
    if (!message.payload.unfit.empty() &&
        !(message.code == Code::call && tables_.continues(message.request))) {
      refuse(message, uri::kInvalidArgument,
             "the arguments cannot be passed on: " + std::string(message.payload.unfit));
      return paused_ == 0;
    }
    if (message.code == Code::call && tables_.continues(message.request)) {
      go_on_with_part(message, bytes);
      return paused_ == 0;
    }
    const bool pattern = message.code == Code::subscribe || message.code == Code::register_;
    const Match match = pattern ? shard_.options.match : Match::exact;
    if (!valid_uri(message.uri, policy.uri_check, match)) {
      refuse(message, uri::kInvalidUri, uri_mistake(message.uri, policy.uri_check, match));
      return paused_ == 0;
    }
    // U-14: nobody but the router publishes or registers below wamp.
    if ((message.code == Code::publish || message.code == Code::register_) && !trusted_ &&
        reserved_uri(message.uri)) {
      refuse(message, uri::kInvalidUri, reserved_mistake(message.uri));
      return paused_ == 0;
    }
    if (!policy.authorizers.empty() && !trusted_) {
      const uint32_t action = action_of(message.code);
      const uint64_t epoch = shard_.router.access_epoch();
      if (match == Match::exact) {
        if (const Grant* warm =
                shard_.access.warm(info_->id, action, message.uri, epoch, shard_.loop.now_ms())) {
          go_on(message, bytes, Grant(*warm));  // a copy: the memory may change below
          return paused_ == 0;
        }
      }
      const AccessAnswer* known = remembered_access(shard_, *info_, action, match, message.uri);
      AccessAnswer fresh;
      if (known == nullptr) {
        AccessRequest question{action, match, std::string(message.uri), {}};
        if (message.has_options) {
          question.options = format_->to_details(message.options, shard_.option_text);
        }
        auto pending = std::make_unique<PendingAccess>(
            shard_, info_, realm_, std::move(question),
            [this](const AccessAnswer& later) { authorized(later); });
        if (!pending->ask(0, fresh)) {
          pending->keep(bytes);
          pending_ = std::move(pending);
          pause(kPauseAccess);
          return false;
        }
        // While it decided, the plugin may have called or published on this loop, and so used the
        // scratch memory that this message's text and options lie in: both are read once more.
        Message again;
        if (!parse(*format_, bytes, shard_.text, again, why)) return true;
        return request(again, bytes, &fresh);
      }
      const AccessAnswer decided = *known;  // the table may change below
      if (decided.allowed && match == Match::exact) {
        shard_.access.keep_warm(info_->id, action, message.uri, epoch, decided.grant);
      }
      if (!decided.allowed) {
        refuse(message, decided.error_uri, decided.error_message);
      } else {
        go_on(message, bytes, decided.grant);
      }
      return paused_ == 0;
    }
    dispatch(message, Grant{});
    return paused_ == 0;
  }
  if (!answer->allowed) {
    refuse(message, answer->error_uri, answer->error_message);
  } else {
    go_on(message, bytes, answer->grant);
  }
  return paused_ == 0;
}

// What an authorizer has allowed; perhaps only if it likes the payload.
void Session::go_on(const Message& message, Bytes bytes, const Grant& grant) {
  if (grant.validator == 0) return dispatch(message, grant);
  Message again = message;
  PayloadVerdict verdict;
  if (!show_payload(again, bytes, shard_.options.passthru.any(), grant, verdict)) return;
  verdict.accepted() ? dispatch(again, grant) : refuse(again, verdict.uri, verdict.text);
}

// A further part of a call asks for nothing new: its URI is that of the first, or the session ends.
// Were it refused as a request, the call would have two ends. But where the payload of the call is
// looked at, that of each part is (Z-12).
void Session::go_on_with_part(const Message& message, Bytes bytes) {
  const CallRecord* const call = tables_.calls.find(message.request);
  Grant grant;
  if (call != nullptr && call->streaming && *call->procedure == message.uri) {
    grant.validator = call->validator;
  }
  // What nobody is to get ends the call in any case.
  if (grant.validator == 0 || !message.payload.unfit.empty()) return dispatch(message, Grant{});
  Message again = message;
  PayloadVerdict verdict;
  // ppt_* is what the first part said, which has passed, and so nothing.
  if (!show_payload(again, bytes, false, grant, verdict)) return;
  if (!verdict.accepted()) {
    realm_->refuse_part(*this, again.request, shard_.options.progress, verdict.uri, verdict.text);
  } else if (tables_.continues(again.request)) {  // else it ended, and was forgotten, meanwhile
    dispatch(again, Grant{});
  }
}

// Asks the authorizer about a payload, and then reads the message and its options once more: the
// plugin may have used the memory that they lie in. False when the session is over.
bool Session::show_payload(Message& message, Bytes bytes, bool sealed, const Grant& grant,
                           PayloadVerdict& verdict) {
  // The plugin may end this session, which lets go of both.
  const SessionInfoPtr who = info_;
  const std::shared_ptr<RealmPort> realm = realm_;
  verdict = judge_payload(shard_, *who, realm->policy(), action_of(message.code), message.uri,
                          message.payload, sealed, grant);
  if (state_ != SessionState::established) return false;
  Message again;
  Violation why;
  if (!parse(*format_, bytes, shard_.text, again, why) ||
      !parse_options(again, shard_.option_text, shard_.options, why)) {
    return false;
  }
  message = again;
  return true;
}

void Session::dispatch(const Message& message, const Grant& grant) {
  switch (message.code) {
    case Code::publish:
      return realm_->publish(*this, message, shard_.options, grant);
    case Code::subscribe:
      return realm_->subscribe(*this, message, shard_.options, grant);
    case Code::call:
      return realm_->call(*this, message, shard_.options, grant);
    default:
      return realm_->register_(*this, message, shard_.options, grant);
  }
}

void Session::authorized(const AccessAnswer& given) {
  // What is asked for lies in the pending record; take it, so that it may be deleted.
  const AccessAnswer answer = given;
  const BufferRef held = pending_->message();
  pending_.reset();
  if (state_ != SessionState::established) return;
  Message message;
  Violation why;
  // It has passed once; it is parsed again because nothing but its bytes was kept.
  if (parse(*format_, held.bytes(), shard_.text, message, why)) {
    handle_established(message, held.bytes(), &answer);
  }
  if (pending_ == nullptr) resume(kPauseAccess);  // else the request had a question of its own
}

void Session::ask(AccessRequest question, PendingAccess::Done done) {
  if (trusted_ || realm_->policy().authorizers.empty()) return done({.allowed = true});
  if (const AccessAnswer* known =
          remembered_access(shard_, *info_, question.action, question.match, question.uri)) {
    const AccessAnswer decided = *known;  // the table may change meanwhile
    return done(decided);
  }
  const auto finish = [this, done](const AccessAnswer& later) {
    pending_.reset();
    done(later);
    if (pending_ == nullptr) resume(kPauseAccess);
  };
  auto pending =
      std::make_unique<PendingAccess>(shard_, info_, realm_, std::move(question), finish);
  AccessAnswer answer;
  if (pending->ask(0, answer)) return done(answer);
  pending_ = std::move(pending);
  pause(kPauseAccess);
}

}  // namespace nexus
