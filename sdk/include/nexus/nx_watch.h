/* Watching sessions: who has come into a realm, and who has left it and how. An interface that an
 * authenticator or authorizer may have beside its kind's: the router asks for it when it configures
 * a realm, and tells every component of the realm that has it about every client of that realm,
 * whichever authenticator let it in. Realms without such a component pay nothing.
 *
 * joined() comes once WELCOME is on its way, and left() exactly once for each joined(), when the
 * session is over for everybody. Both come on the session's loop, in order; sessions of different
 * loops are told about at the same time. Neither comes under a lock, and nobody waits for what they
 * do: return soon, as everything else on that loop waits. Sessions of the router itself and of
 * other components are not told.
 */
#ifndef NEXUS_NX_WATCH_H
#define NEXUS_NX_WATCH_H

#include "nexus/nx_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NX_WATCH_V1 "nexus.watch/1"

/* A session as it is now: authid and authrole may have been changed since it joined
 * (wamp.session.modify_details). Lent for the call. */
typedef struct nx_session_seen {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t session; /* its id */
  nx_str realm;
  nx_str authid;
  nx_str authrole;
  nx_str authmethod;
  nx_str authprovider;
  const nx_value* authextra;  /* WELCOME.Details.authextra, or NULL */
  const nx_value* attributes; /* extra keys of its HELLO, or NULL */
  const nx_peer* peer;        /* as authenticators see it */
} nx_session_seen;

/* How a session ended. */
#define NX_LEFT_GOODBYE 1u /* the client said GOODBYE; the reason is the client's */
#define NX_LEFT_KILLED 2u  /* somebody ended it (wamp.session.kill, …); the reason is theirs */
#define NX_LEFT_CLOSED 3u  /* the router ended it: its shutdown, or the realm's */
#define NX_LEFT_ABORTED 4u /* an ABORT, of the client, or of the router after a violation */
#define NX_LEFT_LOST 5u    /* the connection went without a GOODBYE, or was too slow */

typedef struct nx_watch_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  void (*joined)(void* self, const nx_session_seen* session); /* [loop] */
  /* `how` is NX_LEFT_*; a later router may know more of them. `reason` is the URI of the GOODBYE or
   * ABORT, as its sender wrote it; empty after NX_LEFT_LOST. [loop] */
  void (*left)(void* self, const nx_session_seen* session, uint32_t how, nx_str reason);
} nx_watch_v1;

/* Cookies that clients come back with. An interface that an authenticator may have beside its
 * kind's, and beside nexus.watch/1: transports ask whether a cookie that a client brings is of any
 * worth, before they know the realm, and replace it if not. Only a cookie that came with
 * `cookie_new` in the peer's details, or is that client's already, may be remembered as somebody's:
 * any other one a stranger may have planted in the browser, and know. */
#define NX_COOKIES_V1 "nexus.cookies/1"

typedef struct nx_cookies_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* 1 if a client can come in with this cookie now, in whichever realm; else 0. [loop], several at
   * once */
  uint32_t (*known)(void* self, nx_str cookie);
} nx_cookies_v1;

#ifdef __cplusplus
}
#endif
#endif
