/* Transport: how bytes arrive. Interface id: "nexus.transport/1".
 *
 * A transport turns a carrier (a TCP port, a Unix socket, HTTP requests, …) into connections that
 * carry whole WAMP messages. It does the handshake and the framing; what a message means is the
 * router's business. One component instance serves one section of the configuration, that is one
 * listener.
 *
 * A connection belongs to one loop for life. All calls about it, in both directions, happen on
 * that loop's thread.
 *
 * For carriers that are stream sockets the service "nexus.streams/1" does accepting, TLS, reading,
 * gathered writing and back-pressure, so that a transport is framing only. A transport with its own
 * kind of I/O brings its own threads and hops to a loop with "nexus.loop/1".
 */
#ifndef NEXUS_NX_TRANSPORT_H
#define NEXUS_NX_TRANSPORT_H

#include "nexus/nx_host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NX_TRANSPORT_V1 "nexus.transport/1"

/* How to close a connection. */
#define NX_CLOSE_FLUSH 1u     /* everything sent so far goes out first, within the close deadline */
#define NX_CLOSE_NOW 2u       /* drop what is queued */
#define NX_CLOSE_VIOLATION 3u /* as FLUSH, and say so where the carrier can (WebSocket 1002) */
#define NX_CLOSE_SHUTDOWN 4u  /* as FLUSH, and say so where the carrier can (WebSocket 1001) */

/* Why a connection ended. */
#define NX_CLOSED_BY_PEER 1u   /* orderly, by the other side */
#define NX_CLOSED_BY_ROUTER 2u /* after close() */
#define NX_CLOSED_LOST 3u      /* reset, or a write failed */
#define NX_CLOSED_PROTOCOL 4u  /* the carrier's rules were broken */
#define NX_CLOSED_TOO_LARGE 5u /* a message above the limit */
#define NX_CLOSED_TIMEOUT 6u   /* handshake or keepalive deadline */
#define NX_CLOSED_TLS 7u       /* TLS handshake or record failure */

/* One outgoing WAMP message, already encoded: the parts in order. When `owner` is set, all parts
 * that are not `head` lie in it, and the transport may count it up and keep them instead of
 * copying. Otherwise they are lent for the call. */
typedef struct nx_message {
  uint32_t struct_size;
  uint32_t part_count; /* 1 … 4 */
  const nx_bytes* parts;
  nx_buffer* owner; /* or NULL */
  uint64_t size;    /* of all parts */
} nx_message;

typedef struct nx_transport_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Opens the configured listener. Connections may come in before it returns. [main] */
  nx_status (*listen)(void* self, nx_error* error);
  /* The URL that clients use, with the real port ("ws://127.0.0.1:8080/"). Index 0, 1, … until
   * NX_E_INVALID; a listener with a host name can have several. [main] */
  nx_status (*url)(void* self, uint32_t index, nx_str* out);
  /* Stops accepting; open connections go on. [main] */
  void (*close_listener)(void* self);

  /* Queues one message. Answers the bytes queued in this connection now, this message included,
   * or a negative status: NX_E_CLOSED, NX_E_LIMIT (larger than the peer accepts). Never blocks;
   * writing happens at the end of the turn. [loop] */
  int64_t (*send)(void* connection, const nx_message* message);
  /* Bytes that wait to be written right now. [loop] */
  uint64_t (*queued)(void* connection);
  /* Stops or resumes delivering messages; the carrier's own pings go on where it can. [loop] */
  void (*set_reading)(void* connection, uint32_t on);
  /* Ends the connection. closed() follows exactly once, never from inside this call. A second
   * close may only turn FLUSH into NOW. [loop] */
  void (*close)(void* connection, uint32_t how, nx_str reason);
} nx_transport_v1;

/* ---- sessions: where a transport delivers ------------------------------------------------ */
#define NX_HOST_SESSIONS "nexus.sessions/1"

/* The router's end of a connection. */
typedef struct nx_session nx_session;

#define NX_PEER_TLS 1u   /* encrypted */
#define NX_PEER_LOCAL 2u /* cannot leave this machine: a Unix socket */

