/* SPDX-License-Identifier: Apache-2.0 */
/* rpc: the semantics of gRPC calls over one HTTP/2 connection, without I/O (PROTOCOL-HTTP2.md).
 *
 * Owns: an h2_connection and the exchanges on it: headers, 5-byte framing, deadlines, cancellation, status, metadata.
 * Never does: sockets, clocks, threads, Protobuf (messages are bytes), user code. Events are pulled, commands only queue.
 * Used by: link, which pumps it, and call, which gives each exchange to a proa_call.
 * An exchange is one call on a server, one attempt of a call on a client. It lives until rpc_exchange_release after its
 * RPC_EVENT_END. */
#ifndef RPC_RPC_H
#define RPC_RPC_H
#include "h2/h2.h"
#include "proa/call.h"

typedef struct rpc_endpoint rpc_endpoint;
typedef struct rpc_exchange rpc_exchange;

typedef struct rpc_options {
    h2_role role;
    limits limits;
    size_t receive_bytes_max;     /* one message; 0: LIMITS_RECEIVE_BYTES_MAX */
    hold_pool *pool;              /* borrowed; where received messages live; NULL: the heap */
    slab *streams;                /* borrowed; blocks of rpc_exchange_block_size(); NULL: the connection's own */
    const trace *trace;
    uint64_t seed;
    proa_bytes authority;         /* client: copied; :authority of every call */
    proa_bytes user_agent;        /* client: copied; empty: "grpc-c-proa/VERSION". A call's own user-agent, a header like
                                     others, goes in front of it */
    bool is_tls;                  /* client: :scheme https */
    /* Both: a PING when nothing was read for that long, 0: never; and how long the peer may then be silent, 0: 20 s, until
     * the connection is lost. A client pings while it has calls only, and before a call that begins after such a silence,
     * unless without_calls (gRFC A8, A18). */
    int64_t keepalive_ns, keepalive_timeout_ns;
    bool keepalive_without_calls;
    /* Server, gRFC A9: drains when it had no call for idle_max_ns, and at the age of age_max_ns +-10 %; what still runs
     * age_grace_ns after the last GOAWAY of that ends as by rpc_endpoint_stop. 0: never. */
    int64_t idle_max_ns, age_max_ns, age_grace_ns;
    bool keepalive_permit_without_calls;   /* server: a client without calls may ping as often as one that has some */
} rpc_options;
size_t rpc_exchange_block_size(void);
rpc_endpoint *rpc_endpoint_new(const rpc_options *options, int64_t now);   /* owned; NULL: no memory */
/* Exchanges not yet released are detached: commands on them do nothing. Those that had their END keep their messages, the
 * others have ended without one. */
void rpc_endpoint_free(rpc_endpoint *endpoint);

