/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One RPC, on the client or on the server: the same object, the same verbs, one place to look for errors, the status.
 *
 * Traffic has four verbs: push and pop never wait, send and receive do. Waiting verbs are for threads: in a handler or
 * a callback on a loop they are a programmer's error and assert at once. Messages go through generated functions
 * (`telemetry_Host_Watch_push_reply`); the ones here move bytes.
 *
 * Thread, unless said otherwise: the call's loop; or the one thread that waits on it (one may send while another
 * receives); or, in a handler on a worker, that worker.
 */
#ifndef PROA_CALL_H
#define PROA_CALL_H
#include "proa/loop.h"
#include "proa/status.h"
PROA_BEGIN

/** One RPC. Who made it ends it with proa_call_end, unless it has a parent or an on_done: then it goes by itself. */
typedef struct proa_call proa_call;
/** A way to a server; see channel.h. */
typedef struct proa_channel proa_channel;
/** The table of one method. *static*, generated. */
typedef struct proa_method proa_method;

/** One header or trailer. Frozen. A name is lower case; the value of a name that ends in "-bin" is raw bytes, base64
 * only on the wire. */
typedef struct proa_header {
    proa_bytes name;  /**< lower case */
    proa_bytes value; /**< text of visible ASCII and spaces, or raw bytes */
} proa_header;

/** A list of headers, duplicates kept in order. Frozen. `data == NULL`: they have not come. */
typedef struct proa_headers {
    const proa_header *data; /**< the first, or NULL */
    size_t count;            /**< how many */
} proa_headers;

/** A callback of a call. It runs in the loop's thread, never inside a verb. */
typedef void (*proa_on_call)(proa_call *call, void *user);

/** @name Any call
 * @{ */

/** The path of a call's method: "/telemetry.Host/Watch". *borrowed (until the call ends)*. */
PROA_API const char *proa_call_path(const proa_call *call);

/** An arena that lives as long as the call: for replies and what they point to. *borrowed (until the call ends)*. */
PROA_API proa_arena *proa_call_arena(proa_call *call);

/** The headers that the client sent, without those that gRPC reserves. *borrowed (until the call ends)*. */
PROA_API proa_headers proa_call_request_headers(proa_call *call);

/** The headers that the server sent, without those that gRPC reserves; `data == NULL`: not yet there.
 * *borrowed (until the call ends)*. */
PROA_API proa_headers proa_call_reply_headers(proa_call *call);

/** What the server sent behind the last message; `data == NULL`: not yet there. *borrowed (until the call ends)*. */
PROA_API proa_headers proa_call_trailers(proa_call *call);

/** Finds the last header of that name (any case), or an absent value. *borrowed (as headers are)*. Thread: any. */
PROA_API proa_bytes proa_headers_get(proa_headers headers, const char *name);

/** Nanoseconds until the call's deadline: INT64_MAX without one, negative when it is over, never 0, so that it can be
 * handed on as a timeout. */
PROA_API int64_t proa_call_remaining_ns(const proa_call *call);

/** Ends a call as CANCELLED, at the peer too, unless it is over already. What it holds stays until its last event.
 * Thread: any. */
PROA_API void proa_call_cancel(proa_call *call);

/** Tells whether a call was cancelled: by the client, by its deadline, by the loss of its connection. Thread: any. */
PROA_API bool proa_call_is_cancelled(const proa_call *call);

/** Tells whether there is room for another message. False also when the call is over or our side has ended. */
PROA_API bool proa_call_can_push(const proa_call *call);

/** Tells whether the peer has said all and all of it was popped; on a client: the status is known. */
PROA_API bool proa_call_is_at_end(const proa_call *call);

/** The outcome. Where waiting is allowed it ends the requests, waits, and drops replies that nobody read; on a loop it
 * is for when the call is at its end, and in on_end or on_done.
 *
 * Ownership: *borrowed (until the call ends)*.
 */
PROA_API proa_status proa_call_status(proa_call *call);

/** @}
 * @name A call that we make
 * It runs on its parent's loop, else on its channel's, else in the threads that wait on it.
 * @{ */

