#include "kernel/session/session.hpp"

#include "kernel/message/error_uri.hpp"
#include "kernel/message/table.hpp"
#include "kernel/session/watch.hpp"

namespace nexus {
namespace {

constexpr const char* kTooLargeBefore = "a message of this size before the session is established";

// YIELD, or the ERROR of an INVOCATION.
bool answers_invocation(const Message& message) {
  return message.code == Code::yield ||
         (message.code == Code::error && message.id == static_cast<uint64_t>(Code::invocation));
}

// A last word, ABORT or GOODBYE, with as much of its text as the peer accepts.
void say_last(Session& to, Code code, std::string_view reason, std::string_view text) {
  const auto said = [&](std::string_view what, std::string_view why) {
    const nx_status built =
        code == Code::abort ? to.build().abort(what, why) : to.build().goodbye(what, why);
    return built == NX_OK && to.send_reply() != Sent::too_large;
  };
  if (!said(reason, text) && !said(reason, {})) said(uri::kPayloadSizeExceeded, {});
}

}  // namespace

Session::Session(Shard& shard, const Serializer& format, const nx_transport_v1* transport,
                 void* connection, const nx_peer& peer)
    : shard_(shard),
      format_(&format),
      peer_flags_(peer.flags),
      outbox_(transport, connection, shard.router.policy(), peer.max_send_size),
      peer_address_(to_view(peer.address)),
      transport_name_(to_view(peer.transport)),
      peer_details_(Value::share(peer.details)) {}

Session::~Session() {
  if (deadline_ != 0) shard_.loop.cancel_timer(deadline_);
  if (queue_check_ != 0) shard_.loop.cancel_timer(queue_check_);
}

nx_peer Session::peer() const {
  nx_peer peer{};
  peer.struct_size = sizeof peer;
  peer.flags = peer_flags_;
  peer.transport = to_nx(transport_name_);
  peer.address = to_nx(peer_address_);
  peer.details = const_cast<nx_value*>(peer_details_.get());
  return peer;
}

void Session::start() { set_deadline(shard_.router.policy().hello_timeout_ms); }

// ---- from the transport ---------------------------------------------------------------------

uint32_t Session::on_messages(const nx_bytes* messages, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (state_ == SessionState::closed) return count;  // read and forgotten
    if (paused_ != 0) return i;
    shard_.counters.messages_in.add();
    if (!handle(to_view(messages[i]))) return i + 1;
  }
  return count;
}

// S-06. Transports ask it before they make room, so that a stranger cannot fill memory; who sends
// its first request behind HELLO without waiting for WELCOME is held to it as well. Who has just
// left may still have a long answer under way.
uint64_t Session::message_limit() const {
  const bool joined = state_ == SessionState::established || state_ == SessionState::closing;
  return joined || said_goodbye_ ? UINT64_MAX : shard_.router.policy().max_hello_size;
}

void Session::log_received(const Message& message) const {
  shard_.log.write(LogLevel::debug, "session", "received",
                   {{"session", id()},
                    {"message", code_name(message.code)},
                    {"request", message.request},
                    {"uri", message.uri}});
}

// False stops the delivery: the session has just been paused.
bool Session::handle(Bytes bytes) {
  if (bytes.size() > message_limit()) {
    violation(kTooLargeBefore);
    return true;
  }
  Message message;
  Violation why;
  if (!parse(*format_, bytes, shard_.text, message, why)) {
    // S-12: nothing follows our GOODBYE, whatever was under way when it left.
    if (state_ != SessionState::closing) violation(why.text);
    return true;
  }
  if (shard_.log.enabled(LogLevel::debug, "session")) log_received(message);
  // S-13: an ABORT is never answered, in any state.
  if (message.code == Code::abort) {
    end("client aborted", message.uri, NX_LEFT_ABORTED, message.uri);
    outbox_.close(NX_CLOSE_FLUSH, "client aborted");
    return true;
  }
  switch (state_) {
    case SessionState::established:
      return handle_established(message, bytes, nullptr);
    case SessionState::await_hello:
      if (said_goodbye_ && answers_invocation(message)) return true;  // V-03
      if (message.code != Code::hello) {
        violation("the first message must be HELLO, not " + std::string(code_name(message.code)));
        return true;
      }
      said_goodbye_ = false;
      if (bytes.size() > message_limit()) {
        violation(kTooLargeBefore);
        return true;
      }
      set_state(SessionState::authenticating);
      handshake_ = std::make_unique<Handshake>(*this);
      handshake_->hello(message);
      return paused_ == 0;
    case SessionState::authenticating:
      if (message.code != Code::authenticate) {
        violation("only AUTHENTICATE may follow CHALLENGE, not " +
                  std::string(code_name(message.code)));
        return true;
      }
      handshake_->authenticate(message);
      return paused_ == 0;
    case SessionState::closing:
      // S-12: the answer to our GOODBYE; everything else is ignored.
      if (message.code == Code::goodbye) {
        state_ = SessionState::closed;
        outbox_.close(NX_CLOSE_SHUTDOWN, "goodbye");
      }
      return true;
    case SessionState::closed:
      return true;
  }
  return true;
}