/* ---- The five verbs, as of h2. Commands and tick cause events as well: pull again. */
void rpc_endpoint_feed(rpc_endpoint *endpoint, proa_bytes bytes, int64_t now);
typedef enum rpc_event_type {
    RPC_EVENT_NONE = 0,
    RPC_EVENT_READY,      /* connection: the peer's first SETTINGS arrived (resets backoff, doc/connection-backoff.md) */
    RPC_EVENT_ROOM,       /* client: rpc_exchange_begin may succeed again */
    RPC_EVENT_CALL,       /* server: exchange is a new call; path, headers and deadline can be read */
    RPC_EVENT_HEADERS,    /* client: the reply's headers arrived */
    RPC_EVENT_MESSAGE,    /* further whole messages came and can be popped; once for all that came together */
    RPC_EVENT_HALF_CLOSE, /* server: the client ended its messages; what was received can still be popped */
    RPC_EVENT_WRITABLE,   /* queued bytes fell under half the bound after a push had said false */
    RPC_EVENT_END,        /* exchange: its last event, exactly once. client: status, trailers can be read, after queued
                             messages were popped they are still there. server: how it ended */
    RPC_EVENT_GOAWAY,     /* connection: begins no more calls; running ones go on. ENHANCE_YOUR_CALM with "too_many_pings" in
                             debug: the client pings too often (gRFC A8), rpc_event_is_too_many_pings */
    RPC_EVENT_CLOSED      /* connection: its last event, after END of every exchange */
} rpc_event_type;
typedef struct rpc_event {         /* what belongs to another type is not set */
    rpc_event_type type;
    rpc_exchange *exchange;       /* of those of an exchange */
    bool is_unprocessed;          /* END on a client: surely not acted upon: may be sent again (gRFC A6 transparent retry) */
    bool is_unsent;               /* and its headers have not even left */
    h2_fault fault;               /* CLOSED, GOAWAY */
    proa_bytes debug;             /* GOAWAY: borrowed until the next event */
} rpc_event;
bool rpc_endpoint_next_event(rpc_endpoint *endpoint, rpc_event *out);
bool rpc_event_is_too_many_pings(const rpc_event *event);   /* of GOAWAY: a new connection has to double keepalive_ns (gRFC A8) */
bool rpc_endpoint_emit(rpc_endpoint *endpoint, h2_output *out, int64_t now);
void rpc_endpoint_sent(rpc_endpoint *endpoint, size_t size);
int64_t rpc_endpoint_deadline(const rpc_endpoint *endpoint);
void rpc_endpoint_tick(rpc_endpoint *endpoint, int64_t now);

h2_connection *rpc_endpoint_connection(rpc_endpoint *endpoint);   /* for tests: borrowed */
bool rpc_endpoint_wants_input(const rpc_endpoint *endpoint);
bool rpc_endpoint_is_over(const rpc_endpoint *endpoint);     /* close the transport */
bool rpc_endpoint_can_begin(const rpc_endpoint *endpoint);   /* client: there is room for another call now */
unsigned rpc_endpoint_exchanges(const rpc_endpoint *endpoint);   /* running */
const h2_counters *rpc_endpoint_counters(const rpc_endpoint *endpoint);
uint64_t rpc_endpoint_oversized(const rpc_endpoint *endpoint);   /* messages refused for their size, so far */
void rpc_endpoint_drain(rpc_endpoint *endpoint);             /* graceful; CLOSED when the last exchange ended */
/* Now: exchanges end, a client's CANCELLED, a server's by answering UNAVAILABLE; then CLOSED. */
void rpc_endpoint_stop(rpc_endpoint *endpoint);
/* The transport is gone: exchanges end, a client's UNAVAILABLE, a server's CANCELLED; then CLOSED. reason is static. */
void rpc_endpoint_lost(rpc_endpoint *endpoint, const char *reason);

/* ---- Exchanges: client */
typedef struct rpc_request {
    proa_bytes path;              /* "/pkg.Service/Method" */
    proa_headers headers;         /* custom metadata, -bin raw; encoded at once */
    int64_t deadline_ns;          /* monotonic; INT64_MAX: none */
    size_t receive_bytes_max;     /* 0: the endpoint's */
    void *user;
} rpc_request;
/* LIMIT: no room, ROOM follows. CLOSED: begins no more. MALFORMED: the path, or a name or value that HTTP or gRPC forbids
 * or reserves. NOMEM. A deadline that is over, or more headers than the server takes: it begins, sends nothing, and END
 * follows, DEADLINE_EXCEEDED or RESOURCE_EXHAUSTED. */
proa_err rpc_exchange_begin(rpc_endpoint *endpoint, const rpc_request *request, int64_t now, rpc_exchange **out);
void rpc_exchange_end_requests(rpc_exchange *exchange);      /* half-close, after what was pushed */
/* ---- Exchanges: server */
proa_bytes rpc_exchange_path(const rpc_exchange *exchange);  /* borrowed until release; always "/service/method" */
bool rpc_exchange_is_foreign(const rpc_exchange *exchange);  /* its messages are not proto: "application/grpc+json" */
/* Once, before the first message, which implies it. CLOSED: too late. MALFORMED, NOMEM: nothing was sent. LIMIT: larger than
 * the client takes (SETTINGS_MAX_HEADER_LIST_SIZE), and the call has ended as RESOURCE_EXHAUSTED. */