/** Options of a call that we make. Only grows, by appending. Zero is the default. */
typedef struct proa_call_options {
    proa_call *parent;     /**< the served call that this one works for: its deadline, cancellation and trace context go
                                on to this call, this call's progress wakes it, and this call ends with it */
    int64_t timeout_ns;    /**< ns; 0: the channel's; negative: already over; with a parent, whichever ends first */
    proa_headers headers;  /**< to send; copied */
    proa_on_call on_ready; /**< on a loop: a push or a pop may succeed now */
    proa_on_call on_done;  /**< on a loop: once, the last event; the call goes when it returns */
    void *user;            /**< handed to both */
    bool wait_for_ready;   /**< a channel that cannot connect does not fail this call; it waits for its deadline */
} proa_call_options;

/** The function behind proa_call_begin. */
PROA_API proa_call *proa_call_begin_(proa_channel *channel, const char *path, const proa_call_options *options,
                                     size_t options_size);

/** Begins a call of bytes. @p options may be NULL.
 *
 * It needs no check: what fails, the status says. Only without memory for the call itself it is NULL, which every verb
 * takes for a call that ended as RESOURCE_EXHAUSTED; then no callback runs. Ownership: *owned (free with proa_call_end)*
 * unless it has a parent or an on_done. Thread: that of the channel's loop; any, if it has none.
 */
static inline proa_call *proa_call_begin(proa_channel *channel, const char *path, const proa_call_options *options)
{
    return proa_call_begin_(channel, path, options, sizeof *options);
}

/** Says that no request follows (half-close). A second time does nothing. */
PROA_API void proa_call_end_requests(proa_call *call);

/** Frees a call that we made; cancels it if it still runs. Not for one with an on_done or a parent: those go by
 * themselves. NULL is fine. */
PROA_API void proa_call_end(proa_call *call);

/** @}
 * @name A call that we serve
 * A handler is called until it answers. On a loop it never waits: it returns PROA_WAIT and is called again when a
 * request came or the last one was, a full queue has room, a child call moved, its time came, or somebody woke it. It
 * is not called again after cancellation: then on_end alone runs.
 * @{ */

/** What proa_serve_options.user said. *borrowed (as long as the program keeps it)*. */
PROA_API void *proa_call_user(const proa_call *call);

/** Bytes of state that a call always has room for. */
#define PROA_CALL_STATE_SIZE 512

/** The handler's memory between its calls: zeroed at first, the same at each step.
 *
 * Ownership: *borrowed (until on_end has returned)*. Errors: NULL, @p size is over PROA_CALL_STATE_SIZE and there is no
 * memory. The size must be the same each time.
 */
PROA_API void *proa_call_state(proa_call *call, size_t size);

/** Sets what cleans up: it runs once, however the call ended, after the last step of the handler. The status is known
 * in it. Setting it again replaces it. */
PROA_API void proa_call_on_end(proa_call *call, proa_on_call on_end, void *user);

/** Adds a header to the reply; before the first message. Name and value are copied. A name that gRPC reserves or that
 * is no header name, a value that is no text, or a header that comes too late fails the call as INTERNAL. */
PROA_API void proa_call_add_header(proa_call *call, const char *name, proa_bytes value);

/** Adds a trailer, which goes out with the status. Name and value are copied. */
PROA_API void proa_call_add_trailer(proa_call *call, const char *name, proa_bytes value);

/** Adds each of several headers, as proa_call_add_header does. */
PROA_API void proa_call_add_headers(proa_call *call, proa_headers headers);

/** Adds each of several trailers, as proa_call_add_trailer does. */
PROA_API void proa_call_add_trailers(proa_call *call, proa_headers trailers);

/** Sends the headers of the reply now, not with the first message. */
PROA_API void proa_call_push_headers(proa_call *call);

/** Keeps a formatted text for the status and returns @p code, so that a handler writes `return proa_call_fail(…)`. */
PROA_API proa_code proa_call_fail(proa_call *call, proa_code code, const char *format, ...) PROA_PRINTF(3, 4);

/** Keeps a status, copied, and returns its code: to hand on what another call said. */
PROA_API proa_code proa_call_set_status(proa_call *call, proa_status status);

/** Adds a message to the details of the status (google.rpc.Status.details). Encoded at once. */
PROA_API void proa_call_add_detail(proa_call *call, const proa_type *type, const void *detail);

/** Returns PROA_WAIT, and asks to be called again in @p ns nanoseconds at the latest; 0: in the next turn. */
PROA_API proa_code proa_call_wait_ns(proa_call *call, int64_t ns);

/** Returns PROA_WAIT, and asks to be called again in @p ns nanoseconds: traffic does not, only time or a wake. */
PROA_API proa_code proa_call_sleep_ns(proa_call *call, int64_t ns);

