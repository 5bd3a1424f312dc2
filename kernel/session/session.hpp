// Session: one connection and the WAMP session on it. [loop] everything.
//
// The state machine of checklist chapter 2:
//   await_hello -> authenticating -> established -> closing -> closed
// Bytes come in through on_messages(), are parsed, checked (requests.cpp), authorized (access.hpp)
// and handed to the realm; what goes out passes the outbox. After a GOODBYE both ways the same
// connection may carry a new HELLO (S-14).
#pragma once

#include <memory>
#include <string>

#include "kernel/session/access.hpp"
#include "kernel/session/handshake.hpp"
#include "kernel/session/outbox.hpp"
#include "kernel/session/shard.hpp"
#include "kernel/session/tables.hpp"

// The ABI's opaque session: what a transport holds.
struct nx_session {};

namespace nexus {

struct PayloadVerdict;  // kernel/session/validate.hpp

enum class SessionState : uint8_t { await_hello = 1, authenticating, established, closing, closed };

// Why reading is off; bits.
enum Pause : uint8_t { kPauseHandshake = 1, kPauseAccess = 2, kPauseQueue = 4 };

class Session : public nx_session {
 public:
  Session(Shard& shard, const Serializer& format, const nx_transport_v1* transport,
          void* connection, const nx_peer& peer);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // ---- from the transport
  void start();  // after the shard adopted it: arms the HELLO deadline
  uint32_t on_messages(const nx_bytes* messages, uint32_t count);
  void on_drained();
  uint64_t message_limit() const;  // of the next message; UINT64_MAX = the transport's own
  uint64_t min_rate() const;       // that puts deadlines off; 0 = none does
  void on_closed(uint32_t reason, std::string_view text);

  // ---- for the routing layer
  Shard& shard() const { return shard_; }
  const Serializer& format() const { return *format_; }
  SessionRef ref() const { return ref_; }
  SessionState state() const { return state_; }
  bool established() const { return state_ == SessionState::established; }
  const SessionInfoPtr& info() const { return info_; }
  void replace_info(SessionInfoPtr info) { info_ = std::move(info); }
  uint64_t id() const { return info_ == nullptr ? 0 : info_->id; }
  RealmPort* realm() const { return realm_.get(); }
  SessionTables& tables() { return tables_; }

  // Starts a message in shard().out, in this session's format.
  Build build();
  // Sends what build() made. A reply is never dropped.
  Sent send_reply();
  // The same for the result of a call, which can be said in fewer words. Sent::full: so much waits
  // for this client already that the call has to fail; nothing was sent.
  Sent send_result(Bytes message);
  Sent send(Urgency urgency, Bytes message, nx_buffer* owner = nullptr);
  bool fits(size_t size) const { return outbox_.fits(size); }

  void reply_error(Code type, uint64_t request, std::string_view uri, std::string_view text = {});
  // Ends the session with ABORT wamp.error.protocol_violation (V-01).
  void violation(std::string_view text);
  // For Log::limited(): what happened, and to whom.
  std::string cause(std::string_view what) const;
  // Ends it with ABORT, for example while joining.
  void abort(std::string_view reason, std::string_view text);
  // Says GOODBYE and waits for the answer a while (S-12).
  void goodbye(std::string_view reason, std::string_view text, uint32_t how = NX_LEFT_CLOSED);
  // No more waiting: the connection goes now.
  void drop(std::string_view text);

  // The router's own: no authorizer is asked (Z-07), and reserved URIs are open to it.
  void trust() { trusted_ = true; }
  bool trusted() const { return trusted_; }

  // Asks the authorizers about something beside the request at hand. `done` is called at once, or,
  // with reading paused until then, when they have answered; never once the session has ended.
  void ask(AccessRequest question, PendingAccess::Done done);

  // ---- for handshake and access
  void pause(uint8_t reason);
  void resume(uint8_t reason);
  void set_deadline(uint64_t delay_ms);  // 0 = none
  const std::string& peer_address() const { return peer_address_; }
  const Value& peer_details() const { return peer_details_; }
  nx_peer peer() const;  // as plugins see it; lent
  // The handshake succeeded: enters the realm and sends WELCOME.
  void establish(std::shared_ptr<RealmPort> realm, SessionInfo info);
  void set_state(SessionState state) { state_ = state; }
  // Goes on with the request that waited for an authorizer.
  void authorized(const AccessAnswer& answer);

 private:
  friend class Shard;
  friend class OwnConnection;

  void log_received(const Message& message) const;
  bool handle(Bytes message);  // false: reading has just been paused, deliver no more
  bool handle_established(const Message& message, Bytes bytes, const AccessAnswer* answer);
  bool request(const Message& message, Bytes bytes, const AccessAnswer* answer);
  bool check_request_id(const Message& message);
  bool wrong_request_id(const Message& message);
  void go_on(const Message& message, Bytes bytes, const Grant& grant);
  void go_on_with_part(const Message& message, Bytes bytes);
  bool show_payload(Message& message, Bytes bytes, bool sealed, const Grant& grant,
                    PayloadVerdict& verdict);
  void dispatch(const Message& message, const Grant& grant);
  void refuse(const Message& message, std::string_view uri, std::string_view text);
  void on_goodbye(const Message& message);
  // S-15. For the log, and for who watches the realm: NX_LEFT_*, and the URI that was said.
  void end(std::string_view reason, std::string_view text, uint32_t how, std::string_view uri);
  void check_queue();
  void doom(const char* text);  // drop() at the end of the turn
  void await_goodbye();
  bool reads_before_goodbye();
  static void on_deadline(void* self);
  static void on_queue_check(void* self);

  Shard& shard_;
  const Serializer* format_;
  SessionRef ref_;
  SessionState state_ = SessionState::await_hello;
  uint8_t paused_ = 0;
  bool trusted_ = false;
  bool gone_ = false;                // the transport has said closed()
  bool said_goodbye_ = false;        // its last session did, and no HELLO has followed
  LoopGroup* counted_in_ = nullptr;  // where its connection is one of more_connections
  bool watched_ = false;             // plugins have been told that it joined
  bool was_joined_ = false;          // this connection has seen a WELCOME
  uint32_t peer_flags_ = 0;
  const char* doomed_ = nullptr;  // why it goes at the end of this turn
  Outbox outbox_;
  TimerId deadline_ = 0;
  TimerId queue_check_ = 0;    // while reading is off because of the queue
  uint64_t goodbye_mark_ = 0;  // what the client had taken when the wait for its GOODBYE began
  SessionInfoPtr info_;
  std::shared_ptr<RealmPort> realm_;
  SessionTables tables_;
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<PendingAccess> pending_;
  std::string peer_address_;
  std::string transport_name_;
  Value peer_details_;
};

inline Session& session_of(nx_session* session) { return *static_cast<Session*>(session); }

}  // namespace nexus
