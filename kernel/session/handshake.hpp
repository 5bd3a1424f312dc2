// Handshake: from HELLO to WELCOME or ABORT. [loop] Lives only while a session is joining.
//
// Walks the methods that the client offers, in its order, over the realm's authenticators (N-01).
// One operation handle spans all rounds with the authenticator that took the client on; its answer
// may come at once or later (DESIGN: slow decisions are legal).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/message/message.hpp"
#include "kernel/plugin/pending_ops.hpp"
#include "kernel/session/ports.hpp"
#include "nexus/nx_authenticator.h"

namespace nexus {

class Session;

// An nx_auth_result with everything copied, so that it can cross threads.
struct AuthAnswer : OpAnswer {
  explicit AuthAnswer(const nx_auth_result& result);
  explicit AuthAnswer(uint32_t decision, std::string error_uri = {}, std::string message = {});

  uint32_t decision;
  std::string realm, authid, authrole, authprovider, method, error_uri, error_message;
  Value authextra, challenge;
  std::string mistake;  // why it is no answer, and so a denial; empty: it is one
};

class Handshake {
 public:
  explicit Handshake(Session& session) : session_(session) {}
  ~Handshake();  // cancels an operation that is still open
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  // Each may end the handshake, and thereby delete this object: nothing is touched after them.
  void hello(const Message& message);
  void authenticate(const Message& message);

 private:
  struct Candidate {
    const AuthenticatorHandle* authenticator;
    std::string method;
  };

  bool read_roles(const Value& details);
  bool collect_candidates(const Value& details);
  void ask_next();
  void answered(nx_status status, const AuthAnswer& answer);
  void settle(const AuthAnswer& answer);
  void accept(const AuthAnswer& answer);
  void deny(std::string_view uri, std::string_view message);
  nx_hello make_hello() const;
  void end_operation(bool cancel);
  bool begin_operation();

  std::shared_ptr<RealmPort> welcoming_realm(const AuthAnswer& answer, Status& why);

  Session& session_;
  std::string realm_uri_;  // as HELLO names it
  Door door_;
  Value details_;
  Value authextra_;
  Value roles_;
  std::string claimed_authid_;
  uint32_t features_ = 0;
  uint64_t session_id_ = 0;
  std::vector<Candidate> candidates_;
  size_t current_ = 0;
  nx_op op_ = 0;
  bool waiting_ = false;     // a plugin answers later
  bool challenged_ = false;  // CHALLENGE sent, AUTHENTICATE expected
  std::string challenge_method_;
};

// WELCOME.Details for a session that has been accepted.
Value welcome_details(const SessionInfo& info, const RealmPort& realm, const RouterPolicy& policy);

}  // namespace nexus