/* What is known about the other side. Lent for the call, copied; texts have to be UTF-8. */
typedef struct nx_peer {
  uint32_t struct_size;
  uint32_t flags;         /* NX_PEER_* */
  nx_str transport;       /* "websocket" */
  nx_str address;         /* "192.0.2.1:5123", or the path for a Unix socket */
  nx_str local_address;   /* of the listener */
  uint64_t max_send_size; /* largest message the peer accepts; 0 = no limit known */
  /* A dict for authenticators and the meta API, or NULL; counted up by the router if it keeps it.
   * Keys that the transports of the router fill, each only where there is something to say:
   *   http_headers_received  dict: name in lower case -> value; several of a name are joined
   *   http_request_path, http_request_query, origin, websocket_protocol  strings
   *   cookie                 string: value of the listener's tracking cookie, which the answer to
   *                          the request sets for a client that has none
   *   cookie_new             bool: true where this connection's client was given that value now;
   *                          what a client brings may have been planted by somebody who knows it
   *   tls_version            "TLSv1.3"
   *   channel_id             dict: "tls-exporter" (RFC 9266) and, with TLS 1.2, "tls-unique"
   *                          (RFC 5929) -> binary. With TLS 1.2 only after an extended master
   *                          secret (RFC 7627)
   *   peer_certificate       binary: DER of a client certificate that an authority vouched for
   *   tls_client             dict: what nx_stream_info.tls_client has, for any client certificate,
   *                          its `verified` included */
  nx_value* details;
} nx_peer;

typedef struct nx_serializer_info {
  uint32_t struct_size;
  uint32_t flags; /* NX_SERIALIZER_* */
  uint32_t rawsocket_id;
  uint32_t reserved;
  nx_str name;
  nx_str subprotocol;
} nx_serializer_info;

typedef struct nx_host_sessions_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* The serializers that are loaded, index 0, 1, … until NX_E_INVALID. `out` has its struct_size
   * set by the caller. Does not change after start. [any] */
  nx_status (*serializer)(nx_host* host, uint32_t index, nx_serializer_info* out);
  /* Largest message to accept, in bytes, for a component that has no option of its own. [any] */
  uint64_t (*max_message_size)(nx_host* host);
  /* A connection is ready for WAMP. `transport` is the vtable to use for `connection`. On any
   * status but NX_OK the transport closes the connection itself and calls nothing more: NX_E_LIMIT
   * when the router has as many connections as router.max_connections allows, NX_E_CLOSED while it
   * stops, NX_E_UNREPRESENTABLE when WELCOME is above peer->max_send_size. Connections of a
   * transport that has a listener of nexus.streams/1 are counted there, from the moment at which
   * they are accepted, and never refused here for their number. [loop] */
  nx_status (*opened)(nx_host* host, const nx_transport_v1* transport, void* connection,
                      const nx_peer* peer, uint32_t serializer_index, nx_session** out);
  /* Messages have arrived, whole and in order. Answers how many were taken. Fewer than `count`
   * means that the router paused this session, or closed it: the transport keeps the rest and
   * delivers it again after set_reading(1). The bytes are lent for the call. [loop] */
  uint32_t (*messages)(nx_session* session, const nx_bytes* messages, uint32_t count);
  /* The queue that had built up has been written out. [loop] */
  void (*drained)(nx_session* session);
  /* The connection is over; exactly once after opened() succeeded, and the last call about it.
   * `text` is for the log. [loop] */
  void (*closed)(nx_session* session, uint32_t reason, nx_str text);
  /* Largest message that this session may send right now: little before it is established, so
   * that a stranger cannot make the router buffer much; UINT64_MAX = whatever the transport
   * accepts. To be asked when a message is announced that is larger than 1024 bytes, before room
   * is made for it; one that is larger ends the connection with NX_CLOSED_TOO_LARGE. [loop] */
  uint64_t (*message_limit)(nx_session* session);
  /* Bytes in a second, averaged over a deadline, with which this client puts off every deadline of
   * the carrier: slow is not dead. 0 before the client has been welcomed, since slow attackers live
   * there: every deadline is absolute then. Never 0 again after that. [loop] */
  uint64_t (*min_rate)(nx_session* session);
  /* 0 if no authenticator can tell whose this cookie is, though there are some that look after
   * cookies (nexus.cookies/1); else 1. A transport gives a new one to a client that brings one of
   * which nothing is known, as a stranger may have planted it there. [loop] */
  uint32_t (*cookie_known)(nx_host* host, nx_str cookie);
} nx_host_sessions_v1;

/* ---- streams: sockets done by the router ------------------------------------------------- */
#define NX_HOST_STREAMS "nexus.streams/1"

