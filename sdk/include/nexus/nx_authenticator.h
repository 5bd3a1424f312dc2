/* Authenticator: who somebody is. Interface id: "nexus.authenticator/1".
 *
 * The router walks the methods that a client offers, in the client's order, and asks the
 * authenticators of the realm that serve that method, in the order of the configuration, until one
 * does not answer NX_AUTH_NOT_MINE. What lives between CHALLENGE and AUTHENTICATE hangs on the
 * operation: keep it under `op`, and drop it in cancel() or with the final answer.
 *
 * hello() and authenticate() answer into `out` at once (return NX_OK), or return NX_PENDING and
 * answer later, from any thread, through nx_host_auth_v1.complete; that may happen even before the
 * call has returned. Until then the router reads nothing from that client. There is a deadline;
 * when it passes, or the client goes, cancel() is called once and later answers are ignored. An
 * error status is a denial, and so is an answer with a text, URI or dict that is none. No call
 * comes under a lock, and calls for different operations may come on several loops at once.
 */
#ifndef NEXUS_NX_AUTHENTICATOR_H
#define NEXUS_NX_AUTHENTICATOR_H

#include "nexus/nx_host.h"
#include "nexus/nx_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NX_AUTHENTICATOR_V1 "nexus.authenticator/1"

#define NX_AUTH_ACCEPT 1u
#define NX_AUTH_CHALLENGE 2u
#define NX_AUTH_DENY 3u
#define NX_AUTH_NOT_MINE 4u

/* Lent for the call. */
typedef struct nx_hello {
  uint32_t struct_size;
  uint32_t reserved;
  nx_str realm;              /* as asked for; empty when the client left it to the router */
  nx_str method;             /* the offered method that led here */
  nx_str authid;             /* as claimed; may be empty */
  uint64_t session;          /* the id that WELCOME will carry */
  const nx_value* details;   /* HELLO.Details, `transport` removed */
  const nx_value* authextra; /* HELLO.Details.authextra, or NULL */
  const nx_peer* peer;
} nx_hello;

/* An answer. Zeroed by the router with struct_size set; strings are copied when the call (or
 * complete()) returns; values are counted up if kept. */
typedef struct nx_auth_result {
  uint32_t struct_size;
  uint32_t decision; /* NX_AUTH_* */
  /* ACCEPT. Empty authid: the router makes one up. Empty authrole: "anonymous". Empty realm: the
   * one asked for. Empty method: the one that led here. */
  nx_str realm;
  nx_str authid;
  nx_str authrole;
  nx_str authprovider;
  const nx_value* authextra; /* WELCOME.Details.authextra, or NULL */
  /* CHALLENGE. Empty method as above. */
  nx_str method;
  const nx_value* challenge; /* CHALLENGE.Extra, or NULL for {} */
  /* DENY: empty = wamp.error.authentication_denied. The message is shown to the client. */
  nx_str error_uri;
  nx_str error_message;
} nx_auth_result;

/* What limits() answers, added up: what this instance, as it is configured, does not do. */
#define NX_AUTH_ONLY_RETURNING 1u    /* only who has joined the realm by another one before */
#define NX_AUTH_ONLY_CONFIDENTIAL 2u /* only over TLS, Unix sockets and this machine's loopback */
#define NX_AUTH_ONLY_CERTIFICATE 4u  /* only with a TLS client certificate */
#define NX_AUTH_KNOWS_NOBODY 8u      /* lets in nobody until its data changes, for example a file */
#define NX_AUTH_ONLY_HERE 16u        /* sends nobody to another realm than was asked for */

typedef struct nx_authenticator_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* The methods it serves, index 0, 1, … until NX_E_INVALID. [main] */
  nx_status (*method)(void* self, uint32_t index, nx_str* out);
  nx_status (*hello)(void* self, nx_op op, const nx_hello* hello, nx_auth_result* out); /* [loop] */
  /* The client answered a challenge of this operation. Another CHALLENGE is allowed. [loop] */
  nx_status (*authenticate)(void* self, nx_op op, nx_str signature, const nx_value* extra,
                            nx_auth_result* out);
  /* The operation ended without a final answer: deadline, or the client is gone. [loop] */
  void (*cancel)(void* self, nx_op op);
  /* What it does not do: NX_AUTH_ONLY_…, NX_AUTH_KNOWS_NOBODY. Asked once, after configure(): the
   * router names realms that nobody can join. NULL as 0: it may do everything. Appended to 1.0.
   * [main] */
  uint32_t (*limits)(void* self);
} nx_authenticator_v1;

#define NX_HOST_AUTH "nexus.auth/1"

typedef struct nx_host_auth_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Answers a pending operation, copying `result`. NX_E_CLOSED: it has ended (late, twice).
   * NX_E_INVALID: another component was asked, or `result` has no decision; it waits on. [any] */
  nx_status (*complete)(nx_host* host, nx_op op, const nx_auth_result* result);
} nx_host_auth_v1;

#ifdef __cplusplus
}
#endif
#endif
