/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A server: where it listens, what it serves, how it stops.
 *
 * Setting up needs no checks: the first failure is kept, with its text, and proa_server_run reports it. That holds for
 * a server for which there was no memory as well.
 */
#ifndef PROA_SERVER_H
#define PROA_SERVER_H
#include "proa/channel.h"
PROA_BEGIN

/** A server, in the thread that runs it. */
typedef struct proa_server proa_server;

/** A handler of a call of bytes; generated services have handlers with their messages. See call.h. */
typedef proa_code (*proa_handler)(proa_call *call);

/** Options of a server. Only grows, by appending. Zero is the default. */
typedef struct proa_server_options {
    unsigned loops;           /**< 0: one, in the thread that runs the server. N: N-1 more threads, handlers of all of
                                   them run at once */
    unsigned workers;         /**< threads for services with on_workers; 0: 8 when there is one, else none */
    proa_loop *loop;          /**< or serve inside this loop, without run and without threads */
    int64_t grace_ns;         /**< ns from drain until what still runs ends as UNAVAILABLE; 0: 30 s */
    size_t receive_bytes_max; /**< bytes of one request; 0: 4 MiB; more ends the call as RESOURCE_EXHAUSTED */
    proa_handler on_call;     /**< on the loop, once before each call's handler: PROA_OK goes on, anything else
                                   answers. For authentication, logging */
    void (*on_drained)(proa_server *server, void *user); /**< once, the last event of a server inside a loop */
    void *user;                 /**< of on_drained; of on_call, by proa_call_user */
    const proa_limits *limits;  /**< copied; NULL: the defaults */
    const proa_trace *trace;    /**< *borrowed (until the server is freed)*; NULL: the loop's */
    uint32_t connections_max;   /**< connections at once; 0: 10000; more are closed as they come */
    uint32_t workers_queue_max; /**< calls that wait for a worker; 0: 1024; more end as RESOURCE_EXHAUSTED */
    int64_t keepalive_ns;       /**< ns without a byte from a client until it is pinged; 0: 2 h; INT64_MAX: never; gRFC A8 */
    int64_t keepalive_timeout_ns; /**< ns more, and its calls end as CANCELLED, the connection closes; 0: 20 s */
    int64_t idle_max_ns;        /**< ns without a call until a connection is drained; 0: for ever; gRFC A9 */
    int64_t age_max_ns;         /**< ns, +-10 %, until a connection is drained; 0: for ever; gRFC A9 */
    int64_t age_grace_ns;       /**< ns from then until what still runs ends as UNAVAILABLE; 0: for ever */
    bool keepalive_permit_without_calls; /**< clients without calls may ping as often as others: every
                                              limits.ping_interval_min_ns; default: every 2 h; gRFC A8 */
} proa_server_options;

/** Options of an address to listen on. Only grows, by appending. */
typedef struct proa_listen_options {
    proa_tls *tls;      /**< NULL: plaintext; held, not taken */
    unsigned unix_mode; /**< permissions of a Unix socket's file, as 0660; 0: those that the umask leaves */
} proa_listen_options;

/** Options of a service. Only grows, by appending. */
typedef struct proa_serve_options {
    void *user;             /**< for proa_call_user; *borrowed (until the server is freed)* */
    bool on_workers;        /**< handlers may wait: they run on worker threads */
    size_t queue_bytes_max; /**< unsent bytes of one call before a push says false; 0: 64 KiB */
} proa_serve_options;

/** The function behind proa_server_new. */
PROA_API proa_server *proa_server_new_(const proa_server_options *options, size_t options_size);

/** Makes a server. @p options may be NULL.
 *
 * Ownership: *owned (free with proa_server_free)*. Without memory, run reports PROA_ERR_NOMEM. Thread: any, one.
 */
static inline proa_server *proa_server_new(const proa_server_options *options)
{
    return proa_server_new_(options, sizeof *options);
}