typedef struct nx_stream nx_stream;
typedef struct nx_listener nx_listener;

typedef struct nx_listen_options {
  uint32_t struct_size;
  uint32_t backlog;          /* 0 = default */
  nx_str address;            /* "127.0.0.1:8080", "[::1]:0", ":8080" (every interface, both
                                families), "host:port", "unix:/path", "unix:@abstract" */
  uint32_t max_connections;  /* of this listener; 0 = no limit */
  uint32_t keepalive_s;      /* TCP keepalive; 0 = off */
  uint32_t unix_mode;        /* permission bits of the socket file; 0 = by umask */
  uint32_t close_timeout_ms; /* how long a FLUSH close may take; 0 = default */
  nx_str unix_owner;         /* user name or number; empty = unchanged */
  nx_str unix_group;
  nx_str tls_certificate;            /* PEM file with the chain; set = TLS */
  nx_str tls_key;                    /* PEM file; empty = in the certificate's file */
  nx_str tls_client_ca;              /* PEM file; set = ask for client certificates */
  uint32_t tls_client_required;      /* 1 = refuse clients without a certificate */
  uint32_t tls_min_version;          /* 0x0303 = 1.2 (default), 0x0304 = 1.3 */
  nx_str tls_ciphers;                /* OpenSSL's list for 1.2; empty = default */
  nx_str tls_alpn;                   /* protocols to offer, separated by ','; empty = none */
  uint32_t tls_handshake_timeout_ms; /* 0 = default */
  uint32_t reserved;
  /* 1 = ask for a client certificate and let in also those that no authority vouches for, and
   * clients without one; nx_stream_info.tls_client says which it is. */
  uint32_t tls_client_any;
  /* How long after a full handshake a client may resume its TLS session, in seconds; 0 = 2 hours,
   * UINT32_MAX = every handshake is a full one. */
  uint32_t tls_session_timeout_s;
  /* Folder with more certificates: each *.pem has a chain, and its key too or in the *.key of the
   * same name. The server name that a client asks for chooses; tls_certificate is for the rest. */
  nx_str tls_sni_directory;
  /* Connections accepted in a second; more wait in the system's queue. 0 = no limit. */
  uint32_t max_accept_rate;
  uint32_t max_connections_per_address; /* an IPv6 address counts with its /64; 0 = no limit */
  /* Who may speak for others: "10.0.0.0/8,2001:db8::1,unix", separated by ','. They are not
   * counted by address themselves. */
  nx_str trusted_proxies;
  /* 1 = connections of trusted proxies begin with a PROXY header, version 1 or 2; what it says is
   * nx_stream_info.address. */
  uint32_t proxy_protocol;
  uint32_t reserved2;
  /* Set, and with a handler that has recognize(): the address may be shared with others that set
   * it too. Says in words what this listener takes, as in "WebSocket at /ws"; two that say the
   * same refuse to share. */
  nx_str shares_as;
  /* Connections of a shared address that have not shown yet whose they are: how many more this
   * listener brings room for; 0 = no limit. */
  uint32_t max_unrecognized;
  /* How long such a connection may take for that; 0 = default. */
  uint32_t recognize_timeout_ms;
  /* TCP: how long what was sent may stay without an answer from the peer's system, or the peer's
   * window closed, before the connection counts as lost (TCP_USER_TIMEOUT). 0 = twice keepalive_s,
   * and none where that is 0 too. */
  uint32_t user_timeout_ms;
  uint32_t reserved3;
  /* Certificates of clients that are revoked: PEM file with revocation lists, or a folder with
   * *.pem and *.crl. Needs tls_client_ca, each of whose authorities then needs a list. */
  nx_str tls_crl;
} nx_listen_options;

#define NX_STREAM_TLS 1u
#define NX_STREAM_UNIX 2u
#define NX_STREAM_TRUSTED_PROXY 4u /* `address` is one of the listener's trusted_proxies */