proa_err rpc_exchange_send_headers(rpc_exchange *exchange, proa_headers headers);
/* Trailers (Trailers-Only when nothing was sent before). The message is percent-encoded, and what is longer than
 * LIMITS_STATUS_MESSAGE_BYTES_MAX then is cut; details become grpc-status-details-bin unless the code is OK. END follows
 * when all has left, RST_STREAM(NO_ERROR) goes behind it if the client still sends. A second finish does nothing.
 * MALFORMED, NOMEM: nothing was sent, it goes on. Larger than the client takes: only the code is sent, RESOURCE_EXHAUSTED in
 * the place of OK. */
proa_err rpc_exchange_finish(rpc_exchange *exchange, const proa_status *status, proa_headers trailers);
/* ---- Exchanges: both */
void *rpc_exchange_user(const rpc_exchange *exchange);
void rpc_exchange_set_user(rpc_exchange *exchange, void *user);
void rpc_exchange_release(rpc_exchange *exchange);           /* after END */
int64_t rpc_exchange_deadline(const rpc_exchange *exchange); /* monotonic ns; INT64_MAX: none */
/* Ends it now with this status on our side: RST_STREAM with the code that the status maps to (CANCEL instead of
 * REFUSED_STREAM: somebody saw it), messages not yet popped are dropped, END follows. text is static. */
void rpc_exchange_cancel(rpc_exchange *exchange, proa_code code, const char *text);
/* Messages out. body has RPC_ENVELOPE_SIZE writable bytes in front of it; copied. true: there is room for another. */
#define RPC_ENVELOPE_SIZE 5
bool rpc_exchange_push(rpc_exchange *exchange, char *body, size_t size);
void rpc_exchange_push_last(rpc_exchange *exchange, char *body, size_t size);   /* client: the same, and half-closes with it */
bool rpc_exchange_push_slice(rpc_exchange *exchange, proa_slice *slice);     /* takes it */
bool rpc_exchange_can_push(const rpc_exchange *exchange);    /* queued bytes are under the bound and it did not end */
size_t rpc_exchange_queued(const rpc_exchange *exchange);    /* bytes pushed and not yet framed */
void rpc_exchange_set_queue_max(rpc_exchange *exchange, size_t bytes);       /* default LIMITS_QUEUE_BYTES_MAX */
/* Messages in. Popping returns flow-control credit. The slice has HOLD_SLOP readable bytes behind it. */
bool rpc_exchange_pop(rpc_exchange *exchange, proa_slice *out);
bool rpc_exchange_has_message(const rpc_exchange *exchange);
bool rpc_exchange_is_half_closed(const rpc_exchange *exchange);   /* the peer will send no more messages */
/* Metadata without the reserved names (user-agent is none), -bin decoded (comma-split first). Built in the arena of the
 * first who asks, then the same for all. data NULL: not there (yet), or no memory, which the arena remembers. */
proa_headers rpc_exchange_request_headers(rpc_exchange *exchange, proa_arena *arena);
proa_headers rpc_exchange_reply_headers(rpc_exchange *exchange, proa_arena *arena);
proa_headers rpc_exchange_trailers(rpc_exchange *exchange, proa_arena *arena);
/* MALFORMED: a name or value that HTTP or gRPC forbids or reserves, so that sending it would fail. */
proa_err rpc_headers_check(proa_headers headers);
bool rpc_exchange_has_ended(const rpc_exchange *exchange);
proa_status rpc_exchange_status(rpc_exchange *exchange, proa_arena *arena);  /* after END; in arena, or static */

/* ---- Tables that live here and nowhere else; each row cites its source. */
proa_code rpc_code_of_http(unsigned http_status);
proa_code rpc_code_of_h2(uint32_t h2_code_value);
uint32_t rpc_h2_of_code(proa_code code);
proa_code rpc_code_of_err(proa_err error);
#endif
