/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_CALL_H
#define PROA_CALL_H
#include "proa/loop.h"
#include "proa/status.h"
PROA_BEGIN
typedef struct proa_call proa_call;         /* one RPC, on the client or on the server */
typedef struct proa_channel proa_channel;
typedef struct proa_method proa_method;
typedef struct proa_header { proa_bytes name, value; } proa_header;      /* the value of x-bin is raw bytes */
typedef struct proa_headers { const proa_header *data; size_t count; } proa_headers;
typedef void (*proa_on_call)(proa_call *call, void *user);

/* ---- Any call. Thread: its loop; or the one thread that waits on it (one to send, one to receive); or "any". */
PROA_API const char *proa_call_path(const proa_call *call);       /* borrowed: "/telemetry.Host/Watch" */
PROA_API proa_arena *proa_call_arena(proa_call *call);            /* borrowed until the call ends */
PROA_API proa_headers proa_call_request_headers(proa_call *call); /* without the reserved ones; borrowed likewise */
PROA_API proa_headers proa_call_reply_headers(proa_call *call);   /* data == NULL: not yet there */
PROA_API proa_headers proa_call_trailers(proa_call *call);
PROA_API proa_bytes proa_headers_get(proa_headers headers, const char *name);  /* the last one, or absent */
PROA_API int64_t proa_call_remaining_ns(const proa_call *call);   /* INT64_MAX: no deadline; negative: over; never 0 */
PROA_API void proa_call_cancel(proa_call *call);                  /* any */
PROA_API bool proa_call_is_cancelled(const proa_call *call);      /* any */
/* A push always takes the message and says whether there is room for another. Not stopping at false fails the call at
 * twice the bound. A call that is over takes nothing and says false. pop never waits; what it gives is borrowed until
 * the next pop; not popping is what slows the peer down. send and receive wait: on a loop they are an assertion. */
PROA_API bool proa_call_can_push(const proa_call *call);
PROA_API bool proa_call_is_at_end(const proa_call *call);         /* the peer said all, all was popped; client: status known */
PROA_API proa_status proa_call_status(proa_call *call);           /* borrowed; waits where waiting is allowed, dropping unread
                                                                     replies; on a loop: at the end, or in on_end */
/* ---- A call that we make. It runs on its parent's loop, else on its channel's, else in the threads that wait. */
typedef struct proa_call_options {
    proa_call *parent;            /* the call that this one serves: deadline, cancellation, trace; wakes it; ends with it */
    int64_t timeout_ns;           /* 0: the channel's; negative: already over */
    proa_headers headers;         /* copied */
    proa_on_call on_ready;        /* loop: a push or a pop may succeed now */
    proa_on_call on_done;         /* loop: once, the last event; the call goes when it returns */
    void *user;
    bool wait_for_ready;
} proa_call_options;
PROA_API proa_call *proa_call_begin_(proa_channel *, const char *path, const proa_call_options *, size_t);
static inline proa_call *proa_call_begin(proa_channel *channel, const char *path, const proa_call_options *options)
{ return proa_call_begin_(channel, path, options, sizeof *options); }    /* bytes; never NULL: the status says what failed */
PROA_API void proa_call_end_requests(proa_call *call);            /* half-close; twice is fine */
PROA_API void proa_call_end(proa_call *call);                     /* frees, cancels what runs; not with on_done or a parent */

/* ---- A call that we serve. */
PROA_API void *proa_call_user(const proa_call *call);             /* what X_serve was given */
#define PROA_CALL_STATE_SIZE 512
PROA_API void *proa_call_state(proa_call *call, size_t size);     /* zeroed, then the same at each step; NULL: over
                                                                     PROA_CALL_STATE_SIZE and no memory */
PROA_API void proa_call_on_end(proa_call *call, proa_on_call on_end, void *user);  /* once, however it ended */
PROA_API void proa_call_add_header(proa_call *call, const char *name, proa_bytes value);  /* copied; before a message */
PROA_API void proa_call_add_trailer(proa_call *call, const char *name, proa_bytes value);
PROA_API void proa_call_add_headers(proa_call *call, proa_headers headers);
PROA_API void proa_call_add_trailers(proa_call *call, proa_headers trailers);
PROA_API void proa_call_push_headers(proa_call *call);            /* now, not with the first message */
PROA_API proa_code proa_call_fail(proa_call *call, proa_code code, const char *format, ...) PROA_PRINTF(3, 4);
PROA_API proa_code proa_call_set_status(proa_call *call, proa_status status);      /* copied; returns its code */
PROA_API void proa_call_add_detail(proa_call *call, const proa_type *type, const void *detail);
/* On a loop a handler is called again after PROA_WAIT when a request came or the last one was, a full queue has room, a
 * child moved, its time came, or a wake. Not after cancellation: then on_end alone runs. */
PROA_API proa_code proa_call_wait_ns(proa_call *call, int64_t ns);   /* PROA_WAIT, at most ns; 0: next turn */
PROA_API proa_code proa_call_sleep_ns(proa_call *call, int64_t ns);  /* only time or a wake */
PROA_API void proa_call_wake(proa_call *call);                    /* any; until on_end returned */
PROA_API bool proa_call_pause_ns(proa_call *call, int64_t ns);    /* on a worker: waits; false: the call is over */
/* The right to answer, once, from any thread. While it is held, call, request and reply stay, even when cancelled. */
typedef struct proa_later { proa_call *call; uint64_t ticket; } proa_later;
PROA_API PROA_CHECK proa_code proa_call_later(proa_call *call, proa_later *out);
PROA_API void proa_later_finish(proa_later *later, proa_code code);  /* a second time is an assertion */
PROA_API void proa_later_fail(proa_later *later, proa_code code, const char *format, ...) PROA_PRINTF(3, 4);

/* ---- Calls of bytes. Messages move: no copy; compressed ones stay so when both ends are calls of bytes. */
typedef struct proa_slice { proa_bytes bytes; void *hold; uint32_t flags; } proa_slice;
PROA_API bool proa_call_pop(proa_call *call, proa_slice *out);    /* owned: push it on, or proa_slice_free */
PROA_API bool proa_call_push(proa_call *call, proa_slice *slice); /* takes it, whatever it says */
PROA_API bool proa_call_receive(proa_call *call, proa_slice *out);
PROA_API bool proa_call_send(proa_call *call, proa_slice *slice);
PROA_API PROA_CHECK proa_err proa_slice_copy(proa_bytes bytes, proa_slice *out);
PROA_API void proa_slice_free(proa_slice *slice);

typedef struct proa_peer {                  /* only ever read by pointer: may grow */
    proa_bytes address;                     /* "ipv4:192.0.2.1:4711", "unix:" */
    bool is_encrypted, is_verified;
    proa_bytes tls_subject, tls_certificate_der;
    proa_list_bytes tls_dns_names, tls_uris;
    int64_t pid, uid, gid;                  /* Unix sockets; else -1 */
} proa_peer;
PROA_API const proa_peer *proa_call_peer(proa_call *call);        /* borrowed until the call ends */
PROA_END
#endif