/** Has the handler called again. Thread: any, until on_end has returned. */
PROA_API void proa_call_wake(proa_call *call);

/** On a worker: waits @p ns nanoseconds, or until a wake. False: the call is over, so return. */
PROA_API bool proa_call_pause_ns(proa_call *call, int64_t ns);

/** The right to answer a call, once, from any thread. Frozen. While it is held the call, its request, reply and arena
 * stay, even when it is cancelled, and the holder's thread may use the waiting verbs. */
typedef struct proa_later {
    proa_call *call; /**< the call; *borrowed (until it is answered)* */
    uint64_t ticket; /**< tells this call from a later one in the same place: a stale ticket asserts */
} proa_later;

/** Takes the right to answer later; the handler returns what this returns, and is not called again.
 *
 * It returns PROA_LATER and fills in @p out, whatever happens: @p out is valid before the handler returns.
 */
PROA_API PROA_CHECK proa_code proa_call_later(proa_call *call, proa_later *out);

/** Answers. The call, and all memory of it, may be gone when this returns. A second time is an assertion.
 * Thread: any. */
PROA_API void proa_later_finish(proa_later *later, proa_code code);

/** Answers with a text, as proa_call_fail. Thread: any. */
PROA_API void proa_later_fail(proa_later *later, proa_code code, const char *format, ...) PROA_PRINTF(3, 4);

/** @}
 * @name Calls of bytes
 * Messages move and are not copied. A push always takes the message and tells whether there is room for another; who
 * does not stop at false fails the call, as RESOURCE_EXHAUSTED, at twice the bound. A call that is over takes nothing
 * and says false. What is not popped holds the peer back.
 * @{ */

/** One message, contiguous, owned by whoever has it. Frozen. A compressed one stays so between two calls of bytes. */
typedef struct proa_slice {
    proa_bytes bytes; /**< the message, without the five bytes of its gRPC prefix */
    void *hold;       /**< the library's */
    uint32_t flags;   /**< the library's; bit 0: compressed */
} proa_slice;

/** Takes the next message; never waits. False: none is there now.
 *
 * Ownership: @p out is *owned (free with proa_slice_free)*, or pushed on.
 */
PROA_API bool proa_call_pop(proa_call *call, proa_slice *out);

/** Pushes a message; never waits. It takes the slice, whatever it says, and leaves it empty. False: no room for
 * another. */
PROA_API bool proa_call_push(proa_call *call, proa_slice *slice);

/** Waits for the next message and takes it. False: there is none any more. Ownership: as proa_call_pop. */
PROA_API bool proa_call_receive(proa_call *call, proa_slice *out);

/** Waits for room and pushes a message. It takes the slice, whatever it says. False: the call is over. */
PROA_API bool proa_call_send(proa_call *call, proa_slice *slice);

/** Makes a slice of a copy of bytes.
 *
 * Ownership: @p out is *owned (free with proa_slice_free)*, or pushed. Errors: PROA_ERR_NOMEM. Thread: any.
 */
PROA_API PROA_CHECK proa_err proa_slice_copy(proa_bytes bytes, proa_slice *out);

/** Frees a slice and leaves it empty. Thread: any. */
PROA_API void proa_slice_free(proa_slice *slice);

/** @} */

/** Who is at the other end. Only ever read by pointer, so it may grow. */
typedef struct proa_peer {
    proa_bytes address;             /**< "ipv4:192.0.2.1:4711", "ipv6:[2001:db8::1]:4711", "unix:"; "inproc:" */
    bool is_encrypted;              /**< TLS */
    bool is_verified;               /**< its certificate was checked against a CA */
    proa_bytes tls_subject;         /**< the subject of its certificate, RFC 2253 */
    proa_bytes tls_certificate_der; /**< its certificate, DER */
    proa_list_bytes tls_dns_names;  /**< DNS names of its certificate */
    proa_list_bytes tls_uris;       /**< URIs of its certificate (SPIFFE) */
    int64_t pid;                    /**< of a Unix socket's peer; else -1 */
    int64_t uid;                    /**< of a Unix socket's peer; else -1 */
    int64_t gid;                    /**< of a Unix socket's peer; else -1 */
} proa_peer;

/** Tells who is at the other end; never NULL. *borrowed (until the call ends)*. */
PROA_API const proa_peer *proa_call_peer(proa_call *call);

PROA_END
#endif
