/* Authorizer: what somebody may do. Interface id: "nexus.authorizer/1".
 *
 * Asked for every PUBLISH, SUBSCRIBE, CALL and REGISTER of a realm that names it, unless the router
 * remembers the answer. Several authorizers form a chain: the first that does not answer
 * NX_AUTHZ_NOT_MINE decides; if all do, the answer is a denial.
 *
 * authorize() answers at once (NX_OK) or returns NX_PENDING and answers later, from any thread,
 * with nx_host_authz_v1.complete; until then the router reads nothing from that session, so that
 * order holds. A deadline and cancel() as for authenticators. An error status, or an answer with a
 * number, text or URI that is none, denies with wamp.error.authorization_failed.
 */
#ifndef NEXUS_NX_AUTHORIZER_H
#define NEXUS_NX_AUTHORIZER_H

#include "nexus/nx_host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NX_AUTHORIZER_V1 "nexus.authorizer/1"

#define NX_ACTION_PUBLISH 1u
#define NX_ACTION_SUBSCRIBE 2u
#define NX_ACTION_CALL 3u
#define NX_ACTION_REGISTER 4u

#define NX_MATCH_EXACT 1u
#define NX_MATCH_PREFIX 2u
#define NX_MATCH_WILDCARD 3u

#define NX_AUTHZ_ALLOW 1u
#define NX_AUTHZ_DENY 2u
#define NX_AUTHZ_NOT_MINE 3u

/* Disclosure of the caller or publisher that comes with an ALLOW. */
#define NX_DISCLOSE_REALM 1u   /* whatever the realm says; also what 0 means */
#define NX_DISCLOSE_NEVER 2u   /* disclose_me is refused */
#define NX_DISCLOSE_REQUEST 3u /* if asked for */
#define NX_DISCLOSE_ALWAYS 4u

/* For whom an answer may be remembered: the narrowest of all that a chain was asked for it. */
#define NX_REMEMBER_NOT 1u     /* also what 0 means */
#define NX_REMEMBER_SESSION 2u /* this session, this action, URI and match */
#define NX_REMEMBER_ROLE 3u    /* every session of this role in this realm */

/* Lent for the call. */
typedef struct nx_authz_request {
  uint32_t struct_size;
  uint32_t action; /* NX_ACTION_* */
  uint32_t match;  /* NX_MATCH_*; exact for PUBLISH and CALL */
  uint32_t reserved;
  nx_str uri;
  const nx_value* options; /* the message's Options, or NULL when empty */
  uint64_t session;
  nx_str realm;
  nx_str authid;
  nx_str authrole;
  nx_str authmethod;
  nx_str authprovider;
  const nx_value* details; /* the session's attributes: extra keys of its HELLO, authextra */
} nx_authz_request;

typedef struct nx_authz_result {
  uint32_t struct_size;
  uint32_t decision;    /* NX_AUTHZ_* */
  uint32_t disclose;    /* NX_DISCLOSE_* */
  uint32_t remember;    /* NX_REMEMBER_*; of denials too, and of NOT_MINE */
  uint32_t remember_ms; /* 0 = until invalidated; the shortest counts */
  uint32_t trust_level; /* 0 … ; shown to receivers that ask for it */
  nx_str error_uri;     /* DENY: empty = wamp.error.not_authorized */
  nx_str error_message;
  /* ALLOW of a PUBLISH or CALL: 1 = each payload is to be shown to validate() before it goes on.
   * Remembered with the answer. */
  uint32_t validate;
  uint32_t reserved;
} nx_authz_result;

typedef struct nx_authorizer_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  nx_status (*authorize)(void* self, nx_op op, const nx_authz_request* request,
                         nx_authz_result* out); /* [loop] */
  void (*cancel)(void* self, nx_op op);         /* [loop] */
  /* Is this a payload that may go on? Called for each PUBLISH and CALL whose permission says
   * `validate`, also where that is remembered, and for each further part of a progressive call
   * that began so; NULL in plugins that never say so. `args` is a list or NULL, `kwargs` a dict or
   * NULL, both lent, of at most 100,000 values. Answers at once:
   *
   *   NX_OK          it goes on
   *   NX_E_INVALID   refused with wamp.error.invalid_argument and the error's text; a PUBLISH that
   *                  nobody acknowledges is dropped
   *   others         refused with wamp.error.authorization_failed
   *
   * A part that is refused ends its call, and the callee, who has the parts before it, gets
   * INTERRUPT. Not asked, since nothing could be said, and refused with
   * wamp.error.invalid_argument: payloads of more values, and sealed ones (payload passthru).
   * Results, progressive ones too, are the callee's and not shown. [loop] */
  nx_status (*validate)(void* self, const nx_authz_request* request, const nx_value* args,
                        const nx_value* kwargs, nx_error* error);
} nx_authorizer_v1;

#define NX_HOST_AUTHZ "nexus.authz/1"

typedef struct nx_host_authz_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Answers a pending operation. What it returns is as for nx_host_auth_v1.complete. [any] */
  nx_status (*complete)(nx_host* host, nx_op op, const nx_authz_result* result);
  /* Forgets remembered answers: of one realm and role, of a whole realm (empty role), or all
   * (both empty). Requests that start after this call returned ask again. [any] */
  void (*invalidate)(nx_host* host, nx_str realm, nx_str authrole);
  /* What was allowed may be so no more: invalidates, and then asks the authorizers again about
   * every subscription and registration of those sessions, without Options, and revokes what is
   * denied (UNSUBSCRIBED and UNREGISTERED to clients that understand it). Goes on after this
   * returned; calls in flight are not touched. Arguments as of invalidate. [any] */
  void (*recheck)(nx_host* host, nx_str realm, nx_str authrole);
  /* Answers in this realm depend on this procedure, for example because it gives them. From now on,
   * and for as long as the realm exists, remembered answers are forgotten whenever it changes who
   * would be called under that URI: somebody registers it, or gives it back, is taken off it or
   * leaves. Saying it again costs a look into a short list: say it before each call.
   * NX_E_INVALID for a realm that is not there or a text that is no URI, NX_E_LIMIT when a realm
   * has 64 such procedures; nothing has changed then. Appended to 1.0. [any] */
  nx_status (*depend_on)(nx_host* host, nx_str realm, nx_str procedure);
} nx_host_authz_v1;

#ifdef __cplusplus
}
#endif
#endif