typedef struct nx_stream_info {
  uint32_t struct_size;
  uint32_t flags; /* NX_STREAM_* */
  nx_str address; /* of the peer */
  nx_str local_address;
  nx_str tls_version;            /* "TLSv1.3", or empty */
  nx_str tls_alpn;               /* negotiated, or empty */
  nx_bytes tls_peer_certificate; /* DER of a verified client certificate, or empty */
  nx_bytes tls_exporter;         /* RFC 9266 channel binding, 32 bytes, or empty */
  nx_bytes tls_unique;           /* RFC 5929 Finished bytes, TLS 1.2 only, or empty */
  /* The client's certificate as a dict, or NULL when it showed none; lent as the rest.
   *   subject, issuer        strings as in RFC 2253: "CN=alice,O=Example"
   *   common_name            string: the subject's last CN, if it has one
   *   names                  list of strings: subjectAltName, "DNS:…", "IP:…", "email:…", "URI:…"
   *   serial                 string: hexadecimal
   *   sha256                 string: fingerprint of the DER, 64 hexadecimal digits, lower case
   *   not_before, not_after  integers: seconds since 1970
   *   verified               bool: an authority of tls_client_ca vouches for it
   * A name that is no valid UTF-8 or has control characters in it is left out. */
  const nx_value* tls_client;
  nx_str tls_server_name; /* that the client asked for, lower case, or empty */
} nx_stream_info;

/* What recognize() says about the first bytes of a connection. Once nobody needs more of them, the
 * highest answer gets it; among equal ones who listened first. */
#define NX_RECOGNIZE_NO 1u    /* somebody else's */
#define NX_RECOGNIZE_MORE 2u  /* too few to tell */
#define NX_RECOGNIZE_WRONG 3u /* not served here, but this listener can tell the client so */
#define NX_RECOGNIZE_FITS 4u  /* this listener serves it */
#define NX_RECOGNIZE_EXACT 5u /* and was configured for just this, as for its path */

/* The transport's side of a stream. */
typedef struct nx_stream_handler {
  uint32_t struct_size;
  uint32_t reserved;
  /* A connection was accepted (with TLS: after its handshake). Returns the transport's connection,
   * or NULL to drop it. `listener_user` is what listen() was given. [loop] */
  void* (*accepted)(void* listener_user, nx_stream* stream, const nx_stream_info* info);
  /* Bytes came in. Returns how many were used; the rest is kept and comes again in front of the
   * next bytes, or after set_reading(1). The transport may write into data[0..size), for example
   * to unmask; what it left unused comes back as it left it. Called again at once while it uses
   * some but not all, unless reading is off. [loop] */
  uint64_t (*received)(void* connection, uint8_t* data, uint64_t size);
  /* The output queue, which had not fitted into the socket, is empty again. [loop] */
  void (*drained)(void* connection);
  /* The deadline set by set_deadline() passed. [loop] */
  void (*deadline)(void* connection);
  /* The stream is over and gone; exactly once after accepted() returned a connection, never from
   * inside a stream function. reason is NX_CLOSED_*. [loop] */
  void (*closed)(void* connection, uint32_t reason, nx_str text);
  /* What is queued is about to leave, and at_flush() asked for this call: once for each time that
   * it did. May append. NULL for a transport that never asks. [loop] */
  void (*flushing)(void* connection);
  /* Is a connection that begins with these bytes for this listener? Answers NX_RECOGNIZE_*. Asked
   * only where an address is shared, before accepted(), and again with all the bytes so far when
   * more have come; they then go to received() as if nobody had looked. Without side effects. May
   * be NULL: never shares. [loop] */
  uint32_t (*recognize)(void* listener_user, const uint8_t* data, uint64_t size);
} nx_stream_handler;

/* How far a stream has come. All of them only grow, and count from its beginning; with TLS they
 * are the bytes inside. */
typedef struct nx_stream_progress {
  uint32_t struct_size; /* set by the caller */
  uint32_t reserved;
  uint64_t received; /* read from the socket */
  uint64_t appended; /* put into the output queue */
  /* Of those, what the other side is known to have: its system has acknowledged it (TCP), or it
   * has read it (Unix sockets). What only waits in buffers of this machine's system is not in it.
   * Never more than the truth; exact once nothing is under way. */
  uint64_t acknowledged;
  /* How many bytes the other side has made room for, those that it has included. It grows while a
   * peer reads out of its system's buffer, also when that has acknowledged everything long ago.
   * Where that is not known, the same as `acknowledged`. */
  uint64_t room;
} nx_stream_progress;

