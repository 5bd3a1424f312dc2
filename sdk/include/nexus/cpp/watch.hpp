// SessionWatcher: for authenticators and authorizers that want to know who joins and leaves; and
// CookieKeeper, for authenticators that know whose a cookie is.
#ifndef NEXUS_CPP_WATCH_HPP
#define NEXUS_CPP_WATCH_HPP

#include "nexus/cpp/value.hpp"
#include "nexus/nx_watch.h"

namespace nexus::sdk {

// nx_session_seen as the component gets to see it. Lent for the call.
struct SeenSession {
  uint64_t id;
  std::string_view realm, authid, authrole, authmethod, authprovider;
  ValueView authextra;     // WELCOME.Details.authextra, or empty
  ValueView attributes;    // extra keys of its HELLO, or empty
  const nx_peer* peer;     // may be null
  ValueView peer_details;  // what the transport knows: cookie, …; or empty
};

// Beside the kind's base class:
//   class Mine : public Authenticator, public SessionWatcher
class SessionWatcher {
 public:
  virtual ~SessionWatcher() = default;
  // WELCOME is on its way. [loop], on several loops at once for different sessions.
  virtual void joined(const SeenSession& session) = 0;
  // It is over; `how` is NX_LEFT_*, `reason` a URI or empty. [loop]
  virtual void left(const SeenSession& session, uint32_t how, std::string_view reason) = 0;
};

// For authenticators that let clients in by the cookie of their connection (nexus.cookies/1).
class CookieKeeper {
 public:
  virtual ~CookieKeeper() = default;
  // Can a client come in with this one now, in whichever realm? [loop], on several at once.
  virtual bool known(std::string_view cookie) = 0;
};

}  // namespace nexus::sdk

#endif