void Session::on_drained() {
  outbox_.refresh();
  resume(kPauseQueue);
}

void Session::on_closed(uint32_t, std::string_view text) {
  gone_ = true;
  end("connection closed", text, NX_LEFT_LOST, {});
  state_ = SessionState::closed;
  shard_.forget(*this);
}

// ---- sending --------------------------------------------------------------------------------

Build Session::build() {
  shard_.out.clear();
  return Build(shard_.build, *format_, shard_.out);
}

Sent Session::send_reply() { return send(Urgency::reply, shard_.out.bytes()); }

Sent Session::send_result(Bytes message) {
  if (!outbox_.overdue(message.size())) return send(Urgency::reply, message);
  shard_.counters.calls_failed_busy.add();
  return Sent::full;
}

uint64_t Session::min_rate() const { return was_joined_ ? shard_.router.policy().min_rate : 0; }

Sent Session::send(Urgency urgency, Bytes message, nx_buffer* owner) {
  if (doomed_ != nullptr) return Sent::closed;
  const Sent sent = outbox_.send(urgency, message, owner);
  if (sent == Sent::ok) {
    shard_.counters.messages_out.add();
    // Only its own requests bring replies, so only those are held back. A callee that is behind
    // with its INVOCATIONs must be heard all the same: what it says may be what it waits for.
    if (urgency == Urgency::reply && outbox_.congested()) check_queue();
    return sent;
  }
  if (urgency == Urgency::event && (sent == Sent::full || sent == Sent::too_large)) {
    shard_.counters.events_dropped.add();
    if (sent == Sent::full && shard_.router.policy().disconnect_slow_subscribers) {
      doom("too slow: the outgoing queue is full");
    }
  }
  return sent;
}

// The queue is long: stop reading from this client, and look again in the next turn, when the
// end of this one has tried to write it all.
void Session::check_queue() {
  if (paused_ & kPauseQueue) return;
  outbox_.refresh();
  if (!outbox_.congested()) return;
  pause(kPauseQueue);
  shard_.counters.sessions_held_back.add();
  if (queue_check_ == 0) {
    queue_check_ = shard_.loop.start_timer(1, &Session::on_queue_check, this);
  }
}

// drained() tells of a queue that the socket did not take; one that it took whole at the end of the
// turn goes without a word, so somebody has to look.
void Session::on_queue_check(void* self) {
  constexpr uint64_t kAgainMs = 20;
  auto& session = *static_cast<Session*>(self);
  session.queue_check_ = 0;
  if ((session.paused_ & kPauseQueue) == 0) return;
  session.outbox_.refresh();
  if (!session.outbox_.congested()) return session.resume(kPauseQueue);
  if (session.outbox_.hopeless(session.shard_.loop.now_ms()) &&
      !session.shard_.router.policy().drop_for_unread_replies) {
    return session.doom("does not read its replies: twice the queue limit has piled up");
  }
  session.queue_check_ = session.shard_.loop.start_timer(kAgainMs, &Session::on_queue_check, self);
}

// Sending happens in the middle of everything, so the end of a session must not begin there.
void Session::doom(const char* text) {
  doomed_ = text;
  shard_.counters.sessions_killed_slow.add();
  shard_.doom(*this);
}