/** The function behind proa_server_listen. */
PROA_API proa_err proa_server_listen_(proa_server *server, const char *address, const proa_listen_options *options,
                                      size_t options_size);

/** Binds an address and listens; calls are taken once the server runs. @p options may be NULL.
 *
 * @p address is "host:port", "[::]:port" (IPv4 too) or "unix:path"; port 0 takes a free one. A socket file that nobody
 * listens on any more is replaced, and ours is removed when the server has drained. Errors, also kept for run:
 * PROA_ERR_ADDRESS, PROA_ERR_IO, PROA_ERR_TLS, PROA_ERR_NOMEM. Thread: that which sets up.
 */
static inline proa_err proa_server_listen(proa_server *server, const char *address, const proa_listen_options *options)
{
    return proa_server_listen_(server, address, options, sizeof *options);
}

/** The index-th address that the server listens on, with the port that 0 became: "127.0.0.1:40123", "unix:/run/x". A
 * channel takes it as its target. NULL: there is none. *borrowed (until the server is freed)*. */
PROA_API const char *proa_server_address(const proa_server *server, unsigned index);

/** The function behind proa_server_serve_bytes. */
PROA_API proa_err proa_server_serve_bytes_(proa_server *server, const char *path, proa_handler handler,
                                           const proa_serve_options *options, size_t options_size);

/** Serves a path as a call of bytes; @p path NULL: whatever nobody serves. @p options may be NULL. Generated services
 * have functions of their own: `helloworld_Greeter_serve`.
 *
 * Errors, also kept for run: PROA_ERR_CONFIG, the path is served already or the server runs; PROA_ERR_NOMEM. Thread:
 * that which sets up.
 */
static inline proa_err proa_server_serve_bytes(proa_server *server, const char *path, proa_handler handler,
                                               const proa_serve_options *options)
{
    return proa_server_serve_bytes_(server, path, handler, options, sizeof *options);
}

/** Serves in this thread until the server has drained; not with options.loop.
 *
 * Errors: the first failure of setting up or of running, @p error says where and why. @p error may be NULL.
 */
PROA_API PROA_CHECK proa_err proa_server_run(proa_server *server, proa_error *error);

/** Stops gracefully: no new connections, GOAWAY to those there are (RFC 9113 6.8), what runs may end within grace_ns,
 * then it ends as UNAVAILABLE. A second time does nothing. Thread: any, and safe in a signal handler. */
PROA_API void proa_server_drain(proa_server *server);

/** Frees a server that has drained or never ran; one inside a loop that still serves is stopped at once, and calls that
 * other threads answer are waited for. NULL is fine. Thread: that which ran it; inside a callback only from on_drained
 * on. Where calls through its channels in process had parents on loops of other threads, it is freed when these loops
 * run no more. */
PROA_API void proa_server_free(proa_server *server);

/** The rest of main: runs, drains at SIGTERM or SIGINT, says on standard error what failed, frees. Returns what main
 * returns. Thread: the main one. */
PROA_API int proa_server_main(proa_server *server);

/** Opens a channel to a server of this process: no socket, no thread, the whole stack otherwise. The server needs
 * no address and no run: the thread that waits on a call drives both ends. With options.loop both are on that loop, and
 * outside of its callbacks its thread may use the waiting verbs as well: they turn the loop. Serve before the first call.
 *
 * NULL, which every function takes: no memory. Ownership: *owned (free with proa_channel_close)*, before the server is
 * freed. Thread: the server's; then any, and with a loop that of the loop.
 */
PROA_API proa_channel *proa_server_channel(proa_server *server);

/** The function behind proa_server_get_counters. */
PROA_API void proa_server_get_counters_(const proa_server *server, proa_counters *out, size_t out_size);

/** Reads what a server counted. Each number is exact; two of them may be a turn apart. Thread: any. */
static inline void proa_server_get_counters(const proa_server *server, proa_counters *out)
{
    proa_server_get_counters_(server, out, sizeof *out);
}

PROA_END
#endif