typedef struct nx_host_streams_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Binds and listens; every loop accepts. `handler` and `user` live until the listener is closed
   * and every stream has ended. A stale Unix socket file is replaced, a live one refused. An
   * address that another listener of this router has is shared, if both want that (shares_as), it
   * is written the same way, has no port 0, and all options of the socket and of TLS are the same.
   * A component of another kind that listens is stopped with the router, and not when its realm is
   * removed. [main] */
  nx_status (*listen)(nx_host* host, const nx_listen_options* options,
                      const nx_stream_handler* handler, void* user, nx_listener** out,
                      nx_error* error);
  /* The bound addresses with real ports, index 0, 1, … until NX_E_INVALID; lent until the
   * listener is closed. [main] */
  nx_status (*address)(nx_listener* listener, uint32_t index, nx_str* out);
  /* Stops accepting and removes a Unix socket file; its streams go on. [main] */
  void (*close_listener)(nx_listener* listener);

  /* Room for `size` contiguous bytes at the end of the output queue; commit() then makes the first
   * `used` of them part of it. NULL when out of memory or closing. [loop] */
  uint8_t* (*reserve)(nx_stream* stream, uint64_t size);
  void (*commit)(nx_stream* stream, uint64_t used);
  /* Appends bytes. With an owner, large parts are counted up and not copied. [loop] */
  nx_status (*write)(nx_stream* stream, const nx_bytes* parts, uint32_t part_count,
                     nx_buffer* owner);
  uint64_t (*queued)(nx_stream* stream); /* bytes not yet taken by the socket [loop] */
  void (*set_reading)(nx_stream* stream, uint32_t on); /* [loop] */
  /* One deadline per stream: handler->deadline is called once, not before delay_ms; 0 = none.
   * A new one replaces the old one. Cheap. [loop] */
  void (*set_deadline)(nx_stream* stream, uint64_t delay_ms);
  /* NX_CLOSE_*; a close with FLUSH waits at most close_timeout_ms for the peer to take what is
   * queued (see set_min_rate()). closed() follows later. `reason` is one of NX_CLOSED_*, handed to
   * closed(). [loop] */
  void (*close)(nx_stream* stream, uint32_t how, uint32_t reason, nx_str text);
  /* Has handler->flushing called once at the end of this turn, before the queue is written: for a
   * transport that puts several messages into one frame. Asking again before that changes nothing.
   * NX_E_CLOSED while closing, NX_E_UNSUPPORTED when the handler has no such function. [loop] */
  nx_status (*at_flush)(nx_stream* stream);

  /* Tells what listen() would refuse these options for, as far as it can be known without opening
   * anything: certificates and keys are read, names are looked up, users and folders too, and the
   * addresses and shares_as of the listeners that were checked before. Calls `mistake` for each,
   * with the usual name of the option ("listen", "tls.key", "unix_owner", …) and a text for the
   * operator, both lent. For configure(). [main] */
  void (*check)(nx_host* host, const nx_listen_options* options,
                void (*mistake)(void* user, nx_str option, nx_str text), void* user);
  /* Writes what is queued now and not at the end of the turn, for those who must know whether the
   * socket has taken it all. Answers the bytes that are still queued; drained() follows for those.
   * NX_E_CLOSED when the stream is closing. [loop] */
  int64_t (*flush)(nx_stream* stream);
  /* 1 if this address, with or without a port, is one of the listener's trusted_proxies. [loop] */
  uint32_t (*is_trusted_proxy)(nx_stream* stream, nx_str address);
  /* A trusted proxy has told where the client is: from now on it counts against
   * max_connections_per_address. NX_E_LIMIT when there are as many already, NX_E_INVALID when it
   * is no IP address, NX_E_MEMORY; nothing has changed then. [loop] */
  nx_status (*set_client_address)(nx_stream* stream, nx_str address);
  /* Reads the listener's certificate files again, for connections from now on; open ones stay as
   * they are. On an error everything does. [main] */
  nx_status (*reload)(nx_listener* listener, nx_error* error);
  /* How far this stream has come. Costs two system calls: for deadlines, not for every message.
   * [loop] */
  void (*progress)(nx_stream* stream, nx_stream_progress* out);
  /* From now on a close with FLUSH is not cut off after close_timeout_ms while the other side takes
   * at least so many bytes in a second, averaged over that time; 0 = it is, which is how a stream
   * begins. [loop] */
  void (*set_min_rate)(nx_stream* stream, uint64_t bytes_per_second);
} nx_host_streams_v1;

#ifdef __cplusplus
}
#endif
#endif