void Session::reply_error(Code type, uint64_t request, std::string_view uri,
                          std::string_view text) {
  const auto said = [&](std::string_view what, std::string_view why) {
    return build().error(type, request, what, why) == NX_OK && send_reply() != Sent::too_large;
  };
  // As much of it as the peer takes, since no request stays without an answer.
  if (!said(uri, text) && !said(uri, {})) said(uri::kPayloadSizeExceeded, {});
}

// ---- ending ---------------------------------------------------------------------------------

void Session::violation(std::string_view text) {
  if (state_ == SessionState::closed) return;
  shard_.counters.violations.add();
  // At most one line for each violating session (V-06), which is over after this; one that comes
  // again and again fills no disk.
  shard_.log.limited(LogLevel::warning, "session", cause(text), "protocol violation",
                     {{"session", id()}, {"peer", peer_address_}, {"reason", text}});
  say_last(*this, Code::abort, uri::kProtocolViolation, text);
  end("protocol violation", text, NX_LEFT_ABORTED, uri::kProtocolViolation);
  outbox_.close(NX_CLOSE_VIOLATION, "protocol violation");
}

// For Log::limited(): what happened, and to whom, whatever port it comes from.
std::string Session::cause(std::string_view what) const {
  const std::string_view peer = std::string_view(peer_address_);
  return std::string(what).append(" from ").append(peer.substr(0, peer.rfind(':')));
}

void Session::abort(std::string_view reason, std::string_view text) {
  if (state_ == SessionState::closed) return;
  shard_.log.limited(LogLevel::info, "session", cause(reason), "join refused",
                     {{"peer", peer_address_}, {"reason", reason}, {"detail", text}});
  say_last(*this, Code::abort, reason, text);
  end(reason, text, NX_LEFT_ABORTED, reason);
  outbox_.close(NX_CLOSE_FLUSH, reason);
}

void Session::goodbye(std::string_view reason, std::string_view text, uint32_t how) {
  if (state_ == SessionState::closed || state_ == SessionState::closing) return;
  if (state_ != SessionState::established) return abort(reason, text);
  say_last(*this, Code::goodbye, reason, text);
  end(reason, text, how, reason);
  state_ = SessionState::closing;
  await_goodbye();
  // The answer must be read even if requests were being held back.
  paused_ = 0;
  outbox_.set_reading(true);
}

// The answer can only come once the client has read all that lies before our GOODBYE.
void Session::await_goodbye() {
  outbox_.refresh();
  goodbye_mark_ = outbox_.taken();
  set_deadline(shard_.router.policy().goodbye_timeout_ms);
}

bool Session::reads_before_goodbye() {
  const RouterPolicy& policy = shard_.router.policy();
  outbox_.refresh();
  const uint64_t taken = outbox_.taken() - goodbye_mark_;
  return taken > 0 && taken >= policy.min_rate * policy.goodbye_timeout_ms / 1000;
}

void Session::drop(std::string_view text) {
  if (gone_) return;
  end("dropped", text, NX_LEFT_LOST, {});
  outbox_.close(NX_CLOSE_NOW, text);
}

void Session::on_goodbye(const Message& message) {
  // S-11: everything of the session is gone before the answer, so that nothing follows it.
  end("goodbye", {}, NX_LEFT_GOODBYE, message.uri);
  if (build().goodbye(uri::kGoodbyeAndOut, {}) == NX_OK) send_reply();
  if (doomed_ != nullptr) return;  // it goes at the end of this turn, by the reference it has
  // S-14: the connection may carry another session. What it had been asked to do for others may
  // have been done before it read that it is over (V-03).
  state_ = SessionState::await_hello;
  said_goodbye_ = true;
  shard_.renew(*this);
  outbox_.refresh();
  resume(kPauseQueue);
  set_deadline(shard_.router.policy().hello_timeout_ms);
}

void Session::end(std::string_view reason, std::string_view text, uint32_t how,
                  std::string_view uri) {
  handshake_.reset();
  pending_.reset();
  set_deadline(0);
  const bool was_joined = state_ == SessionState::established;
  state_ = SessionState::closed;
  if (was_joined) {
    shard_.log.info(
        "session", "left",
        {{"session", id()}, {"realm", info_->realm}, {"reason", reason}, {"detail", text}});
    shard_.counters.sessions_open.subtract();
    // A copy, because a plugin may use this loop's scratch memory, where the URI may lie.
    const std::string said(watched_ ? uri : std::string_view());
    realm_->leave(*this);
    const std::shared_ptr<RealmPort> left = std::move(realm_);
    tables_ = SessionTables{};
    if (std::exchange(watched_, false)) tell_left(*this, left->policy(), how, said);
    shard_.router.release_session_id(info_->id);
  }
}

// ---- joining --------------------------------------------------------------------------------

void Session::establish(std::shared_ptr<RealmPort> realm, SessionInfo info) {
  set_deadline(0);
  info.ref = ref_;
  info.realm_id = realm->id();
  realm_ = std::move(realm);
  info_ = std::make_shared<const SessionInfo>(std::move(info));
  const Status entered = realm_->enter(*this);
  if (!entered) {
    shard_.router.release_session_id(info_->id);
    realm_.reset();
    return abort(entered.uri(), entered.text());
  }
  handshake_.reset();
  state_ = SessionState::established;
  was_joined_ = true;
  shard_.counters.sessions_open.add();
  shard_.counters.sessions_joined.add();
  const Value details = welcome_details(*info_, *realm_, shard_.router.policy());
  if (build().welcome(info_->id, details) != NX_OK) {
    return abort(uri::kInvalidArgument, "WELCOME cannot be said in the client's format");
  }
  const size_t size = shard_.out.bytes().size();
  const Sent sent = send_reply();
  if (sent == Sent::too_large) {
    return abort(uri::kPayloadSizeExceeded,
                 "WELCOME has " + std::to_string(size) + " bytes, more than the client accepts");
  }
  if (sent != Sent::ok) {
    end("failed", "WELCOME cannot be sent", NX_LEFT_LOST, {});
    return outbox_.close(NX_CLOSE_FLUSH, "WELCOME cannot be sent");
  }
  shard_.log.info("session", "joined",
                  {{"session", id()},
                   {"realm", info_->realm},
                   {"authid", info_->authid},
                   {"authrole", info_->authrole},
                   {"authmethod", info_->authmethod},
                   {"transport", transport_name_},
                   {"peer", peer_address_}});
  realm_->joined(*this);
  if (!realm_->policy().watchers.empty() && !trusted_) {
    watched_ = true;
    tell_joined(*this, realm_->policy());
  }
}

// ---- reading on and off, deadlines ----------------------------------------------------------

void Session::pause(uint8_t reason) {
  if (paused_ == 0 && state_ != SessionState::closed) outbox_.set_reading(false);
  paused_ |= reason;
}

void Session::resume(uint8_t reason) {
  if (paused_ == 0) return;
  paused_ &= static_cast<uint8_t>(~reason);
  if (paused_ == 0 && state_ != SessionState::closed) outbox_.set_reading(true);
}

void Session::set_deadline(uint64_t delay_ms) {
  if (deadline_ != 0) shard_.loop.cancel_timer(std::exchange(deadline_, 0));
  if (delay_ms != 0) deadline_ = shard_.loop.start_timer(delay_ms, &Session::on_deadline, this);
}

void Session::on_deadline(void* self) {
  auto& session = *static_cast<Session*>(self);
  session.deadline_ = 0;
  switch (session.state_) {
    case SessionState::await_hello:
      session.end("timeout", "no HELLO in time", NX_LEFT_LOST, {});
      return session.outbox_.close(NX_CLOSE_FLUSH, "no HELLO in time");
    case SessionState::authenticating:
      return session.abort(uri::kAuthenticationFailed, "authentication took too long");
    case SessionState::closing:
      if (session.reads_before_goodbye()) return session.await_goodbye();
      session.state_ = SessionState::closed;
      return session.outbox_.close(NX_CLOSE_SHUTDOWN, "goodbye");
    default:
      return;
  }
}

}  // namespace nexus
